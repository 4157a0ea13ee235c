"""Whole networks in one process, without Lava: tile by tile, and step by step, equal to the reference engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import builders
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.hardware_sim.kernels.layer_kernel import make_kernel
from neuropinn_lava.hardware_sim.steps.network_runs import TILE, NetworkRun, StepRun
from neuropinn_lava.hardware_sim.steps.recording import make_recordings
from neuropinn_lava.hardware_sim.steps.schedule import Schedule
from neuropinn_lava.network.spec import Readout

N = 2 * TILE + 9


def assert_equals_reference(network: Any, points: Any, probe: Probe, recordings: Any, emitted: Any) -> None:
    expected = run_integer(network, points, probe)
    assert np.array_equal(emitted.total.values, expected.readout)
    assert emitted.n_saturated == expected.saturated_output
    for recording, counts in zip(recordings, expected.layers, strict=True):
        found = recording.layer_counts()
        assert np.array_equal(found.fired, counts.fired)
        assert np.array_equal(found.events, counts.events)
        for kind in ("drive", "membrane", "payload"):
            assert getattr(found, f"saturated_{kind}") == getattr(counts, f"saturated_{kind}")
    if expected.probe is not None:
        assert np.array_equal(emitted.output.values, expected.probe.output)
        probed = [recording.layer_trace() for recording in recordings if len(recording.fired.values)]
        for trace, full in zip(probed, expected.probe.nodes, strict=True):
            assert trace.name == full.name
            assert np.array_equal(trace.membrane, full.membrane)
            assert np.array_equal(trace.fired, full.fired)
            assert np.array_equal(trace.payload, full.payload)


@pytest.mark.parametrize("make", [builders.random_quantized, builders.saturating_quantized])
@pytest.mark.parametrize("n_steps", builders.N_STEPS)
@pytest.mark.parametrize("n_probed", [0, 5, TILE, TILE + 3, N])
def test_tiles_equal_reference(make: Any, n_steps: int, n_probed: int) -> None:
    network = make(3, widths=(2, 11, 6, 2), n_steps=n_steps)
    points, probe = builders.random_points(network, N), Probe(n_samples=n_probed)
    recordings, emitted = make_recordings(network, probe, N)
    layers = tuple(make_kernel(layer) for layer in network.populations)
    run = NetworkRun(layers, make_kernel(network.output), n_steps, recordings, emitted)
    words = encode_points(network, points)[0].astype(np.int32)
    run.advance(0, words[:50])
    run.advance(50, words[50:])
    assert_equals_reference(network, points, probe, recordings, emitted)


@pytest.mark.parametrize("readout", builders.READOUTS)
def test_steps_equal_reference(readout: Readout) -> None:
    network = builders.random_quantized(3, widths=(2, 11, 6, 2), n_steps=3, readout=readout)
    points, probe = builders.random_points(network, 7), Probe(n_samples=4, layers=("hidden1",))
    recordings, emitted = make_recordings(network, probe, 7)
    run = StepRun(tuple(make_kernel(x) for x in network.populations), make_kernel(network.output), recordings, emitted)
    schedule = Schedule(n_steps=3, n_samples=7)
    words = encode_points(network, points)[0].astype(np.int32)
    for time_step in range(1, 22):
        batch_step = schedule.batch_step(time_step)
        assert batch_step is not None
        run.advance(batch_step, words[batch_step.first : batch_step.first + 1])
    assert_equals_reference(network, points, probe, recordings, emitted)
