"""Nodes run without Lava: connected by hand, one message a step, they give what the reference engine gives."""

from __future__ import annotations

import numpy as np
import pytest

import builders
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import Probe, RunTrace
from neuropinn_lava.hardware_sim.kernels.layer_kernel import make_kernel
from neuropinn_lava.hardware_sim.steps.layer_runs import ConstantRun, NodeRun, PointRun, ReadoutRun
from neuropinn_lava.hardware_sim.steps.recording import NodeRecording, ReadoutRecording, make_recordings
from neuropinn_lava.hardware_sim.steps.schedule import Schedule
from neuropinn_lava.hardware_sim.steps.timing import time_network
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import QuantizedPopulation
from neuropinn_lava.network.spec import Readout

N_PROBED = 9


def run_nodes(
    network: QuantizedNetwork, points: np.ndarray, batch_size: int | None
) -> tuple[tuple[NodeRecording, ...], ReadoutRecording]:
    """Send before you receive, as the process models do."""
    n_steps, timing = network.n_steps or points.shape[1], time_network(network)
    first = Schedule(n_steps=n_steps, interval=timing.interval, batch_size=batch_size, n_samples=len(points))
    inputs = {each.name: each.width for each in network.inputs}
    source = PointRun(encode_points(network, points)[0].astype(np.int32), first, list(inputs.values()))
    recordings, emitted = make_recordings(network, Probe(n_samples=N_PROBED), n_steps, len(points))
    runs = {}
    for node, recording, when in zip(network.nodes, recordings, timing.nodes, strict=False):
        is_constant = points.ndim == 2 and isinstance(node, QuantizedPopulation)
        is_constant = is_constant and all(name in inputs and not delay for name, delay in node.edges)
        kind = ConstantRun if is_constant else NodeRun
        runs[node.name] = kind(make_kernel(node), first.delayed(when.start), when, recording)
    last = timing.nodes[-1]
    readout = ReadoutRun(make_kernel(network.output), first.delayed(last.start), last, emitted)
    for time_step in range(1, first.delayed(timing.last_start).n_lava_steps() + 3):
        source.prepare(time_step)
        sent = dict(zip(inputs, source.outgoing, strict=True))
        sent |= {name: run.outgoing for name, run in runs.items()}
        sent = {name: message.copy() for name, message in sent.items()}
        for node in (*network.nodes, network.output):
            run = runs.get(node.name, readout)
            run.advance(time_step, [sent[name] for name, _ in node.edges])
    return recordings, emitted


def expected_trace(network: QuantizedNetwork, points: np.ndarray) -> RunTrace:
    return run_integer(network, points, Probe(n_samples=N_PROBED))


@pytest.mark.parametrize("n_steps", builders.N_STEPS)
@pytest.mark.parametrize("batch_size", [None, 1, 4, 7, 100])
@pytest.mark.parametrize("readout", builders.READOUTS)
def test_chain_equals_reference(n_steps: int, batch_size: int | None, readout: Readout) -> None:
    network = builders.random_quantized(1, widths=(2, 8, 6, 3), n_steps=n_steps, readout=readout)
    assert_nodes_equal_reference(network, builders.random_points(network, 21), batch_size)


@pytest.mark.parametrize("n_steps", [*builders.N_STEPS, None])
@pytest.mark.parametrize("seed", range(12))
def test_graph_equals_reference(seed: int, n_steps: int | None) -> None:
    readout = Readout.MEAN if n_steps else Readout.EVERY
    network = builders.random_graph(seed, n_inputs=1 + seed % 3, n_steps=n_steps, readout=readout)
    assert_nodes_equal_reference(network, builders.random_points(network, 5), [None, 2, 5][seed % 3])


def assert_nodes_equal_reference(network: QuantizedNetwork, points: np.ndarray, batch_size: int | None) -> None:
    recordings, emitted = run_nodes(network, points, batch_size)
    expected = expected_trace(network, points)
    assert np.array_equal(emitted.total.values, expected.readout)
    assert np.array_equal(emitted.output.values, expected.probe.output)
    for recording, counts, trace in zip(recordings, expected.nodes, expected.probe.nodes, strict=True):
        found = recording.node_counts()
        assert np.array_equal(found.fired, counts.fired)
        assert np.array_equal(found.events, counts.events)
        probed = recording.node_trace()
        assert probed.membrane.dtype == probed.payload.dtype == np.int64
        assert np.array_equal(probed.membrane, trace.membrane)
        assert np.array_equal(probed.fired, trace.fired)
        assert np.array_equal(probed.payload, trace.payload)


@pytest.mark.parametrize("batch_size", [None, 4])
def test_saturations_are_counted_as_often_as_they_happen(batch_size: int | None) -> None:
    """The first layer's drives are computed once and saturate at every step; padding saturates nothing."""
    network = builders.saturating_quantized(2, n_steps=8)
    points = builders.random_points(network, 10)
    recordings, emitted = run_nodes(network, points, batch_size)
    expected = expected_trace(network, points)
    for recording, counts in zip(recordings, expected.nodes, strict=True):
        found = recording.node_counts()
        for kind in ("drive", "membrane", "payload"):
            assert getattr(found, f"saturated_{kind}") == getattr(counts, f"saturated_{kind}")
    assert sum(counts.saturated_drive for counts in expected.nodes) > 0
    assert emitted.n_saturated == expected.saturated_output > 0
