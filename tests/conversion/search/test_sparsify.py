"""Raising thresholds: within the limit on other points, sparser than any single threshold would be, and never for nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import FixedPointError, SpecError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.conversion import QuantizationScheme, quantize_network
from neuropinn_lava.conversion.search.bit_search import ErrorLimit
from neuropinn_lava.conversion.search.sparsify import sparsify_network
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.spec import NetworkSpec

NETWORK = builders.random_spec(
    1, widths=(2, 20, 16, 1), activation="tanh", polarity=Polarity.BOTH, n_steps=1, theta=0.0, beta=0.0
)
POINTS = builders.random_points(NETWORK, 800)
JUDGED = builders.random_points(NETWORK, 400, 5)
WANTED = run_float(NETWORK, JUDGED).outputs


def limit_of(error: float) -> ErrorLimit:
    return ErrorLimit(points=JUDGED, wanted=WANTED, relative_l2=error)


def activity(network: NetworkSpec) -> float:
    nodes = run_float(network, JUDGED).nodes
    return sum(int(node.fired.sum()) for node in nodes) / (
        len(JUDGED) * sum(layer.n_out for layer in network.populations)
    )


def test_it_is_sparser_and_within_the_limit() -> None:
    found = sparsify_network(NETWORK, limit_of(0.02), POINTS)
    assert found.before.activity == 1.0
    assert found.after.activity < 0.9
    assert found.after.error <= 0.02
    assert found.after.error == relative_l2(run_float(found.network, JUDGED).outputs, WANTED)
    assert found.after.activity == activity(found.network)


def test_it_is_sparser_than_one_threshold_for_all_of_the_same_error() -> None:
    found = sparsify_network(NETWORK, limit_of(0.05), POINTS)
    for theta in np.geomspace(1e-3, 1.0, 25):
        nodes = tuple(replace(node, theta=np.full(node.n_out, theta)) for node in NETWORK.populations)
        uniform = replace(NETWORK, nodes=nodes)
        if relative_l2(run_float(uniform, JUDGED).outputs, WANTED) <= 0.05:
            assert activity(uniform) > found.after.activity


def test_a_larger_limit_is_at_least_as_sparse() -> None:
    activities = [sparsify_network(NETWORK, limit_of(error), POINTS).after.activity for error in (0.005, 0.02, 0.1)]
    assert activities[0] >= activities[1] >= activities[2]


def test_what_is_sparse_can_be_quantized() -> None:
    """Thresholds of neurons that fell silent for good stay within the state word."""
    sparse = sparsify_network(NETWORK, limit_of(0.05), POINTS).network
    result = quantize_network(sparse, QuantizationScheme(), POINTS)
    change = relative_l2(run_integer(result.network, JUDGED).outputs, run_float(sparse, JUDGED).outputs)
    assert change < 0.02
    assert all(layer.state_proved for layer in result.report.layers)
    assert [layer.n_saturated for layer in result.report.layers] == [0, 0, 0]


def test_progress_is_reported() -> None:
    seen: list[tuple[int, int]] = []
    sparsify_network(NETWORK, limit_of(0.02), POINTS, on_progress=lambda *done: seen.append(done))
    assert seen[-1][0] == seen[-1][1] == len(seen)


def test_limits_that_make_no_sense_are_refused() -> None:
    off = ErrorLimit(points=JUDGED, wanted=WANTED + 1.0, relative_l2=1e-3)
    with pytest.raises(FixedPointError, match="Allow more than the network's own error"):
        sparsify_network(NETWORK, off, POINTS)
    nothing = ErrorLimit(points=JUDGED, wanted=0 * WANTED, relative_l2=0.1)
    with pytest.raises(SpecError, match="wanted values that are not all zero"):
        sparsify_network(NETWORK, nothing, POINTS)


def test_graphs_become_sparse_and_their_relays_stay() -> None:
    drawn = builders.random_graph(2, n_inputs=2, n_nodes=8, n_steps=2, recurrent=True).source
    assert any(node.is_relay for node in drawn.populations)
    points, judged = builders.random_points(drawn, 300), builders.random_points(drawn, 200, 5)
    limit = ErrorLimit(points=judged, wanted=run_float(drawn, judged).outputs, relative_l2=0.05)
    found = sparsify_network(drawn, limit, points)
    assert found.after.activity < found.before.activity
    assert found.after.error <= 0.05
    for node, former in zip(found.network.populations, drawn.populations, strict=True):
        assert node.is_relay == former.is_relay
        if node.is_relay:
            np.testing.assert_array_equal(node.weight, former.weight)
