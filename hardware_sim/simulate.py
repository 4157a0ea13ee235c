"""Run a network on Lava's simulator: encode, build the graph, run it, decode; the same trace as of the reference engines.

Points become input words on the host, go through the processes of `graph` one sample at a time (faithful: the chip's
schedule) or in batches, and come back as sums of outputs. What the chip computes does not depend on the mode, the model or the
batch size. Lava itself is imported when a run starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from neuropinn_lava.arrays import FloatArray
from neuropinn_lava.hardware_sim.graph import LavaNetwork, to_lava
from neuropinn_lava.hardware_sim.lava_choices import LayerModel
from neuropinn_lava.hardware_sim.lava_guard import require_lava
from neuropinn_lava.hardware_sim.recording import widened
from neuropinn_lava.hardware_sim.runner import run_graph
from neuropinn_lava.hardware_sim.schedule import Schedule
from neuropinn_lava.hardware_sim.shared_arrays import SharedArray
from neuropinn_lava.host import decode_floats, decode_integers, encode_points
from neuropinn_lava.network import NetworkSpec
from neuropinn_lava.points import checked_points
from neuropinn_lava.quantized import QuantizedNetwork
from neuropinn_lava.traces import NO_PROBE, Backend, LavaMode, NumberArray, Probe, ProbeTrace, RunTrace

__all__ = ["LayerModel", "simulate_on_lava"]

BATCH_SIZE = 2048
"""Rows of a message in batched mode: Lava's 0.2 ms per process and step are then small beside the arithmetic, and a message of
64 neurons, 512 KB, still fits into a core's second-level cache."""
CHANNEL_SIZE = 2
"""Messages that a channel holds: one is read while the next one is written. Lava's default, 64, costs memory."""


def simulate_on_lava(
    network: NetworkSpec | QuantizedNetwork,
    points: FloatArray,
    *,
    mode: LavaMode = LavaMode.BATCHED,
    probe: Probe = NO_PROBE,
    model: LayerModel = LayerModel.FUSED,
    batch_size: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    time_limit: float | None = None,
    models: Mapping[type, type] | None = None,
) -> RunTrace:
    """Run a network on Lava.

    Args:
        network: A quantized network runs in integers, a float one in float64.
        points: Physical coordinates, shape (n_samples, n_in), finite.
        mode: One sample at a time, or batches in the ports' shape.
        probe: What to record in full.
        model: What a layer is made of; `LayerModel.DENSE` in faithful mode only.
        batch_size: Samples in a message, for batched mode; None chooses.
        on_progress: Called now and then with the number of finished samples and the number of all.
        time_limit: Seconds after which the run is given up; None for never. Without progress it is given up anyway.
        models: Process models to use instead of this package's, by class of process.

    Returns:
        The trace; `readout`, counts and probed values are int64 where the network is quantized.

    Raises:
        SpecError: If the points are not what the network takes, or the batch size is out of range.
        HardwareRuleError: If Lava's Dense cannot hold a layer.
        SimulationError: If Lava does not run here, or the run failed; nothing of it is left.
    """
    start = time.perf_counter()
    points = checked_points(points, network.n_in, f"simulate_on_lava: points of network {network.name!r}")
    require_lava()
    inputs = _encoded(network, points)
    rows = None if mode is LavaMode.FAITHFUL else batch_size or min(BATCH_SIZE, len(points))
    graph = to_lava(network, model=model, batch_size=rows, n_samples=len(points), probe=probe, constant_input=True)
    _run(graph, inputs, on_progress, time_limit, models)
    return _trace(network, points, inputs, graph, mode, time.perf_counter() - start)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Inputs:
    """Points as the network takes them."""

    words: SharedArray
    """int32 words or float64 coordinates, shape (n_samples, n_in)."""
    n_saturated: int
    """Words that could not hold their value."""


def _encoded(network: NetworkSpec | QuantizedNetwork, points: FloatArray) -> _Inputs:
    if isinstance(network, QuantizedNetwork):
        words, n_saturated = encode_points(network, points)
        shared = SharedArray.zeros(words.shape, np.int32)  # a word has at most 24 bits
        shared.values[:] = words
        return _Inputs(words=shared, n_saturated=n_saturated)
    shared = SharedArray.zeros(points.shape, np.float64)
    shared.values[:] = network.input_transform.apply(points)
    return _Inputs(words=shared, n_saturated=0)


def _run(
    graph: LavaNetwork,
    inputs: _Inputs,
    on_progress: Callable[[int, int], None] | None,
    time_limit: float | None,
    models: Mapping[type, type] | None,
) -> None:
    """Put a source before the network and run both until the last sample has left the read-out."""
    from neuropinn_lava.hardware_sim.processes.layers import PointSource

    source = PointSource(words=inputs.words, schedule=graph.schedule)
    source.a_out.connect(graph.a_in)
    last = graph.schedule.later(len(graph.layers))
    run_graph(
        source,
        graph.run_config(models),
        last.n_lava_steps() + (graph.model is LayerModel.DENSE),
        compile_config={"pypy_channel_size": CHANNEL_SIZE},
        on_progress=_in_samples(on_progress, last, len(inputs.words.values)),
        time_limit=time_limit,
    )


def _in_samples(
    on_progress: Callable[[int, int], None] | None, last: Schedule, n_samples: int
) -> Callable[[int], None] | None:
    """Turn steps of Lava into samples that have left the read-out, whose schedule is `last`."""
    if on_progress is None:
        return None
    tell = on_progress
    return lambda n_lava_steps: tell(last.n_finished(n_lava_steps), n_samples)


def _trace(
    network: NetworkSpec | QuantizedNetwork,
    points: FloatArray,
    inputs: _Inputs,
    graph: LavaNetwork,
    mode: LavaMode,
    seconds: float,
) -> RunTrace:
    total = graph.emitted.total.values
    return RunTrace(
        network_digest=network.digest(),
        backend=Backend.LAVA,
        mode=mode,
        n_steps=network.n_steps,
        outputs=_decoded(network, points, total),
        readout=total,
        input_events=np.tile((inputs.words.values != 0).sum(axis=0), (network.n_steps, 1)),
        saturated_input=inputs.n_saturated,
        saturated_output=int(graph.emitted.saturated.values[0]),
        layers=tuple(recording.layer_counts() for recording in graph.recordings),
        probe=_probe_trace(graph),
        seconds=seconds,
    )


def _decoded(network: NetworkSpec | QuantizedNetwork, points: FloatArray, total: NumberArray) -> FloatArray:
    if isinstance(network, QuantizedNetwork):
        return decode_integers(network, points, total)
    return decode_floats(network, points, total)


def _probe_trace(graph: LavaNetwork) -> ProbeTrace | None:
    output = graph.emitted.output.values
    if not len(output):
        return None
    return ProbeTrace(
        samples=np.arange(len(output)),
        layers=tuple(recording.layer_trace() for recording in graph.recordings if len(recording.fired.values)),
        output=widened(output),
    )
