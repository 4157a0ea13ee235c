"""Run a quantized network as its ONNX graph by ONNX Runtime, and record everything that the reference engine records.

The traced graph runs: the nodes of the file that `write_onnx` writes, with more of their tensors as outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from ....base.arrays import FloatArray
from ....base.extras import import_extra
from ....engine.host import decode_integers, encode_points
from ....engine.recording import BLOCK, run_observed
from ....engine.state import RunState
from ....engine.trace import NO_PROBE, Backend, NumberArray, Probe, RunTrace
from ....engine.walk import Observer, WalkState
from ....network.given_points import checked_samples
from ....network.quantized import QuantizedNetwork
from ..integer_plan import IntegerPlan, plan_integers
from .graph import Graph
from .observed_values import Values, show_values
from .onnx_model import describe_host, serialize_graph
from .unroll import line_input, membrane_input, unroll_plan

MAX_VALUES = 1 << 24
"""Largest number of traced values of a block, 128 MB of float64."""
N_THREADS = 1
"""Number of threads of a session: the graphs are too small for more to be faster."""


def run_onnx(
    network: QuantizedNetwork, points: FloatArray, probe: Probe = NO_PROBE, state: RunState | None = None
) -> RunTrace:
    """Run a quantized network as its ONNX graph, by ONNX Runtime on the CPU with one thread.

    Args:
        network: The quantized network.
        points: Physical coordinates, shape (n_samples, n_in), finite; (n_samples, n_steps, n_in) where an input is a sequence.
        probe: What to record in full.
        state: Where an earlier part of the sequences has ended; None begins anew. A run that continues has a graph of its own,
            with the state among its inputs.

    Raises:
        MissingPackageError: If the extra `onnx` is missing.
        SpecError: If the points or the state do not fit the network.
        HardwareRuleError: If float64 does not hold every integer exactly.
    """
    for package in ("onnx", "onnxruntime"):
        import_extra(package, "onnx")
    plan, continues = plan_integers(network), state is not None

    @cache
    def prepared(n_steps: int) -> tuple[Callable[[Values], Values], partial[WalkState]]:
        unrolled = unroll_plan(plan, n_steps, continues=continues)
        run = open_session(unrolled.traced, describe_host(network, n_steps))
        return run, partial(show_values, network, unrolled)

    def advance(x: NumberArray, n_steps: int, see: Observer, before: WalkState) -> WalkState:
        """Run one block."""
        run, show = prepared(n_steps)
        values = run(graph_inputs(plan, network, x, before if continues else None))
        return show(values=values, x=x, see=see, before=before)

    encode, decode = partial(encode_points, network), partial(decode_integers, network)
    points = checked_samples(points, network, f"run_onnx: points of network {network.name!r}")
    n_traced = 3 * sum(plan.widths.values()) * (plan.n_steps or points.shape[1])
    block = max(1, min(BLOCK, MAX_VALUES // n_traced))
    return run_observed(network, points, probe, Backend.ONNX, encode, advance, decode, state, block)


def open_session(graph: Graph, metadata: dict[str, str]) -> Callable[[Values], Values]:
    """Return the function that runs a graph by ONNX Runtime, from its inputs to its outputs by name."""
    runtime = import_extra("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = N_THREADS
    contents = serialize_graph(graph, metadata)
    session = runtime.InferenceSession(contents, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in graph.outputs]

    def run(inputs: Values) -> Values:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return run


def graph_inputs(
    plan: IntegerPlan, network: QuantizedNetwork, x: NumberArray, state: WalkState | None = None
) -> Values:
    """Return the inputs of a graph by name.

    Args:
        plan: The plan of the network.
        network: The network.
        x: Input words, (n_samples, n_in) or (n_samples, n_steps, n_in).
        state: State with which a graph that continues begins; None for a graph that begins anew.
    """
    parts = network.split_inputs(x)
    inputs: dict[str, NumberArray] = {
        each.name: (parts[each.name] if each.is_sequence or x.ndim == 2 else parts[each.name][:, 0]).astype(np.int32)
        for each in plan.inputs
    }
    if state is None:
        return inputs
    for node in plan.populations:
        inputs[membrane_input(node.name)] = state.membranes[node.name].astype(np.float64)
    for source, longest in plan.lines.items():
        line = state.lines[source]
        for delay in range(1, longest + 1):
            silent = np.zeros((len(x), plan.widths[source]))
            inputs[line_input(source, delay)] = line[-delay].astype(np.float64) if delay <= len(line) else silent
    return inputs
