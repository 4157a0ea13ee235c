"""Count what a network did in a run: fired, events, synaptic operations, neuron updates; integers only.

    synaptic operations of layer l = sum over steps and neurons i of layer l-1:  events[t, i] * fan_out[i]
    fan_out[i] = number of weights W[:, i] of layer l that are not zero

A synaptic operation belongs to the layer that receives it; the input's events are a row of their own, and so is the linear
output, which never spikes. **Fired** means s = 1, an **event** (or spike) is a payload that is not zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ...base.arrays import ArrayRecord, IntArray, Record, freeze_arrays
from ...base.checks import check_shape, raise_violations
from ...base.errors import SpecError
from ...engine.trace import NodeCounts, NumberArray, RunTrace
from ...network.quantized import Network, QuantizedNetwork

INPUT_ROW = "input"
"""Name of the row that counts the events of the network's input."""


class RowKind(str, Enum):
    """What a row of the counts stands for."""

    INPUT = "input"
    """Input words: a word that is not zero counts as fired and as an event; nothing is received and nothing updated."""
    SPIKING = "spiking"
    """A layer of Variable Spiking Neurons."""
    OUTPUT = "output"
    """The linear read-out: it receives and updates, and never spikes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerOperations(ArrayRecord):
    """What one layer did, summed over the samples of a run."""

    name: str
    """The layer's name, or `INPUT_ROW`."""
    kind: RowKind
    """What the row stands for."""
    n_samples: int
    """How many samples were presented."""
    n_neurons: int
    """Width of the layer."""
    n_weights: int
    """n_in * n_neurons, zeros included; 0 for the input."""
    n_synapses: int
    """Weights that are not zero; 0 for the input."""
    fired_per_step: IntArray
    """How many neurons had s = 1 at each step, shape (n_steps,)."""
    spikes_per_step: IntArray
    """How many payloads were not zero at each step, shape (n_steps,)."""
    synaptic_operations_per_step: IntArray
    """Non-zero weights reached by the events that the layer received at each step, shape (n_steps,)."""

    def __post_init__(self) -> None:
        names = ("fired_per_step", "spikes_per_step", "synaptic_operations_per_step")
        freeze_arrays(self, **dict.fromkeys(names, np.int64))
        n_steps = self.fired_per_step.size
        where = f"LayerOperations {self.name!r}"
        raise_violations(
            found
            for name in names
            for found in check_shape(f"{where}.{name}", getattr(self, name), (n_steps,), "(n_steps,)")
        )

    @property
    def n_steps(self) -> int:
        """Number of steps T of a sample."""
        return int(self.fired_per_step.shape[0])

    @property
    def fired(self) -> int:
        """How often a neuron had s = 1, over all samples and steps."""
        return int(self.fired_per_step.sum())

    @property
    def spikes(self) -> int:
        """Events: payloads that were not zero, over all samples and steps."""
        return int(self.spikes_per_step.sum())

    @property
    def synaptic_operations(self) -> int:
        """Non-zero weights that the received events reached, over all samples and steps."""
        return int(self.synaptic_operations_per_step.sum())

    @property
    def dense_synaptic_operations(self) -> int:
        """What the layer would have received had every neuron before it sent at every step, and no weight been zero."""
        return self.n_weights * self.n_steps * self.n_samples

    @property
    def neuron_steps(self) -> int:
        """n_neurons * n_steps * n_samples."""
        return self.n_neurons * self.n_steps * self.n_samples

    @property
    def neuron_updates(self) -> int:
        """Updates of a state, active and inactive: every neuron at every step; the input has no state."""
        return 0 if self.kind is RowKind.INPUT else self.neuron_steps

    @property
    def active_updates(self) -> int:
        """Updates that ended in a spike."""
        return self.fired if self.kind is RowKind.SPIKING else 0

    @property
    def spiking_activity(self) -> float:
        """Events per neuron and step, 0 to 1."""
        return self.spikes / self.neuron_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationTotal(Record):
    """Sums over all rows, the input's and the output's included; only the activity is that of the spiking layers."""

    n_neurons: int
    """Input words, neurons and outputs."""
    fired: int
    """How often a neuron had s = 1."""
    spikes: int
    """Number of events sent."""
    spiking_activity: float
    """Events per neuron and step of the spiking layers, 0 to 1."""
    synaptic_operations: int
    """Non-zero weights that events reached."""
    dense_synaptic_operations: int
    """Weights times steps times samples."""
    neuron_updates: int
    """Neurons and outputs, times steps and samples."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OperationCounts(Record):
    """What a network did in a run, row by row: the input, the spiking layers, the output."""

    network_digest: str
    """Digest of the network that ran."""
    n_samples: int
    """How many samples were presented."""
    n_steps: int
    """Number of steps T of a sample."""
    layers: tuple[LayerOperations, ...]
    """The rows in order, the input first and the output last."""

    @property
    def spiking(self) -> tuple[LayerOperations, ...]:
        """The rows of the spiking layers."""
        return tuple(layer for layer in self.layers if layer.kind is RowKind.SPIKING)

    @property
    def total(self) -> OperationTotal:
        """Sums over the rows; the activity is that of the spiking layers alone."""
        return OperationTotal(
            n_neurons=sum(layer.n_neurons for layer in self.layers),
            fired=sum(layer.fired for layer in self.layers),
            spikes=sum(layer.spikes for layer in self.layers),
            spiking_activity=sum(row.spikes for row in self.spiking) / sum(row.neuron_steps for row in self.spiking),
            synaptic_operations=sum(layer.synaptic_operations for layer in self.layers),
            dense_synaptic_operations=sum(layer.dense_synaptic_operations for layer in self.layers),
            neuron_updates=sum(layer.neuron_updates for layer in self.layers),
        )

    @property
    def ann_macs(self) -> int:
        """Multiply-accumulates of one pass of the dense network over one sample: what a reader should compare with."""
        return sum(layer.n_weights for layer in self.layers)

    @property
    def synaptic_operations_per_sample(self) -> float:
        """The deployed network's counterpart of `ann_macs`: every graded event multiplies."""
        return self.total.synaptic_operations / self.n_samples


