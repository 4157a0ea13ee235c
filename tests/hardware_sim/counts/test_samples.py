"""Counts of single samples add up to the counts of their run."""

from __future__ import annotations

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.samples import BLOCK, LONG, MAX_SAMPLES, count_samples, spread_points
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import NetworkSpec

GRAPHS = [builders.random_graph(seed, n_inputs=1 + seed % 3, n_nodes=7, n_steps=2) for seed in range(3)]


@pytest.mark.parametrize(
    "network",
    [
        builders.random_quantized(0, n_steps=3),
        builders.random_spec(1, n_steps=2),
        *GRAPHS,
        GRAPHS[0].source,
        builders.random_graph(5, n_inputs=2, n_steps=None),
    ],
)
def test_samples_add_up_to_the_run(network: NetworkSpec | QuantizedNetwork) -> None:
    points = builders.random_points(network, BLOCK + 40)  # more than one block
    trace = run_integer(network, points) if isinstance(network, QuantizedNetwork) else run_float(network, points)
    counts = count_operations(network, trace)
    samples = count_samples(network, points)
    assert samples.spikes.sum(axis=0).tolist() == [row.spikes for row in counts.rows]
    assert samples.fired.sum(axis=0).tolist() == [row.fired for row in counts.rows]
    assert samples.synaptic_operations.sum(axis=0).tolist() == [row.synaptic_operations for row in counts.rows]
    assert samples.operations.shape == (samples.n_samples,)


def test_each_sample_counts_as_if_alone() -> None:
    network = builders.random_quantized(2)
    points = builders.random_points(network, 9)
    together = count_samples(network, points)
    for index in range(9):
        alone = count_samples(network, points[index : index + 1])
        assert alone.synaptic_operations[0].tolist() == together.synaptic_operations[index].tolist()
        assert alone.membrane_updates[0].tolist() == together.membrane_updates[index].tolist()


def test_membrane_updates_against_a_loop() -> None:
    network = builders.random_quantized(3, n_steps=5)
    points = builders.random_points(network, 6)
    probe = run_integer(network, points, Probe(n_samples=6)).probe
    assert probe is not None
    samples = count_samples(network, points)
    for row, layer in enumerate(probe.nodes, start=1):
        for sample in range(6):
            expected = 0
            for neuron in range(layer.membrane.shape[2]):
                for step in range(5):
                    before = layer.membrane[sample, step - 1, neuron] if step else None
                    expected += before is None or before != layer.membrane[sample, step, neuron]
            assert samples.membrane_updates[sample, row] == expected


def test_points_are_spread_over_all_of_them() -> None:
    points = np.arange(10.0)[:, None]
    assert spread_points(points, 4).ravel().tolist() == [0, 3, 6, 9]
    assert spread_points(points) is points
    assert len(spread_points(np.zeros((MAX_SAMPLES * 3, 2)))) == MAX_SAMPLES


def test_fewer_long_sequences_are_followed() -> None:
    assert len(spread_points(np.zeros((500, 8 * LONG, 2)), 400)) == 50
    assert spread_points(np.zeros((500, LONG, 2)), 500).shape == (500, LONG, 2)


def test_wrong_points_are_refused() -> None:
    with pytest.raises(SpecError, match="count_samples"):
        count_samples(builders.random_quantized(0), np.zeros((4, 5)))
