"""The counts that an energy model may name, each as one function of a workload: numbers per sample, without a unit.

    th = N_in * T * activity            events that a node receives per sample; th_out: events that it sends
    spiking  MAC = th*N_out + T*N_out                          ACC = 2*T*N_out + th*N_out
             Rd  = th + (th+1)*N_out + T*N_out + 2*N_out       Wr  = th_out + T*N_out
    dense    MAC = N_in*N_out                                  ACC = 2*N_out + N_in
             Rd  = N_in + (N_in+1)*N_out                       Wr  = N_out

are the operations that the authors of the Variable Spiking Neuron count (`vsn_*`). Source: SPINONet, arXiv 2603.21674,
equations 14-22. They know no products: of one its multiplications, the factors read and the elements written are counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..counts.operations import RowKind
from ..counts.workload import NodeLoad, Pass, Workload

Quantity = Callable[[Workload], float]
"""A number per sample."""


def synaptic_operations(load: Workload) -> float:
    """Non-zero weights that events reach, and factors of products."""
    return sum(row.synaptic_operations for row in load.rows)


def dense_synaptic_operations(load: Workload) -> float:
    """All weights and elements of products at every step: what a machine computes that cannot skip zeros."""
    return float(
        sum((row.n_neurons if row.kind is RowKind.PRODUCT else row.n_weights) * load.steps_of(row) for row in load.rows)
    )


def neuron_updates(load: Workload) -> float:
    """Neurons times steps, elements of products and the output's included."""
    return float(sum(row.n_neurons * load.steps_of(row) for row in _updating(load)))


def membrane_updates(load: Workload) -> float:
    """Neuron updates that leak a membrane and compare it with a threshold; a dense pass has none, nor has a product."""
    held = sum(row.n_neurons * load.steps_of(row) for row in _affine(load))
    return 0.0 if load.kind is Pass.DENSE else float(held)


def active_updates(load: Workload) -> float:
    """Updates that end in a spike, or in the event of a product."""
    return sum(row.fired for row in load.rows)


def inactive_updates(load: Workload) -> float:
    """Updates that do not."""
    return neuron_updates(load) - active_updates(load)


def spikes(load: Workload) -> float:
    """Events that populations and products send."""
    return sum(row.sent for row in load.rows if row.kind is not RowKind.INPUT)


def messages(load: Workload) -> float:
    """Events times destination cores, the inputs' included."""
    return sum(row.messages for row in load.rows)


def neuron_messages(load: Workload) -> float:
    """The same, of populations and products only."""
    return sum(row.messages for row in load.rows if row.kind is not RowKind.INPUT)


def hops_east_west(load: Workload) -> float:
    """Tile boundaries that messages cross along the rows of the mesh; needs a placement on cores."""
    return sum(row.hops_east_west for row in load.rows)


def hops_north_south(load: Workload) -> float:
    """The same along the columns."""
    return sum(row.hops_north_south for row in load.rows)


def weight_bytes(load: Workload) -> float:
    """Bytes of weights read: one word for each synaptic operation; a product has none."""
    return sum(each.synaptic_operations * each.weight_bits / 8 for row in load.rows for each in row.connections)


def multiplied_bits(load: Workload) -> float:
    """Bits of the factors multiplied with each other, added up over multiplications: the cells of a multiplier's array.

    A synaptic operation multiplies a weight and a payload, an element of a product two payloads.
    """
    payloads = sum(
        row.multiplications * math.prod(each.payload_bits for each in row.connections) for row in _products(load)
    )
    return payloads + sum(
        each.synaptic_operations * each.weight_bits * each.payload_bits
        for row in _affine(load)
        for each in row.connections
    )


def state_bytes(load: Workload) -> float:
    """Bytes of states read and written.

    A population reads and writes its membrane at every step, a product both factors; a dense node writes its value once and has
    it read once. What replays a held source reads its payloads at every step.
    """
    own = sum(2 * row.n_neurons * load.steps_of(row) * row.state_bits / 8 for row in _updating(load))
    replayed = sum(
        each.n_source * load.n_steps * each.payload_bits / 8
        for row in _affine(load)
        for each in row.connections
        if each.is_replayed
    )
    return own + replayed


def chip_steps(load: Workload) -> float:
    """Steps times chips that are switched on; in the pipelined schedule a sample takes T * interval steps."""
    return steps(load) * load.n_chips


