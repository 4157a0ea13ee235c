"""What NIR has no nodes for, as metadata of its graph: steps, read-out, box, the host's transforms, provenance.

Numbers are arrays; the built-in conditions and the provenance are the records of a network file, as the bytes of a small HDF5
file.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np

from ...base.checks import as_member
from ...base.errors import FileFormatError
from ...files.record_store import read_record, write_record
from ...network.nodes import InputSpec, NodeSpec, OutputSpec
from ...network.spec import NetworkSpec, Provenance, Readout
from ...network.transforms import AffineTransform, Ansatz

NETWORK_MARK = "neuropinn_lava_network"
"""Key that marks a graph as written here; its value is the version."""
VERSION = "1"
"""Version of the metadata; a reader knows one."""
VSN_MARK = "neuropinn_lava_vsn"
"""Key that marks a node as a layer of Variable Spiking Neurons."""


def host_metadata(network: NetworkSpec) -> dict[str, Any]:
    """Return the metadata of a network's graph."""
    is_held = np.array([each.is_held for each in network.inputs], dtype=np.int64)
    return {
        NETWORK_MARK: VERSION,
        "name": network.name,
        "output_name": network.output.name,
        "input_names": "\n".join(each.name for each in network.inputs),
        "input_is_sequence": np.array([each.is_sequence for each in network.inputs], dtype=np.int64),
        **({"input_is_held": is_held} if is_held.any() else {}),
        "n_steps": int(network.n_steps or 0),
        "readout": network.readout.value,
        "input_scale": np.array(network.input_transform.scale),
        "input_offset": np.array(network.input_transform.offset),
        "output_scale": np.array(network.output_transform.scale),
        "output_offset": np.array(network.output_transform.offset),
        "lower": np.array(network.lower),
        "upper": np.array(network.upper),
        "records": _pack(network),
    }


def read_host(
    metadata: dict[str, Any], inputs: tuple[InputSpec, ...], nodes: tuple[NodeSpec, ...], output: OutputSpec
) -> NetworkSpec:
    """Build the network of a graph's metadata and nodes.

    Raises:
        FileFormatError: If a key is missing, or the version is not known.
    """
    if text_of(metadata[NETWORK_MARK]) != VERSION:
        got = text_of(metadata[NETWORK_MARK])
        raise FileFormatError(
            "NIR graph: metadata", f"be of version {VERSION}", got, "Write the graph again with write_nir."
        )
    try:
        ansatz, provenance = _unpack(metadata["records"])
        return NetworkSpec(
            name=text_of(metadata["name"]),
            inputs=inputs,
            nodes=nodes,
            output=replace(output, name=text_of(metadata["output_name"])),
            n_steps=int(metadata["n_steps"]) or None,
            readout=as_member(Readout, text_of(metadata["readout"]), "NIR graph: metadata.readout"),
            input_transform=AffineTransform(scale=metadata["input_scale"], offset=metadata["input_offset"]),
            output_transform=AffineTransform(scale=metadata["output_scale"], offset=metadata["output_offset"]),
            ansatz=ansatz,
            lower=metadata["lower"],
            upper=metadata["upper"],
            provenance=provenance,
        )
    except KeyError as error:
        repair = "Write the graph again with write_nir."
        raise FileFormatError("NIR graph: metadata", f"have a key {error.args[0]!r}", "none", repair) from error


def text_of(value: Any) -> str:
    """Return a text that may be stored as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def _pack(network: NetworkSpec) -> Any:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write_record(file.create_group("provenance"), network.provenance)
        if network.ansatz is not None:
            write_record(file.create_group("ansatz"), network.ansatz)
    return np.frombuffer(buffer.getvalue(), dtype=np.uint8).copy()


def _unpack(packed: Any) -> tuple[Ansatz | None, Provenance]:
    import h5py

    with h5py.File(io.BytesIO(np.asarray(packed, dtype=np.uint8).tobytes()), "r") as file:
        ansatz = read_record(file["ansatz"], Ansatz) if "ansatz" in file else None
        return ansatz, read_record(file["provenance"], Provenance)
