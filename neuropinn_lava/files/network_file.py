"""Network files: HDF5 behind a header whose digest is checked before HDF5 is opened. docs/format.md defines the format.

    bytes 0 … 511      header, ASCII, padded with zero bytes: magic, schema version, length and SHA-256 of all that follows
    bytes 512 …        HDF5: the records of `spec.py` or `quantized.py`, field by field

Damaged HDF5 metadata can hang libhdf5, so a file is parsed only if its digest matches; a full disk can crash libhdf5, so a
file is built in memory and written as bytes. Only numbers and strings are read: no links out of the file, no compression, no
code.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.arrays import record_digest
from ..base.errors import FileFormatError, NeuroPinnError, SpecError
from ..network.given_networks import checked_network
from ..network.quantized import Network, QuantizedNetwork
from ..network.spec import NetworkSpec
from . import schema_1
from .atomic import check_writable, write_bytes

if TYPE_CHECKING:
    import h5py

MAGIC = "neuropinn-lava network"
SCHEMA_VERSION = 2
"""Version of the schema that is written; it changes when an older reader would misunderstand a newer file."""
HEADER_BYTES = 512
"""Size of the HDF5 user block: the smallest that HDF5 allows."""
SUFFIX = ".h5"
"""How the name of a network's file ends."""
MAX_FILE_BYTES = 1 << 30
"""Larger files are refused; a network of 10**7 weights takes 80 MB."""

KINDS: dict[int, dict[str, Any]] = {
    1: {"float": schema_1.NetworkSpec, "quantized": schema_1.QuantizedNetwork},
    2: {"float": NetworkSpec, "quantized": QuantizedNetwork},
}
"""Types of network that a file can hold, by its schema and the name in its `kind` attribute."""


def write_network(network: Network, path: str | Path) -> None:
    """Write a network to an HDF5 file, all of it or none.

    Args:
        network: Float, or quantized with the float network that it came from.
        path: The file, .h5; an old one is replaced.

    Raises:
        SpecError: If `network` is no network, if the path does not end in .h5 or cannot be written, or if the disk is full.
    """
    _check_order(network, path)
    held = checked_network(network, "write_network.network")
    write_bytes(check_network_path(path), network_bytes(held))


def _check_order(first: object, second: object) -> None:
    """Refuse a path in the place of the network, and the network in that of the path."""
    if isinstance(first, (str, Path)) and isinstance(second, (NetworkSpec, QuantizedNetwork)):
        repair = "Swap them: `write_network(network, path)`."
        raise SpecError(
            "write_network.network", "have the network first and its path second", f"{str(first)!r} first", repair
        )


def check_network_path(path: str | Path) -> Path:
    """Check that a path ends in .h5 and can be written, before the computation whose result it stores.

    Raises:
        SpecError: If it does not end in .h5, or cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() != SUFFIX:
        repair = f"Name it {target.stem or 'net'}{SUFFIX}; `neuropinn-lava export` writes other formats."
        raise SpecError(
            f"output {target}", f"be a name that ends in {SUFFIX}", repr(target.suffix or target.name), repair
        )
    return check_writable(target)


def network_bytes(network: Network) -> bytes:
    """Return the contents of a network's file as bytes."""
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
    The digest does not authenticate the author: a malicious file may carry a digest that matches, and can hang or crash
    libhdf5. Use `neuropinn_lava.find_network` for untrusted files: a child process parses them first, in half a second more.

    Args:
        path: The file.

    Raises:
        FileFormatError: If the file is missing, foreign, damaged, of another schema version, or breaks a rule of the records.
    """
    import h5py

    schema = _check_header(Path(path))
    try:
        with h5py.File(path, "r") as file:
            return _read_contents(file, schema, str(path))
    except FileFormatError:
        raise
    except Exception as error:  # h5py and the records raise many kinds of errors
        got = str(error) if isinstance(error, NeuroPinnError) else f"{type(error).__name__}: {error}"
        raise FileFormatError(
            f"file {path}", "have contents that make a network", got, "Export the network again."
        ) from error


def _read_contents(file: h5py.File, schema: int, path: str) -> Network:
    from .record_store import own_member, read_record

    found = sorted([*file.attrs, *file])
    if found != ["digest", "kind", "network"]:
        repair = "Use the version of neuropinn-lava that wrote the file."
        raise FileFormatError(f"file {path}", "have the members digest, kind and network", found, repair)
    kind, kinds = file.attrs.get("kind"), KINDS[schema]
    if kind not in kinds:
        repair = "Export the network again."
        raise FileFormatError(f"file {path}", f"be of a kind out of {', '.join(kinds)}", kind, repair)
    record = read_record(own_member(file, "network"), kinds[kind])
    if record_digest(record) != file.attrs.get("digest"):
        repair = "Export the network again."
        raise FileFormatError(f"file {path}", "have the digest of its network", file.attrs.get("digest"), repair)
    network: Network = record.upgraded() if schema == 1 else record
    return network


def _header(length: int, sha: str, schema: int = SCHEMA_VERSION) -> bytes:
    """Build the header of a body from its length, SHA-256 and schema."""
    text = f"{MAGIC}\nschema {schema}\nlength {length}\nsha256 {sha}\n"
    return text.encode().ljust(HEADER_BYTES, b"\0")


def _measure_body(path: Path) -> tuple[int, str]:
    """Compute length and SHA-256 of all bytes after the header."""
    sha, length = hashlib.sha256(), 0
    with open(path, "rb") as file:
        file.seek(HEADER_BYTES)
        while chunk := file.read(1 << 20):
            sha.update(chunk)
            length += len(chunk)
    return length, sha.hexdigest()


def _check_header(path: Path) -> int:
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
        raise FileFormatError(
            where, f"have at most {MAX_FILE_BYTES} bytes", size, "This is not a network of this toolkit."
        )
    lines = header.rstrip(b"\0").decode("ascii", errors="replace").split("\n")
    if lines[0] != MAGIC:
        repair = "Give a file written by `neuropinn-lava train`, `convert`, or `neuropinn_lava.write_network`."
        raise FileFormatError(where, f"begin with {MAGIC!r}", repr(lines[0][:40]), repair)
    schema = next((known for known in KINDS if lines[1:2] == [f"schema {known}"]), None)
    if schema is None:
        repair = "Use the version of neuropinn-lava that wrote the file, or export the network again with this one."
        rule = f"have a schema out of {', '.join(map(str, KINDS))}"
        raise FileFormatError(where, rule, repr(lines[1] if len(lines) > 1 else ""), repair)
    length, sha = _measure_body(path)
    if header != _header(length, sha, schema):
        got = f"{length} bytes with SHA-256 {sha[:12]}…"
        stated = ", ".join(line[:80] for line in lines[2:4])
        raise FileFormatError(
            where, f"have the contents that its header states, {stated}", got, "Copy the file again; it is damaged."
        )
    return schema
