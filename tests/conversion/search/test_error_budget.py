"""The error budget: one cause at a time, each exact where it can be worked out, and none where there is none."""

from __future__ import annotations

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.conversion import QuantizationScheme, quantize_network
from neuropinn_lava.conversion.search.error_budget import Cause, ErrorBudget, interpolate, measure_error_budget
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.phi_table import look_up, make_table
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import QuantizedProduct

EXACT = 1e-12
"""Relative; sums of the same numbers in the same order, but for the last places of a float."""


def budget_of(network: QuantizedNetwork, n: int = 200) -> ErrorBudget:
    return measure_error_budget(network, builders.random_points(network, n))


def test_only_the_words_of_an_exact_twin_cost_anything() -> None:
    """The source of a builder's integer network is what its integers stand for: weights, beta and theta add nothing."""
    budget = budget_of(builders.random_quantized(1, n_steps=3))
    for entry in budget.entries:
        if entry.cause in (Cause.WEIGHTS, Cause.BETA, Cause.THETA):
            assert (entry.relative_change, entry.flipped_spikes) == (0.0, 0.0)
    assert budget.entry("input", Cause.PAYLOAD).relative_change > 0
    assert budget.entry("hidden0", Cause.PHI_TABLE).relative_change > 0


def test_weights_alone_equal_a_float_network_with_those_weights() -> None:
    network = builders.random_spec(2, n_steps=2, ansatz=True)
    points = builders.random_points(network, 200)
    chip = quantize_network(network, QuantizationScheme(weight_bits=4)).network
    affine = chip.populations[1].affine
    deployed = builders.with_layer(
        network,
        1,
        weight=affine.real_weight,
        bias=affine.real_bias,
    )
    exact, moved = run_float(network, points), run_float(deployed, points)
    entry = measure_error_budget(chip, points).entry("hidden1", Cause.WEIGHTS)
    assert entry.relative_change == pytest.approx(relative_l2(moved.outputs, exact.outputs), rel=EXACT)


def test_the_whole_is_that_of_the_integer_engine() -> None:
    network = builders.random_spec(3)
    points = builders.random_points(network, 200)
    chip = quantize_network(network, QuantizationScheme(weight_bits=5)).network
    budget = measure_error_budget(chip, points)
    whole = relative_l2(run_integer(chip, points).outputs, run_float(network, points).outputs)
    assert budget.whole_change == pytest.approx(whole, rel=EXACT)
    assert budget.n_points == 200


def test_saturation_is_a_cause_of_its_own() -> None:
    budget = budget_of(builders.saturating_quantized(4))
    assert budget.entry("hidden0", Cause.SATURATION).relative_change > 0.01
    assert budget.entry("hidden0", Cause.STATE).relative_change < 1e-4  # a unit of the state is 2**-24 of its word


def test_where_nothing_saturates_saturation_adds_nothing() -> None:
    chip = quantize_network(builders.random_spec(8)).network
    for layer in (*chip.populations, chip.output):
        entry = budget_of(chip).entry(layer.name, Cause.SATURATION)
        assert (entry.relative_change, entry.flipped_spikes) == (0.0, 0.0)


def test_a_threshold_that_moves_flips_spikes() -> None:
    """Thresholds of the integers a tenth higher than those of the source: spikes between the two flip, and only by theta."""
    network = builders.random_quantized(5, polarity=Polarity.BOTH, n_steps=1)
    raised = builders.with_layer(network, 0, theta=network.populations[0].theta + 2**16)
    budget = budget_of(raised, 500)
    assert budget.entry("hidden0", Cause.THETA).flipped_spikes > 0.001
    assert budget.entry("hidden1", Cause.THETA).flipped_spikes == 0.0
    assert budget.largest().relative_change == max(entry.relative_change for entry in budget.entries)


def test_rows_and_causes() -> None:
    budget = budget_of(builders.random_quantized(6, activation="relu"))
    assert budget.entry("hidden0", Cause.PHI_TABLE) is None  # relu has no table
    assert [entry.name for entry in budget.entries].count("output") == 3
    assert budget.entries[0].name == "input"


def test_wrong_points_are_refused() -> None:
    with pytest.raises(SpecError, match=r"error budget of network 'random7'.*the shape \(n, 2\)"):
        measure_error_budget(builders.random_quantized(7), np.zeros((4, 3)))


@pytest.mark.parametrize("activation", builders.ACTIVATIONS)
def test_the_smooth_table_differs_from_the_integer_one_by_half_a_payload(activation: str) -> None:
    """Inside and beyond the table's domain, both signs."""
    table = make_table(
        activation, state_exponent=-16, state_bits=24, payload_exponent=-10, payload_bits=24, index_size=6
    )
    z = np.concatenate([np.arange(-700_000, 700_000, 997), [-(2**22), 2**22]])
    integers, n_saturated = look_up(table, z)
    assert n_saturated == 0
    smooth = interpolate(table, np.ldexp(z.astype(np.float64), -16))
    assert np.abs(smooth - np.ldexp(integers.astype(np.float64), -10)).max() <= 2.0**-11 * (1 + EXACT)


@pytest.mark.parametrize("n_steps", [2, None])
def test_budgets_of_graphs(n_steps: int | None) -> None:
    """Rows for every input, node and the read-out; an exact twin's weights, leaks and thresholds cost nothing."""
    network = builders.random_graph(2, n_inputs=2, n_nodes=6, n_steps=n_steps)
    budget = budget_of(network, 100)
    products = [node.name for node in network.nodes if isinstance(node, QuantizedProduct)]
    assert budget.names == ("x0", "x1", *(node.name for node in network.nodes), "output")
    assert products
    for entry in budget.entries:
        if entry.cause in (Cause.WEIGHTS, Cause.BETA, Cause.THETA):
            assert (entry.relative_change, entry.flipped_spikes) == (0.0, 0.0)
        if entry.name in products:
            assert entry.cause is Cause.PAYLOAD
    assert max(budget.entry(name, Cause.PAYLOAD).relative_change for name in products) > 0.0
