"""QONNX graphs as models of the package qonnx, with the integer type of every tensor annotated; written and executed.

Which tools read such a file: qonnx 1.0 itself, which executes it node by node, and FINN, which compiles MultiThreshold for
FPGAs and is not on PyPI (not tried). hls4ml 1.3.0 refuses MultiThreshold.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ....base.arrays import FloatArray
from ....base.errors import SpecError
from ....base.extras import import_extra
from ....engine.host import decode_integers, encode_points
from ....engine.recording import run_observed
from ....engine.reference import fires
from ....engine.state import RunState
from ....engine.trace import NO_PROBE, Backend, NumberArray, Probe, RunTrace
from ....engine.walk import NodeStep, Observer, WalkState
from ....files.atomic import check_writable, write_bytes
from ....network.integers import IntFormat, saturate, shift_half_up
from ....network.phi_table import look_up
from ....network.quantized import QuantizedNetwork
from ....network.quantized_nodes import QuantizedAffine, QuantizedPopulation
from ..integer_plan import IntegerPlan, OutputPlan, PopulationPlan, plan_integers
from .graph import Graph
from .observed_values import Values
from .onnx_model import build_model, describe_host
from .qonnx_plan import lay_out_qonnx, payload_tensor, product_tensor, weight_tensor

ROWS = 64
"""Number of samples in a call: MultiThreshold compares each of them with up to 4 094 thresholds a neuron, all at once."""


def write_qonnx(network: QuantizedNetwork, path: str | Path, *, n_samples: int = 1) -> None:
    """Write a quantized network as a QONNX file with MultiThreshold nodes, all of it or none.

    Args:
        network: The network, of one step, whose populations have one connection each and payloads of at most 12 bits.
        path: The file, by custom `*.onnx`.
        n_samples: Number of rows of every input.

    Raises:
        MissingPackageError: If the extra `qonnx` is missing.
        HardwareRuleError: If QONNX cannot hold the network; every node at fault is listed with the reason.
        SpecError: If the file cannot be written.
    """
    import_extra("qonnx", "qonnx")
    check_writable(path)
    model = make_qonnx(network, n_samples)
    write_bytes(path, model.model.SerializeToString())


def make_qonnx(network: QuantizedNetwork, n_samples: int = 1) -> Any:
    """Build the `qonnx.core.modelwrapper.ModelWrapper` of a quantized network."""
    plan = plan_integers(network)
    return _wrapped(plan, lay_out_qonnx(plan, n_samples), describe_host(network, 1))


def _wrapped(plan: IntegerPlan, graph: Graph, metadata: dict[str, str]) -> Any:
    """Wrap a graph for qonnx: shapes of all tensors, and their integer types."""
    wrapper = import_extra("qonnx.core.modelwrapper", "qonnx")
    shapes = import_extra("qonnx.transformation.infer_shapes", "qonnx")
    types = import_extra("qonnx.core.datatype", "qonnx").DataType
    checker = import_extra("onnx.checker", "qonnx")
    model = build_model(graph, {})
    checker.check_model(model)
    wrapped = wrapper.ModelWrapper(model).transform(shapes.InferShapes())
    for key, text in metadata.items():  # shape inference has lost them
        wrapped.set_metadata_prop(key, text)
    for each in plan.inputs:
        wrapped.set_tensor_datatype(each.name, types[f"INT{each.word.bits}"])
    summing: tuple[PopulationPlan | OutputPlan, ...] = (*plan.populations, plan.output)
    for node in summing:
        (connection,) = node.affine.connections
        wrapped.set_tensor_datatype(weight_tensor(node.name), types[f"INT{connection.weight_bits}"])
        wrapped.set_tensor_datatype(product_tensor(node.name), types[f"INT{connection.product_bits}"])
    for population in plan.populations:
        wrapped.set_tensor_datatype(f"{population.name}/thresholds", types["INT32"])
        wrapped.set_tensor_datatype(payload_tensor(population.name), types[f"INT{population.sends.bits}"])
    wrapped.set_tensor_datatype(plan.output.name, types[f"INT{plan.output.affine.state.bits}"])
    return wrapped


def run_qonnx(
    network: QuantizedNetwork, points: FloatArray, probe: Probe = NO_PROBE, state: RunState | None = None
) -> RunTrace:
    """Run a quantized network as its QONNX graph, by the reference execution of qonnx.

    Payloads and outputs are the graph's own. It has no tensors of spikes, membranes and saturations: the host derives them from
    the graph's sums W a, so that they, too, differ where a sum does.

    Args:
        network: The quantized network.
        points: Physical coordinates, shape (n_samples, n_in), finite.
        probe: What to record in full.
        state: None: the graph has no state that a run could continue.

    Raises:
        MissingPackageError: If the extra `qonnx` is missing.
        HardwareRuleError: If QONNX cannot hold the network; every node at fault is listed with the reason.
        SpecError: If the points do not fit the network, or if there is a state.
    """
    import_extra("qonnx", "qonnx")
    if state is not None:
        repair = "Use backend 'integer', 'lava' or 'onnx'."
        raise SpecError(
            "run_qonnx.state", "be left out: the graph carries none", f"a state after {state.step} steps", repair
        )
    execute = import_extra("qonnx.core.onnx_exec", "qonnx").execute_onnx
    model = make_qonnx(network, ROWS)

    def compute(x: NumberArray) -> Values:
        parts = [_run_rows(execute, model, network, x[first : first + ROWS]) for first in range(0, len(x), ROWS)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def advance(x: NumberArray, n_steps: int, see: Observer, before: WalkState) -> WalkState:
        """Run one block."""
        values = compute(x)
        for node in network.populations:
            see(0, node, _population_step(node, values))
        see(0, network.output, _output_step(network, values))
        return WalkState(step=before.step + n_steps)

    encode, decode = partial(encode_points, network), partial(decode_integers, network)
    return run_observed(network, points, probe, Backend.QONNX, encode, advance, decode)


def _run_rows(execute: Any, model: Any, network: QuantizedNetwork, x: NumberArray) -> Values:
    """Run up to `ROWS` samples; what is missing is filled up by zeros and thrown away."""
    filled = np.zeros((ROWS, x.shape[1]), np.float32)
    filled[: len(x)] = x
    inputs = {name: np.ascontiguousarray(part) for name, part in network.split_inputs(filled).items()}
    values = execute(model, inputs, return_full_exec_context=True)
    populations = [node.name for node in network.populations]
    names = [network.output.name, *(product_tensor(name) for name in (*populations, network.output.name))]
    names += [payload_tensor(name) for name in populations]
    return {name: values[name][: len(x)].astype(np.int64) for name in names}


def _drive(affine: QuantizedAffine, product: NumberArray) -> tuple[NumberArray, int]:
    """Compute the drives of exact sums, and how many of them saturate."""
    (left,) = affine.lefts
    return saturate(shift_half_up(product, left) + affine.bias, IntFormat(bits=affine.state_bits))


def _population_step(node: QuantizedPopulation, values: Values) -> NodeStep:
    z, n_drive = _drive(node.affine, values[product_tensor(node.name)])
    fired = fires(z, node.theta, node.polarity)
    _, n_payload = look_up(node.table, np.where(fired, z, 0))
    payload = values[payload_tensor(node.name)]
    return NodeStep((), z, payload, z, fired, np.where(fired, 0, z), (n_drive, 0, n_payload))


def _output_step(network: QuantizedNetwork, values: Values) -> NodeStep:
    _, n_drive = _drive(network.output.affine, values[product_tensor(network.output.name)])
    emitted = values[network.output.name]
    return NodeStep((), emitted, emitted, saturated=(n_drive, 0, 0))
