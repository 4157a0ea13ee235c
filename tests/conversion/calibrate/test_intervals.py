"""Interval arithmetic: every value of every run lies within its bound, tight cases are exact, and proofs are kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.conversion import QuantizationScheme, StateRange, quantize_network
from neuropinn_lava.conversion.calibrate.intervals import MAX_CELLS, bound_network, cell_corners
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.network.integers import IntFormat, shift_half_up
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.quantized import QuantizedNetwork


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
