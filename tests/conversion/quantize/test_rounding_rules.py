"""Scales and roundings beyond the nearest: range rules, bias correction, compensation, equalization."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.conversion import (
    Equalization,
    Granularity,
    QuantizationScheme,
    RangeRule,
    Rounding,
    quantize_network,
)
from neuropinn_lava.conversion.calibrate.calibration import calibrate_network, sample_box
from neuropinn_lava.conversion.calibrate.sensitivity import AffineSignals, trace_signals
from neuropinn_lava.conversion.quantize.compensation import compensate_affine
from neuropinn_lava.conversion.quantize.equalization import equalize_network
from neuropinn_lava.conversion.quantize.ranges import choose_exponent, finest_exponent, highest_below
from neuropinn_lava.engine.host import divisor
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.trace import Probe
from neuropinn_lava.network.nodes import ConnectionSpec, OutputSpec, Polarity
from neuropinn_lava.network.quantized_nodes import QuantizedAffine, QuantizedConnection
from neuropinn_lava.network.spec import NetworkSpec, Readout

DIFFERENCE = 1e-5
"""Relative; a central difference of step 1e-4 against one of step 1e-6, in float64."""


def change_of(network: NetworkSpec, scheme: QuantizationScheme, seed: int = 9) -> float:
    """Relative change of the output on points that calibration did not see."""
    points = builders.random_points(network, 500, seed)
    chip = quantize_network(network, scheme).network
    return relative_l2(run_integer(chip, points).outputs, run_float(network, points).outputs)


class TestRanges:
    def test_percentile_leaves_out_the_largest_thousandth(self) -> None:
        values = np.concatenate([np.linspace(0.0, 1.0, 9999), [64.0]])
        assert choose_exponent(values, 8, RangeRule.MIN_MAX) == finest_exponent(64.0, 8)
        assert choose_exponent(values, 8, RangeRule.PERCENTILE) == finest_exponent(0.999, 8)

    def test_mse_takes_the_least_squared_error_by_exhaustion(self) -> None:
        rng = np.random.default_rng(0)
        values = np.concatenate([rng.normal(size=400), [6.0]])
        highest = 7  # 4 bits

        def error(exponent: int) -> float:
            held = np.clip(np.floor(values / 2.0**exponent + 0.5), -highest, highest) * 2.0**exponent
            return float(np.mean((held - values) ** 2))

        coarsest = finest_exponent(6.0, 4)
        best = min(range(coarsest - 3, coarsest + 1), key=error)
        assert choose_exponent(values, 4, RangeRule.MSE) == best
        assert best < coarsest  # clipping one outlier pays at four bits

    @pytest.mark.parametrize("rule", RangeRule)
    def test_nothing_to_hold(self, rule: RangeRule) -> None:
        assert choose_exponent(np.zeros(0), 8, rule) == finest_exponent(0.0, 8)
        assert choose_exponent(np.zeros(0), 8, rule, peak=3.0) == finest_exponent(3.0, 8)

    @pytest.mark.parametrize("rule", RangeRule)
    def test_payload_rules_are_carried_out(self, rule: RangeRule) -> None:
        network = builders.random_spec(2, activation="z_tanh_z")
        chip = quantize_network(network, QuantizationScheme(payload_bits=6, payload_range=rule)).network
        plain = quantize_network(network, QuantizationScheme(payload_bits=6)).network
        for layer, other in zip(chip.populations, plain.populations, strict=True):
            assert layer.table.payload_exponent <= other.table.payload_exponent


def signal_of(drive: np.ndarray) -> AffineSignals:
    return AffineSignals(drive=drive, sensitivity=np.ones_like(drive), effect=np.ones(drive.shape[1]))


def one_connection(
    weight: np.ndarray, weight_bits: int, input_bits: int, state_exponent: int, state_bits: int
) -> QuantizedAffine:
    """Return the sum of one neuron with one connection, whose weights have units of 1/2."""
    connection = QuantizedConnection(
        source="x",
        weight=weight,
        weight_bits=weight_bits,
        weight_exponent=[-1],
        input_exponent=0,
        input_bits=input_bits,
    )
    return QuantizedAffine(connections=(connection,), bias=[0], state_exponent=state_exponent, state_bits=state_bits)


def read_out(weight: np.ndarray, bias: np.ndarray) -> OutputSpec:
    return OutputSpec(connections=(ConnectionSpec(source="x", weight=weight),), bias=bias)


class TestCompensation:
    def test_two_weights_by_hand(self) -> None:
        """Inputs always equal: only the sum of the weights matters. 0.3 + 0.4 = 0.7 is 1.4 units of 0.5: 1 + 0, not 1 + 1."""
        affine = one_connection(np.array([[1, 1]]), weight_bits=8, input_bits=8, state_exponent=-8, state_bits=24)
        words = np.array([[1, 1], [2, 2], [-3, -3], [-1, -1]])
        exact = read_out(np.array([[0.3, 0.4]]), np.zeros(1))
        drive = words @ exact.weight.T
        found = compensate_affine(affine, exact, [words], signal_of(drive))
        assert found.weight.sum() == 1
        assert found.bias[0] != 0  # takes back the mean of what is left: the inputs' mean is not zero

    def test_it_comes_close_to_the_best_of_all_roundings(self) -> None:
        """Against exhaustion over 4**4 integers and the bias that fits them best; it is a greedy method, so within a third."""
        rng = np.random.default_rng(3)
        words = rng.integers(-40, 41, (60, 4)) @ rng.integers(-1, 2, (4, 4))
        exact = read_out(rng.normal(size=(1, 4)), rng.normal(size=1))
        drive = words @ exact.weight.T + exact.bias
        zeros = np.zeros((1, 4), dtype=np.int64)
        affine = one_connection(zeros, weight_bits=4, input_bits=16, state_exponent=-12, state_bits=32)
        found = compensate_affine(affine, exact, [words], signal_of(drive))

        def error(integers: np.ndarray) -> float:
            left = drive[:, 0] - words @ integers / 2.0
            return float(np.var(left))  # the best bias is the mean

        low = np.floor(exact.weight[0] * 2) - 1
        best = min(error(low + np.array(step)) for step in itertools.product(range(4), repeat=4))
        assert error(found.weight[0]) <= best * 4 / 3 + 1e-12

    @pytest.mark.parametrize("granularity", Granularity)
    @pytest.mark.parametrize("activation", ["z_tanh_z", "tanh_squared", "relu"])
    def test_it_beats_the_nearest_on_unseen_points(self, activation: str, granularity: Granularity) -> None:
        network = builders.random_spec(11, widths=(2, 24, 24, 1), activation=activation, n_steps=2, theta=0.05)
        scheme = QuantizationScheme(weight_bits=5, granularity=granularity)
        nearest = change_of(network, replace(scheme, rounding=Rounding.NEAREST))
        assert change_of(network, replace(scheme, rounding=Rounding.COMPENSATED)) < 0.5 * nearest

    def test_one_calibration_point_does_no_harm(self) -> None:
        network = builders.random_spec(12)
        point = builders.random_points(network, 1)
        chips = [
            quantize_network(network, QuantizationScheme(weight_bits=4, rounding=rounding), point).network
            for rounding in (Rounding.COMPENSATED, Rounding.NEAREST)
        ]
        wanted = run_float(network, point).outputs
        errors = [np.abs(run_integer(chip, point).outputs - wanted).max() for chip in chips]
        assert errors[0] <= errors[1]

    def test_silent_and_constant_layers(self) -> None:
        network = builders.with_zero_layer(builders.random_spec(13, n_steps=3), 1)
        chip = quantize_network(network, QuantizationScheme(weight_bits=3)).network
        points = builders.random_points(network, 20)
        np.testing.assert_allclose(
            run_integer(chip, points).outputs, run_float(network, points).outputs, rtol=1e-4, atol=1e-4
        )  # the read-out says its bias, which has 24 bits

    def test_thresholds_leaks_and_words_stay(self) -> None:
        network = builders.random_spec(14, n_steps=3)
        plain = quantize_network(network, QuantizationScheme(rounding=Rounding.NEAREST, weight_range=RangeRule.MIN_MAX))
        chip = quantize_network(network, QuantizationScheme()).network
        for layer, other in zip(chip.populations, plain.network.populations, strict=True):
            np.testing.assert_array_equal(layer.theta, other.theta)
            np.testing.assert_array_equal(layer.beta, other.beta)
            assert layer.table.payload_exponent == other.table.payload_exponent
        assert chip.source is network


def test_bias_correction_takes_back_the_mean_error() -> None:
    """Mean drives of the read-out equal the float ones to half a unit of the state, on the calibration points."""
    network = builders.random_spec(15, n_steps=2, widths=(2, 10, 8, 2))
    points = sample_box(network, 400)
    wanted = run_float(network, points).readout.mean(axis=0) / divisor(network)
    errors = {}
    for rounding in (Rounding.NEAREST, Rounding.BIAS_CORRECTED):
        scheme = QuantizationScheme(weight_bits=4, rounding=rounding)
        chip = quantize_network(network, scheme, points).network
        unit = 2.0**chip.output.affine.state_exponent
        got = run_integer(chip, points).readout.mean(axis=0) * unit / divisor(network)
        errors[rounding] = float(np.abs(got - wanted).max() / unit)
    assert errors[Rounding.BIAS_CORRECTED] <= 0.5 + 1e-6
    assert errors[Rounding.NEAREST] > 100


class TestEqualization:
    @pytest.mark.parametrize("activation", ["identity", "relu"])
    @pytest.mark.parametrize("polarity", builders.POLARITIES)
    def test_the_function_stays_the_same_to_the_last_bit(self, activation: str, polarity: Polarity) -> None:
        network = builders.random_spec(16, activation=activation, polarity=polarity, n_steps=3)
        weight = network.populations[0].weight * np.geomspace(1e-3, 1e3, 7)[:, None]
        network = builders.with_layer(network, 0, weight=weight)
        calibration = calibrate_network(network)
        equal = equalize_network(network, calibration)
        points = builders.random_points(network, 50)
        np.testing.assert_array_equal(run_float(equal, points).outputs, run_float(network, points).outputs)
        before, after = (calibrate_network(n).nodes[0].payload for n in (network, equal))
        assert np.ptp(np.log2(after[after > 0])) < np.ptp(np.log2(before[before > 0]))

    def test_other_activations_are_left_alone(self) -> None:
        network = builders.random_spec(17, activation="tanh")
        assert equalize_network(network, calibrate_network(network)).digest() == network.digest()

    def test_it_pays_where_ranges_differ(self) -> None:
        network = builders.random_spec(18, activation="relu", widths=(2, 16, 8, 1), theta=0.0, beta=0.0)
        gain = np.geomspace(1e-2, 1e2, 16)
        first, second = network.populations
        network = builders.with_layer(network, 0, weight=first.weight * gain[:, None], bias=first.bias * gain)
        network = builders.with_layer(network, 1, weight=second.weight / gain)
        scheme = QuantizationScheme(weight_bits=8, payload_bits=8)
        equalized = replace(scheme, equalization=Equalization.ACROSS_LAYERS)
        assert change_of(network, equalized) < 0.5 * change_of(network, scheme)
        source = quantize_network(network, equalized).network.source
        points = builders.random_points(network, 50)
        assert source.digest() != network.digest()
        assert source.provenance == network.provenance
        np.testing.assert_array_equal(run_float(source, points).outputs, run_float(network, points).outputs)


@pytest.mark.parametrize("rounding", Rounding)
def test_pruned_weights_stay_zero(rounding: Rounding) -> None:
    """They cost no operations; what they took of the error falls to the others."""
    network = find_network("poisson")
    rng = np.random.default_rng(3)
    pruned = replace(
        network,
        nodes=tuple(
            replace(
                node,
                connections=tuple(
                    replace(c, weight=c.weight * rng.integers(0, 2, c.weight.shape)) for c in node.connections
                ),
            )
            for node in network.nodes
        ),
    )
    found = quantize_network(pruned, QuantizationScheme(rounding=rounding)).network
    for affine, exact in zip(found.affines, pruned.affines, strict=True):
        assert not affine.weight[exact.weight == 0.0].any()
    assert change_of(pruned, QuantizationScheme(rounding=rounding)) <= change_of(
        pruned, QuantizationScheme(rounding=Rounding.NEAREST)
    )


@pytest.mark.parametrize("readout", builders.READOUTS)
def test_sensitivities_equal_differences_of_the_output(readout: Readout) -> None:
    """omega of a drive against the change of u when that drive's bias moves at one step: one output, no spike flips."""
    network = builders.random_spec(19, n_steps=1, readout=readout, ansatz=True, theta=0.0, polarity=Polarity.BOTH)
    points = builders.random_points(network, 30)
    signals = trace_signals(network, points)
    step, j = 1e-6, 2
    for index in range(len(network.populations)):
        moved = []
        for sign in (1, -1):
            bias = network.populations[index].bias.copy()
            bias[j] += sign * step
            moved.append(run_float(builders.with_layer(network, index, bias=bias), points).outputs[:, 0])
        squares = np.square((moved[0] - moved[1]) / (2 * step))
        np.testing.assert_allclose(
            signals[index].sensitivity[:, j], squares / squares.mean(), rtol=DIFFERENCE, atol=1e-6
        )


