"""Interval arithmetic: every value of every run lies within its bound, tight cases are exact, and proofs are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import builders
from neuropinn_lava.conversion import QuantizationScheme, StateRange, quantize_network
from neuropinn_lava.conversion.calibrate.intervals import (
    MAX_CELLS,
    MAX_UNROLLED,
    Interval,
    LayerBound,
    ProductBound,
    _fixed_point,
    _input_cells,
    _product_interval,
    bound_network,
    bound_nodes,
    cell_corners,
)
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import IntegerArithmetic, constant_inputs, run_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.engine.walk import NodeStep, walk
from neuropinn_lava.network.integers import IntFormat, shift_half_up
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import QuantizedPopulation, QuantizedProduct, Word


def edge_points(network: QuantizedNetwork, n: int) -> np.ndarray:
    """Random points, and every corner of the box."""
    source = network.source
    corners = np.stack(np.meshgrid(*zip(source.lower, source.upper, strict=True)), axis=-1).reshape(-1, source.n_in)
    return np.concatenate([builders.random_points(network, n), corners])


@pytest.mark.parametrize("n_steps", builders.N_STEPS)
@pytest.mark.parametrize("polarity", builders.POLARITIES)
@pytest.mark.parametrize("activation", builders.ACTIVATIONS)
def test_everything_lies_within_its_bound(activation: str, polarity: Polarity, n_steps: int) -> None:
    network = builders.random_quantized(1, activation=activation, polarity=polarity, n_steps=n_steps)
    points = edge_points(network, 200)
    trace = run_integer(network, points, Probe(n_samples=len(points)))
    assert trace.probe is not None
    a = np.repeat(encode_points(network, points)[0][:, None], n_steps, axis=1)
    for layer, bound, seen in zip(network.populations, bound_network(network), trace.probe.nodes, strict=False):
        product = a @ layer.affine.weight.T
        assert np.abs(product).max() <= bound.accumulator
        assert np.abs(shift_half_up(product, layer.affine.lefts[0]) + layer.affine.bias).max() <= bound.drive
        assert np.abs(seen.membrane).max() <= bound.membrane
        assert np.abs(seen.payload).max() <= bound.payload
        a = seen.payload
    assert np.abs(trace.probe.output).max() <= bound_network(network)[-1].drive


def test_one_layer_of_one_input_is_bounded_exactly() -> None:
    """A drive that is monotone in x takes its largest value at a corner; nothing is lost to the intervals."""
    network = builders.random_quantized(2, widths=(1, 6, 1), activation="identity", polarity=Polarity.BOTH, n_steps=1)
    network = builders.with_layer(network, 0, theta=np.zeros(6, dtype=np.int64))
    points = edge_points(network, 0)
    a, _ = encode_points(network, points)
    affine = network.populations[0].affine
    drive = shift_half_up(a @ affine.weight.T, affine.lefts[0]) + affine.bias
    assert bound_network(network)[0].drive == np.abs(drive).max()


def test_positive_polarity_sends_no_payload_of_negative_drives() -> None:
    """What was carried over is below theta, so a neuron that fires has z >= theta - beta (theta - 1) >= 0."""
    network = builders.random_quantized(3, activation="identity", polarity=Polarity.POSITIVE, n_steps=8)
    network = builders.with_negative_layer(network, 0)
    silent = replace(network, source=replace(network.source, lower=[0.5, 1.0], upper=[1.0, 2.0]))
    assert bound_network(silent)[0].payload == 0  # positive coordinates, negative weights
    assert (run_integer(silent, np.array([[0.7, 1.5]])).nodes[0].events == 0).all()


def test_cells_cover_the_box_without_gaps() -> None:
    spec = builders.random_spec(4, widths=(3, 4, 1))
    lower, upper = cell_corners(spec)
    assert len(lower) <= MAX_CELLS
    np.testing.assert_allclose(np.prod(upper - lower, axis=1).sum(), np.prod(spec.upper - spec.lower))
    np.testing.assert_array_equal(lower.min(axis=0), spec.lower)
    np.testing.assert_array_equal(upper.max(axis=0), spec.upper)
    # 16 cells an axis, the last axis fastest; an axis is cut where linspace cuts it.
    cuts = [np.linspace(low, high, 17) for low, high in zip(spec.lower, spec.upper, strict=True)]
    for cell, (i, j, k) in ((0, (0, 0, 0)), (1, (0, 0, 1)), (16, (0, 1, 0)), (256 * 3 + 16 * 5 + 7, (3, 5, 7))):
        assert lower[cell].tolist() == [cuts[0][i], cuts[1][j], cuts[2][k]]
        assert upper[cell].tolist() == [cuts[0][i + 1], cuts[1][j + 1], cuts[2][k + 1]]


def test_a_box_of_more_axes_than_numpy_has_is_one_cell() -> None:
    """A function at 50 sensors is 50 columns; numpy's arrays have at most 32 axes."""
    network = builders.random_quantized(0, widths=(50, 3, 1))
    lower, upper = cell_corners(network.source)
    assert lower.tolist() == [network.source.lower.tolist()]
    assert upper.tolist() == [network.source.upper.tolist()]
    assert len(bound_network(network)) == 2


