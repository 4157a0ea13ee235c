"""Targets and graphs: delay lines by hand, cores of loops and products, and what every rule says of random graphs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import HardwareRuleError
from neuropinn_lava.conversion.quantize.post_training import quantize_network
from neuropinn_lava.conversion.targets.core_split import split_network, state_bytes
from neuropinn_lava.conversion.targets.hardware_rules import RULES, check_network, require_fit
from neuropinn_lava.conversion.targets.target import HardwareTarget, find_target
from neuropinn_lava.conversion.targets.verdicts import RuleVerdict, Verdict
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import AnyQuantizedNode, QuantizedProduct
from small_graphs import operator_network, with_connection, with_held

CHAIN = builders.random_quantized(3, widths=(2, 4, 4, 4, 1), n_steps=3)
SMALL = HardwareTarget(
    name="small", title="Small", source="made for this test", max_weight_bits=8, max_payload_bits=16, state_bits=24,
    max_neurons_per_core=2, synapse_bytes_per_core=999, cores_per_chip=99, max_out_axons=7,
)  # fmt: skip


def rule_of(network: QuantizedNetwork, target: HardwareTarget, rule: str) -> RuleVerdict:
    return next(each for each in check_network(network, target).verdicts if each.rule == rule)


@pytest.mark.parametrize(
    ("target", "source", "delay", "line"),
    [
        ("hidden1", "hidden1", 1, 0),  # what it sends itself is there in time
        ("hidden2", "hidden0", 0, 1),  # a skip waits for the node between
        ("hidden2", "input", 2, 4),  # two steps of its own, two nodes on the longer way
        ("hidden0", "hidden2", 5, 2),  # a loop of three nodes; five steps of delay are two more than it takes
    ],
)
def test_delay_lines_by_hand(target: str, source: str, delay: int, line: int) -> None:
    network = with_connection(CHAIN, target, source=source, delay=delay)
    at_limit = rule_of(network, replace(SMALL, max_delay=line), "delays fit their line")
    assert (at_limit.verdict, at_limit.found, at_limit.limit) == (Verdict.FITS, line, line)
    if line:
        with pytest.raises(
            HardwareRuleError,
            match=f"layer '{target}': connection from '{source}' must have a delay line of at most {line - 1} steps",
        ):
            require_fit(network, replace(SMALL, max_delay=line - 1, max_out_axons=None))
    unknown = rule_of(network, SMALL, "delays fit their line")
    assert (unknown.verdict, unknown.found) == (Verdict.NOT_CHECKED, line)


def test_loihi_2_reports_a_delay_beyond_lava_dl_and_does_not_refuse_it() -> None:
    network = with_connection(CHAIN, "hidden1", source="hidden1", delay=64)
    verdict = rule_of(network, find_target("loihi2"), "delays fit their line")
    assert (verdict.verdict, verdict.found, verdict.limit, verdict.refuses) == (Verdict.DOES_NOT_FIT, 63, 62, False)
    require_fit(network, find_target("loihi2"), strict=False)


def reads(node: AnyQuantizedNode, j: int, sender: str, neuron: int) -> bool:
    """Whether neuron j of a node reads neuron i of a sender, by any delay."""
    if isinstance(node, QuantizedProduct):
        return sender in (node.left, node.right) and j == neuron
    return any(each.source == sender and each.weight[j, neuron] != 0 for each in node.affine.connections)


@pytest.mark.parametrize("seed", range(30))
def test_cores_of_graphs_hold_what_they_may(seed: int) -> None:
    """Count axons that end and begin on every core one by one, loops included; no core exceeds the target."""
    network = builders.random_graph(seed, n_inputs=1 + seed % 2, n_nodes=6)
    nodes = (*network.nodes, network.output)
    splits = split_network(network, SMALL)
    cores = {split.name: split.cores for split in splits}
    for split, node in zip(splits, nodes, strict=True):
        assert [j for core in split.cores for j in range(node.n_out)[core.neurons]] in ([], list(range(node.n_out)))
        for i in range(node.n_out):
            reached = [
                (other.name, core.first)
                for other in nodes
                for core in cores[other.name]
                if any(reads(other, j, node.name, i) for j in range(other.n_out)[core.neurons])
            ]
            assert split.cores_reached[i] == len(reached)
        for core in split.cores:
            assert core.out_axons == split.cores_reached[core.neurons].sum() <= 7
            assert core.n_neurons <= 2
            senders = {
                (name, i)
                for name, width in network.source.source_widths.items()
                for i in range(width)
                if any(reads(node, j, name, i) for j in range(node.n_out)[core.neurons])
            }
            assert core.in_axons == len(senders)


def test_some_graphs_need_more_cores_for_their_routes() -> None:
    networks = [builders.random_graph(seed, n_nodes=6) for seed in range(30)]
    free = replace(SMALL, max_out_axons=None)
    counts = [[sum(len(split.cores) for split in split_network(each, t)) for t in (SMALL, free)] for each in networks]
    assert any(held > least for held, least in counts)


def test_memory_of_a_delay_line_and_of_a_product_by_hand() -> None:
    # A population holds drive, membrane, bias and threshold of 3 bytes and a leak of 2; a line adds a drive for each step.
    relu = builders.random_quantized(0, widths=(2, 3, 1), activation="relu")
    population, entries = relu.nodes[0], len(relu.nodes[0].table.entries)
    assert state_bytes(population, 3, 0) == 3 * 14 + 4 * entries
    assert state_bytes(population, 3, 2) == 3 * 20 + 4 * entries
    assert (state_bytes(relu.output, 1, 0), state_bytes(relu.output, 1, 1)) == (6, 9)
    graph = next(g for g in map(builders.random_graph, range(20)) if len(g.populations) < len(g.nodes))
    product = next(node for node in graph.nodes if isinstance(node, QuantizedProduct))
    assert (state_bytes(product, 2, 0), state_bytes(product, 2, 1)) == (2 * 4, 2 * 8)  # two words of 16 bits


@pytest.mark.parametrize("seed", range(8))
def test_every_rule_judges_a_graph(seed: int) -> None:
    network = builders.random_graph(seed, n_inputs=1 + seed % 3, n_nodes=6, n_steps=(2, None)[seed % 2])
    check = check_network(network, find_target("loihi2"))
    assert len(check.verdicts) == len(RULES)
    found = {each.rule: each for each in check.verdicts}
    assert found["spikes carry payloads"].found == 16
    assert found["network fits the chip"].found == len(network.nodes) + 1
    assert found["exponents fit the layer"].found == max(len(np.unique(a.lefts)) for a in network.affines)


def test_payloads_that_are_kept_count_as_memory_of_the_core_that_receives_them() -> None:
    # p keeps branch's 2 words of 16 bits for 2 steps, so does the read-out: 8 bytes each on one core, 4 for one element of p,
    # which keeps its own factor alone, and 8 for the one neuron of the read-out. branch and trunk keep nothing.
    network = quantize_network(operator_network(n_steps=2)).network
    free = with_held(network)
    one_core, one_neuron = find_target("loihi2"), replace(find_target("loihi2"), max_neurons_per_core=1)
    for target, kept in (
        (one_core, {"branch": [0], "trunk": [0], "p": [8], "output": [8]}),
        (one_neuron, {"branch": [0, 0], "trunk": [0, 0], "p": [4, 4], "output": [8]}),
    ):
        splits = zip(split_network(network, target), split_network(free, target), strict=True)
        found = {
            held.name: [a.state_bytes - b.state_bytes for a, b in zip(held.cores, each.cores, strict=True)]
            for held, each in splits
        }
        assert found == kept
    # One neuron of branch: 1 weight, 4 words of 3 bytes and a leak of 2; relu needs no table. The read-out: 4 weights, 3
    # words of 3 bytes, as branch waits for p in a line of one step, and 8 bytes that it keeps.
    found_bytes = [rule_of(each, one_core, "memory fits the cores").found for each in (free, network)]
    assert found_bytes == [15, 21]
    limit = replace(SMALL, core_bytes=20, max_out_axons=None)
    with pytest.raises(HardwareRuleError, match="layer 'output' must need at most 20 bytes for one neuron"):
        require_fit(network, limit)
    require_fit(free, limit)
