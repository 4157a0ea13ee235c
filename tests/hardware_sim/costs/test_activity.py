"""Activity of single neurons and steps: sums are those of the counts, and the chosen samples are what their labels say."""

from __future__ import annotations

import numpy as np
import pytest

import builders
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.hardware_sim.costs import activity
from neuropinn_lava.hardware_sim.costs.activity import STEP_MODEL, choose_samples, measure_activity
from neuropinn_lava.hardware_sim.costs.energy import estimate_energy
from neuropinn_lava.hardware_sim.costs.energy_files import find_energy_model
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.samples import count_samples
from neuropinn_lava.hardware_sim.counts.workload import deployed_workload

ROUNDING = 1e-12
"""Relative; sums of a few terms in another order."""


@pytest.fixture(scope="module")
def network():
    return builders.random_quantized(0, n_steps=4)


def measured(network, n: int = 40):
    points = builders.random_points(network, n)
    trace = run_integer(network, points)
    counts = count_operations(network, trace)
    chosen = choose_samples(count_samples(network, points), points[3], ("x", "y"))
    return measure_activity(
        network, trace, counts, chosen, lambda some, probe: run_integer(network, some, probe)
    ), counts


def test_sums_over_neurons_and_steps_are_those_of_the_counts(network) -> None:
    section, counts = measured(network)
    sent = {row.name: row.spikes for row in counts.rows}
    for node in section.nodes:
        assert node.events.sum() * counts.n_samples == pytest.approx(sent[node.name], rel=ROUNDING)
        assert node.events.max() <= 1.0
    assert section.operations_per_step.sum() == pytest.approx(counts.synaptic_operations_per_sample, rel=ROUNDING)


def test_energies_of_the_steps_add_up_to_the_operations_of_a_sample(network) -> None:
    section, counts = measured(network)
    whole = estimate_energy(deployed_workload(network, counts), find_energy_model(STEP_MODEL))
    assert section.joules_per_step is not None
    assert section.joules_per_step.sum() == pytest.approx(whole.dynamic_joules_per_sample, rel=ROUNDING)


def test_chosen_samples_are_what_their_labels_say(network) -> None:
    points = builders.random_points(network, 50)
    samples = count_samples(network, points)
    chosen = choose_samples(samples, points[7], ("x", "y"))
    assert [label.partition(" (")[0] for label in chosen.labels] == [
        "largest error", "most operations", "median operations", "fewest operations",
    ]  # fmt: skip
    assert np.array_equal(chosen.points[0], points[7])
    again = count_samples(network, chosen.points)
    assert (again.operations[1], again.operations[3]) == (samples.operations.max(), samples.operations.min())
    assert len(choose_samples(samples, None, ("x", "y")).labels) == 3


def test_large_traces_are_left_out(network, monkeypatch) -> None:
    monkeypatch.setattr(activity, "MOST_PROBED", 1)
    section, _ = measured(network)
    assert section.probe is None
    assert section.labels == ()
