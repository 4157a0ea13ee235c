"""The counts that an energy model may name, each as one function of a workload: numbers per sample, without a unit.

    th = N_in * T * activity            events that a layer receives per sample; th_out: events that it sends
    spiking  MAC = th*N_out + T*N_out                          ACC = 2*T*N_out + th*N_out
             Rd  = th + (th+1)*N_out + T*N_out + 2*N_out       Wr  = th_out + T*N_out
    dense    MAC = N_in*N_out                                  ACC = 2*N_out + N_in
             Rd  = N_in + (N_in+1)*N_out                       Wr  = N_out

are the operations that the authors of the Variable Spiking Neuron count (`vsn_*`). Source: SPINONet, arXiv 2603.21674,
equations 14-22.
"""

from __future__ import annotations

from collections.abc import Callable

from ..counts.counting import RowKind
from ..counts.workload import LayerLoad, Pass, Workload

Quantity = Callable[[Workload], float]
"""A number per sample."""


def synaptic_operations(load: Workload) -> float:
    """Non-zero weights that events reach."""
    return sum(layer.synaptic_operations for layer in load.layers)


def dense_synaptic_operations(load: Workload) -> float:
    """All weights at every step: what a machine computes that cannot skip zeros."""
    return float(sum(layer.n_weights for layer in load.layers) * load.n_steps)


def neuron_updates(load: Workload) -> float:
    """Neurons times steps, the output's included."""
    return float(sum(layer.n_neurons for layer in _updating(load)) * load.n_steps)


def membrane_updates(load: Workload) -> float:
    """Neuron updates that leak a membrane and compare it with a threshold; a dense pass has none."""
    return 0.0 if load.kind is Pass.DENSE else neuron_updates(load)


def active_updates(load: Workload) -> float:
    """Updates that end in a spike."""
    return sum(layer.fired for layer in load.layers)


def inactive_updates(load: Workload) -> float:
    """Updates that do not."""
    return neuron_updates(load) - active_updates(load)


def spikes(load: Workload) -> float:
    """Events that spiking neurons send."""
    return sum(layer.sent for layer in load.layers if layer.kind is RowKind.SPIKING)


def messages(load: Workload) -> float:
    """Events times destination cores, the input's included."""
    return sum(layer.messages for layer in load.layers)


def neuron_messages(load: Workload) -> float:
    """The same, of spiking neurons only."""
    return sum(layer.messages for layer in load.layers if layer.kind is RowKind.SPIKING)


def hops_east_west(load: Workload) -> float:
    """Tile boundaries that messages cross along the rows of the mesh; needs a placement on cores."""
    return sum(layer.hops_east_west for layer in load.layers)


def hops_north_south(load: Workload) -> float:
    """The same along the columns."""
    return sum(layer.hops_north_south for layer in load.layers)


def weight_bytes(load: Workload) -> float:
    """Bytes of weights read: one word for each synaptic operation."""
    return sum(layer.synaptic_operations * layer.weight_bits / 8 for layer in load.layers)


def multiplied_bits(load: Workload) -> float:
    """Bits of the weight times bits of the payload, added up over synaptic operations: the cells of a multiplier's array."""
    return sum(layer.synaptic_operations * layer.weight_bits * layer.payload_bits for layer in load.layers)


def state_bytes(load: Workload) -> float:
    """Bytes of states read and written.

    A spiking layer reads and writes its membrane at every step; a dense one writes its value once and has it read once.
    """
    return sum(2 * layer.n_neurons * load.n_steps * layer.state_bits / 8 for layer in _updating(load))


def chip_steps(load: Workload) -> float:
    """Steps times chips that are switched on; in the pipelined schedule a sample takes T steps."""
    return float(load.n_steps * load.n_chips)


def steps(load: Workload) -> float:
    """Steps of a sample, T, as in the pipelined schedule."""
    return float(load.n_steps)


def busiest_core_operations(load: Workload) -> float:
    """Synaptic operations of the busiest core, times the chips that wait for it."""
    layer = _busiest(load)
    return load.n_chips * layer.core_share * layer.synaptic_operations


def busiest_core_active_updates(load: Workload) -> float:
    """Updates of the busiest core that end in a spike, times the chips that wait for it."""
    layer = _busiest(load)
    return load.n_chips * layer.core_share * layer.fired


def busiest_core_inactive_updates(load: Workload) -> float:
    """Updates of the busiest core that do not, times the chips that wait for it."""
    layer = _busiest(load)
    return load.n_chips * layer.core_share * (layer.n_neurons * load.n_steps - layer.fired)


def vsn_macs(load: Workload) -> float:
    """MAC of the equations above."""
    if load.kind is Pass.DENSE:
        return float(sum(layer.n_weights for layer in load.layers))
    return sum((layer.received + load.n_steps) * layer.n_neurons for layer in _updating(load))


def vsn_accumulates(load: Workload) -> float:
    """ACC of the equations above."""
    if load.kind is Pass.DENSE:
        return sum(2.0 * layer.n_neurons + _n_in(layer) for layer in _updating(load))
    return sum((2 * load.n_steps + layer.received) * layer.n_neurons for layer in _updating(load))


def vsn_reads(load: Workload) -> float:
    """Rd of the equations above."""
    if load.kind is Pass.DENSE:
        return sum(_n_in(layer) + (_n_in(layer) + 1.0) * layer.n_neurons for layer in _updating(load))
    return sum(layer.received + (layer.received + load.n_steps + 3) * layer.n_neurons for layer in _updating(load))


def vsn_writes(load: Workload) -> float:
    """Wr of the equations above."""
    if load.kind is Pass.DENSE:
        return float(sum(layer.n_neurons for layer in _updating(load)))
    return sum(layer.sent + load.n_steps * layer.n_neurons for layer in _updating(load))


def _updating(load: Workload) -> tuple[LayerLoad, ...]:
    """Return the rows that have neurons: all but the input."""
    return tuple(layer for layer in load.layers if layer.kind is not RowKind.INPUT)


def _busiest(load: Workload) -> LayerLoad:
    """Return the layer whose cores do the most synaptic operations and neuron updates."""

    def work(layer: LayerLoad) -> float:
        return layer.core_share * (layer.synaptic_operations + layer.n_neurons * load.n_steps)

    return max(_updating(load), key=work)


def _n_in(layer: LayerLoad) -> float:
    return layer.n_weights / layer.n_neurons


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
BIT_QUANTITIES = frozenset(quantity.__name__ for quantity in (weight_bytes, multiplied_bits, state_bytes))
"""Quantities that are smaller where words are shorter."""
