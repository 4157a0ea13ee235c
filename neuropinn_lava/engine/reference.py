"""The two numpy engines that define what a network computes: float64, and integers.

They follow the equations of `network/spec.py` and `network/quantized.py` literally, in one loop over the steps. All faster
implementations are compared with them, integers bit for bit. Samples are processed in blocks, which bounds the memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from ..base.arrays import BoolArray, FloatArray, IntArray
from ..base.errors import SpecError
from ..base.points import checked_points
from ..network.activations import find_activation
from ..network.given_networks import checked_network
from ..network.integers import IntFormat, leaked, saturate, shift_half_up
from ..network.phi_table import look_up
from ..network.quantized import Network, QuantizedAffine, QuantizedLayer, QuantizedNetwork
from ..network.spec import LayerSpec, NetworkSpec, Polarity, Readout
from .host import decode_floats, decode_integers, encode_points
from .probe import run_probed
from .trace import NO_PROBE, Backend, LayerCounts, LayerTrace, NumberArray, Probe, ProbeTrace, RunTrace, joined_traces

BLOCK = 4096
"""Number of samples per block, which bounds the memory of a run."""


class VsnStep(NamedTuple):
    """All values of a layer of Variable Spiking Neurons at one time step, each of shape (n_samples, n_out)."""

    drive: NumberArray
    """Weighted sum z[t] of the payloads that came in, with the bias."""
    membrane: NumberArray
    """Membrane m[t] before its reset."""
    fired: BoolArray
    """Spikes s[t], same shape."""
    payload: NumberArray
    """Payload a[t] of the neurons that fired, 0 of the others."""
    saturated: tuple[int, int, int] = (0, 0, 0)
    """Numbers of entries of z, m and a that their integer words could not hold."""

    @property
    def carried(self) -> NumberArray:
        """Membrane after the reset, which leaks into the next step."""
        return np.where(self.fired, 0, self.membrane)


def step_float(layer: LayerSpec, membrane: FloatArray, a_in: FloatArray) -> VsnStep:
    """Compute one time step of a float layer: the equations of `network/spec.py`.

    Args:
        layer: The layer with its parameters.
        membrane: m[t-1] after its reset, shape (n_samples, n_out).
        a_in: Payloads of the layer before it, shape (n_samples, n_in).
    """
    z = a_in @ layer.weight.T + layer.bias
    m = layer.beta * membrane + z
    fired = fires(m, layer.theta, layer.polarity)
    return VsnStep(z, m, fired, find_activation(layer.activation).phi(np.where(fired, z, 0.0)))


def step_integer(layer: QuantizedLayer, membrane: IntArray, a_in: IntArray) -> VsnStep:
    """Compute one time step of an integer layer: the equations of `network/quantized.py`.

    Args:
        layer: The layer with its parameters.
        membrane: m[t-1] after its reset, shape (n_samples, n_out).
        a_in: Payloads of the layer before it, shape (n_samples, n_in).
    """
    z, n_drive = integer_drive(layer.affine, a_in)
    m, n_membrane = saturate(leaked(membrane, layer.beta) + z, IntFormat(bits=layer.affine.state_bits))
    fired = fires(m, layer.theta, layer.polarity)
    payload, n_payload = look_up(layer.table, np.where(fired, z, 0))
    return VsnStep(z, m, fired, payload, (n_drive, n_membrane, n_payload))


class FloatLayerRun:
    """A layer of Variable Spiking Neurons in float64 with its membrane, advanced step by step."""

    def __init__(self, layer: LayerSpec, n_samples: int) -> None:
        self.layer = layer
        self.membrane: NumberArray = np.zeros((n_samples, layer.n_out))
        self.saturated = np.zeros(3, dtype=np.int64)

    def step(self, a_in: FloatArray) -> VsnStep:
        """Advance by one step on payloads of shape (n_samples, n_in)."""
        now = step_float(self.layer, self.membrane, a_in)
        self.membrane = now.carried
        return now


class IntegerLayerRun:
    """A layer of Variable Spiking Neurons in integers with its membrane, advanced step by step."""

    def __init__(self, layer: QuantizedLayer, n_samples: int) -> None:
        self.layer = layer
        self.membrane: NumberArray = np.zeros((n_samples, layer.n_out), dtype=np.int64)
        self.saturated = np.zeros(3, dtype=np.int64)

    def step(self, a_in: IntArray) -> VsnStep:
        """Advance by one step on payloads of shape (n_samples, n_in); count in `saturated` what z, m and a could not hold."""
        now = step_integer(self.layer, self.membrane, a_in)
        self.membrane = now.carried
        self.saturated += now.saturated
        return now


def fires(membrane: NumberArray, theta: NumberArray, polarity: Polarity) -> BoolArray:
    """Return which membranes fire: those at the threshold, too."""
    reached = np.abs(membrane) if polarity is Polarity.BOTH else membrane
    return np.asarray(reached >= theta)


def integer_drive(affine: QuantizedAffine, a_in: IntArray) -> tuple[IntArray, int]:
    """Compute z = saturate(shift(W a_in, left) + bias), shape (n_samples, n_out), and the number of saturated entries."""
    product = a_in @ affine.weight.T
    return saturate(shift_half_up(product, affine.left) + affine.bias, IntFormat(bits=affine.state_bits))


class _LayerRun(Protocol):
    """Interface of the two kinds of layer."""

    membrane: NumberArray
    saturated: IntArray

    def step(self, a_in: NumberArray) -> VsnStep:
        """Advance by one step."""


def _recorded(names: list[str], steps: list[list[tuple[NumberArray, ...]]], n: int) -> tuple[LayerTrace, ...]:
    """Stack the values recorded at every step into traces (n_probed, n_steps, n_neurons) of the recorded layers."""
    traces = []
    for index, name in enumerate(names):
        kept = steps[index]
        if kept:
            membrane, fired, payload = (np.stack([step[k] for step in kept], axis=1)[:n] for k in range(3))
            traces.append(LayerTrace(name=name, membrane=membrane, fired=fired, payload=payload))
    return tuple(traces)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _BlockRun:
    """Results of the run of a block of samples."""

    emitted: list[NumberArray]
    """Outputs that the read-out emits at every step, shape (n_samples, n_out) each."""
    layers: tuple[LayerCounts, ...]
    """Counts of each spiking layer."""
    n_saturated: int
    """Number of emitted outputs that the state word could not hold."""
    probe: ProbeTrace | None
    """Full traces of the first samples, if they are recorded."""


def _run_block(
    runs: list[_LayerRun],
    names: list[str],
    emit: Callable[[NumberArray], tuple[NumberArray, int]],
    x: NumberArray,
    n_steps: int,
    probe: Probe,
) -> _BlockRun:
    """Present the inputs x for T steps and collect counts, outputs and traces."""
    counts = [np.zeros((2, n_steps, run.membrane.shape[1]), dtype=np.int64) for run in runs]
    kept: list[list[tuple[NumberArray, ...]]] = [[] for _ in runs]
    emitted, n_saturated = [], 0
    for t in range(n_steps):
        a = x
        for index, run in enumerate(runs):
            now = run.step(a)
            a = now.payload
            counts[index][:, t] = now.fired.sum(axis=0), (a != 0).sum(axis=0)
            if probe.records(names[index]):
                kept[index].append((run.membrane, now.fired, a))
        y, n = emit(a)
        emitted.append(y)
        n_saturated += n
    layers = tuple(
        LayerCounts(
            name=name,
            fired=count[0],
            events=count[1],
            saturated_drive=int(run.saturated[0]),
            saturated_membrane=int(run.saturated[1]),
            saturated_payload=int(run.saturated[2]),
        )
        for name, count, run in zip(names, counts, runs, strict=True)
    )
    n_probed = probe.count(len(x))
    trace = None
    if n_probed:
        recorded = _recorded(names, kept, n_probed)
        trace = ProbeTrace(samples=np.arange(n_probed), layers=recorded, output=np.stack(emitted, axis=1)[:n_probed])
    return _BlockRun(emitted=emitted, layers=layers, n_saturated=n_saturated, probe=trace)


def read_out(emitted: list[NumberArray], readout: Readout) -> NumberArray:
    """Return the sum of the emitted outputs over the steps, or the last one; the division by T follows with the scale."""
    total: NumberArray = emitted[-1] if readout is Readout.LAST else np.sum(np.stack(emitted), axis=0)
    return total


def run_float(network: NetworkSpec, points: FloatArray, probe: Probe = NO_PROBE) -> RunTrace:
    """Run a float network on points.

    Args:
        network: The float network.
        points: Physical coordinates, shape (n_samples, n_in), finite.
        probe: What to record in full.

    Raises:
        SpecError: If the points do not fit the network, or if the network is a quantized one.
    """
    held = checked_network(network, "run_float.network")
    if isinstance(held, QuantizedNetwork):
        mend = "Run its source, `network.source`, or the integers by `run_integer`."
        raise SpecError("run_float.network", "be a float network", type(held).__name__, mend)
    points = checked_points(points, network.n_in, f"run_float: points of network {network.name!r}")
    if probe.is_chosen:
        return run_probed(partial(run_float, network), points, probe, network.n_steps)
    start = time.perf_counter()
    digest, names = network.digest(), [layer.name for layer in network.layers]
    probe.check_names(names)

    def emit(a: FloatArray) -> tuple[FloatArray, int]:
        return a @ network.output.weight.T + network.output.bias, 0

    def run(block: FloatArray, wanted: Probe) -> RunTrace:
        x = network.input_transform.apply(block)
        runs: list[_LayerRun] = [FloatLayerRun(layer, len(x)) for layer in network.layers]
        found = _run_block(runs, names, emit, x, network.n_steps, wanted)
        total = read_out(found.emitted, network.readout)
        return RunTrace(
            network_digest=digest,
            backend=Backend.FLOAT,
            n_steps=network.n_steps,
            outputs=decode_floats(network, block, total),
            readout=total,
            input_events=np.tile((x != 0).sum(axis=0), (network.n_steps, 1)),
            layers=found.layers,
            probe=found.probe,
        )

    return run_blocks(run, points, probe, start)


def run_integer(network: Network, points: FloatArray, probe: Probe = NO_PROBE) -> RunTrace:
    """Run a quantized network on points, in integers.

    Args:
        network: The quantized network.
        points: Physical coordinates, shape (n_samples, n_in), finite.
        probe: What to record in full.

    Raises:
        SpecError: If the points do not fit the network, or if the network is a float one.
    """
    network = checked_network(network, "run_integer.network")
    if not isinstance(network, QuantizedNetwork):
        mend = "Quantize it first: `neuropinn-lava convert`, or `neuropinn_lava.convert`."
        raise SpecError("run_integer.network", "be a quantized network", type(network).__name__, mend)
    points = checked_points(points, network.n_in, f"run_integer: points of network {network.name!r}")
    if probe.is_chosen:
        return run_probed(partial(run_integer, network), points, probe, network.n_steps)
    start = time.perf_counter()
    digest, names = network.digest(), [layer.name for layer in network.layers]
    probe.check_names(names)

    def emit(a: IntArray) -> tuple[IntArray, int]:
        return integer_drive(network.output.affine, a)

    def run(block: FloatArray, wanted: Probe) -> RunTrace:
        x, n_input = encode_points(network, block)
        runs: list[_LayerRun] = [IntegerLayerRun(layer, len(x)) for layer in network.layers]
        found = _run_block(runs, names, emit, x, network.n_steps, wanted)
        total = read_out(found.emitted, network.readout)
        return RunTrace(
            network_digest=digest,
            backend=Backend.INTEGER,
            n_steps=network.n_steps,
            outputs=decode_integers(network, block, total),
            readout=total,
            input_events=np.tile((x != 0).sum(axis=0), (network.n_steps, 1)),
            saturated_input=n_input,
            saturated_output=found.n_saturated,
            layers=found.layers,
            probe=found.probe,
        )

    return run_blocks(run, points, probe, start)


def run_blocks(
    run: Callable[[FloatArray, Probe], RunTrace], points: FloatArray, probe: Probe, start: float
) -> RunTrace:
    """Run block by block; the first block is long enough to hold all probed samples.

    Args:
        run: Runs one block (n, n_in) and records its first samples.
        points: Checked points, shape (n_samples, n_in).
        probe: Layers to record of the first samples; chosen samples or steps are the task of `run_probed`.
        start: Time at which the run began, in seconds of `time.perf_counter`.
    """
    first = max(BLOCK, probe.count(len(points)))
    traces = [run(points[:first], probe)]
    traces += [run(points[i : i + BLOCK], NO_PROBE) for i in range(first, len(points), BLOCK)]
    return replace(joined_traces(traces), seconds=time.perf_counter() - start)
