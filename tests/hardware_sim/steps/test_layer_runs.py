"""Layers run without Lava: chained by hand, one message a step, they give what the reference engine gives."""

from __future__ import annotations

import numpy as np
import pytest

import builders
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import Probe, RunTrace
from neuropinn_lava.hardware_sim.kernels.layer_kernel import make_kernel
from neuropinn_lava.hardware_sim.steps.layer_runs import LayerRun, PointRun, ReadoutRun
from neuropinn_lava.hardware_sim.steps.recording import LayerRecording, ReadoutRecording
from neuropinn_lava.hardware_sim.steps.schedule import Schedule
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import Readout

N_PROBED = 9


def run_chain(
    network: QuantizedNetwork, points: np.ndarray, batch_size: int | None
) -> tuple[list[LayerRecording], ReadoutRecording]:
    """Send before you receive, as the process models do."""
    first = Schedule(n_steps=network.n_steps, batch_size=batch_size, n_samples=len(points))
    source = PointRun(encode_points(network, points)[0].astype(np.int32), first)
    recordings = [
        LayerRecording.empty(x.name, x.n_out, network.n_steps, N_PROBED, np.int32) for x in network.populations
    ]
    layers = [
        LayerRun(
            make_kernel(layer),
            first.delayed(i),
            recording,
            np.zeros(first.shape(layer.n_out), np.int32),
            constant_input=i == 0,
        )
        for i, (layer, recording) in enumerate(zip(network.populations, recordings, strict=True))
    ]
    last = first.delayed(len(layers))
    emitted = ReadoutRecording.empty(network.readout, network.n_out, network.n_steps, len(points), N_PROBED, np.int32)
    readout = ReadoutRun(make_kernel(network.output), last, emitted)
    for time_step in range(1, last.n_lava_steps() + 3):
        source.prepare(time_step)
        messages = [source.outgoing.copy(), *(layer.outgoing.copy() for layer in layers)]
        for each, message in zip([*layers, readout], messages, strict=True):
            each.advance(time_step, message)
    return recordings, emitted


def expected_trace(network: QuantizedNetwork, points: np.ndarray) -> RunTrace:
    return run_integer(network, points, Probe(n_samples=N_PROBED))


@pytest.mark.parametrize("n_steps", builders.N_STEPS)
@pytest.mark.parametrize("batch_size", [None, 1, 4, 7, 100])
@pytest.mark.parametrize("readout", builders.READOUTS)
def test_chain_equals_reference(n_steps: int, batch_size: int | None, readout: Readout) -> None:
    network = builders.random_quantized(1, widths=(2, 8, 6, 3), n_steps=n_steps, readout=readout)
    points = builders.random_points(network, 21)
    recordings, emitted = run_chain(network, points, batch_size)
    expected = expected_trace(network, points)
    assert np.array_equal(emitted.total.values, expected.readout)
    assert np.array_equal(emitted.output.values, expected.probe.output)
    for recording, counts, trace in zip(recordings, expected.layers, expected.probe.nodes, strict=True):
        found = recording.layer_counts()
        assert np.array_equal(found.fired, counts.fired)
        assert np.array_equal(found.events, counts.events)
        probed = recording.layer_trace()
        assert probed.membrane.dtype == probed.payload.dtype == np.int64
        assert np.array_equal(probed.membrane, trace.membrane)
        assert np.array_equal(probed.fired, trace.fired)
        assert np.array_equal(probed.payload, trace.payload)


@pytest.mark.parametrize("batch_size", [None, 4])
def test_saturations_are_counted_as_often_as_they_happen(batch_size: int | None) -> None:
    """The first layer's drives are computed once and saturate at every step; padding saturates nothing."""
    network = builders.saturating_quantized(2, n_steps=8)
    points = builders.random_points(network, 10)
    recordings, emitted = run_chain(network, points, batch_size)
    expected = expected_trace(network, points)
    for recording, counts in zip(recordings, expected.layers, strict=True):
        found = recording.layer_counts()
        for kind in ("drive", "membrane", "payload"):
            assert getattr(found, f"saturated_{kind}") == getattr(counts, f"saturated_{kind}")
    assert sum(counts.saturated_drive for counts in expected.layers) > 0
    assert emitted.n_saturated == expected.saturated_output > 0