def steps(load: Workload) -> float:
    """Steps of a sample, T * interval, as in the pipelined schedule."""
    return float(load.n_steps * load.interval)


def busiest_core_operations(load: Workload) -> float:
    """Synaptic operations of the busiest core, times the chips that wait for it."""
    row = _busiest(load)
    return load.n_chips * row.core_share * row.synaptic_operations


def busiest_core_active_updates(load: Workload) -> float:
    """Updates of the busiest core that end in a spike, times the chips that wait for it."""
    row = _busiest(load)
    return load.n_chips * row.core_share * row.fired


def busiest_core_inactive_updates(load: Workload) -> float:
    """Updates of the busiest core that do not, times the chips that wait for it."""
    row = _busiest(load)
    return load.n_chips * row.core_share * (row.n_neurons * load.steps_of(row) - row.fired)


def vsn_macs(load: Workload) -> float:
    """MAC of the equations above."""
    products = sum(row.multiplications for row in _products(load))
    if load.kind is Pass.DENSE:
        return products + float(sum(row.share * row.n_weights for row in _affine(load)))
    return products + sum((row.received + load.steps_of(row)) * row.n_neurons for row in _affine(load))


def vsn_accumulates(load: Workload) -> float:
    """ACC of the equations above."""
    if load.kind is Pass.DENSE:
        return sum(row.share * (2.0 * row.n_neurons + row.n_in) for row in _affine(load))
    return sum((2 * load.steps_of(row) + row.received) * row.n_neurons for row in _affine(load))


def vsn_reads(load: Workload) -> float:
    """Rd of the equations above."""
    factors = sum(row.received for row in _products(load))
    if load.kind is Pass.DENSE:
        return factors + sum(row.share * (row.n_in + (row.n_in + 1.0) * row.n_neurons) for row in _affine(load))
    return factors + sum(
        row.received + (row.received + load.steps_of(row) + 3 * row.share) * row.n_neurons for row in _affine(load)
    )


def vsn_writes(load: Workload) -> float:
    """Wr of the equations above."""
    elements = sum(row.sent for row in _products(load))
    if load.kind is Pass.DENSE:
        return elements + float(sum(row.share * row.n_neurons for row in _affine(load)))
    return elements + sum(row.sent + load.steps_of(row) * row.n_neurons for row in _affine(load))


def _updating(load: Workload) -> tuple[NodeLoad, ...]:
    """Return the rows that are updated: all but the inputs."""
    return tuple(row for row in load.rows if row.kind is not RowKind.INPUT)


def _affine(load: Workload) -> tuple[NodeLoad, ...]:
    """Return the rows that have weights: populations and the read-out."""
    return tuple(row for row in _updating(load) if row.kind is not RowKind.PRODUCT)


def _products(load: Workload) -> tuple[NodeLoad, ...]:
    return tuple(row for row in load.rows if row.kind is RowKind.PRODUCT)


def _busiest(load: Workload) -> NodeLoad:
    """Return the node whose cores do the most synaptic operations and updates."""

    def work(row: NodeLoad) -> float:
        return row.core_share * (row.synaptic_operations + row.n_neurons * load.steps_of(row))

    return max(_updating(load), key=work)


QUANTITIES: dict[str, Quantity] = {
    quantity.__name__: quantity
    for quantity in (
        synaptic_operations,
        dense_synaptic_operations,
        neuron_updates,
        membrane_updates,
        active_updates,
        inactive_updates,
        spikes,
        messages,
        neuron_messages,
        hops_east_west,
        hops_north_south,
        weight_bytes,
        multiplied_bits,
        state_bytes,
        steps,
        chip_steps,
        busiest_core_operations,
        busiest_core_active_updates,
        busiest_core_inactive_updates,
        vsn_macs,
        vsn_accumulates,
        vsn_reads,
        vsn_writes,
    )
}
"""Every quantity by name."""
STEP_QUANTITY = steps.__name__
"""What the energy of a step is multiplied by."""
WHOLE_QUANTITIES = frozenset(
    quantity.__name__
    for quantity in (
        steps,
        chip_steps,
        busiest_core_operations,
        busiest_core_active_updates,
        busiest_core_inactive_updates,
    )
)
"""Quantities of the network as a whole; all others are sums over its rows."""
BIT_QUANTITIES = frozenset(quantity.__name__ for quantity in (weight_bytes, multiplied_bits, state_bytes))
"""Quantities that are smaller where words are shorter."""
