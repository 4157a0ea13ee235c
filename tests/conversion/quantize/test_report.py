"""The quantization report on networks small enough to work out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pytest

import builders
from neuropinn_lava.conversion import (
    QuantizationReport,
    QuantizationScheme,
    RangeRule,
    Rounding,
    StateRange,
    quantize_network,
)
from neuropinn_lava.conversion.quantize.report import reached_sum
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.network.nodes import ConnectionSpec, InputSpec, OutputSpec, PopulationSpec
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.network.transforms import AffineTransform

POINTS = np.array([[1.0], [-1.0]])
SCHEME = QuantizationScheme(
    weight_bits=2, rounding=Rounding.NEAREST, weight_range=RangeRule.MIN_MAX, state_range=StateRange.CALIBRATED
)
"""A word of -1, 0, 1: a weight of 0.3 becomes 0.5, a weight of 1 stays."""
EXACT = 1e-12
"""Relative; the figures below are exact but for the last places of a float."""


def make_network(weights: list[float], theta: float = 0.0, output: float = 1.0) -> NetworkSpec:
    """x → identity neurons of the given weights, without bias and leak → their sum times `output`."""
    n = len(weights)
    layer = PopulationSpec(
        name="only",
        connections=(ConnectionSpec(source="input", weight=np.array(weights)[:, None]),),
        bias=np.zeros(n),
        beta=np.zeros(n),
        theta=np.full(n, theta),
        activation="identity",
    )
    return NetworkSpec(
        name="hand",
        inputs=(InputSpec(width=1),),
        nodes=(layer,),
        output=OutputSpec(connections=(ConnectionSpec(source="only", weight=np.full((1, n), output)),), bias=[0.0]),
        input_transform=AffineTransform.identity(1),
        output_transform=AffineTransform.identity(1),
        lower=[-1.0],
        upper=[1.0],
    )


def report_of(network: NetworkSpec, scheme: QuantizationScheme = SCHEME) -> QuantizationReport:
    return quantize_network(network, scheme, POINTS).report


def test_by_hand() -> None:
    # x =  1: float a = (0.3, 1), u = 1.3;   integers a = (0.5, 1), u = 1.5
    # x = -1: nothing fires in either
    report = report_of(make_network([0.3, 1.0]))
    layer, output = report.layers
    assert (report.n_points, report.n_saturated) == (2, 0)
    assert report.relative_change == pytest.approx(0.2 / 1.3, rel=EXACT)

    assert (layer.name, layer.weight_bits, layer.payload_bits) == ("only", 2, 16)
    assert layer.weight_error == pytest.approx(0.2 / math.sqrt(1.09), rel=EXACT)
    assert layer.added_error == pytest.approx(0.2 / math.sqrt(1.09), rel=EXACT)
    assert layer.flipped_spikes == 0.0
    assert layer.state_exponent == -21  # twice the peak of 1 is 2 > (2^23 - 1) / 2^22
    assert layer.payload_exponent == -14  # 1.05 <= 32767 / 2^14
    assert layer.spare_bits == pytest.approx(math.log2((2**23 - 1) / 2**21), rel=EXACT)
    assert layer.table_error_bound == 2.0**-15
    assert (layer.n_clipped, layer.n_saturated) == (0, 0)

    # The read-out alone gets the float payloads, rounded: 0.3 * 2^14 = 4915.2 → 4915
    assert output.name == "output"
    assert output.payload_bits is output.payload_exponent is output.table_error_bound is None
    assert output.weight_error == 0.0
    assert output.added_error == pytest.approx(0.2 / 2**14 / 1.3, rel=1e-9)  # a difference of nearly equal floats
    assert output.flipped_spikes == 0.0


def test_flipped_spikes_by_hand() -> None:
    # theta = 0.4: the neuron of weight 0.3 → 0.5 fires at x = 1 in integers only: one of four
    layer = report_of(make_network([0.3, 1.0], theta=0.4)).layers[0]
    assert layer.flipped_spikes == 0.25
    assert layer.added_error == pytest.approx(0.5, rel=EXACT)  # (0.5, 1) for (0, 1)


def test_saturations_by_hand() -> None:
    # Weight 0.3 → 0.5, but the payload word holds the calibrated 0.3: at most 32767 / 2^16 < 0.5
    scheme = replace(SCHEME, payload_headroom=1.0)
    report = report_of(make_network([0.3]), scheme)
    assert report.layers[0].payload_exponent == -16
    assert report.layers[0].n_saturated == report.n_saturated == 1


def test_a_network_that_says_nothing() -> None:
    report = report_of(make_network([0.0, 0.0], output=0.0))
    assert report.relative_change == 0.0
    for layer in report.layers:
        assert layer.weight_error == layer.added_error == layer.flipped_spikes == 0.0
        assert layer.spare_bits == math.inf
    # float is silent, integers are not: theta = 0.4 again, without the neuron that fires in both
    silent = report_of(make_network([0.3], theta=0.4))
    assert silent.relative_change == pytest.approx(0.5 / math.sqrt(2), rel=EXACT)  # rms over the two points
    assert silent.layers[0].added_error == pytest.approx(
        0.5, rel=EXACT
    )  # absolute where there is nothing to compare with


@pytest.mark.parametrize("polarity", builders.POLARITIES)
def test_the_whole_is_measured_end_to_end(polarity: builders.Polarity) -> None:
    network = builders.random_spec(1, polarity=polarity, n_steps=3, ansatz=True)
    points = builders.random_points(network, 200)
    result = quantize_network(network, QuantizationScheme(weight_bits=6, payload_bits=10), points)
    exact, deployed = run_float(network, points).outputs, run_integer(result.network, points).outputs
    change = np.linalg.norm(deployed - exact) / np.linalg.norm(exact)
    assert result.report.relative_change == pytest.approx(change, rel=EXACT)
    assert result.report.n_saturated == run_integer(result.network, points).n_saturated


def test_shorter_words_cost_more() -> None:
    network = builders.random_spec(2, widths=(2, 20, 20, 1))
    reports = [quantize_network(network, QuantizationScheme(weight_bits=bits)).report for bits in (4, 8, 12)]
    for coarse, fine in pairwise(reports):
        assert coarse.relative_change > fine.relative_change
        for one, other in zip(coarse.layers, fine.layers, strict=True):
            assert one.weight_error > other.weight_error


def test_sums_reached_are_the_largest_of_any_order() -> None:
    """Three products in all six orders, against the largest partial sum of all."""
    weight = np.array([[3, -5, 7], [-2, 0, 1]])
    words = np.array([[4, 6, -1], [-3, 2, 5]])
    literal = max(
        abs(sum(int(row[i] * sample[i]) for i in order[:n]))
        for sample in words
        for row in weight
        for order in permutations(range(3))
        for n in (1, 2, 3)
    )
    assert literal == 37  # -30 - 7 of the first neuron and sample
    assert reached_sum(weight, words) == literal


def test_sums_reached_stay_within_what_is_proved() -> None:
    for layer in quantize_network(builders.random_spec(0)).report.layers:
        assert 1 < layer.reached_bits <= layer.accumulator_bits


def test_sums_reached_by_hand() -> None:
    """One input, one weight of 1 in a word of 2 bits: the sum is the input's largest word, 2**14 for 1.0 at 16 bits."""
    first, _ = report_of(make_network([1.0])).layers
    assert first.reached_bits == 16
