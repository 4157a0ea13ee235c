"""What a network asks of a machine for one sample: the deployed run, one dense pass, or a run at another activity.

Energy models multiply these numbers with their constants. A deployed workload is the counts divided by the number of samples;
the dense one is what the same network costs without spikes: one step in which every neuron sends through every weight, without
relays that only copy, scale or add up, which are a cost of the deployment. A workload at a given activity lets every population
and product send with that probability; it is what the break-even is found with. What depends on held inputs only is a share of
a sample in all of them: the number of held values over that of samples.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from ...base.arrays import Record
from ...engine.schedule import schedule_network
from ...network.nodes import InputSpec, ProductSpec
from ...network.quantized import Network
from ...network.quantized_nodes import QuantizedProduct
from ...network.spec import NetworkSpec
from .operations import ConnectionOperations, NodeOperations, OperationCounts, RowKind

FLOAT_BITS = 32
"""Word length that a float network is taken to have: torch's default on the machines that run it."""


class Pass(str, Enum):
    """What is executed."""

    SPIKING = "spiking"
    """T steps; synapses work on events."""
    DENSE = "dense"
    """One conventional pass: every weight once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLoad(Record):
    """What arrives over one connection, or as one factor of a product, per sample."""

    source: str
    """Name of the input or node that is read."""
    delay: int
    """Number of steps between sending and receiving."""
    n_source: int
    """Number of components of the source."""
    n_weights: int
    """Number of weights, zeros included; of a factor its elements."""
    n_synapses: int
    """Number of weights that are not zero; of a factor its elements."""
    is_one_to_one: bool
    """Whether every component of the source reaches one neuron at most, and every neuron is reached by one at most."""
    received: float
    """Events that arrive, over all steps."""
    synaptic_operations: float
    """Non-zero weights that they reach."""
    weight_bits: int
    """Word length of the weights; 0 for a factor, which has none."""
    payload_bits: int
    """Word length of the events that arrive."""
    is_replayed: bool = False
    """Whether the receiver keeps what a held source sent, and reads it again at every step of every sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLoad(Record):
    """One row of the counts, per sample."""

    name: str
    """Name of the row in the counts."""
    kind: RowKind
    """What the row stands for."""
    n_neurons: int
    """Number of neurons, or of input words, elements or outputs."""
    connections: tuple[ConnectionLoad, ...]
    """What it receives, one for each connection or factor; none for an input."""
    multiplications: float
    """Multiplications of payloads: one for each synaptic operation, or those of a product."""
    fired: float
    """How many neurons have s = 1, over all steps; of a product its events."""
    sent: float
    """Events that it sends, over all steps."""
    messages: float
    """Events times destination cores."""
    hops_east_west: float = 0.0
    """Tile boundaries that its messages cross along the rows of the mesh."""
    hops_north_south: float = 0.0
    """The same along the columns."""
    n_cores: int = 1
    """Cores that it lies on, its neurons dealt out evenly; 1 until cores are known."""
    state_bits: int
    """Word length of its states; of a product that of both factors, which it holds for a step."""
    held_share: float | None = None
    """Held values over samples, for a row that is computed once for each of them; None for one that every sample computes."""

    @property
    def share(self) -> float:
        """Share of the samples for which it is computed, 0 to 1."""
        return 1.0 if self.held_share is None else self.held_share

    @property
    def core_share(self) -> float:
        """Share of its neurons that its fullest core holds, 0 to 1."""
        return -(-self.n_neurons // self.n_cores) / self.n_neurons

    @property
    def n_in(self) -> int:
        """Number of values that it receives from, over all connections."""
        return sum(each.n_source for each in self.connections)

    @property
    def n_weights(self) -> int:
        """Number of weights into it, zeros included."""
        return sum(each.n_weights for each in self.connections)

    @property
    def received(self) -> float:
        """Events that reach it, over all steps and connections."""
        return sum(each.received for each in self.connections)

    @property
    def synaptic_operations(self) -> float:
        """Non-zero weights that they reach."""
        return sum(each.synaptic_operations for each in self.connections)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload(Record):
    """What one sample asks for."""

    kind: Pass
    """Spiking or dense."""
    n_steps: int
    """Number of steps T of a sample."""
    interval: int = 1
    """Number of the chip's steps that one step of the network takes."""
    n_steps_alone: int
    """Steps of the chip that a sample takes alone; 1 in a dense pass."""
    n_chips: int = 1
    """Chips that are switched on."""
    rows: tuple[NodeLoad, ...]
    """One per row of the counts: the inputs first, the output last; in a dense pass without relays that have no matrix."""

    def steps_of(self, row: NodeLoad) -> float:
        """Return the steps that a row computes per sample: T, or a share of it."""
        return row.share * self.n_steps


def deployed_workload(network: Network, counts: OperationCounts) -> Workload:
    """Divide the counts of a run by its samples; each event is one message, until cores are known (`traffic.py`)."""
    held = {row.name for row in counts.rows if row.is_held}
    words = zip(counts.rows, _word_lengths(network), strict=True)
    rows = tuple(_node_load(row, counts.n_samples, *bits, held) for row, bits in words)
    schedule = schedule_network(network)
    return Workload(
        kind=Pass.SPIKING,
        n_steps=counts.n_steps,
        interval=schedule.interval,
        n_steps_alone=schedule.n_alone(counts.n_steps),
        rows=rows,
    )


def _node_load(
    row: NodeOperations,
    n_samples: int,
    state_bits: int,
    connection_bits: tuple[tuple[int, int], ...],
    held: set[str],
) -> NodeLoad:
    return NodeLoad(
        name=row.name,
        kind=row.kind,
        n_neurons=row.n_neurons,
        connections=tuple(
            _connection_load(each, row, n_samples, *bits, not row.is_held and each.source in held)
            for each, bits in zip(row.connections, connection_bits, strict=True)
        ),
        multiplications=row.multiplications / n_samples,
        fired=row.active_updates / n_samples,
        sent=row.spikes / n_samples,
        messages=row.spikes / n_samples,
        state_bits=state_bits,
        held_share=row.n_samples / n_samples if row.is_held else None,
    )


def _connection_load(
    each: ConnectionOperations,
    row: NodeOperations,
    n_samples: int,
    weight_bits: int,
    payload_bits: int,
    is_replayed: bool,
) -> ConnectionLoad:
    is_factor = row.kind is RowKind.PRODUCT
    return ConnectionLoad(
        source=each.source,
        delay=each.delay,
        n_source=row.n_neurons if is_factor else each.n_weights // row.n_neurons,
        n_weights=each.n_weights,
        n_synapses=each.n_synapses,
        is_one_to_one=each.is_one_to_one,
        received=each.received / n_samples,
        synaptic_operations=each.synaptic_operations / n_samples,
        weight_bits=weight_bits,
        payload_bits=payload_bits,
        is_replayed=is_replayed,
    )


def _word_lengths(network: Network) -> Iterator[tuple[int, tuple[tuple[int, int], ...]]]:
    """Yield the state bits of every row, those of an input's word, and (weight_bits, payload_bits) of what it receives."""
    if isinstance(network, NetworkSpec):
        for node in (*network.inputs, *network.nodes, network.output):
            weight_bits = 0 if isinstance(node, ProductSpec) else FLOAT_BITS
            edges = () if isinstance(node, InputSpec) else node.edges
            yield FLOAT_BITS, ((weight_bits, FLOAT_BITS),) * len(edges)
        return
    for word in network.input_words:
        yield word.bits, ()
    for held in (*network.nodes, network.output):
        if isinstance(held, QuantizedProduct):
            bits = (held.left_word.bits, held.right_word.bits)
            yield sum(bits), ((0, bits[0]), (0, bits[1]))
        else:
            connections = held.affine.connections
            yield held.affine.state_bits, tuple((each.weight_bits, each.input_bits) for each in connections)


def dense_workload(deployed: Workload) -> Workload:
    """Return one conventional pass of the same network: every neuron computes and sends once, through every weight.

    Relays are left out but for their matrices, and a product costs one operation an element, half of it for each factor. What
    is held is a share here, too.
    """
    rows = []
    for load in map(_without_copies, deployed.rows):
        if load.kind is RowKind.RELAY and not load.connections:
            continue
        each_weight = load.share * (0.5 if load.kind is RowKind.PRODUCT else 1.0)
        connections = tuple(
            dataclasses.replace(
                each, received=load.share * each.n_source, synaptic_operations=each_weight * each.n_weights
            )
            for each in load.connections
        )
        sent = 0.0 if load.kind is RowKind.OUTPUT else load.share * load.n_neurons
        fired = 0.0 if load.kind is RowKind.INPUT else sent
        rows.append(_with_events(load, connections, each_weight * load.n_weights, fired, sent))
    return dataclasses.replace(deployed, kind=Pass.DENSE, n_steps=1, interval=1, n_steps_alone=1, rows=tuple(rows))


def _without_copies(load: NodeLoad) -> NodeLoad:
    """Leave the connections of a relay out by which it copies, scales or adds up."""
    if load.kind is not RowKind.RELAY:
        return load
    return dataclasses.replace(load, connections=tuple(each for each in load.connections if not each.is_one_to_one))


def workload_at(deployed: Workload, activity: float, n_steps: int) -> Workload:
    """Return the run of the same network at another activity, the same in every population and product.

    The inputs keep sending what they sent per step, and fan-outs are the mean ones.

    Args:
        deployed: A measured workload.
        activity: Events per neuron and step of every population, and per element and step of every product, 0 to 1.
        n_steps: T.
    """
    per_step = {
        load.name: load.sent / deployed.steps_of(load) if load.kind is RowKind.INPUT else activity * load.n_neurons
        for load in deployed.rows
    }
    rows = []
    for load in deployed.rows:
        connections = tuple(
            _at_rate(each, load.share * per_step[each.source] * max(n_steps - each.delay, 0))
            for each in load.connections
        )
        sent = 0.0 if load.kind is RowKind.OUTPUT else load.share * per_step[load.name] * n_steps
        fired = 0.0 if load.kind is RowKind.INPUT else sent
        operations = sum(each.synaptic_operations for each in connections)
        multiplications = sent if load.kind is RowKind.PRODUCT else operations
        rows.append(_with_events(load, connections, multiplications, fired, sent))
    n_alone = deployed.n_steps_alone + (n_steps - deployed.n_steps) * deployed.interval
    return dataclasses.replace(deployed, kind=Pass.SPIKING, n_steps=n_steps, n_steps_alone=n_alone, rows=tuple(rows))


def _at_rate(each: ConnectionLoad, received: float) -> ConnectionLoad:
    """Replace the events that arrive over a connection; each reaches as many weights as the mean component does."""
    operations = received * each.n_synapses / each.n_source
    return dataclasses.replace(each, received=received, synaptic_operations=operations)


def _with_events(
    load: NodeLoad, connections: tuple[ConnectionLoad, ...], multiplications: float, fired: float, sent: float
) -> NodeLoad:
    """Replace the events of a row; messages and hops per event stay what they were (one message where nothing was sent)."""
    ratio = sent / load.sent if load.sent else 0.0
    return dataclasses.replace(
        load,
        connections=connections,
        multiplications=multiplications,
        fired=fired,
        sent=sent,
        messages=load.messages * ratio if load.sent else sent,
        hops_east_west=load.hops_east_west * ratio,
        hops_north_south=load.hops_north_south * ratio,
    )
