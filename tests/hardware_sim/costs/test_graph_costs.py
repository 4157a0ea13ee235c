"""Costs of graphs: quantities against sums over the counts, steps of loops, dense passes without relays, a whole profile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.conversion.quantize.post_training import quantize_network
from neuropinn_lava.conversion.targets.target import find_target
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.schedule import schedule_network
from neuropinn_lava.hardware_sim.costs.energy import estimate_energy
from neuropinn_lava.hardware_sim.costs.energy_files import shipped_models
from neuropinn_lava.hardware_sim.costs.energy_model import Part
from neuropinn_lava.hardware_sim.costs.hardware_profile import profile_hardware
from neuropinn_lava.hardware_sim.costs.latency import estimate_latency, find_timing
from neuropinn_lava.hardware_sim.costs.quantities import QUANTITIES, WHOLE_QUANTITIES
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.held import run_held
from neuropinn_lava.hardware_sim.counts.operations import OperationCounts, RowKind
from neuropinn_lava.hardware_sim.counts.workload import Workload, dense_workload, deployed_workload, workload_at
from neuropinn_lava.hardware_sim.mapping.cores import Partition, partition_network
from neuropinn_lava.hardware_sim.mapping.mesh_routes import load_links
from neuropinn_lava.hardware_sim.mapping.traffic import Traffic, count_traffic, placed_workload
from neuropinn_lava.network.quantized import QuantizedNetwork
from small_graphs import operator_network, with_connection

ROUNDING = 1e-12
"""Sums of a few dozen floats."""
N_SAMPLES = 5
SEEDS = range(12)


def graph(seed: int) -> QuantizedNetwork:
    n_steps = (1, 3, None)[seed % 3]
    return builders.random_graph(seed, n_inputs=1 + seed % 3, n_nodes=7, n_steps=n_steps)


def loads_of(network: QuantizedNetwork) -> tuple[OperationCounts, Workload]:
    counts = count_operations(network, run_integer(network, builders.random_points(network, N_SAMPLES)))
    return counts, deployed_workload(network, counts)


@pytest.mark.parametrize("seed", SEEDS)
def test_quantities_are_the_counts_of_a_sample(seed: int) -> None:
    network = graph(seed)
    counts, load = loads_of(network)
    receiving = [row for row in counts.rows if row.kind is not RowKind.INPUT]
    expected = {
        "synaptic_operations": sum(row.synaptic_operations for row in receiving),
        "neuron_updates": sum(row.neuron_updates for row in receiving),
        "membrane_updates": sum(row.neuron_updates for row in receiving if row.kind is not RowKind.PRODUCT),
        "active_updates": sum(row.active_updates for row in receiving),
        "messages": sum(row.spikes for row in counts.rows),
        "spikes": sum(row.spikes for row in receiving),
        "dense_synaptic_operations": sum(row.dense_synaptic_operations for row in receiving),
        "weight_bytes": sum(row.synaptic_operations for row in receiving if row.kind is not RowKind.PRODUCT),  # 8 bits
        "multiplied_bits": sum(
            row.multiplications * (16 * 16 if row.kind is RowKind.PRODUCT else 8 * 16) for row in receiving
        ),
        "steps": N_SAMPLES * counts.n_steps * schedule_network(network).interval,
    }
    for name, value in expected.items():
        assert QUANTITIES[name](load) == pytest.approx(value / N_SAMPLES, rel=ROUNDING), name


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dense_pass_has_the_macs_of_the_counts_and_of_relays_the_matrices_alone(seed: int) -> None:
    counts, load = loads_of(graph(seed))
    dense = dense_workload(load)
    relays = [row for row in dense.rows if row.kind is RowKind.RELAY]
    assert all(row.connections and not any(each.is_one_to_one for each in row.connections) for row in relays)
    assert QUANTITIES["synaptic_operations"](dense) == counts.ann_macs
    assert sum(row.multiplications for row in dense.rows) == counts.ann_macs
    assert (dense.n_steps, dense.interval, dense.n_steps_alone) == (1, 1, 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_activity_is_that_of_every_population_and_product(seed: int) -> None:
    _, load = loads_of(graph(seed))
    half = workload_at(load, 0.5, 4)
    width = {row.name: row.n_neurons for row in half.rows}
    inputs = {row.name for row in half.rows if row.kind is RowKind.INPUT}
    for row in half.rows:
        if row.kind not in (RowKind.INPUT, RowKind.OUTPUT):
            assert row.sent == 0.5 * 4 * row.n_neurons
        for each in row.connections:
            if each.source not in inputs:
                assert each.received == 0.5 * (4 - each.delay) * width[each.source]
    silent = workload_at(load, 0.0, 4)
    assert QUANTITIES["spikes"](silent) == 0


def test_loops_take_more_steps_of_the_chip() -> None:
    """Three nodes in a loop with a delay of one: three steps of the chip for one of the network."""
    chain = builders.random_quantized(3, widths=(2, 4, 4, 4, 1), n_steps=5)
    looped = with_connection(chain, "hidden0", source="hidden2", delay=1)
    for network, interval in ((chain, 1), (looped, 3)):
        trace = run_integer(network, builders.random_points(network, 4))
        partition = partition_network(network, find_target("loihi2"))
        traffic = count_traffic(network, partition, trace)
        estimate = estimate_latency(partition, traffic, find_timing("loihi2"))
        step = estimate.step_seconds
        assert estimate.latency_seconds.low == pytest.approx((4 * interval + 4) * step.low, rel=ROUNDING)
        assert estimate.samples_per_second.high == pytest.approx(1 / (5 * interval * step.low), rel=ROUNDING)
        load = deployed_workload(network, count_operations(network, trace))
        assert QUANTITIES["steps"](load) == 5 * interval
        assert workload_at(load, 0.5, 7).n_steps_alone == 6 * interval + 4
        energy = estimate_energy(load, next(model for model in shipped_models() if model.prices_steps))
        assert (energy.n_steps, energy.n_steps_alone) == (5 * interval, 4 * interval + 4)
        for link in load_links(partition, traffic):
            assert link.messages.shape == (5 * interval,)
        carried = sum(link.messages.sum() for link in load_links(partition, traffic) if link.end.startswith("core"))
        assert carried == pytest.approx(traffic.messages / 4, rel=ROUNDING)


@pytest.mark.parametrize("seed", range(6))
def test_a_whole_profile_of_a_graph(seed: int) -> None:
    network = graph(seed)
    points = builders.random_points(network, 20)
    trace = run_integer(network, points)
    profile = profile_hardware(network, trace, points)
    counts = count_operations(network, trace)
    assert profile.placement is not None
    assert profile.latency is not None
    assert len(profile.samples.points) == 20
    assert profile.samples.operations.sum() == counts.total.synaptic_operations
    for energy in profile.energies:
        assert energy.low <= energy.joules_per_sample <= energy.high
        assert np.isfinite(energy.joules_per_sample)
    if network.n_steps is not None:
        rows = [row for row in counts.rows if row.kind.has_neurons]
        activity = sum(row.spikes for row in rows) / sum(row.neuron_steps for row in rows)
        assert profile.neurobench.activation_sparsity == pytest.approx(1 - activity, rel=ROUNDING)


# Held inputs.


def held_family(network: QuantizedNetwork, k: int, n: int) -> tuple[Workload, Workload, Partition, Traffic]:
    """Return the workload without and with cores of k functions and n points each, all of which cost the same."""
    functions, signs = np.resize([1.0, 0.9], k), np.resize([0.5, -0.5], n)
    points = np.array([[function, x] for function in functions for x in signs])
    trace, once = run_integer(network, points), run_held(network, points)
    partition = partition_network(network, find_target("loihi2"))
    load = deployed_workload(network, count_operations(network, trace, once))
    traffic = count_traffic(network, partition, trace, once)
    return load, placed_workload(load, partition, traffic), partition, traffic


OPERATOR = quantize_network(operator_network(n_steps=2)).network
ADDED_UP = sorted(QUANTITIES.keys() - WHOLE_QUANTITIES)


@pytest.mark.parametrize("of", ["deployed", "dense", "at half activity"])
def test_every_quantity_of_a_family_is_that_of_its_functions_and_its_points(of: str) -> None:
    """k functions with n points each ask for k times what a function does and k n times what a point does."""

    def totals(k: int, n: int) -> dict[str, float]:
        load = held_family(OPERATOR, k, n)[1]
        load = {"deployed": load, "dense": dense_workload(load), "at half activity": workload_at(load, 0.5, 4)}[of]
        return {name: k * n * QUANTITIES[name](load) for name in ADDED_UP}

    one, two, many = totals(1, 1), totals(1, 2), totals(3, 4)
    for name in ADDED_UP:
        point = two[name] - one[name]
        function = one[name] - point
        assert many[name] == pytest.approx(3 * function + 12 * point, rel=ROUNDING), name
        assert function > 0 or name not in {"synaptic_operations", "neuron_updates", "messages", "vsn_macs"}, name


def test_the_words_that_are_read_again_are_bytes_of_states() -> None:
    # Per point: trunk 2 states of 3 bytes and the read-out 1, p 2 pairs of 2-byte factors, each read and written in 2 steps;
    # the read-out reads branch's 2 words of 2 bytes again in each. Per function: branch 2 states of 3 bytes.
    for k, n in ((1, 1), (2, 5)):
        found = k * n * QUANTITIES["state_bytes"](held_family(OPERATOR, k, n)[0])
        assert found == pytest.approx(
            k * 2 * 2 * 2 * 3 + k * n * (2 * 2 * (2 * 3 + 3 + 2 * 4) + 2 * 2 * 2), rel=ROUNDING
        )


def test_energy_of_a_value_and_of_a_point_add_up_to_that_of_the_run() -> None:
    one, many = held_family(OPERATOR, 1, 1), held_family(OPERATOR, 3, 4)
    for model in shipped_models():
        for first, all_of_them in zip(one[:2], many[:2], strict=True):  # without cores, and with
            estimate, alone = (estimate_energy(each, model) for each in (all_of_them, first))
            if model.prices_steps:
                assert (estimate.held, estimate.n_steps) == (None, 2)
                continue
            assert estimate.held is not None
            value, point = estimate.held.joules_per_value, estimate.held.joules_per_point
            assert 0 < value < point  # two neurons of branch; two of trunk, a product and the read-out
            assert 3 * value + 12 * point == pytest.approx(12 * estimate.dynamic_joules_per_sample, rel=ROUNDING)
            assert value + point == pytest.approx(alone.dynamic_joules_per_sample, rel=ROUNDING)
            assert estimate.dense_joules_per_sample < alone.dense_joules_per_sample


def test_a_term_of_no_single_node_leaves_the_energy_whole() -> None:
    davies = next(model for model in shipped_models() if model.name == "loihi1-davies")
    dynamic = tuple(replace(term, part=Part.DYNAMIC) for term in davies.terms)
    load = held_family(OPERATOR, 2, 3)[1]
    assert estimate_energy(load, davies).held is not None
    assert estimate_energy(load, replace(davies, terms=dynamic)).held is None
    assert estimate_energy(loads_of(graph(1))[1], davies).held is None


def test_the_latency_is_that_of_a_sample_with_a_new_value() -> None:
    """Every function and every point costs the same here, so that one of each takes as long as any of many."""
    (*_, partition, one), (*_, many) = held_family(OPERATOR, 1, 1), held_family(OPERATOR, 3, 4)
    timing = find_timing("loihi2")
    first, later = estimate_latency(partition, one, timing), estimate_latency(partition, many, timing)
    assert first.latency_seconds == later.latency_seconds
    for before, after in zip(first.terms, later.terms, strict=True):
        assert (before.name, before.place) == (after.name, after.place)
        assert before.seconds.low == pytest.approx(after.seconds.low, rel=ROUNDING)
