"""HDF5 files behind a header whose digest is checked before HDF5 is opened: those of networks and of states.

    bytes 0 … 511      header, ASCII, padded with zero bytes: magic, schema version, length and SHA-256 of all that follows
    bytes 512 …        HDF5

Damaged HDF5 metadata can hang libhdf5, so a file is parsed only if its digest matches; a full disk can crash libhdf5, so a
file is built in memory and written as bytes. Only numbers and strings are read: no links out of the file, no compression, no
code.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..base.arrays import Record
from ..base.errors import FileFormatError, NeuroPinnError, SpecError
from .atomic import check_writable

if TYPE_CHECKING:
    import h5py

_Contents = TypeVar("_Contents")

HEADER_BYTES = 512
"""Size of the HDF5 user block: the smallest that HDF5 allows."""
SUFFIX = ".h5"
"""How the name of a sealed file ends."""
MAX_FILE_BYTES = 1 << 30
"""Larger files are refused; a network of 10**7 weights takes 80 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal(Record):
    """One kind of sealed file."""

    noun: str
    """What a file holds, for errors: a network, a state."""
    schema: int
    """Version that is written; it changes when an older reader would misunderstand a newer file."""
    known: tuple[int, ...]
    """Versions that are read."""
    writer: str
    """Who writes such files, for errors."""
    again: str
    """What the user does to get a new file, for errors, as a sentence without its full stop."""

    @property
    def magic(self) -> str:
        """First line of the header."""
        return f"neuropinn-lava {self.noun}"

    def header(self, length: int, sha: str, schema: int | None = None) -> bytes:
        """Build the header of a body from its length, SHA-256 and schema."""
        text = f"{self.magic}\nschema {self.schema if schema is None else schema}\nlength {length}\nsha256 {sha}\n"
        return text.encode().ljust(HEADER_BYTES, b"\0")

    def check_path(self, path: str | Path) -> Path:
        """Check that a path ends in .h5 and can be written, before the computation whose result it stores.

        Raises:
            SpecError: If it does not end in .h5, or cannot be written.
        """
        target = Path(path)
        if target.suffix.lower() != SUFFIX:
            other = "; `neuropinn-lava export` writes other formats" if self.noun == "network" else ""
            repair = f"Name it {target.stem or 'net'}{SUFFIX}{other}."
            raise SpecError(
                f"output {target}", f"be a name that ends in {SUFFIX}", repr(target.suffix or target.name), repair
            )
        return check_writable(target)

    def contents(self, fill: Callable[[h5py.File], None]) -> bytes:
        """Return a sealed file as bytes; `fill` writes its HDF5."""
        import h5py

        held = io.BytesIO()
        with h5py.File(held, "w", userblock_size=HEADER_BYTES, libver=("earliest", "v110"), track_order=True) as file:
            fill(file)
        body = held.getbuffer()[HEADER_BYTES:]
        return self.header(len(body), hashlib.sha256(body).hexdigest()) + bytes(body)

    def read(self, path: str | Path, parse: Callable[[h5py.File, int], _Contents]) -> _Contents:
        """Read a sealed file; `parse` reads its HDF5, of a schema.

        Raises:
            FileFormatError: If the file is missing, foreign, damaged, of another schema, or breaks a rule of the records.
        """
        import h5py

        schema = self._check_header(Path(path))
        try:
            with h5py.File(path, "r") as file:
                return parse(file, schema)
        except FileFormatError:
            raise
        except Exception as error:  # h5py and the records raise many kinds of errors
            got = str(error) if isinstance(error, NeuroPinnError) else f"{type(error).__name__}: {error}"
            rule = f"have contents that make a {self.noun}"
            raise FileFormatError(f"file {path}", rule, got, f"{self.again}.") from error

    def _check_header(self, path: Path) -> int:
        """Check header, length and digest of a file without parsing its contents; return the version of its schema."""
        where = f"file {path}"
        try:
            if path.exists() and not path.is_file():
                raise FileFormatError(where, "be a regular file", "something else", "Give the path of a file.")
            size = path.stat().st_size
            with open(path, "rb") as file:
                header = file.read(HEADER_BYTES)
        except OSError as error:
            raise FileFormatError(where, "be a file that can be read", error.strerror, "Check the path.") from error
        if size > MAX_FILE_BYTES:
            repair = f"This is not a {self.noun} of this toolkit."
            raise FileFormatError(where, f"have at most {MAX_FILE_BYTES} bytes", size, repair)
        lines = header.rstrip(b"\0").decode("ascii", errors="replace").split("\n")
        if lines[0] != self.magic:
            repair = f"Give a file written by {self.writer}."
            raise FileFormatError(where, f"begin with {self.magic!r}", repr(lines[0][:40]), repair)
        schema = next((known for known in self.known if lines[1:2] == [f"schema {known}"]), None)
        if schema is None:
            again = self.again[0].lower() + self.again[1:]
            repair = f"Use the version of neuropinn-lava that wrote the file, or {again} with this one."
            rule = f"have a schema out of {', '.join(map(str, self.known))}"
            raise FileFormatError(where, rule, repr(lines[1] if len(lines) > 1 else ""), repair)
        length, sha = _measure_body(path)
        if header != self.header(length, sha, schema):
            got = f"{length} bytes with SHA-256 {sha[:12]}…"
            stated = ", ".join(line[:80] for line in lines[2:4])
            repair = "Copy the file again; it is damaged."
            raise FileFormatError(where, f"have the contents that its header states, {stated}", got, repair)
        return schema


def _measure_body(path: Path) -> tuple[int, str]:
    """Compute length and SHA-256 of all bytes after the header."""
    sha, length = hashlib.sha256(), 0
    with open(path, "rb") as file:
        file.seek(HEADER_BYTES)
        while chunk := file.read(1 << 20):
            sha.update(chunk)
            length += len(chunk)
    return length, sha.hexdigest()
