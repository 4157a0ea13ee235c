"""What a network did in a run, as records: one row for each input, each node and the read-out, its connections beside it.

A synaptic operation belongs to the node that receives it. **Fired** means s = 1, an **event** (or spike) is a payload that is
not zero. Relays are counted like any population; the activity is that of the populations that are no relays.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ...base.arrays import ArrayRecord, IntArray, Record, freeze_arrays
from ...base.checks import check_shape, raise_violations


class RowKind(str, Enum):
    """What a row of the counts stands for."""

    INPUT = "input"
    """Input words: a word that is not zero counts as fired and as an event; nothing is received and nothing updated."""
    SPIKING = "spiking"
    """A population of Variable Spiking Neurons."""
    RELAY = "relay"
    """A population that only passes its sum on: a matrix of the user's module, or a copy or sum that it need not have."""
    PRODUCT = "product"
    """An elementwise product; it never fires, and an event of it ends an update as a spike does."""
    OUTPUT = "output"
    """The linear read-out: it receives and updates, and never spikes."""

    @property
    def has_neurons(self) -> bool:
        """Whether the row is a population."""
        return self in (RowKind.SPIKING, RowKind.RELAY)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConnectionOperations(ArrayRecord):
    """What arrived over one connection, or as one factor of a product, summed over the samples of a run."""

    source: str
    """Name of the input or node that is read."""
    delay: int
    """Number of steps between sending and receiving."""
    n_weights: int
    """Number of weights, zeros included; of a factor its elements, each of which one event reaches."""
    n_synapses: int
    """Number of weights that are not zero; of a factor its elements."""
    is_one_to_one: bool
    """Whether every component of the source reaches one neuron at most, and every neuron is reached by one at most."""
    received_per_step: IntArray
    """Events that arrived at each step, shape (n_steps,)."""
    synaptic_operations_per_step: IntArray
    """Non-zero weights that they reached at each step, shape (n_steps,)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, received_per_step=np.int64, synaptic_operations_per_step=np.int64)

    @property
    def received(self) -> int:
        """Number of events that arrived, over all samples and steps."""
        return int(self.received_per_step.sum())

    @property
    def synaptic_operations(self) -> int:
        """Non-zero weights that they reached, over all samples and steps."""
        return int(self.synaptic_operations_per_step.sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeOperations(ArrayRecord):
    """What one input or node did, summed over the samples of a run."""

    name: str
    """The name of the input or node."""
    kind: RowKind
    """What the row stands for."""
    n_samples: int
    """How many samples were computed: all that were presented, or one for each held value."""
    is_held: bool = False
    """Whether the row was computed once for each held value."""
    n_neurons: int
    """Number of neurons, elements, outputs or input words."""
    connections: tuple[ConnectionOperations, ...]
    """What it received, one for each connection or factor; none for an input."""
    fired_per_step: IntArray
    """How many neurons had s = 1 at each step, shape (n_steps,)."""
    spikes_per_step: IntArray
    """How many payloads were not zero at each step, shape (n_steps,)."""
    products: int | None = None
    """Number of elements of a product whose factors were both events, over all samples and steps; None for other nodes."""

    def __post_init__(self) -> None:
        names = ("fired_per_step", "spikes_per_step")
        freeze_arrays(self, **dict.fromkeys(names, np.int64))
        n_steps = self.fired_per_step.size
        where = f"NodeOperations {self.name!r}"
        found = [*check_shape(f"{where}.spikes_per_step", self.spikes_per_step, (n_steps,), "(n_steps,)")]
        for each in self.connections:
            place = f"{where}: operations from {each.source!r}"
            found += check_shape(place, each.synaptic_operations_per_step, (n_steps,), "(n_steps,)")
        raise_violations(found)

    @property
    def n_weights(self) -> int:
        """Number of weights of all connections, zeros included; 0 for an input."""
        return sum(each.n_weights for each in self.connections)

    @property
    def n_synapses(self) -> int:
        """Number of weights that are not zero; 0 for an input."""
        return sum(each.n_synapses for each in self.connections)

    @property
    def synaptic_operations_per_step(self) -> IntArray:
        """Non-zero weights reached by the events that the node received at each step, shape (n_steps,)."""
        total = np.zeros_like(self.fired_per_step)
        for each in self.connections:
            total = total + each.synaptic_operations_per_step
        return total

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
        return sum(each.synaptic_operations for each in self.connections)

    @property
    def multiplications(self) -> int:
        """Multiplications of payloads, over all samples and steps: one for each synaptic operation, or those of a product."""
        return self.synaptic_operations if self.products is None else self.products

    @property
    def dense_synaptic_operations(self) -> int:
        """Multiply-accumulates of all steps with no zero skipped: every weight, and one for each element of a product."""
        each_step = self.n_neurons if self.kind is RowKind.PRODUCT else self.n_weights
        return each_step * self.n_steps * self.n_samples

    @property
    def ann_macs(self) -> int:
        """Multiply-accumulates of one dense pass of the user's module: every weight, and one for each element of a product.

        A relay counts where it computes a matrix of the module, and not where it copies, scales or adds up what it receives.
        """
        if self.kind is RowKind.PRODUCT:
            return self.n_neurons
        is_relay = self.kind is RowKind.RELAY
        return sum(each.n_weights for each in self.connections if not (is_relay and each.is_one_to_one))

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
        """Updates that ended in a spike, or in the event of a product."""
        if self.kind is RowKind.PRODUCT:
            return self.spikes
        return self.fired if self.kind.has_neurons else 0

    @property
    def spiking_activity(self) -> float:
        """Events per neuron and step, 0 to 1."""
        return self.spikes / self.neuron_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationTotal(Record):
    """Sums over all rows, the inputs' and the output's included; only the activity is that of the spiking populations."""

    n_neurons: int
    """Input words, neurons and outputs."""
    fired: int
    """How often a neuron had s = 1."""
    spikes: int
    """Number of events sent."""
    spiking_activity: float
    """Events per neuron and step of the populations that are no relays, 0 to 1."""
    synaptic_operations: int
    """Non-zero weights that events reached."""
    multiplications: int
    """Multiplications of payloads: synaptic operations, and those of products."""
    dense_synaptic_operations: int
    """Weights times steps times samples."""
    neuron_updates: int
    """Neurons, elements of products and outputs, times steps and samples."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OperationCounts(Record):
    """What a network did in a run, row by row: the inputs, the nodes, the output."""

    network_digest: str
    """Digest of the network that ran."""
    n_samples: int
    """How many samples were presented."""
    n_steps: int
    """Number of steps T of a sample."""
    rows: tuple[NodeOperations, ...]
    """One row for each input, then for each node in order, the output last."""

    @property
    def spiking(self) -> tuple[NodeOperations, ...]:
        """The rows of the populations that are no relays; of all populations where there are only relays."""
        found = tuple(row for row in self.rows if row.kind is RowKind.SPIKING)
        return found or tuple(row for row in self.rows if row.kind is RowKind.RELAY)

    @property
    def is_chain(self) -> bool:
        """Whether every row but the first reads only the row before it, without delay."""
        pairs = zip(self.rows, self.rows[1:], strict=False)
        return all(
            [(each.source, each.delay) for each in row.connections] == [(before.name, 0)] for before, row in pairs
        )

    @property
    def total(self) -> OperationTotal:
        """Sums over the rows; the activity is that of `spiking` alone."""
        return OperationTotal(
            n_neurons=sum(row.n_neurons for row in self.rows),
            fired=sum(row.fired for row in self.rows),
            spikes=sum(row.spikes for row in self.rows),
            spiking_activity=sum(row.spikes for row in self.spiking) / sum(row.neuron_steps for row in self.spiking),
            synaptic_operations=sum(row.synaptic_operations for row in self.rows),
            multiplications=sum(row.multiplications for row in self.rows),
            dense_synaptic_operations=sum(row.dense_synaptic_operations for row in self.rows),
            neuron_updates=sum(row.neuron_updates for row in self.rows),
        )

    @property
    def ann_macs(self) -> int:
        """Multiply-accumulates of one pass of the dense network over one sample: what a reader should compare with."""
        return sum(row.ann_macs for row in self.rows)

    @property
    def synaptic_operations_per_sample(self) -> float:
        """The deployed network's counterpart of `ann_macs`: every graded event multiplies; held values count once each."""
        return self.total.synaptic_operations / self.n_samples
