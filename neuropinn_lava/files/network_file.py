"""Network files: the records of `spec.py` or `quantized.py`, field by field, sealed. docs/format.md defines the format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.arrays import record_digest
from ..base.errors import FileFormatError, SpecError
from ..network.given_networks import checked_network
from ..network.quantized import Network, QuantizedNetwork
from ..network.spec import NetworkSpec
from . import schema_1
from .atomic import write_bytes
from .sealed_file import Seal

if TYPE_CHECKING:
    import h5py

KINDS: dict[int, dict[str, Any]] = {
    1: {"float": schema_1.NetworkSpec, "quantized": schema_1.QuantizedNetwork},
    2: {"float": NetworkSpec, "quantized": QuantizedNetwork},
}
"""Types of network that a file can hold, by its schema and the name in its `kind` attribute."""
SEAL = Seal(
    noun="network",
    schema=2,
    known=tuple(KINDS),
    writer="`neuropinn-lava train`, `convert`, or `neuropinn_lava.write_network`",
    again="Export the network again",
)
"""The kind of sealed file."""


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
    return SEAL.check_path(path)


def network_bytes(network: Network) -> bytes:
    """Return the contents of a network's file as bytes."""
    from .record_store import write_record

    def fill(file: h5py.File) -> None:
        file.attrs["kind"] = "quantized" if isinstance(network, QuantizedNetwork) else "float"
        file.attrs["digest"] = network.digest()
        write_record(file.create_group("network", track_order=True), network)

    return SEAL.contents(fill)


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
    return SEAL.read(path, lambda file, schema: _read_contents(file, schema, str(path)))


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
