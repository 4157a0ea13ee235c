"""The two numpy engines that define what a network computes: float64, and integers.

They follow the equations of `network/nodes.py` and `network/quantized_nodes.py` literally, through the walk of `walk.py`. All
faster implementations are compared with them, integers bit for bit. Samples are processed in blocks, which bounds the memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from ..base.arrays import BoolArray, FloatArray, IntArray, Record
from ..base.errors import SpecError
from ..network.activations import find_activation
from ..network.given_networks import checked_network
from ..network.given_points import checked_samples
from ..network.integers import IntFormat, leaked, saturate, shift_half_up
from ..network.nodes import NodeSpec, OutputSpec, Polarity, PopulationSpec, ProductSpec
from ..network.phi_table import look_up
from ..network.quantized import Network, QuantizedNetwork
from ..network.quantized_nodes import (
    QuantizedAffine,
    QuantizedNode,
    QuantizedOutput,
    QuantizedProduct,
)
from ..network.spec import NetworkSpec, Readout
from .host import decode_floats, decode_integers, encode_points
from .probe import run_probed
from .state import RunState
from .trace import NO_PROBE, Backend, NodeCounts, NodeTrace, NumberArray, Probe, ProbeTrace, RunTrace, joined_traces
from .walk import Arithmetic, NodeStep, WalkState, walk

BLOCK = 4096
"""Number of samples per block, which bounds the memory of a run."""


def float_drive(node: PopulationSpec | OutputSpec, received: Sequence[FloatArray]) -> FloatArray:
    """Compute z = sum of W_c a_c + b, shape (n_samples, n_out)."""
    total: FloatArray = node.bias
    for each, a in zip(node.connections, received, strict=True):
        total = a @ each.weight.T + total
    return total


def step_float(node: NodeSpec | OutputSpec, membrane: FloatArray, received: Sequence[FloatArray]) -> NodeStep:
    """Compute one time step of a float node: the equations of `network/nodes.py`.

    Args:
        node: The node with its parameters.
        membrane: m[t-1] after its reset, shape (n_samples, n_out); None for products and read-outs.
        received: Payloads of each connection, or both factors, shape (n_samples, n_source) each.
    """
    if isinstance(node, ProductSpec):
        product = received[0] * received[1]
        return NodeStep(received, product, product)
    z = float_drive(node, received)
    if isinstance(node, OutputSpec):
        return NodeStep(received, z, z)
    m = node.beta * membrane + z
    fired = fires(m, node.theta, node.polarity)
    payload = find_activation(node.activation).phi(np.where(fired, z, 0.0))
    return NodeStep(received, z, payload, m, fired, np.where(fired, 0.0, m))


def step_integer(node: QuantizedNode | QuantizedOutput, membrane: IntArray, received: Sequence[IntArray]) -> NodeStep:
    """Compute one time step of an integer node: the equations of `network/quantized_nodes.py`.

    Args:
        node: The node with its parameters.
        membrane: m[t-1] after its reset, shape (n_samples, n_out); None for products and read-outs.
        received: Payloads of each connection, or both factors, shape (n_samples, n_source) each.
    """
    if isinstance(node, QuantizedProduct):
        product = received[0] * received[1]
        payload, n_payload = saturate(shift_half_up(product, node.shift), IntFormat(bits=node.sends.bits))
        return NodeStep(received, product, payload, saturated=(0, 0, n_payload))
    z, n_drive = integer_drive(node.affine, received)
    if isinstance(node, QuantizedOutput):
        return NodeStep(received, z, z, saturated=(n_drive, 0, 0))
    m, n_membrane = saturate(leaked(membrane, node.beta) + z, IntFormat(bits=node.affine.state_bits))
    fired = fires(m, node.theta, node.polarity)
    payload, n_payload = look_up(node.table, np.where(fired, z, 0))
    return NodeStep(received, z, payload, m, fired, np.where(fired, 0, m), (n_drive, n_membrane, n_payload))


def fires(membrane: NumberArray, theta: NumberArray, polarity: Polarity) -> BoolArray:
    """Return which membranes fire: those at the threshold, too."""
    reached = np.abs(membrane) if polarity is Polarity.BOTH else membrane
    return np.asarray(reached >= theta)


def integer_drive(affine: QuantizedAffine, received: Sequence[IntArray]) -> tuple[IntArray, int]:
    """Compute z = saturate(sum of shift(W_c a_c, left_c) + bias), (n_samples, n_out), and the number of saturated entries."""
    total = affine.bias
    for each, left, a in zip(affine.connections, affine.lefts, received, strict=True):
        total = shift_half_up(a @ each.weight.T, left) + total
    return saturate(total, IntFormat(bits=affine.state_bits))


@dataclass(frozen=True, slots=True)
class FloatArithmetic(Record):
    """Numbers of the float engine, for samples in rows."""

    n_samples: int
    """Number of samples, the rows of all arrays."""

    def silence(self, width: int) -> FloatArray:
        """Return zeros of shape (n_samples, width)."""
        return np.zeros((self.n_samples, width))

    def step(self, node: NodeSpec | OutputSpec, membrane: FloatArray, received: Sequence[FloatArray]) -> NodeStep:
        """Compute one step of a node."""
        return step_float(node, membrane, received)


@dataclass(frozen=True, slots=True)
class IntegerArithmetic(Record):
    """Numbers of the integer engine, for samples in rows."""

    n_samples: int
    """Number of samples, the rows of all arrays."""

    def silence(self, width: int) -> IntArray:
        """Return zeros of shape (n_samples, width)."""
        return np.zeros((self.n_samples, width), dtype=np.int64)

    def step(self, node: QuantizedNode | QuantizedOutput, membrane: IntArray, received: Sequence[IntArray]) -> NodeStep:
        """Compute one step of a node."""
        return step_integer(node, membrane, received)


def constant_inputs(network: Network, x: NumberArray) -> Callable[[int], Mapping[str, NumberArray]]:
    """Return the values of every input by name, for each step.

    Args:
        network: Float or quantized.
        x: Values in the network's own numbers, (n_samples, n_in) or, with a row for each step, (n_samples, n_steps, n_in).
    """
    parts = network.split_inputs(x)
    return lambda t: {name: part[:, t] if part.ndim == 3 else part for name, part in parts.items()}


@dataclass(slots=True)
class _Recorder:
    """Observer that collects counts, outputs and traces of a block of samples."""

    n_steps: int
    probe: Probe
    counts: dict[str, IntArray] = field(default_factory=dict)
    """Spikes, events and products of two events of each node, shape (3, n_steps, n_out)."""
    products: set[str] = field(default_factory=set)
    """Names of the nodes that multiply."""
    saturated: dict[str, IntArray] = field(default_factory=dict)
    """Saturated entries of z, m and a of each node, shape (3,)."""
    kept: dict[str, list[tuple[NumberArray, ...]]] = field(default_factory=dict)
    """Membrane, spikes and payloads of the recorded nodes, one entry a step."""
    emitted: list[NumberArray] = field(default_factory=list)
    """Outputs of every step, shape (n_samples, n_out) each."""

    def see(self, t: int, node: Any, step: NodeStep) -> None:
        """Add one step of one node."""
        saturated = self.saturated.setdefault(node.name, np.zeros(3, dtype=np.int64))
        saturated += step.saturated
        if isinstance(node, (OutputSpec, QuantizedOutput)):
            self.emitted.append(step.payload)
            return
        counts = self.counts.setdefault(node.name, np.zeros((3, self.n_steps, node.n_out), dtype=np.int64))
        counts[1, t] = (step.payload != 0).sum(axis=0)
        if step.fired is not None:
            counts[0, t] = step.fired.sum(axis=0)
        else:
            counts[2, t] = ((step.received[0] != 0) & (step.received[1] != 0)).sum(axis=0)
            self.products.add(node.name)
        if self.probe.records(node.name):
            silent = np.zeros_like(step.payload)
            fired = np.zeros(silent.shape, dtype=np.bool_) if step.fired is None else step.fired
            values = (silent if step.carried is None else step.carried, fired, step.payload)
            self.kept.setdefault(node.name, []).append(tuple(array[: self.probe.n_samples] for array in values))

    def node_counts(self) -> tuple[NodeCounts, ...]:
        """Return the counts of every node."""
        return tuple(
            NodeCounts(
                name=name,
                fired=counts[0],
                events=counts[1],
                multiplied=counts[2] if name in self.products else None,
                saturated_drive=int(self.saturated[name][0]),
                saturated_membrane=int(self.saturated[name][1]),
                saturated_payload=int(self.saturated[name][2]),
            )
            for name, counts in self.counts.items()
        )

    def probe_trace(self, n_samples: int) -> ProbeTrace | None:
        """Return the full traces of the first samples, if they are recorded."""
        n = self.probe.count(n_samples)
        if not n:
            return None
        traces = []
        for name, steps in self.kept.items():
            membrane, fired, payload = (np.stack([step[k] for step in steps], axis=1) for k in range(3))
            traces.append(NodeTrace(name=name, membrane=membrane, fired=fired, payload=payload))
        return ProbeTrace(samples=np.arange(n), nodes=tuple(traces), output=np.stack(self.emitted, axis=1)[:n])


def read_out(emitted: list[NumberArray], readout: Readout) -> NumberArray:
    """Return the sum of the outputs over the steps, the last one, or all; the division by T follows with the scale."""
    if readout is Readout.EVERY:
        return np.stack(emitted, axis=1)
    total: NumberArray = emitted[-1] if readout is Readout.LAST else np.sum(np.stack(emitted), axis=0)
    return total


def run_float(
    network: NetworkSpec, points: FloatArray, probe: Probe = NO_PROBE, state: RunState | None = None
) -> RunTrace:
    """Run a float network on points.

    Args:
        network: The float network.
        points: Physical coordinates, shape (n_samples, n_in), finite; (n_samples, n_steps, n_in) where an input is a sequence.
        probe: What to record in full.
        state: Where an earlier part of the sequences has ended (`RunState.begin` before the first part). The run continues
            there, without mask or reset, and its trace has the state in which it ends; outputs and their mean are those of
            this part. None begins anew.

    Raises:
        SpecError: If the points or the state do not fit the network, or if the network is a quantized one.
    """
    held = checked_network(network, "run_float.network")
    if isinstance(held, QuantizedNetwork):
        mend = "Run its source, `network.source`, or the integers by `run_integer`."
        raise SpecError("run_float.network", "be a float network", type(held).__name__, mend)

    def encode(block: FloatArray) -> tuple[NumberArray, int]:
        return network.input_transform.apply(block), 0

    decode = partial(decode_floats, network)
    return run_arithmetic(network, points, probe, Backend.FLOAT, encode, FloatArithmetic, decode, state)


def run_integer(
    network: Network, points: FloatArray, probe: Probe = NO_PROBE, state: RunState | None = None
) -> RunTrace:
    """Run a quantized network on points, in integers.

    Args:
        network: The quantized network.
        points: Physical coordinates, shape (n_samples, n_in), finite; (n_samples, n_steps, n_in) where an input is a sequence.
        probe: What to record in full.
        state: Where an earlier part of the sequences has ended (`RunState.begin` before the first part). The run continues
            there, without mask or reset, and its trace has the state in which it ends; outputs and their mean are those of
            this part. None begins anew.

    Raises:
        SpecError: If the points or the state do not fit the network, or if it is a float network.
    """
    held = checked_network(network, "run_integer.network")
    if not isinstance(held, QuantizedNetwork):
        mend = "Quantize it first: `neuropinn-lava convert`, or `neuropinn_lava.convert`."
        raise SpecError("run_integer.network", "be a quantized network", type(held).__name__, mend)
    encode, decode = partial(encode_points, held), partial(decode_integers, held)
    return run_arithmetic(held, points, probe, Backend.INTEGER, encode, IntegerArithmetic, decode, state)


def run_arithmetic(
    network: Network,
    points: FloatArray,
    probe: Probe,
    backend: Backend,
    encode: Callable[[FloatArray], tuple[NumberArray, int]],
    arithmetic: Callable[[int], Arithmetic],
    decode: Callable[[FloatArray, NumberArray], FloatArray],
    state: RunState | None = None,
) -> RunTrace:
    """Walk a network block by block in any arithmetic; the first block is long enough to hold all probed samples.

    Args:
        network: Float or quantized.
        points: Physical coordinates, unchecked.
        probe: What to record in full.
        backend: Name of the run.
        encode: Function from points to the network's own numbers, and how many of them saturated.
        arithmetic: Function from a number of samples to the arithmetic.
        decode: Function from points and read-out to physical outputs.
        state: Where an earlier part of the sequences has ended; None begins anew and keeps none.
    """
    points = checked_samples(points, network, f"run_{backend.value}: points of network {network.name!r}")
    n_steps = network.n_steps or points.shape[1]
    if state is not None:
        state.check(network, len(points), f"run_{backend.value}.state", is_reordered=probe.is_chosen)
    if probe.is_chosen:
        again = partial(run_arithmetic, network, backend=backend, encode=encode, arithmetic=arithmetic, decode=decode)
        return run_probed(lambda points, probe: again(points, probe), points, probe, n_steps)
    start, digest = time.perf_counter(), network.digest()
    probe.check_names([node.name for node in network.nodes])

    def run(rows: slice, wanted: Probe) -> RunTrace:
        """Run one block of points."""
        block, recorder = points[rows], _Recorder(n_steps, wanted)
        x, n_input = encode(block)
        before = WalkState() if state is None else state.walked(rows)
        after = walk(network, constant_inputs(network, x), n_steps, arithmetic(len(x)), recorder.see, before)
        total = read_out(recorder.emitted, network.readout)
        events = (x != 0).sum(axis=0)
        return RunTrace(
            network_digest=digest,
            backend=backend,
            n_steps=n_steps,
            outputs=decode(block, total),
            readout=total,
            input_events=np.tile(events, (n_steps, 1)) if x.ndim == 2 else events,
            saturated_input=n_input,
            saturated_output=int(recorder.saturated[network.output.name].sum()),
            nodes=recorder.node_counts(),
            probe=recorder.probe_trace(len(x)),
            state=None if state is None else RunState.of(network, len(x), after),
        )

    return run_blocks(run, len(points), probe, start)


def run_blocks(run: Callable[[slice, Probe], RunTrace], n_samples: int, probe: Probe, start: float) -> RunTrace:
    """Run block by block; the first block is long enough to hold all probed samples.

    Args:
        run: Runs one block of points, by its rows, and records its first samples.
        n_samples: Number of samples.
        probe: Nodes to record of the first samples; chosen samples or steps are the task of `run_probed`.
        start: Time at which the run began, in seconds of `time.perf_counter`.
    """
    first = max(BLOCK, probe.count(n_samples))
    traces = [run(slice(0, min(first, n_samples)), probe)]
    traces += [run(slice(i, min(i + BLOCK, n_samples)), NO_PROBE) for i in range(first, n_samples, BLOCK)]
    return replace(joined_traces(traces), seconds=time.perf_counter() - start)
