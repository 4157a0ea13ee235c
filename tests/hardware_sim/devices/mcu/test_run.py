"""A network on an emulated microcontroller has the reference's bits: outputs, counts, every neuron, saturations, states."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import builders
import c_programs
import neuropinn_lava as nl
import small_graphs
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.state import RunState
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.hardware_sim.devices.mcu.run import run_on_device
from neuropinn_lava.hardware_sim.parity.compare_traces import compare_traces
from neuropinn_lava.network.spec import Readout

N_POINTS = 50


@cache
def converted(name):
    """Convert a shipped network once for all devices."""
    return nl.convert(nl.find_network(name)).network


def differences(network, points, device, probe=Probe(n_samples=3)):  # noqa: B008
    """Return what differs between the reference and the device."""
    expected = run_integer(network, points, probe)
    return compare_traces(expected, run_on_device(network, points, device, probe), network=network)


def test_a_small_graph_has_the_references_bits(device):
    network = small_graphs.gated_network()
    found = differences(network, builders.random_points(network, 6), device)
    assert found.first_difference is None
    assert found.values_compared > 500


def test_sequences_with_delays_have_the_references_bits(m4):
    network = builders.random_graph(5, n_inputs=2, n_steps=None, readout=Readout.EVERY)
    assert differences(network, builders.random_points(network, 4), m4).first_difference is None


def test_saturations_are_counted(m4):
    network = builders.saturating_quantized(1)
    points = builders.random_points(network, 8)
    trace = run_on_device(network, points, m4)
    assert trace.n_saturated == run_integer(network, points).n_saturated > 0
    assert differences(network, points, m4).first_difference is None


@pytest.mark.parametrize("n_steps", [1, 2, None])
def test_a_run_is_continued_by_its_state(m4, n_steps):
    network = builders.random_graph(3, n_nodes=6, n_steps=n_steps)
    points = builders.random_points(network, 3)
    expected, found = RunState.begin(network, 3), RunState.begin(network, 3)
    for _ in range(3):
        ours, theirs = run_integer(network, points, state=expected), run_on_device(network, points, m4, state=found)
        assert compare_traces(ours, theirs, network=network).first_difference is None
        expected, found = ours.state, theirs.state
        for kind in ("membranes", "lines"):
            for a, b in zip(getattr(expected, kind), getattr(found, kind), strict=True):
                assert a.name == b.name
                np.testing.assert_array_equal(a.values, b.values)


def test_a_probe_chooses_samples_and_steps(m4):
    network = builders.random_quantized(4, n_steps=3)
    probe = Probe(samples=(1, 4), steps=(0, 2), nodes=("hidden1",))
    assert differences(network, builders.random_points(network, 6), m4, probe).first_difference is None


def test_a_float_network_and_an_unknown_device_are_refused():
    network = builders.random_quantized(0)
    points = builders.random_points(network, 2)
    with pytest.raises(SpecError, match="device must be one of"):
        run_on_device(network, points, "cortex-m33")
    with pytest.raises(SpecError, match=r"run_on_device\.network must be a quantized network"):
        run_on_device(network.source, points, "cortex-m4")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", builders.FIELD_MODELS)
def test_every_shipped_network_has_the_references_bits(device, name):
    network = converted(name)
    found = differences(network, builders.random_points(network, N_POINTS, seed=1), device)
    assert found.mismatches == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(36))
def test_random_graphs_have_the_references_bits(device, seed):
    network = c_programs.draw_graph(seed)
    assert differences(network, builders.random_points(network, 10, seed=seed), device).mismatches == 0


@pytest.mark.slow
@pytest.mark.parametrize("what", list(c_programs.hard_networks()))
def test_hard_words_have_the_references_bits(device, what):
    network = c_programs.hard_networks()[what]
    assert differences(network, builders.random_points(network, 10), device).mismatches == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_forced_saturation_has_the_references_bits(device, seed):
    network = builders.saturating_quantized(seed)
    assert differences(network, builders.random_points(network, 10, seed=seed), device).mismatches == 0