def test_a_saturating_network_is_not_proved() -> None:
    network = builders.saturating_quantized(5)
    bounds = bound_network(network)
    assert not all(bound.state_is_proved for bound in bounds)
    assert not all(bound.payload_is_proved for bound in bounds)


def test_a_payload_word_of_24_bits_that_saturates_is_not_proved() -> None:
    network = builders.random_quantized(
        6,
        activation="identity",
        payload_bits=24,
        payload_range=-8,
        state_bits=32,
        state_range=6,
        polarity=Polarity.BOTH,
    )
    assert run_integer(network, edge_points(network, 50)).n_saturated
    assert not bound_network(network)[0].payload_is_proved


@pytest.mark.parametrize("activation", builders.ACTIVATIONS)
def test_states_are_proved_by_default_and_as_calibrated_on_request(activation: str) -> None:
    network = builders.random_spec(7, widths=(2, 20, 20, 1), activation=activation, n_steps=3)
    result = quantize_network(network)
    assert all(layer.state_proved for layer in result.report.layers)
    calibrated = quantize_network(network, QuantizationScheme(state_range=StateRange.CALIBRATED)).network
    for affine, other in zip(result.network.affines, calibrated.affines, strict=True):
        assert 0 <= affine.state_exponent - other.state_exponent <= 8


