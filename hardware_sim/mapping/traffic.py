"""Messages between cores, counted: every event goes once to each core that holds a non-zero weight for it.

    messages[c, d] = sum of the events of the neurons on core c that reach a neuron on core d, by whatever connection
    hops[c, d]     = |column difference|, |row difference| of their tiles

Input events come from the host's corner of the mesh. Integers, summed over a run; loads of cores per step are kept for the
latency. What depends on held inputs only works and sends once for each held value, whatever receives it works for every sample.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...base.arrays import ArrayRecord, IntArray, Record, freeze_arrays
from ...engine.schedule import INPUT_START, Schedule, schedule_network
from ...engine.trace import RunTrace
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import AnyQuantizedNode, QuantizedProduct
from ..counts.counting import arriving, count_fan_out, counted_traces, sent_events
from ..counts.workload import NodeLoad, Workload
from .cores import Core, Partition
from .mesh import HOST_PLACE, Place

READ_BITS = 64
"""Bits of one read of the synaptic memory. Assumed: no width is published for Loihi; an event reads the non-zero weights of its
neuron on a core as one run of words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Record):
    """Messages from one core, or from the host, to one core."""

    sender: str
    """Name of the input or node that sends."""
    start: int
    """Step of the chip in which the sender works on a sample's first step, counted from the one of its input, 0."""
    source: int | None
    """Core that sends; None for the host."""
    destination: int
    """Core that receives."""
    messages: int
    """Number of messages in the run."""
    messages_per_step: tuple[int, ...]
    """The same at each step t, over all samples."""
    payload_bits: int
    """The length of the payload of a message, in bits."""
    n_samples: int
    """Samples, or held values, for which the sender was computed."""
    hops_east_west: int
    """Tile boundaries that one of them crosses along a row."""
    hops_north_south: int
    """The same along a column."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoreLoad(ArrayRecord):
    """What one core did at each step, summed over the samples."""

    core: int
    """Number of the core along the mesh."""
    synaptic_operations: IntArray
    """Non-zero weights of this core that events reached, shape (n_steps,)."""
    synaptic_reads: IntArray
    """Words of `READ_BITS` that were read from the synaptic memory for them, shape (n_steps,)."""
    fired: IntArray
    """Neurons of this core with s = 1, or elements of a product that sent an event, shape (n_steps,)."""
    n_neurons: int
    """Neurons of this core."""
    n_samples: int
    """Samples, or held values, for which it was computed."""

    def __post_init__(self) -> None:
        freeze_arrays(self, synaptic_operations=np.int64, synaptic_reads=np.int64, fired=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traffic(Record):
    """All messages of a run on a partition."""

    n_samples: int
    """Samples of the run."""
    n_steps: int
    """Number of steps T of a sample."""
    schedule: Schedule
    """Starts of the nodes, and steps of the chip for each step of the network."""
    links: tuple[Link, ...]
    """Pairs of cores that exchanged messages."""
    loads: tuple[CoreLoad, ...]
    """Work of every core that is used."""

    @property
    def messages(self) -> int:
        """Over all pairs of cores, the host's included."""
        return sum(link.messages for link in self.links)

    @property
    def hops_east_west(self) -> int:
        """Over all messages."""
        return sum(link.messages * link.hops_east_west for link in self.links)

    @property
    def hops_north_south(self) -> int:
        """Over all messages."""
        return sum(link.messages * link.hops_north_south for link in self.links)


def count_traffic(
    network: QuantizedNetwork, partition: Partition, trace: RunTrace, held: RunTrace | None = None
) -> Traffic:
    """Count the messages between cores, and the work of every core, in the run that a trace records.

    Args:
        network: The network that ran.
        partition: Its cores.
        trace: The run.
        held: The run of one sample for each held value (`run_held`); None counts everything for every sample.

    Raises:
        SpecError: If a trace is of another network, or there is a held one and no input is held.
    """
    traces, schedule = counted_traces(network, trace, held, "count_traffic"), schedule_network(network)
    links: list[Link] = []
    loads: list[CoreLoad] = []
    for node in (*network.nodes, network.output):
        for core in partition.cores_of(node.name):
            loads.append(_load_core(node, core, network, traces[node.name]))
            links += _links_to(node, core, network, partition, schedule, traces)
    return Traffic(
        n_samples=trace.n_samples, n_steps=trace.n_steps, schedule=schedule, links=tuple(links), loads=tuple(loads)
    )


