"""The search for the fewest synaptic bits: within its limit, no neighbour is cheaper, and a limit out of reach is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import FixedPointError, SpecError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.conversion import QuantizationScheme, quantize_network
from neuropinn_lava.conversion.search.bit_search import ErrorLimit, changed, search_bits, synaptic_bits
from neuropinn_lava.engine.reference import run_float, run_integer

NETWORK = builders.random_spec(1, widths=(2, 12, 9, 1), activation="tanh_squared")
POINTS = builders.random_points(NETWORK, 300, 8)
WANTED = run_float(NETWORK, POINTS).outputs


def limit_of(error: float) -> ErrorLimit:
    return ErrorLimit(points=POINTS, wanted=WANTED, relative_l2=error)


def test_synaptic_bits_by_hand() -> None:
    assert synaptic_bits(NETWORK, (8, 4, 2)) == 2 * 12 * 8 + 12 * 9 * 4 + 9 * 2


def test_the_choice_keeps_the_limit_and_no_single_bit_less_does() -> None:
    found = search_bits(NETWORK, QuantizationScheme(), limit_of(0.01))
    assert found.chosen.error <= found.limit == 0.01
    tried = {trial.weight_bits: trial for trial in found.trials}
    assert tried[found.chosen.weight_bits] is found.chosen
    below = [changed(found.chosen.weight_bits, k, -1) for k in range(3) if found.chosen.weight_bits[k] > 2]
    assert all(tried[bits].error > 0.01 for bits in below if bits in tried)
    assert found.chosen.synaptic_bits == min(t.synaptic_bits for t in found.trials if t.error <= 0.01)


def test_trials_are_what_quantization_gives() -> None:
    found = search_bits(NETWORK, QuantizationScheme(), limit_of(0.02))
    chip = quantize_network(NETWORK, QuantizationScheme(weight_bits=found.chosen.weight_bits)).network
    assert relative_l2(run_integer(chip, POINTS).outputs, WANTED) == found.chosen.error


@pytest.mark.slow
def test_the_search_goes_up_where_its_start_is_too_short() -> None:
    found = search_bits(NETWORK, QuantizationScheme(weight_bits=3), limit_of(0.002))
    assert min(found.chosen.weight_bits) > 3
    assert found.chosen.error <= 0.002


def test_a_limit_out_of_reach_says_how_close_one_comes() -> None:
    scheme = QuantizationScheme(payload_bits=3)
    with pytest.raises(
        FixedPointError, match=r"a relative L2 error of at most 1e-06; got .*weights are not what limits"
    ):
        search_bits(NETWORK, scheme, limit_of(1e-6))


def test_limits_are_checked() -> None:
    with pytest.raises(SpecError, match=r"ErrorLimit.relative_l2"):
        limit_of(np.nan)
    assert replace(limit_of(0.5), relative_l2=0.0).relative_l2 == 0.0


@pytest.mark.slow
def test_words_of_a_graph_are_searched_by_population() -> None:
    network = builders.random_graph(0, n_nodes=5, n_steps=1, activations=("tanh",)).source
    points, judged = builders.random_points(network, 200), builders.random_points(network, 200, 5)
    limit = ErrorLimit(points=judged, wanted=run_float(network, judged).outputs, relative_l2=0.05)
    found = search_bits(network, QuantizationScheme(rounding="nearest"), limit, points)
    assert len(found.chosen.weight_bits) == len(network.populations) + 1
    assert found.chosen.error <= 0.05
    assert min(found.chosen.weight_bits) < 8