def test_a_bound_that_rounding_moves_out_of_its_word_is_proved_by_a_second_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a margin that sees nothing to do for the nearest integers, the compensated ones are looked at all the same."""
    network = builders.random_spec(7, widths=(2, 20, 20, 1), activation="z_tanh_z", n_steps=3)
    scheme = QuantizationScheme(weight_bits=5, state_headroom=1.0)
    calibrated = quantize_network(network, replace(scheme, state_range=StateRange.CALIBRATED))
    assert not all(layer.state_proved for layer in calibrated.report.layers)
    monkeypatch.setattr("neuropinn_lava.conversion.quantize.post_training.PROOF_MARGIN", 1e-6)
    assert all(layer.state_proved for layer in quantize_network(network, scheme).report.layers)


def test_short_states_keep_their_calibrated_range() -> None:
    network = builders.random_spec(8, activation="z_tanh_z")
    chips = [
        quantize_network(network, QuantizationScheme(state_bits=16, state_range=rule)).network for rule in StateRange
    ]
    assert [a.state_exponent for a in chips[0].affines] == [a.state_exponent for a in chips[1].affines]


def test_accumulator_bits_count_the_sign() -> None:
    network = builders.random_quantized(9)
    for bound in bound_network(network):
        word = IntFormat(bits=bound.accumulator_bits)
        assert word.highest // 2 < bound.accumulator <= word.highest


def assert_within_bounds(network: QuantizedNetwork, *batches: np.ndarray) -> None:
    """Compare every value of every node, over each connection, with the bounds of the node."""
    bounds = {bound.name: bound for bound in bound_nodes(network)}

    def see(t: int, node: Any, step: NodeStep) -> None:
        bound = bounds[node.name]
        if isinstance(bound, ProductBound):
            assert np.abs(step.drive).max() <= bound.accumulator, node.name
            assert np.abs(shift_half_up(step.drive, node.shift)).max() <= bound.payload, node.name
            return
        total = node.affine.bias
        for each, left, a in zip(node.affine.connections, node.affine.lefts, step.received, strict=True):
            product = a @ each.weight.T
            assert np.abs(product).max() <= bound.accumulator, node.name
            total = total + shift_half_up(product, left)
        assert np.abs(total).max() <= bound.drive, node.name
        if isinstance(node, QuantizedPopulation):
            assert np.abs(step.membrane).max() <= bound.membrane, node.name
            assert np.abs(step.payload).max() <= bound.payload, node.name

    for points in batches:
        words, _ = encode_points(network, points)
        n_steps = network.n_steps or points.shape[1]
        walk(network, constant_inputs(network, words), n_steps, IntegerArithmetic(len(points)), see)


def drawn_graph(seed: int) -> QuantizedNetwork:
    """Draw a graph of one to three inputs, one step or several or a sequence, that saturates here and there."""
    return builders.random_graph(seed, n_inputs=1 + seed % 3, n_nodes=6, n_steps=(1, 2, 8, None)[seed % 4])


@pytest.mark.parametrize("seed", range(24))
def test_no_sample_of_a_graph_breaks_a_bound(seed: int) -> None:
    network = drawn_graph(seed)
    assert_within_bounds(network, builders.random_points(network, 500))


@pytest.mark.slow
def test_a_million_inputs_break_no_bound() -> None:
    for seed in range(20):
        network = drawn_graph(seed)
        assert_within_bounds(network, *(builders.random_points(network, 5000, part) for part in range(10)))


def test_fixed_points_hold_for_long_sequences_and_say_so() -> None:
    network = builders.random_graph(3, n_inputs=2, n_nodes=6, n_steps=None)
    assert all(bound.is_fixed_point for bound in bound_nodes(network))
    rng = np.random.default_rng(0)
    unit = rng.integers(0, 2, (50, 200, network.n_in))  # from corner to corner
    assert_within_bounds(network, network.source.lower + (network.source.upper - network.source.lower) * unit)


@pytest.mark.parametrize("seed", range(6))
def test_fixed_points_hold_what_unrolling_finds(seed: int) -> None:
    network = builders.random_graph(seed, n_nodes=6, n_steps=8)
    unrolled, fixed = bound_nodes(network), _fixed_point(network, _input_cells(network))
    for bound, wider in zip(unrolled, fixed, strict=True):
        assert not bound.is_fixed_point
        assert bound.accumulator <= wider.accumulator, bound.name
        if isinstance(bound, LayerBound) and bound.payload is not None:
            assert max(bound.drive, bound.membrane, bound.payload) <= max(wider.drive, wider.membrane, wider.payload)


def test_many_steps_are_walked_until_they_repeat_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a leak to wait for, the second step is the first one again."""
    network = builders.random_quantized(4, n_steps=50, polarity=Polarity.BOTH)
    still = builders.with_layer(builders.with_layer(network, 0, beta=np.zeros(7, int)), 1, beta=np.zeros(5, int))
    n_walked = []
    monkeypatch.setattr(
        "neuropinn_lava.conversion.calibrate.intervals.walk", lambda *given: n_walked.append(given[2]) or walk(*given)
    )
    bounds = bound_nodes(still)
    assert sum(n_walked) < 5
    once = replace(still, source=replace(still.source, n_steps=1))
    assert [bound.payload for bound in bounds] == [bound.payload for bound in bound_nodes(once)]


def test_a_square_is_not_negative() -> None:
    """x in [-2, 1]: x times another x of the same range reaches -2, x squared does not."""
    product = QuantizedProduct(
        name="p", left="x", right="x", width=1, left_word=Word(bits=8, exponent=0), right_word=Word(bits=8, exponent=0),
        sends=Word(bits=8, exponent=0),
    )  # fmt: skip
    x = Interval(np.array([[-2]]), np.array([[1]]))
    assert [int(end[0, 0]) for end in _product_interval(product, x, x)] == [0, 4]
    other = replace(product, right="y")
    assert [int(end[0, 0]) for end in _product_interval(other, x, x)] == [-2, 4]


@pytest.mark.parametrize("polarity", builders.POLARITIES)
def test_more_steps_than_are_walked_have_fixed_points(polarity: Polarity) -> None:
    network = builders.random_quantized(5, n_steps=MAX_UNROLLED + 1, polarity=polarity)
    assert all(bound.is_fixed_point for bound in bound_nodes(network))
    assert_within_bounds(network, builders.random_points(network, 300))
