"""Post-training quantization: scales, half-step bounds, thresholds, and what no network may lose."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from threadpoolctl import threadpool_info, threadpool_limits

import builders
import longhand
from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.errors import FixedPointError, SpecError
from neuropinn_lava.conversion import (
    Granularity,
    NodeRange,
    QuantizationScheme,
    RangeRule,
    Rounding,
    StateRange,
    calibrate_network,
    quantize_network,
)
from neuropinn_lava.conversion.quantize import post_training
from neuropinn_lava.conversion.quantize.nearest import (
    MAX_REFINEMENT,
    finest_state,
    payload_word,
    quantize_affine,
    quantize_weights,
)
from neuropinn_lava.conversion.quantize.ranges import finest_exponent
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.network.activations import find_activation
from neuropinn_lava.network.integers import dequantize_array
from neuropinn_lava.network.nodes import ConnectionSpec, PopulationSpec
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import Word
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.network.turns import network_in_turns

NEAREST = QuantizationScheme(
    rounding=Rounding.NEAREST, weight_range=RangeRule.MIN_MAX, state_range=StateRange.CALIBRATED
)
"""Every weight on its own, at a scale that clips none: what bounds of half a step are true of."""

every_granularity = pytest.mark.parametrize("granularity", Granularity)


class TestFinestExponent:
    @given(st.floats(min_value=5e-324, max_value=1.7e308), st.integers(2, 32))
    def test_holds_the_peak_and_no_finer_one_does(self, peak: float, bits: int) -> None:
        exponent = finest_exponent(peak, bits)
        highest = longhand.highest(bits)
        assert Fraction(peak) <= highest * longhand.power(exponent)
        assert Fraction(peak) > highest * longhand.power(exponent - 1)

    @given(st.integers(-1000, 900), st.integers(2, 32))
    def test_at_the_edges(self, exponent: int, bits: int) -> None:
        edge = math.ldexp(longhand.highest(bits), exponent)
        assert finest_exponent(edge, bits) == exponent
        assert finest_exponent(math.nextafter(edge, math.inf), bits) == exponent + 1

    @given(st.floats(1e-100, 1e100), st.integers(2, 31))
    def test_one_bit_more_is_one_exponent_less_or_the_same_range(self, peak: float, bits: int) -> None:
        assert finest_exponent(peak, bits) - finest_exponent(peak, bits + 1) in (1, 2)

    @given(st.floats(1e-100, 1e100), st.integers(-100, 100), st.integers(2, 32))
    def test_scales_with_powers_of_two(self, peak: float, shift: int, bits: int) -> None:
        assert finest_exponent(math.ldexp(peak, shift), bits) == finest_exponent(peak, bits) + shift

    def test_zero_counts_as_one(self) -> None:
        assert finest_exponent(0.0, 8) == finest_exponent(1.0, 8) == -6  # 127 / 64 is the finest above one


@every_granularity
class TestWeights:
    @pytest.mark.parametrize("bits", [2, 4, 8, 16])
    def test_nothing_is_clipped_and_the_error_is_half_a_step(self, granularity: Granularity, bits: int) -> None:
        weight = np.random.default_rng(bits).normal(0.0, 1.0, (30, 20)) * np.logspace(-3, 3, 30)[:, None]
        integers, exponents = quantize_weights(weight, bits, granularity)
        assert np.abs(integers).max() <= longhand.highest(bits)
        error = np.abs(dequantize_array(integers, exponents[:, None]) - weight)
        assert (error <= np.ldexp(0.5, exponents)[:, None]).all()

    def test_scales_are_the_finest(self, granularity: Granularity) -> None:
        weight = np.array([[1.0, -0.5], [0.25, 0.1], [0.0, 0.0]])
        _, exponents = quantize_weights(weight, 8, granularity)
        # 1 / 127 → 2^-6, 0.25 / 127 → 2^-8; a row of zeros takes the matrix's scale
        assert exponents.tolist() == ([-6, -8, -6] if granularity is Granularity.PER_NEURON else [-6, -6, -6])

    def test_tiny_rows_have_a_scale_that_can_be_aligned(self, granularity: Granularity) -> None:
        weight = np.array([[1.0, -0.5], [1e-30, 5e-324]])
        integers, exponents = quantize_weights(weight, 8, granularity)
        assert integers[1].tolist() == [0, 0]
        assert exponents.min() >= -6 - MAX_REFINEMENT

    def test_a_matrix_of_zeros(self, granularity: Granularity) -> None:
        integers, exponents = quantize_weights(np.zeros((2, 3)), 8, granularity)
        assert not integers.any()
        assert exponents.tolist() == [-6, -6]


def quantized(network: NetworkSpec, **scheme: object) -> QuantizedNetwork:
    return quantize_network(network, replace(NEAREST, **scheme)).network  # type: ignore[arg-type]


@every_granularity
@pytest.mark.parametrize("activation", builders.ACTIVATIONS)
@pytest.mark.parametrize("polarity", builders.POLARITIES)
def test_every_number_is_within_half_a_step(
    activation: str, polarity: builders.Polarity, granularity: Granularity
) -> None:
    network = network_in_turns(builders.random_spec(1, widths=(2, 9, 6, 2), activation=activation, polarity=polarity))
    chip = quantized(network, granularity=granularity)
    for spec, affine in zip((*network.populations, network.output), chip.affines, strict=True):
        half_unit = np.ldexp(0.5, affine.connections[0].weight_exponent)[:, None]
        assert (np.abs(affine.real_weight - spec.weight) <= half_unit).all()
        unit = 2.0**affine.state_exponent
        assert (np.abs(affine.bias * unit - spec.bias) <= unit / 2).all()
    for spec, layer in zip(network.populations, chip.populations, strict=True):
        unit = 2.0**layer.affine.state_exponent
        assert (layer.theta * unit >= spec.theta).all()  # ceil
        assert ((layer.theta - 1) * unit < spec.theta).all()
        assert (np.abs(layer.beta / 4096 - spec.beta) <= 0.5 / 4096).all()
        assert layer.table.activation == spec.activation
        assert layer.polarity is polarity
    assert chip.source is network


@given(st.floats(0.0, 1e6), st.integers(-30, 4), st.integers(-(2**23), 2**23))
def test_ceiled_thresholds_ask_the_same_question(theta: float, exponent: int, z: int) -> None:
    """For every z on the grid, z * unit >= theta is z >= ceil(theta / unit)."""
    ceiled = math.ceil(Fraction(theta) / longhand.power(exponent))
    assert (z * longhand.power(exponent) >= Fraction(theta)) == (z >= ceiled)
    assert int(np.ceil(np.ldexp(theta, -exponent))) == ceiled  # what quantize_population computes


def test_thresholds_beyond_the_state_become_its_highest_and_are_reported() -> None:
    network = builders.random_spec(2)
    theta = network.populations[0].theta.copy()
    theta[:3] = 1e3, 1e300, 1.7e308
    result = quantize_network(builders.with_layer(network, 0, theta=theta), NEAREST)
    assert (result.network.populations[0].theta[:3] == longhand.highest(24)).all()
    assert [layer.n_clipped for layer in result.report.layers] == [3, 0, 0]


@pytest.mark.parametrize("activation", builders.ACTIVATIONS)
@pytest.mark.parametrize("polarity", builders.POLARITIES)
@pytest.mark.parametrize("n_steps", builders.N_STEPS)
def test_nothing_saturates_on_the_calibration_points(
    activation: str, polarity: builders.Polarity, n_steps: int
) -> None:
    network = builders.random_spec(3, activation=activation, polarity=polarity, n_steps=n_steps)
    points = builders.random_points(network, 300)
    result = quantize_network(network, points=points)
    assert result.report.n_saturated == 0
    assert run_integer(result.network, points).n_saturated == 0


@pytest.mark.parametrize("activation", builders.ACTIVATIONS)
def test_scales_are_the_finest_that_hold_the_ranges(activation: str) -> None:
    network = network_in_turns(builders.random_spec(4, activation=activation))
    calibration = calibrate_network(network)
    chip = quantize_network(network, NEAREST).network
    assert chip.input_words[0].exponent == finest_exponent(calibration.input_peaks[0], 16)
    for seen, affine, spec in zip(calibration.nodes, chip.affines, (*network.populations, network.output), strict=True):
        peak = 2.0 * max(seen.drive.max(), seen.membrane.max(), np.abs(spec.bias).max())  # a bit to spare
        assert affine.state_exponent == finest_exponent(peak, 24)
    for seen, layer in zip(calibration.nodes, chip.populations, strict=False):
        peak = 1.05 * seen.payload.max()
        bound = find_activation(activation).bound
        bound = math.inf if bound is None else bound * 32767 / 32768  # a power of two, less one unit
        assert layer.table.payload_exponent == finest_exponent(min(peak, bound), 16)


def test_payload_words_end_at_the_bound_of_phi() -> None:
    assert payload_word("tanh", 0.999, 8, 1.05) == Word(bits=8, exponent=-7)  # 127 / 128, one unit below the bound of 1
    assert payload_word("tanh", 0.999, 8, 2.5) == Word(bits=8, exponent=-7)  # the same, although 2.4975 > 127 / 2^6
    assert payload_word("tanh", 0.5, 8, 1.9) == Word(bits=8, exponent=-7)
    assert payload_word("relu", 3.0, 8, 2.0) == Word(bits=8, exponent=-4)  # 6 / 127


def test_word_lengths_of_every_layer() -> None:
    network = builders.random_spec(6, widths=(2, 5, 4, 3, 1))
    chip = quantized(network, weight_bits=(8, 6, 4, 10), payload_bits=(16, 12, 8), input_bits=14, state_bits=20)
    assert [affine.connections[0].weight_bits for affine in chip.affines] == [8, 6, 4, 10]
    assert [affine.connections[0].input_bits for affine in chip.affines] == [14, 16, 12, 8]
    assert [affine.state_bits for affine in chip.affines] == [20] * 4
    for affine, bits in zip(chip.affines, (8, 6, 4, 10), strict=True):
        assert longhand.highest(bits) // 2 < np.abs(affine.weight).max() <= longhand.highest(bits)


def test_lists_that_do_not_fit_the_network() -> None:
    network = builders.random_spec(7)
    with pytest.raises(
        SpecError, match=r"QuantizationScheme.weight_bits must hold one word length per population, .*: 3; got 2"
    ):
        quantized(network, weight_bits=(8, 8))
    with pytest.raises(
        SpecError,
        match=r"QuantizationScheme.payload_bits must hold one word length per population and product: 2; got 3",
    ):
        quantized(network, payload_bits=(8, 8, 8))


def test_a_network_too_fine_for_its_words() -> None:
    network = builders.random_spec(8)
    network = builders.with_layer(network, 0, weight=network.populations[0].weight * 1e-30, bias=np.zeros(7))
    with pytest.raises(
        FixedPointError,
        match=r"node 'hidden0': QuantizedConnection from 'input'.weight_exponent must lie in \[-64, 64\]; got -1",
    ):
        quantize_network(network)


@pytest.mark.parametrize("polarity", builders.POLARITIES)
def test_zero_and_negative_layers_run_exactly(polarity: builders.Polarity) -> None:
    network = builders.random_spec(9, polarity=polarity)
    for change in (builders.with_zero_layer, builders.with_negative_layer):
        for index in range(2):
            chip = quantize_network(change(network, index)).network
            points = builders.random_points(network, 6)
            run = longhand.run_integer(chip, points)
            np.testing.assert_allclose(run_integer(chip, points).outputs, run.outputs, rtol=1e-14, atol=1e-14)


def test_a_dead_neuron_beside_live_ones() -> None:
    network = builders.random_spec(10)
    weight = network.populations[0].weight.copy()
    weight[2] = 1e-40
    weight[3] = 0.0
    result = quantize_network(builders.with_layer(network, 0, weight=weight))
    assert not result.network.populations[0].affine.weight[2:4].any()
    assert result.report.layers[0].n_clipped == 0


def test_a_network_that_holds_numbers_of_the_grid_is_quantized_without_error() -> None:
    twin = builders.random_quantized(11, state_range=3, n_steps=4).source
    result = quantize_network(twin)
    for spec, affine in zip((*twin.populations, twin.output), result.network.affines, strict=True):
        np.testing.assert_array_equal(affine.real_weight, spec.weight)
    for spec, layer in zip(twin.populations, result.network.populations, strict=True):
        np.testing.assert_array_equal(layer.beta / 4096, spec.beta)
    assert all(layer.weight_error == 0.0 for layer in result.report.layers)


def test_the_same_call_gives_the_same_integers() -> None:
    network = builders.random_spec(12)
    assert quantize_network(network).network.digest() == quantize_network(network).network.digest()


def seen_at(peak: float) -> NodeRange:
    """Return the range of a node whose drives reach `peak`."""
    return NodeRange(name="a", drive=[peak], membrane=[0.0], payload=[0.0])


def test_alignment_by_hand() -> None:
    """W = 3 and 0.5, b = 0.75, input 8 bit at 2^-6: integers and shift written down."""
    connection = ConnectionSpec(source="x", weight=[[3.0, 0.5]])
    node = PopulationSpec(
        name="a", connections=(connection,), bias=[0.75], beta=[0.5], theta=[0.3], activation="identity"
    )
    scheme = QuantizationScheme(weight_bits=4, state_bits=12)
    affine = quantize_affine(
        node, {"x": Word(bits=8, exponent=-6)}, 4, scheme, finest_state(node, seen_at(4.0), scheme)
    )
    assert affine.connections[0].weight_exponent.tolist() == [-1]  # 3 <= 7 / 2
    assert affine.weight.tolist() == [[6, 1]]
    assert affine.state_exponent == -7  # 2 * 4 = 8 <= 2047 / 128, and not 2047 / 256 = 7.996
    assert affine.bias.tolist() == [96]
    assert affine.lefts[0].tolist() == [-1 - 6 + 7]
    assert affine.connections[0].product_bound().tolist() == [7 * 127]


def test_the_state_holds_a_bias_that_no_drive_reaches() -> None:
    node = replace(builders.random_spec(14).populations[0], bias=np.array([-3.0, *np.zeros(6)]))
    scheme = QuantizationScheme(state_bits=12)
    words = {"input": Word(bits=8, exponent=-6)}
    affine = quantize_affine(node, words, 8, scheme, finest_state(node, seen_at(0.25), scheme))
    assert affine.state_exponent == -8  # 2 * 3 = 6 <= 2047 / 2^8
    assert affine.bias[0] == -768


def test_input_word_holds_the_box() -> None:
    network = builders.random_spec(13)
    corners = np.array([network.lower, network.upper])
    chip = quantize_network(network, points=np.array([[0.5, 0.5]])).network
    assert run_integer(chip, corners).saturated_input == 0
    far = replace(network, input_transform=builders.AffineTransform(scale=[100.0, 1.0], offset=[0.0, 0.0]))
    assert run_integer(quantize_network(far).network, corners).saturated_input == 0


def n_blas_threads() -> set[int]:
    """Return the numbers of threads of every BLAS that numpy and scipy have loaded."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_rounding_has_one_blas_thread_and_sets_the_others_back(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, honest = [], post_training.round_network

    def observed(network: QuantizedNetwork, scheme: QuantizationScheme, points: FloatArray) -> QuantizedNetwork:
        seen.append(n_blas_threads())
        return honest(network, scheme, points)

    monkeypatch.setattr(post_training, "round_network", observed)
    with threadpool_limits(2, user_api="blas"):
        quantize_network(builders.random_spec(0))
        assert n_blas_threads() == {2}
    assert seen
    assert all(found == {1} for found in seen)


def test_sines_are_put_in_turns() -> None:
    """The source of the result is the network that its integers stand for; it computes what the user's does."""
    network = builders.random_spec(5, activation="sin", polarity=builders.Polarity.BOTH, theta=0.0)
    points = builders.random_points(network, 300)
    chip = quantize_network(network, points=points).network
    assert {node.table.activation for node in chip.populations} == {"sin_turns"}
    assert all(node.table.n_entries == 1025 for node in chip.populations)
    expected = run_float(network, points).outputs
    np.testing.assert_allclose(run_float(chip.source, points).outputs, expected, atol=1e-12 * np.abs(expected).max())
