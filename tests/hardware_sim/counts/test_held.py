"""Held inputs: a network counted by hand, costs apart, sums over any functions and points, and every refusal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.conversion.quantize.post_training import quantize_network
from neuropinn_lava.engine.host import held_rows
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.hardware_sim.counts.accesses import count_accesses
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.held import HeldCosts, UnitCost, held_costs, run_held
from neuropinn_lava.hardware_sim.counts.neurobench import footprint_bytes, neurobench_counts
from neuropinn_lava.hardware_sim.counts.operations import OperationCounts
from neuropinn_lava.hardware_sim.counts.samples import count_samples
from neuropinn_lava.network.quantized import Network, QuantizedNetwork
from small_graphs import operator_network, with_held

NETWORK = operator_network(n_steps=2)
POINTS = np.array([[0.5, 0.5], [0.5, -0.5], [0.5, 0.5], [1.0, 0.5], [1.0, -0.5], [1.0, -0.5]])
"""Three points with the function 0.5, three with the function 1."""


def counts_of(network: Network, points: FloatArray) -> OperationCounts:
    run = run_integer if isinstance(network, QuantizedNetwork) else run_float
    return count_operations(network, run(network, points), run_held(network, points))  # type: ignore[arg-type]


@pytest.mark.parametrize("network", [NETWORK, quantize_network(NETWORK).network], ids=["float", "integers"])
def test_two_functions_and_three_points_each_counted_by_hand(network: Network) -> None:
    """Both steps are alike. Function 0.5: branch sends (0.5, 0), function 1: (1, 0.25). Each point: trunk sends one of two.

    Per value and step, the function is one event that reaches 2 weights; branch fires and sends 1 or 2.
    Per point and step, the point is one event that reaches 2 weights; trunk fires and sends 1.
    p receives 1 or 2 events of branch and 1 of trunk; trunk's neuron is one of branch's at all points but the second.
    The read-out receives these 5 events, and 1 or 2 of branch: 3 * 1 + 3 * 2.
    """
    counts = counts_of(network, POINTS)
    found = {
        row.name: (row.is_held, row.n_samples, row.spikes, row.synaptic_operations, row.neuron_updates, row.multiplications)
        for row in counts.rows
    }  # fmt: skip
    assert found == {
        "function": (True, 2, 2 * 2, 0, 0, 0),
        "point": (False, 6, 2 * 6, 0, 0, 0),
        "branch": (True, 2, 2 * (1 + 2), 2 * 2 * 2, 2 * 2 * 2, 2 * 2 * 2),
        "trunk": (False, 6, 2 * 6, 2 * 6 * 2, 2 * 2 * 6, 2 * 6 * 2),
        "p": (False, 6, 2 * 5, 2 * (9 + 6), 2 * 2 * 6, 2 * 5),
        "output": (False, 6, 0, 2 * (5 + 9), 2 * 1 * 6, 2 * (5 + 9)),
    }
    assert counts.rows[2].fired == counts.rows[2].spikes
    value = UnitCost(synaptic_operations=8 / 2, multiplications=8 / 2, neuron_updates=8 / 2, ann_macs=2)
    point = UnitCost(synaptic_operations=82 / 6, multiplications=62 / 6, neuron_updates=60 / 6, ann_macs=2 + 2 + 4)
    assert held_costs(counts) == HeldCosts(n_values=2, value=value, point=point)
    assert counts.total.synaptic_operations == 90
    assert counts.synaptic_operations_per_sample == 15
    # The read-out reads branch's two payloads of both steps at each of 6 points; p has read them as its factors.
    reads = {row.name: (row.state_reads, row.messages) for row in count_accesses(network, counts)}
    assert reads["output"] == (2 * 2 * 6, 0)
    assert reads["p"] == (0, 10)
    assert reads["branch"] == (8, 6)


def test_without_a_held_run_every_sample_counts_anew() -> None:
    trace = run_float(NETWORK, POINTS)
    counts = count_operations(NETWORK, trace)
    plain = replace(NETWORK, inputs=tuple(replace(each, is_held=False) for each in NETWORK.inputs))
    assert run_held(plain, POINTS) is None
    same = counts_of(plain, POINTS)
    assert [row.synaptic_operations for row in counts.rows] == [row.synaptic_operations for row in same.rows]
    assert counts.total.synaptic_operations == 90 + 2 * 2 * 4
    assert held_costs(counts) is None
    # A run of one value a sample counts the same, and knows both costs.
    held = count_operations(NETWORK, trace, trace)
    assert held.total == counts.total
    assert [row.name for row in held.rows if row.is_held] == ["function", "branch"]


def test_a_family_costs_its_functions_and_its_points_exactly() -> None:
    # Functions 1 and 0.9 send alike, and so do points of either sign: every function and every point costs the same.
    def total(functions: list[float], n_points: int) -> int:
        signs = np.resize([0.5, -0.5], n_points)
        points = np.array([[function, x] for function in functions for x in signs])
        return counts_of(NETWORK, points).total.synaptic_operations

    point = total([1.0], 2) - total([1.0], 1)
    function = total([1.0], 1) - point
    assert (function, point) == (2 * 2, 2 * (2 + 3 + 1 + 2))
    for k, n in ((1, 7), (2, 3), (5, 4)):
        functions = np.resize([1.0, 0.9], k).tolist()
        assert total(functions, n) == k * function + k * n * point


@pytest.mark.parametrize("seed", range(12))
def test_a_run_is_the_sum_of_its_functions_in_any_graph(seed: int) -> None:
    """Skips, products, delays and loops: three functions with five points each, together and one by one."""
    network = with_held(builders.random_graph(seed, n_inputs=2 + seed % 2, n_nodes=7, n_steps=3), "x0")
    points = builders.random_points(network, 15, seed)
    width = network.inputs[0].width
    points[:, :width] = np.repeat(points[:3, :width], 5, axis=0)
    points[:3, :width] = points[3, :width]
    whole = counts_of(network, points)
    parts = [counts_of(network, points[start : start + 5]) for start in (0, 5, 10)]
    assert len(held_rows(network, points)) == 3
    anew = count_operations(network, run_integer(network, points))
    for row, old, *each in zip(whole.rows, anew.rows, *(part.rows for part in parts), strict=True):
        for name in ("n_samples", "fired", "spikes", "synaptic_operations", "neuron_updates", "multiplications"):
            assert getattr(row, name) == sum(getattr(one, name) for one in each), (row.name, name)
        assert row.is_held == (row.name in network.held_sources)
        factor = 5 if row.is_held else 1
        assert (factor * row.synaptic_operations, factor * row.spikes) == (old.synaptic_operations, old.spikes)
    costs = held_costs(whole)
    assert costs is not None
    assert 3 * costs.value.synaptic_operations + 15 * costs.point.synaptic_operations == pytest.approx(
        whole.total.synaptic_operations, rel=1e-12  # two divisions
    )  # fmt: skip


def test_neurobenchs_names_count_a_held_value_once() -> None:
    counts, samples = counts_of(NETWORK, POINTS), count_samples(NETWORK, POINTS)
    bench = neurobench_counts(NETWORK, counts, samples)
    assert bench.effective_macs == (90 - 2 * (9 + 6)) / 6  # without the product
    # Nothing changes after the first step: 2 updates of branch for each of 2 values, 2 of trunk for each of 6 points.
    assert bench.membrane_updates == (2 * 2 + 2 * 6) / 6


def test_the_footprint_has_what_receivers_keep() -> None:
    """p and the read-out each keep 2 payloads of 2 steps: 8 words of 32 bits, or of 16 in integers."""
    plain = replace(NETWORK, inputs=tuple(replace(each, is_held=False) for each in NETWORK.inputs))
    assert footprint_bytes(NETWORK) - footprint_bytes(plain) == 8 * 4
    network = quantize_network(NETWORK).network
    assert footprint_bytes(network) - footprint_bytes(with_held(network)) == 8 * 2


def test_held_runs_that_do_not_belong_are_refused() -> None:
    trace = run_float(NETWORK, POINTS)
    plain = replace(NETWORK, inputs=tuple(replace(each, is_held=False) for each in NETWORK.inputs))
    run = run_float(plain, POINTS)
    with pytest.raises(
        SpecError, match=r"held trace of network 'operator' must be None where no input is held; got 6 samples"
    ):
        count_operations(plain, run, run)
    with pytest.raises(SpecError, match=r"held trace of network 'operator' must be a trace of a network with digest"):
        count_operations(NETWORK, trace, run)
    with pytest.raises(SpecError, match=r"held trace .* must have at most the 2 samples of the whole run; got 6"):
        count_operations(NETWORK, run_float(NETWORK, POINTS[:2]), trace)
