"""Starts, intervals and delay lines, counted by hand."""

from __future__ import annotations

import pytest

import builders
from neuropinn_lava.hardware_sim.steps.timing import NetworkTiming, time_network
from small_graphs import with_connection

CHAIN = builders.random_quantized(3, widths=(2, 4, 4, 4, 1), n_steps=3)


def starts(timing: NetworkTiming) -> dict[str, int]:
    return {node.name: node.start for node in timing.nodes}


def lengths(timing: NetworkTiming, name: str) -> dict[tuple[str, int], int]:
    (node,) = (node for node in timing.nodes if node.name == name)
    return {(line.source, line.delay): line.length for line in node.lines}


def test_nodes_of_a_chain_are_one_step_apart() -> None:
    timing = time_network(CHAIN)
    assert starts(timing) == {"hidden0": 0, "hidden1": 1, "hidden2": 2, "output": 3}
    assert (timing.interval, timing.latency, timing.longest_line) == (1, 4, 0)


def test_a_skip_waits_for_the_longer_way() -> None:
    """hidden2 starts two steps after hidden0, one more than the message needs; the input arrives at once."""
    timing = time_network(with_connection(CHAIN, "hidden2", source="hidden0"))
    assert lengths(timing, "hidden2") == {("hidden0", 0): 1, ("hidden1", 0): 0}
    timing = time_network(with_connection(CHAIN, "hidden2", source="input", delay=2))
    assert lengths(timing, "hidden2") == {("input", 2): 4, ("hidden1", 0): 0}


@pytest.mark.parametrize(("delay", "interval", "length"), [(1, 1, 0), (3, 1, 2)])
def test_a_connection_to_itself_needs_no_more_than_a_step(delay: int, interval: int, length: int) -> None:
    timing = time_network(with_connection(CHAIN, "hidden1", source="hidden1", delay=delay))
    assert timing.interval == interval
    assert lengths(timing, "hidden1") == {("hidden0", 0): 0, ("hidden1", delay): length}


@pytest.mark.parametrize(("delay", "interval", "length"), [(1, 3, 0), (2, 2, 1), (3, 1, 0), (5, 1, 2)])
def test_a_loop_of_three_nodes_takes_as_many_steps_as_its_delays_leave(delay: int, interval: int, length: int) -> None:
    """A message of hidden2 is in hidden0 three steps after hidden0 began: 3 <= delay * interval."""
    timing = time_network(with_connection(CHAIN, "hidden0", source="hidden2", delay=delay))
    assert timing.interval == interval
    assert lengths(timing, "hidden0") == {("hidden2", delay): length, ("input", 0): 0}
    assert starts(timing) == {"hidden0": 0, "hidden1": 1, "hidden2": 2, "output": 3}


@pytest.mark.parametrize("seed", range(20))
def test_no_line_of_a_random_graph_is_negative_and_no_smaller_interval_will_do(seed: int) -> None:
    network = builders.random_graph(seed, n_nodes=7)
    timing = time_network(network)
    assert min(line.length for node in timing.nodes for line in node.lines) >= 0
    at = {**{each.name: -1 for each in network.inputs}, **starts(timing)}
    for node in timing.nodes:
        least = max(at[line.source] + 1 - line.delay * timing.interval for line in node.lines)
        assert node.start == max(0, least)  # no earlier one is possible
    if timing.interval > 1:
        assert _has_long_loop(network, timing.interval - 1)


def _has_long_loop(network: object, interval: int) -> bool:
    """Whether some walk gains time without end: longest ways of as many edges as there are nodes, and of one more."""
    nodes = (*network.nodes, network.output)  # type: ignore[attr-defined]
    gains = {node.name: 0 for node in nodes}
    for _ in range(10 * len(nodes)):
        gains = {
            node.name: max(
                [0, *(gains[source] + 1 - delay * interval for source, delay in node.edges if source in gains)]
            )
            for node in nodes
        }
    return max(gains.values()) > len(nodes)
