"""The schedule keeps every inequality, its interval is that of the slowest loop, and a chain starts one after the other."""

from __future__ import annotations

import math

import pytest

import builders
from neuropinn_lava.engine.schedule import schedule_network
from neuropinn_lava.network.quantized import QuantizedNetwork
from small_graphs import with_held


def slowest_loop(network: QuantizedNetwork) -> int:
    """Follow every simple loop: the interval is the largest quotient of its nodes and delays, rounded up."""
    edges: dict[str, list[tuple[str, int]]] = {}
    for node in network.nodes:
        for source, delay in node.edges:
            edges.setdefault(source, []).append((node.name, delay))
    largest = 1

    def follow(first: str, now: str, seen: tuple[str, ...], delays: int) -> None:
        nonlocal largest
        for after, delay in edges.get(now, []):
            if after == first:
                largest = max(largest, math.ceil(len(seen) / (delays + delay)))
            elif after > first and after not in seen:
                follow(first, after, (*seen, after), delays + delay)

    for node in network.nodes:
        follow(node.name, node.name, (node.name,), 0)
    return largest


@pytest.mark.parametrize("seed", range(60))
def test_starts_and_interval_of_graphs(seed: int) -> None:
    network = builders.random_graph(seed, n_inputs=1 + seed % 3, n_nodes=3 + seed % 6)
    schedule = schedule_network(network)
    assert schedule.interval == slowest_loop(network)
    for node in (*network.nodes, network.output):
        for source, delay in node.edges:
            assert schedule.starts[node.name] >= schedule.starts[source] + 1 - delay * schedule.interval
            assert schedule.line(source, node.name, delay) >= 0


def test_some_random_graphs_have_wide_loops() -> None:
    assert {schedule_network(builders.random_graph(seed, n_nodes=8)).interval for seed in range(60)} > {1, 2}


def test_a_chain_starts_one_step_after_the_other() -> None:
    schedule = schedule_network(builders.random_quantized(0, widths=(2, 5, 4, 3, 1)))
    assert dict(schedule.starts) == {"input": -1, "hidden0": 0, "hidden1": 1, "hidden2": 2, "output": 3}
    assert (schedule.interval, schedule.n_alone(1), schedule.n_alone(5)) == (1, 4, 8)
    assert schedule.line("hidden0", "hidden1", 0) == 0


def test_a_further_sample_of_a_held_value_waits_for_no_branch() -> None:
    """A random graph of three held nodes; the starts of the others are relaxed by hand, held sources being there as inputs."""
    network = builders.random_graph(22, n_inputs=2, n_nodes=7, n_steps=2)
    assert schedule_network(network).replayed_start is None
    held = with_held(network, "x0")
    schedule, starts = schedule_network(held), dict.fromkeys(("x1", *held.held_sources), -1)
    for _ in range(8):
        for node in (*held.nodes, held.output):
            if node.name not in held.held_sources:
                before = (starts.get(source, 0) + 1 - delay * schedule.interval for source, delay in node.edges)
                starts[node.name] = max(0, *before)
    assert schedule.replayed_start == starts["output"] < schedule.starts["output"]
    assert schedule.n_replayed(3) == 2 * schedule.interval + starts["output"] + 1
    assert schedule_network(network).n_replayed(3) is None
