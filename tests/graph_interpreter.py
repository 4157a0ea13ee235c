"""A literal interpreter of the standard operators that `hardware_sim/devices/onnx_graphs` uses: `compute(graph, inputs)`.

Every operator is numpy's function of the same meaning, so that graphs are executed where neither onnx nor a runtime is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from neuropinn_lava.hardware_sim.devices.onnx_graphs.graph import Graph

OPERATORS: dict[str, Callable[..., Any]] = {
    "Abs": np.abs,
    "Add": np.add,
    "Cast": lambda a, to: a.astype(to),
    "Clip": np.clip,
    "Concat": lambda *a, axis: np.concatenate(a, axis=axis),
    "Floor": np.floor,
    "Gather": lambda a, at, axis: np.take(a, at, axis=axis),
    "Gemm": lambda a, b, c: a @ b + c,
    "GreaterOrEqual": np.greater_equal,
    "MatMul": np.matmul,
    "Max": np.maximum,
    "Min": np.minimum,
    "Mod": lambda a, b, fmod: np.fmod(a, b),
    "Mul": np.multiply,
    "MultiThreshold": lambda a, t, out_bias, **_: (a[:, :, None] >= t).sum(axis=2) + out_bias,
    "Sign": np.sign,
    "Unsqueeze": lambda a, axes: np.expand_dims(a, tuple(axes)),
    "Where": np.where,
}


def compute(graph: Graph, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Compute the outputs of a graph by name; the types of all tensors are those that the graph says."""
    values = {each.name: each.values for each in graph.constants}
    for given in graph.inputs:
        assert inputs[given.name].dtype == given.dtype, given.name
        values[given.name] = inputs[given.name]
    for node in graph.nodes:
        made = OPERATORS[node.op](*(values[name] for name in node.inputs), **dict(node.attributes))
        values[node.output] = made.astype(np.float32) if node.op == "MultiThreshold" else made
    for made in graph.outputs:
        found = values[made.name]
        assert found.dtype == made.dtype, made.name
        assert found.shape[1:] == made.shape[1:], made.name
    return {each.name: values[each.name] for each in graph.outputs}