@pytest.mark.parametrize("name", ["rounding", "weight_range", "payload_range", "equalization", "state_range"])
def test_unknown_choices_are_refused(name: str) -> None:
    with pytest.raises(SpecError, match=f"QuantizationScheme.{name} must be one of"):
        QuantizationScheme(**{name: "best"})


@pytest.mark.parametrize("bits", [2, 8, 12, 24])
def test_words_end_at_most_one_unit_below_a_bound(bits: int) -> None:
    for bound in (1.0, 0.3, 1.5, 4.0, 7.9):
        top = highest_below(bound, bits)
        unit = top / (2 ** (bits - 1) - 1)
        assert bound - unit <= top
        assert top / 2 + unit / 2 < bound  # the next finer word would end more than a unit below it


def test_a_bounded_phi_uses_all_of_its_payload_word_and_saturates_nowhere() -> None:
    """Drives of ±20: tanh is 1 to the last bit there, the payload 127 / 128, and nothing counts as saturated."""
    network = builders.random_spec(20, activation="tanh", polarity=Polarity.BOTH, theta=0.0, n_steps=1)
    loud = builders.with_layer(network, 0, weight=20 * network.populations[0].weight)
    points = builders.random_points(network, 300)
    chip = quantize_network(loud, QuantizationScheme(payload_bits=8), points).network
    trace = run_integer(chip, points, Probe(n_samples=300))
    assert chip.populations[0].table.payload_exponent == -7
    assert np.abs(trace.probe.nodes[0].payload).max() == 127
    assert trace.n_saturated == 0