def _active_updates(node: AnyQuantizedNode, trace: RunTrace) -> IntArray:
    """Return how often each neuron fired, or each element of a product sent, shape (n_steps, n_out); never for a read-out."""
    counts = next((counts for counts in trace.nodes if counts.name == node.name), None)
    if counts is None:
        return np.zeros((trace.n_steps, node.n_out), dtype=np.int64)
    return counts.events if isinstance(node, QuantizedProduct) else counts.fired


def _load_core(node: AnyQuantizedNode, core: Core, network: QuantizedNetwork, trace: RunTrace) -> CoreLoad:
    """Count the work of a core: what arrives over every connection, and what its neurons do."""
    sent, active = sent_events(network, trace), _active_updates(node, trace)
    operations = np.zeros(len(active), dtype=np.int64)
    reads = np.zeros(len(active), dtype=np.int64)
    for connection in _connections_to(node, core):
        received = arriving(sent[connection.source], connection.delay)
        operations += received @ connection.reached
        reads += received @ -(-connection.reached * connection.weight_bits // READ_BITS)
    return CoreLoad(
        core=core.index,
        synaptic_operations=operations,
        synaptic_reads=reads,
        fired=active[:, core.neurons].sum(axis=1),
        n_neurons=core.n_neurons,
        n_samples=trace.n_samples,
    )


class _Reach(NamedTuple):
    """What one connection or factor brings to a core."""

    source: str
    delay: int
    weight_bits: int
    """Word length of the weights; 0 for a factor, which reads none."""
    reached: IntArray
    """Number of weights on the core that an event of each component reaches, shape (n_source,)."""


def _connections_to(node: AnyQuantizedNode, core: Core) -> Iterator[_Reach]:
    if isinstance(node, QuantizedProduct):
        mine = np.zeros(node.width, dtype=np.int64)
        mine[core.neurons] = 1
        for source, delay in node.edges:
            yield _Reach(source, delay, 0, mine)
        return
    for each in node.affine.connections:
        yield _Reach(each.source, each.delay, each.weight_bits, count_fan_out(each.weight[core.neurons]))


def _links_to(
    node: AnyQuantizedNode,
    core: Core,
    network: QuantizedNetwork,
    partition: Partition,
    schedule: Schedule,
    traces: dict[str, RunTrace],
) -> list[Link]:
    """Return the links that end on a core: each event of a source is one message, however many connections it reaches there."""
    reached: dict[str, IntArray] = {}
    for each in _connections_to(node, core):
        reached[each.source] = each.reached + reached.get(each.source, 0)
    inputs = [each.name for each in network.inputs]
    links = []
    for sender, weights in reached.items():
        messages = sent_events(network, traces[sender])[sender] * (weights > 0)
        sources: list[tuple[int | None, Place, IntArray]] = [(None, HOST_PLACE, messages)]
        if sender not in inputs:
            sources = [(each.index, each.place, messages[:, each.neurons]) for each in partition.cores_of(sender)]
        links += [
            Link(
                sender=sender,
                start=schedule.starts[sender] - INPUT_START,
                source=index,
                destination=core.index,
                messages=int(part.sum()),
                messages_per_step=tuple(part.sum(axis=1).tolist()),
                payload_bits=network.words[sender].bits,
                n_samples=traces[sender].n_samples,
                hops_east_west=abs(place.column - core.place.column),
                hops_north_south=abs(place.row - core.place.row),
            )
            for index, place, part in sources
            if part.any()
        ]
    return links


def placed_workload(load: Workload, partition: Partition, traffic: Traffic) -> Workload:
    """Return the workload with the messages, hops and cores of a placement; without it, each event is one message."""
    n_cores = {node.name: node.n_cores for node in partition.nodes}
    rows = tuple(_placed_row(row, traffic, n_cores.get(row.name, 1)) for row in load.rows)
    return dataclasses.replace(load, n_chips=partition.n_chips, rows=rows)


def _placed_row(row: NodeLoad, traffic: Traffic, n_cores: int) -> NodeLoad:
    links = [link for link in traffic.links if link.sender == row.name]
    return dataclasses.replace(
        row,
        n_cores=n_cores,
        messages=sum(link.messages for link in links) / traffic.n_samples,
        hops_east_west=sum(link.messages * link.hops_east_west for link in links) / traffic.n_samples,
        hops_north_south=sum(link.messages * link.hops_north_south for link in links) / traffic.n_samples,
    )
