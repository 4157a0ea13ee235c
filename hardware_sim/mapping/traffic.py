"""Messages between cores, counted: every event goes once to each core that holds a non-zero weight for it.

    messages[c, d] = sum of the events of the neurons on core c that reach a neuron on core d
    hops[c, d]     = |column difference|, |row difference| of their tiles

Input events come from the host's corner of the mesh. Integers, summed over a run; loads of cores per step are kept for the
latency.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ...base.arrays import ArrayRecord, IntArray, Record, freeze_arrays
from ...engine.trace import RunTrace
from ...network.quantized import QuantizedNetwork
from ..counts.counting import INPUT_ROW, check_trace
from ..counts.workload import LayerLoad, Workload
from .cores import Core, Partition
from .mesh import HOST_PLACE, Place

READ_BITS = 64
"""Bits of one read of the synaptic memory. Assumed: no width is published for Loihi; an event reads the non-zero weights of its
neuron on a core as one run of words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Record):
    """Messages from one core, or from the host, to one core."""

    layer: str
    """Layer that sends, or `INPUT_ROW`."""
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
    """Neurons of this core with s = 1, shape (n_steps,)."""
    n_neurons: int
    """Neurons of this core."""

    def __post_init__(self) -> None:
        freeze_arrays(self, synaptic_operations=np.int64, synaptic_reads=np.int64, fired=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traffic(Record):
    """All messages of a run on a partition."""

    n_samples: int
    """Samples of the run."""
    n_steps: int
    """Number of steps T of a sample."""
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


def count_traffic(network: QuantizedNetwork, partition: Partition, trace: RunTrace) -> Traffic:
    """Count the messages between cores, and the work of every core, in the run that a trace records.

    Raises:
        SpecError: If the trace is of another network.
    """
    check_trace(network, trace, f"count_traffic: trace of network {network.name!r}")
    silent = np.zeros((trace.n_steps, network.n_out), dtype=np.int64)
    events = [trace.input_events, *(layer.events for layer in trace.nodes)]
    fired = [*(layer.fired for layer in trace.nodes), silent]
    names = [INPUT_ROW, *(layer.name for layer in network.populations), network.output.name]
    links: list[Link] = []
    loads: list[CoreLoad] = []
    rows = zip(names, names[1:], events, fired, network.affines, strict=False)
    for sender, receiver, sent, active, affine in rows:
        for core in partition.cores_of(receiver):
            reached = np.count_nonzero(affine.weight[core.neurons], axis=0).astype(np.int64)
            links += _links_to(core, sender, partition, sent * (reached > 0), affine.input_bits)
            loads.append(
                CoreLoad(
                    core=core.index,
                    synaptic_operations=sent @ reached,
                    synaptic_reads=sent @ -(-reached * affine.weight_bits // READ_BITS),
                    fired=active[:, core.neurons].sum(axis=1),
                    n_neurons=core.n_neurons,
                )
            )
    return Traffic(n_samples=trace.n_samples, n_steps=trace.n_steps, links=tuple(links), loads=tuple(loads))


def _links_to(core: Core, sender: str, partition: Partition, messages: IntArray, payload_bits: int) -> list[Link]:
    """Return the links that end on a core; `messages` (n_steps, n_in) are the events that reach it, by sending neuron."""
    sources: list[tuple[int | None, Place, IntArray]] = [(None, HOST_PLACE, messages)]
    if sender != INPUT_ROW:
        sources = [(source.index, source.place, messages[:, source.neurons]) for source in partition.cores_of(sender)]
    return [
        Link(
            layer=sender,
            source=index,
            destination=core.index,
            messages=int(sent.sum()),
            messages_per_step=tuple(sent.sum(axis=1).tolist()),
            payload_bits=payload_bits,
            hops_east_west=abs(place.column - core.place.column),
            hops_north_south=abs(place.row - core.place.row),
        )
        for index, place, sent in sources
        if sent.any()
    ]


def placed_workload(load: Workload, partition: Partition, traffic: Traffic) -> Workload:
    """Return the workload with the messages and hops of a placement instead of one message per event."""
    layers = tuple(_placed_layer(layer, traffic) for layer in load.layers)
    return dataclasses.replace(load, n_chips=partition.n_chips, layers=layers)


def _placed_layer(layer: LayerLoad, traffic: Traffic) -> LayerLoad:
    links = [link for link in traffic.links if link.layer == layer.name]
    return dataclasses.replace(
        layer,
        messages=sum(link.messages for link in links) / traffic.n_samples,
        hops_east_west=sum(link.messages * link.hops_east_west for link in links) / traffic.n_samples,
        hops_north_south=sum(link.messages * link.hops_north_south for link in links) / traffic.n_samples,
    )
