"""How the nodes of a network are split over the cores of a target: what a core holds, and which neurons share one.

This is the only definition of it. The verdict of `hardware_rules.check_network` and the placement of
`hardware_sim.costs.cores.partition_network` both stand on it, so that they count the same cores.

A node takes the fewest cores that hold its neurons, their non-zero weights, states, phi table and axons when the neurons are
dealt out evenly and in order; nodes share no core. A product holds its elements like neurons, each with both factors and no
weight. Nodes are split from the last one to the first, because a core's routing table holds an entry for every pair of one of
its neurons and a core that the neuron has a weight on; where a loop leads back to a node that is split already, it is split
again, until the routes of all fit. What receives held sources keeps their payloads of all steps on its cores. An event goes to
a core once, however many connections with other delays read it there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...base.arrays import ArrayRecord, BoolArray, IntArray, Record, freeze_arrays
from ...engine.schedule import schedule_network
from ...network.integers import LEAK_BITS
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import AnyQuantizedNode, QuantizedOutput, QuantizedProduct
from .target import HardwareTarget

ENTRY_BYTES = 4
"""Bytes of one entry of a phi table, which has at most 32 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreContents(Record):
    """The share of a node that one core holds."""

    first: int
    """The first neuron of the node on this core."""
    n_neurons: int
    """The number of neurons on this core."""
    synapse_bytes: int
    """Memory of the non-zero weights, in bytes."""
    state_bytes: int
    """Memory of states, parameters, the phi table, and kept payloads of held sources, in bytes."""
    in_axons: int
    """Senders that at least one neuron of this core has a weight for."""
    out_axons: int
    """Pairs of a neuron of this core and a core that it reaches; the read-out has none."""

    @property
    def neurons(self) -> slice:
        """The neurons of the node on this core."""
        return slice(self.first, self.first + self.n_neurons)

    def exceeds(self, target: HardwareTarget) -> bool:
        """Return whether a core of the target is too small for this."""
        held_and_limits = (
            (self.n_neurons, target.max_neurons_per_core),
            (self.synapse_bytes, target.synapse_bytes_per_core),
            (self.synapse_bytes + self.state_bytes, target.core_bytes),
            (self.in_axons, target.max_fan_in),
            (self.out_axons, target.max_out_axons),
        )
        return any(limit is not None and held > limit for held, limit in held_and_limits)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeSplit(ArrayRecord):
    """The cores of one node."""

    name: str
    """The node's name."""
    cores: tuple[CoreContents, ...]
    """The cores in the order of their neurons; none where a single neuron exceeds a core."""
    cores_reached: IntArray
    """Cores of all receivers on which each of its neurons has a weight, shape (n_out,); 0 for the read-out."""

    def __post_init__(self) -> None:
        freeze_arrays(self, cores_reached=np.int64)


def split_network(network: QuantizedNetwork, target: HardwareTarget) -> tuple[NodeSplit, ...]:
    """Split every node of a network over cores of a target, the read-out last.

    A node with a neuron that exceeds a core by itself has no cores, and the nodes that it reads are then split as if they sent
    nothing to it. `hardware_rules` says which limit is exceeded.
    """
    nodes: tuple[AnyQuantizedNode, ...] = (*network.nodes, network.output)
    reads = {node.name: wired(node) for node in nodes}
    lines, kept = longest_lines(network), kept_bits(network)
    cores: dict[str, tuple[CoreContents, ...]] = {}

    def reached(sender: AnyQuantizedNode) -> IntArray:
        """Count the cores on which each neuron of a node has a weight, as far as cores are known, shape (n_out,)."""
        count = np.zeros(sender.n_out, dtype=np.int64)
        for name, held in cores.items():
            used = reads[name].get(sender.name)
            if used is not None:
                count += np.sum([used[core.neurons].any(axis=0) for core in held], axis=0, dtype=np.int64)
        return count

    while True:
        before = [len(held) for held in cores.values()]
        for node in reversed(nodes):
            held = cores.get(node.name)
            if held != ():  # what once did not fit would only make others seem to fit
                fewest = len(held or ())
                memory = lines[node.name], kept[node.name]
                cores[node.name] = _split_node(node, *memory, reads[node.name], target, reached(node), fewest)
        if before == [len(held) for held in cores.values()]:
            break
    return tuple(NodeSplit(name=node.name, cores=cores[node.name], cores_reached=reached(node)) for node in nodes)


