"""Graphs as models of the package onnx, with what the host needs to know in their metadata; written as files.

A device computes from input words to sums of the emitted outputs. Points become words, and sums become physical outputs, on
the host (`engine/host.py`): its roundings and its fields of the coordinates are not in the graph, their constants are in the
metadata:

    word = clip(floor((scale * x + offset) / 2**exponent + 1/2))            of each input
    y    = total * 2**exponent / divisor                                    then output transform and ansatz
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ....base.arrays import split_columns
from ....base.extras import import_extra
from ....engine.host import divisor
from ....files.atomic import check_writable, write_bytes
from ....network.quantized import QuantizedNetwork
from ..integer_plan import plan_integers
from .graph import Graph, Node, Value
from .unroll import unroll_plan

OPSET = 17
"""Version of the standard operators, which ONNX Runtime knows since 1.12 of 2022; the graphs use none that is newer than 13."""
IR_VERSION = 8
"""Version of the file's own format, of the same age."""
PREFIX = "neuropinn_lava."
"""Beginning of every key of the metadata."""


def write_onnx(network: QuantizedNetwork, path: str | Path, *, n_steps: int | None = None) -> None:
    """Write a quantized network as an ONNX file of standard operators, all of it or none.

    Args:
        network: The network.
        path: The file, by custom `*.onnx`.
        n_steps: Length of the sequences; None where the network has a number of steps of its own.

    Raises:
        MissingPackageError: If the extra `onnx` is missing.
        SpecError: If sequences have no length, or the file cannot be written.
        HardwareRuleError: If float64 does not hold every integer exactly.
    """
    import_extra("onnx", "onnx")
    check_writable(path)
    unrolled = unroll_plan(plan_integers(network), n_steps)
    write_bytes(path, serialize_graph(unrolled.graph, describe_host(network, unrolled.n_steps)))


def describe_host(network: QuantizedNetwork, n_steps: int) -> dict[str, str]:
    """Return the metadata of a network's graph: what the host computes before and after it, digest and version.

    Args:
        network: The network.
        n_steps: Number of steps of the graph.
    """
    from .... import __version__

    source, state = network.source, network.output.affine
    widths = [each.width for each in network.inputs]
    scales, offsets = (
        split_columns(each, widths) for each in (source.input_transform.scale, source.input_transform.offset)
    )
    inputs = [
        {
            "name": each.name,
            "bits": word.bits,
            "exponent": word.exponent,
            "is_sequence": each.is_sequence,
            "scale": scale.tolist(),
            "offset": offset.tolist(),
        }
        for each, word, scale, offset in zip(network.inputs, network.input_words, scales, offsets, strict=True)
    ]
    output = {
        "name": network.output.name,
        "exponent": state.state_exponent,
        "divisor": divisor(source, n_steps),
        "readout": network.readout.value,
        "scale": source.output_transform.scale.tolist(),
        "offset": source.output_transform.offset.tolist(),
        "has_ansatz": source.ansatz is not None,
    }
    described = {
        "network": network.name,
        "digest": network.digest(),
        "version": __version__,
        "n_steps": str(n_steps),
        "inputs": json.dumps(inputs),
        "output": json.dumps(output),
    }
    return {f"{PREFIX}{key}": text for key, text in described.items()}


def serialize_graph(graph: Graph, metadata: dict[str, str]) -> bytes:
    """Build the model of a graph, check it by onnx, and return the bytes of its file."""
    onnx = import_extra("onnx", "onnx")
    model = build_model(graph, metadata)
    onnx.checker.check_model(model, full_check=not _custom_domains(graph))
    contents: bytes = model.SerializeToString()
    return contents


def build_model(graph: Graph, metadata: dict[str, str]) -> Any:
    """Build the `onnx.ModelProto` of a graph."""
    onnx = import_extra("onnx", "onnx")
    helper = onnx.helper
    made = helper.make_graph(
        [_node(onnx, node) for node in graph.nodes],
        graph.name,
        [_value(onnx, each) for each in graph.inputs],
        [_value(onnx, each) for each in graph.outputs],
        [onnx.numpy_helper.from_array(np.array(each.values), each.name) for each in graph.constants],
    )
    domains = [helper.make_opsetid("", OPSET)]
    domains += [helper.make_opsetid(domain, 1) for domain in _custom_domains(graph)]
    model = helper.make_model(made, producer_name="neuropinn-lava", opset_imports=domains, ir_version=IR_VERSION)
    helper.set_model_props(model, metadata)
    return model


def _custom_domains(graph: Graph) -> list[str]:
    return sorted({node.domain for node in graph.nodes if node.domain})


def _type_of(onnx: Any, dtype: str) -> int:
    number: int = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return number


def _node(onnx: Any, node: Node) -> Any:
    attributes = dict(node.attributes)
    if node.op == "Cast":
        attributes["to"] = _type_of(onnx, attributes["to"])
    return onnx.helper.make_node(
        node.op, list(node.inputs), [node.output], name=node.output, domain=node.domain or None, **attributes
    )


def _value(onnx: Any, value: Value) -> Any:
    shape = ["n_samples" if n is None else n for n in value.shape]
    return onnx.helper.make_tensor_value_info(value.name, _type_of(onnx, value.dtype), shape)
