"""What a network asks of a machine for one sample: the deployed run, one dense pass, or a run at another activity.

Energy models multiply these numbers with their constants. A deployed workload is the counts divided by the number of samples;
the dense one is what the same network costs without spikes: one step in which every neuron sends through every weight. A
workload at a given activity lets every spiking neuron send with that probability; it is what the break-even is found with.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum

from ...base.arrays import Record
from ...network.quantized import Network
from ...network.spec import NetworkSpec
from .counting import LayerOperations, OperationCounts, RowKind

FLOAT_BITS = 32
"""Word length that a float network is taken to have: torch's default on the machines that run it."""


class Pass(str, Enum):
    """What is executed."""

    SPIKING = "spiking"
    """T steps; synapses work on events."""
    DENSE = "dense"
    """One conventional pass: every weight once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerLoad(Record):
    """One row of the counts, per sample."""

    name: str
    """Name of the row in the counts."""
    kind: RowKind
    """Input, spiking or output."""
    n_neurons: int
    """Number of neurons, or of input words or outputs."""
    n_weights: int
    """Weights into it, zeros included."""
    n_synapses: int
    """Weights into it that are not zero."""
    received: float
    """Events that reach it, over all steps."""
    synaptic_operations: float
    """Non-zero weights that they reach."""
    fired: float
    """How many neurons have s = 1, over all steps."""
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
    weight_bits: int
    """Word length of its weights."""
    payload_bits: int
    """Word length of the events that it receives; 0 for the input."""
    state_bits: int
    """Word length of its states."""

    @property
    def core_share(self) -> float:
        """Share of its neurons that its fullest core holds, 0 to 1."""
        return -(-self.n_neurons // self.n_cores) / self.n_neurons


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload(Record):
    """What one sample asks for."""

    kind: Pass
    """Spiking or dense."""
    n_steps: int
    """Number of steps T of a sample."""
    n_chips: int = 1
    """Chips that are switched on."""
    layers: tuple[LayerLoad, ...]
    """One per row of the counts: the input first, the output last."""


def deployed_workload(network: Network, counts: OperationCounts) -> Workload:
    """Divide the counts of a run by its samples; each event is one message, until cores are known (`cores.py`)."""
    senders = (None, *counts.layers)
    bits = _word_lengths(network)
    rows = zip(senders, counts.layers, bits, strict=False)
    layers = tuple(_layer_load(before, row, counts.n_samples, *words) for before, row, words in rows)
    return Workload(kind=Pass.SPIKING, n_steps=counts.n_steps, layers=layers)


def _layer_load(
    before: LayerOperations | None,
    row: LayerOperations,
    n_samples: int,
    weight_bits: int,
    payload_bits: int,
    state_bits: int,
) -> LayerLoad:
    return LayerLoad(
        name=row.name,
        kind=row.kind,
        n_neurons=row.n_neurons,
        n_weights=row.n_weights,
        n_synapses=row.n_synapses,
        received=before.spikes / n_samples if before else 0.0,
        synaptic_operations=row.synaptic_operations / n_samples,
        fired=row.active_updates / n_samples,
        sent=row.spikes / n_samples,
        messages=row.spikes / n_samples,
        weight_bits=weight_bits,
        payload_bits=payload_bits,
        state_bits=state_bits,
    )


def _word_lengths(network: Network) -> tuple[tuple[int, int, int], ...]:
    """Return (weight_bits, payload_bits, state_bits) of every row, the input's first; payloads are those received."""
    if isinstance(network, NetworkSpec):
        return ((FLOAT_BITS, FLOAT_BITS, FLOAT_BITS),) * (len(network.populations) + 2)
    received = (network.input_bits, *(layer.table.payload_bits for layer in network.populations))
    words = zip(network.affines, received, strict=True)
    return ((0, 0, network.input_bits), *((a.weight_bits, payload, a.state_bits) for a, payload in words))


def dense_workload(deployed: Workload) -> Workload:
    """Return one conventional pass of the same network: every neuron computes and sends once, through every weight."""
    layers = []
    received = 0.0
    for load in deployed.populations:
        sent = 0.0 if load.kind is RowKind.OUTPUT else float(load.n_neurons)
        fired = float(load.n_neurons) if load.kind is RowKind.SPIKING else 0.0
        layers.append(_with_events(load, received, float(load.n_weights), fired, sent))
        received = sent
    return dataclasses.replace(deployed, kind=Pass.DENSE, n_steps=1, layers=tuple(layers))


def workload_at(deployed: Workload, activity: float, n_steps: int) -> Workload:
    """Return the run of the same network at another activity, the same in every spiking layer.

    The input keeps sending what it sent per step, and fan-outs are the mean ones.

    Args:
        deployed: A measured workload.
        activity: Events per neuron and step of every spiking layer, 0 to 1.
        n_steps: T.
    """
    layers = []
    received = 0.0
    for load in deployed.populations:
        per_step = load.sent / deployed.n_steps if load.kind is RowKind.INPUT else activity * load.n_neurons
        sent = 0.0 if load.kind is RowKind.OUTPUT else per_step * n_steps
        fired = sent if load.kind is RowKind.SPIKING else 0.0
        n_in = load.n_weights / load.n_neurons
        operations = received * load.n_synapses / n_in if n_in else 0.0
        layers.append(_with_events(load, received, operations, fired, sent))
        received = sent
    return dataclasses.replace(deployed, kind=Pass.SPIKING, n_steps=n_steps, layers=tuple(layers))


def _with_events(load: LayerLoad, received: float, operations: float, fired: float, sent: float) -> LayerLoad:
    """Replace the events of a row; messages and hops per event stay what they were (one message where nothing was sent)."""
    ratio = sent / load.sent if load.sent else 0.0
    return dataclasses.replace(
        load,
        received=received,
        synaptic_operations=operations,
        fired=fired,
        sent=sent,
        messages=load.messages * ratio if load.sent else sent,
        hops_east_west=load.hops_east_west * ratio,
        hops_north_south=load.hops_north_south * ratio,
    )