def wired(node: AnyQuantizedNode) -> dict[str, BoolArray]:
    """Return which neurons read which components of each source, by any delay: shape (n_out, n_source), by its name."""
    if isinstance(node, QuantizedProduct):
        each_its_own = np.eye(node.width, dtype=np.bool_)
        return {node.left: each_its_own, node.right: each_its_own}
    read: dict[str, BoolArray] = {}
    for each in node.affine.connections:
        read[each.source] = (each.weight != 0) | read.get(each.source, np.zeros(each.weight.shape, dtype=np.bool_))
    return read


def _split_node(
    node: AnyQuantizedNode,
    line: int,
    kept: IntArray,
    reads: dict[str, BoolArray],
    target: HardwareTarget,
    reached: IntArray,
    fewest: int,
) -> tuple[CoreContents, ...]:
    """Deal the neurons of a node out to as few cores as hold them, `fewest` at least.

    Args:
        node: The node.
        line: Length of its longest delay line.
        kept: Bits that it keeps of each component of its sources, shape (n_source,) of all sources of `reads` together.
        reads: What `wired` returns of it.
        target: Limits of a core.
        reached: Cores that each of its neurons sends to, shape (n_out,).
        fewest: Number of cores to begin with.
    """
    connected = np.hstack([*reads.values()])
    needed = synapse_bytes(node)

    def contents(first: int, n_neurons: int) -> CoreContents:
        """Count what a core holds that has the neurons from `first` on."""
        held = slice(first, first + n_neurons)
        read = connected[held].any(axis=0)
        return CoreContents(
            first=first,
            n_neurons=n_neurons,
            synapse_bytes=int(needed[held].sum()),
            state_bytes=state_bytes(node, n_neurons, line) + -(-int(read @ kept) // 8),
            in_axons=int(np.count_nonzero(read)),
            out_axons=int(reached[held].sum()),
        )

    if any(contents(neuron, 1).exceeds(target) for neuron in range(node.n_out)):
        return ()
    n_cores = max(fewest, math.ceil(node.n_out / target.max_neurons_per_core))
    while True:
        ends = [node.n_out * index // n_cores for index in range(n_cores + 1)]
        cores = tuple(contents(first, last - first) for first, last in pairwise(ends))
        if not any(core.exceeds(target) for core in cores):
            return cores
        n_cores += 1


def synapse_bytes(node: AnyQuantizedNode) -> IntArray:
    """Return the bytes of each neuron's non-zero weights, shape (n_out,); none of a product."""
    if isinstance(node, QuantizedProduct):
        return np.zeros(node.width, dtype=np.int64)
    n_bits = np.zeros(node.n_out, dtype=np.int64)
    for each in node.affine.connections:
        n_bits += np.count_nonzero(each.weight, axis=1) * each.weight_bits
    needed: IntArray = -(-n_bits // 8)
    return needed


def longest_lines(network: QuantizedNetwork) -> dict[str, int]:
    """Return the length of each node's longest delay line, in steps of the chip, by name."""
    schedule = schedule_network(network)
    return {
        node.name: max(schedule.line(source, node.name, delay) for source, delay in node.edges)
        for node in (*network.nodes, network.output)
    }


def kept_bits(network: QuantizedNetwork) -> dict[str, IntArray]:
    """Return the bits that a node keeps of each component that it reads, T payloads of a held source, by name.

    The components are those of all sources in the order of `wired`, shape (n_source,).
    """
    bits = {pair: (network.n_steps or 0) * network.words[pair[1]].bits for pair in network.source.replays}
    kept = {}
    for node in (*network.nodes, network.output):
        parts = [np.full(read.shape[1], bits.get((node.name, name), 0)) for name, read in wired(node).items()]
        kept[node.name] = np.hstack(parts)
    return kept


def state_bytes(node: AnyQuantizedNode, n_neurons: int, line: int) -> int:
    """Count the bytes of states, parameters and phi table; a read-out has drive and bias alone, a product its factors.

    What arrives early waits where it is added up: a delay line is one more drive, or pair of factors, for each of its steps.
    """
    if isinstance(node, QuantizedProduct):
        factors = math.ceil(node.left_word.bits / 8) + math.ceil(node.right_word.bits / 8)
        return factors * (line + 1) * n_neurons
    word = math.ceil(node.affine.state_bits / 8)
    if isinstance(node, QuantizedOutput):
        return (line + 2) * word * n_neurons
    leak = math.ceil((LEAK_BITS + 1) / 8)
    return ((line + 4) * word + leak) * n_neurons + ENTRY_BYTES * node.table.n_entries
