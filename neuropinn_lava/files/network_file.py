"""Network files: HDF5 behind a header that proves the file whole before any parser opens it. docs/format.md is the contract.

    bytes 0 … 511      header, ASCII, padded with zero bytes: magic, schema version, length and SHA-256 of all that follows
    bytes 512 …        HDF5: the records of `network.py` or `quantized.py`, field by field

Random damage to HDF5 metadata can hang libhdf5 itself, so nothing is parsed whose digest does not match; a full disk can crash
it, so a file is made in memory and written as bytes. Only numbers and strings are read: no links out of the file, no
compression, no code.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import FileFormatError, NeuroPinnError
from ..network.quantized import Network, QuantizedNetwork
from ..network.spec import NetworkSpec
from .atomic import write_bytes

if TYPE_CHECKING:
    import h5py

MAGIC = "neuropinn-lava network"
SCHEMA_VERSION = 1
"""Raised when an older reader would misunderstand a newer file."""
HEADER_BYTES = 512
"""Size of the HDF5 user block: the smallest that HDF5 allows."""
MAX_FILE_BYTES = 1 << 30
"""Larger files are refused; a network of 10**7 weights takes 80 MB."""

KINDS: dict[str, type[NetworkSpec] | type[QuantizedNetwork]] = {"float": NetworkSpec, "quantized": QuantizedNetwork}
"""What a file can hold, by the name in its `kind` attribute."""


def write_network(network: Network, path: str | Path) -> None:
    """Write a network to an HDF5 file, all of it or none.

    Args:
        network: Float, or quantized with the float network that it came from.
        path: The file, by convention .h5; an old one is replaced.

    Raises:
        SpecError: If the path cannot be written, or the disk is full.
    """
    write_bytes(path, network_bytes(network))


def network_bytes(network: Network) -> bytes:
    """Give the contents of a network's file."""
    import h5py

    from .record_store import write_record

    kind = "quantized" if isinstance(network, QuantizedNetwork) else "float"
    held = io.BytesIO()
    with h5py.File(held, "w", userblock_size=HEADER_BYTES, libver=("earliest", "v110"), track_order=True) as file:
        file.attrs["kind"] = kind
        file.attrs["digest"] = network.digest()
        write_record(file.create_group("network", track_order=True), network)
    body = held.getbuffer()[HEADER_BYTES:]
    return _header(len(body), hashlib.sha256(body).hexdigest()) + bytes(body)


def read_network(path: str | Path) -> Network:
    """Read a network from a file written by `write_network`.

    Length and digest in the header are compared before HDF5 is opened, so that a damaged file is an error and never a hang.
    They do not tell who wrote the file: one that is made to do harm may carry a digest that fits, and can hang or crash
    libhdf5. `neuropinn_lava.find_network` is for files of strangers: a child process parses them first, in half a second more.

    Args:
        path: The file.

    Raises:
        FileFormatError: If the file is missing, foreign, damaged, of another schema version, or breaks a rule of the records.
    """
    import h5py

    _check_header(Path(path))
    try:
        with h5py.File(path, "r") as file:
            return _read_contents(file, str(path))
    except FileFormatError:
        raise
    except Exception as error:  # whatever h5py and the records make of contents that a header vouches for
        got = str(error) if isinstance(error, NeuroPinnError) else f"{type(error).__name__}: {error}"
        raise FileFormatError(
            f"file {path}", "contents that make a network", got, "Export the network again."
        ) from error


def _read_contents(file: h5py.File, path: str) -> Network:
    from .record_store import own_member, read_record

    found = sorted([*file.attrs, *file])
    if found != ["digest", "kind", "network"]:
        mend = "Use the version of neuropinn-lava that wrote the file."
        raise FileFormatError(f"file {path}", "members digest, kind and network", found, mend)
    kind = file.attrs.get("kind")
    if kind not in KINDS:
        raise FileFormatError(f"file {path}", f"kind is one of {', '.join(KINDS)}", kind, "Export the network again.")
    network = read_record(own_member(file, "network"), KINDS[kind])
    if network.digest() != file.attrs.get("digest"):
        mend = "Export the network again."
        raise FileFormatError(f"file {path}", "the digest of its network", file.attrs.get("digest"), mend)
    return network


def _header(length: int, sha: str) -> bytes:
    """Give the header of a body of that length and SHA-256."""
    text = f"{MAGIC}\nschema {SCHEMA_VERSION}\nlength {length}\nsha256 {sha}\n"
    return text.encode().ljust(HEADER_BYTES, b"\0")


def _measure_body(path: Path) -> tuple[int, str]:
    """Give length and SHA-256 of all that follows the header."""
    sha, length = hashlib.sha256(), 0
    with open(path, "rb") as file:
        file.seek(HEADER_BYTES)
        while chunk := file.read(1 << 20):
            sha.update(chunk)
            length += len(chunk)
    return length, sha.hexdigest()


def _check_header(path: Path) -> None:
    """Prove the file whole, without a parser."""
    where = f"file {path}"
    try:
        if path.exists() and not path.is_file():
            raise FileFormatError(where, "a regular file", "something else", "Give the path of a file.")
        size = path.stat().st_size
        with open(path, "rb") as file:
            header = file.read(HEADER_BYTES)
    except OSError as error:
        raise FileFormatError(where, "a file that can be read", error.strerror, "Check the path.") from error
    if size > MAX_FILE_BYTES:
        raise FileFormatError(where, f"at most {MAX_FILE_BYTES} bytes", size, "This is not a network of this toolkit.")
    lines = header.rstrip(b"\0").decode("ascii", errors="replace").split("\n")
    if lines[0] != MAGIC:
        mend = "Give a file written by `neuropinn-lava train`, `convert`, or `neuropinn_lava.write_network`."
        raise FileFormatError(where, f"begins with {MAGIC!r}", repr(lines[0][:40]), mend)
    if len(lines) < 2 or lines[1] != f"schema {SCHEMA_VERSION}":
        mend = "Use the version of neuropinn-lava that wrote the file, or export the network again with this one."
        raise FileFormatError(where, f"schema {SCHEMA_VERSION}", repr(lines[1] if len(lines) > 1 else ""), mend)
    length, sha = _measure_body(path)
    if header != _header(length, sha):
        got = f"{length} bytes with SHA-256 {sha[:12]}…"
        stated = ", ".join(line[:80] for line in lines[2:4])
        raise FileFormatError(
            where, f"the contents that its header states, {stated}", got, "Copy the file again; it is damaged."
        )