def count_fan_out(weight: NumberArray) -> IntArray:
    """Count the non-zero weights that each event reaches, shape (n_in,), of a matrix (n_out, n_in)."""
    reached: IntArray = np.count_nonzero(weight, axis=0).astype(np.int64)
    return reached


def check_trace(network: Network, trace: RunTrace, where: str) -> None:
    """Check that a trace is of this network.

    Raises:
        SpecError: If the digest, the layers or the number of steps differ.
    """
    digest = network.digest()
    if trace.network_digest != digest:
        mend = "Run this network, or count with the network that ran."
        if isinstance(network, QuantizedNetwork) and trace.network_digest == network.source.digest():
            mend = "This is a run of its float source: count with `network.source`."
        raise SpecError(where, f"be a trace of a network with digest {digest[:12]}", trace.network_digest[:12], mend)
    expected = [(layer.name, (network.n_steps, layer.n_out)) for layer in network.populations]
    found = [(counts.name, counts.fired.shape) for counts in trace.nodes]
    if found != expected or trace.input_events.shape != (network.n_steps, network.n_in):
        raise SpecError(
            where, f"hold counts of the layers {expected}", found, "The trace is incomplete: run the network again."
        )


def count_operations(network: Network, trace: RunTrace) -> OperationCounts:
    """Count what the network did in the run that the trace records.

    Args:
        network: The network that ran: the float one for a float run, the quantized one for integers.
        trace: Any backend's trace.

    Raises:
        SpecError: If the trace is of another network.
    """
    check_trace(network, trace, f"count_operations: trace of network {network.name!r}")
    input_events = NodeCounts(name=INPUT_ROW, fired=trace.input_events, events=trace.input_events)
    silent = np.zeros((trace.n_steps, network.n_out), dtype=np.int64)
    sends = (input_events, *trace.nodes, NodeCounts(name=network.output.name, fired=silent, events=silent))
    kinds = (RowKind.INPUT, *(RowKind.SPIKING for _ in network.populations), RowKind.OUTPUT)
    no_synapses = np.zeros((network.n_in, 0))
    weights = (no_synapses, *network.weights)
    received = (np.zeros((trace.n_steps, 0), dtype=np.int64), *(sent.events for sent in sends[:-1]))
    rows = zip(kinds, weights, received, sends, strict=True)
    return OperationCounts(
        network_digest=trace.network_digest,
        n_samples=trace.n_samples,
        n_steps=trace.n_steps,
        layers=tuple(_count_layer(*row, n_samples=trace.n_samples) for row in rows),
    )


def _count_layer(
    kind: RowKind, weight: NumberArray, received: IntArray, sent: NodeCounts, n_samples: int
) -> LayerOperations:
    """Count one row: `received` (n_steps, n_in) are the events that reach it, `sent` what it did itself."""
    return LayerOperations(
        name=sent.name,
        kind=kind,
        n_samples=n_samples,
        n_neurons=weight.shape[0],
        n_weights=weight.size,
        n_synapses=int(np.count_nonzero(weight)),
        fired_per_step=sent.fired.sum(axis=1),
        spikes_per_step=sent.events.sum(axis=1),
        synaptic_operations_per_step=received @ count_fan_out(weight),
    )
