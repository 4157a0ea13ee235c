"""Whole networks in one process, without Lava: tile by tile, and step by step, equal to the reference engine."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import builders
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.state import RunState
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.hardware_sim.kernels.layer_kernel import make_kernel
from neuropinn_lava.hardware_sim.steps.network_runs import TILE, NetworkRun, order_groups
from neuropinn_lava.hardware_sim.steps.recording import make_recordings
from neuropinn_lava.hardware_sim.steps.schedule import Schedule
from neuropinn_lava.hardware_sim.steps.shared_state import SharedState
from neuropinn_lava.network.spec import Readout
from small_graphs import with_connection

N = 2 * TILE + 9


def assert_equals_reference(network: Any, points: Any, probe: Probe, recordings: Any, emitted: Any) -> None:
    expected = run_integer(network, points, probe)
    assert np.array_equal(emitted.total.values, expected.readout)
    assert emitted.n_saturated == expected.saturated_output
    for recording, counts in zip(recordings, expected.nodes, strict=True):
        found = recording.node_counts()
        assert np.array_equal(found.fired, counts.fired)
        assert np.array_equal(found.events, counts.events)
        for kind in ("drive", "membrane", "payload"):
            assert getattr(found, f"saturated_{kind}") == getattr(counts, f"saturated_{kind}")
    if expected.probe is not None:
        assert np.array_equal(emitted.output.values, expected.probe.output)
        probed = [recording.node_trace() for recording in recordings if len(recording.fired.values)]
        for trace, full in zip(probed, expected.probe.nodes, strict=True):
            assert trace.name == full.name
            assert np.array_equal(trace.membrane, full.membrane)
            assert np.array_equal(trace.fired, full.fired)
            assert np.array_equal(trace.payload, full.payload)


def make_run(network: Any, probe: Probe, n_steps: int, n_samples: int, n_rows: int = TILE) -> Any:
    """Build the run of a network, its recordings, and that of its read-out."""
    recordings, emitted = make_recordings(network, probe, n_steps, n_samples)
    *kernels, readout = (make_kernel(node) for node in (*network.nodes, network.output))
    return NetworkRun(network, kernels, readout, n_steps, recordings, emitted, n_rows), recordings, emitted


@pytest.mark.parametrize("make", [builders.random_quantized, builders.saturating_quantized])
@pytest.mark.parametrize("n_steps", builders.N_STEPS)
@pytest.mark.parametrize("n_probed", [0, 5, TILE, TILE + 3, N])
def test_tiles_equal_reference(make: Any, n_steps: int, n_probed: int) -> None:
    network = make(3, widths=(2, 11, 6, 2), n_steps=n_steps)
    points, probe = builders.random_points(network, N), Probe(n_samples=n_probed)
    run, recordings, emitted = make_run(network, probe, n_steps, N)
    words = encode_points(network, points)[0].astype(np.int32)
    run.advance(0, words[:50])
    run.advance(50, words[50:])
    assert_equals_reference(network, points, probe, recordings, emitted)


@pytest.mark.parametrize("n_steps", [*builders.N_STEPS, None])
@pytest.mark.parametrize("seed", range(12))
def test_tiles_of_graphs_equal_reference(seed: int, n_steps: int | None) -> None:
    network = builders.random_graph(
        seed, n_inputs=1 + seed % 3, n_steps=n_steps, readout=Readout.LAST if n_steps else Readout.EVERY
    )
    points, probe = builders.random_points(network, 9), Probe(n_samples=9)
    run, recordings, emitted = make_run(network, probe, n_steps or 6, 9, n_rows=4)
    run.advance(0, encode_points(network, points)[0].astype(np.int32))
    assert_equals_reference(network, points, probe, recordings, emitted)


@pytest.mark.parametrize("readout", builders.READOUTS)
def test_steps_equal_reference(readout: Readout) -> None:
    network = builders.random_quantized(3, widths=(2, 11, 6, 2), n_steps=3, readout=readout)
    assert_steps_equal_reference(network, Probe(n_samples=4, nodes=("hidden1",)))


@pytest.mark.parametrize("seed", range(8))
def test_steps_of_graphs_equal_reference(seed: int) -> None:
    n_steps = (*builders.N_STEPS, None)[seed % 4]
    assert_steps_equal_reference(
        builders.random_graph(seed, n_inputs=1 + seed % 3, n_steps=n_steps), Probe(n_samples=7)
    )


def assert_steps_equal_reference(network: Any, probe: Probe) -> None:
    points, n_steps = builders.random_points(network, 7), network.n_steps or 6
    run, recordings, emitted = make_run(network, probe, n_steps, 7, n_rows=1)
    schedule = Schedule(n_steps=n_steps, n_samples=7)
    words = encode_points(network, points)[0].astype(np.int32)
    for time_step in range(1, 7 * n_steps + 1):
        batch_step = schedule.batch_step(time_step)
        assert batch_step is not None
        run.advance_step(batch_step, words[batch_step.first : batch_step.first + 1])
    assert_equals_reference(network, points, probe, recordings, emitted)


def test_nodes_wait_for_all_that_they_read_even_with_a_delay() -> None:
    """Of a chain each node is a group; where one reads a later one with a delay, both are computed step by step."""
    chain = builders.random_quantized(3, widths=(2, 4, 4, 4, 1), n_steps=3)
    assert [[node.name for node in group] for group in order_groups(chain)] == [["hidden0"], ["hidden1"], ["hidden2"]]
    looped = with_connection(chain, "hidden0", source="hidden1", delay=1)
    assert [[node.name for node in group] for group in order_groups(looped)] == [["hidden0", "hidden1"], ["hidden2"]]


@pytest.mark.parametrize("seed", range(0, 24, 2))
def test_tiles_in_parts_are_the_whole(seed: int) -> None:
    """Sequences and constant inputs, cut at every step, several cuts at once; tiles smaller than the samples."""
    network = builders.random_graph(seed, n_inputs=1 + seed % 3, n_steps=None, readout=Readout.EVERY)
    points = builders.random_points(network, 9)
    n_steps, words = points.shape[1], encode_points(network, points)[0].astype(np.int32)
    whole = run_integer(network, points, state=RunState.begin(network, 9))
    for cuts in ([each] for each in range(1, n_steps)), [list(range(1, n_steps))]:
        for cut in cuts:
            state, outputs = RunState.begin(network, 9), []
            for begin, end in zip([0, *cut], [*cut, n_steps], strict=True):
                shared = SharedState.of(network, state)
                recordings, emitted = make_recordings(network, Probe(), end - begin, 9)
                *kernels, readout = (make_kernel(node) for node in (*network.nodes, network.output))
                run = NetworkRun(network, kernels, readout, end - begin, recordings, emitted, 4, shared)
                run.advance(0, words[:, begin:end])
                state = shared.run_state(9, end - begin)
                outputs.append(emitted.total.values)
            assert np.array_equal(np.concatenate(outputs, axis=1), whole.readout)
            assert pickle.dumps(state) == pickle.dumps(whole.state)
