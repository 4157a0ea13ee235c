"""What the nodes of a Lava run write for its caller: counts, sums of outputs, probed values; in memory that both see.

Each recording is written by one process, so that nothing needs a lock. Counts and saturations are the loops' own counters; the
rest is put where sample and step say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...base.arrays import Record
from ...engine.trace import NodeCounts, NodeTrace, Probe
from ...network.nodes import NodeSpec, ProductSpec
from ...network.quantized import Network
from ...network.quantized_nodes import QuantizedNode, QuantizedProduct
from ...network.spec import Readout
from ..kernels.layout import DRIVE, EVENTS, FIRED, MEMBRANE, PAYLOAD, Array, Tally, empty_tally
from ..runner.shared_arrays import SharedArray
from .choices import Numerics
from .schedule import BatchStep


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeRecording(Record):
    """Counts and probes of one population or product."""

    name: str
    """Name of the node."""
    is_product: bool
    """Whether the node is a product."""
    counts: SharedArray
    """FIRED, of a product elements whose factors are both events, and EVENTS, int32, shape (n_steps, 2, n_out)."""
    saturated: SharedArray
    """DRIVE, MEMBRANE and PAYLOAD, int32, shape (3, n_out)."""
    membrane: SharedArray
    """m after the reset, shape (n_probed, n_steps, n_out)."""
    fired: SharedArray
    """s, bool, same shape."""
    payload: SharedArray
    """a, same shape."""

    @classmethod
    def empty(cls, node: NodeSpec | QuantizedNode, n_steps: int, n_probed: int, message_type: Any) -> NodeRecording:
        """Build the recording of a node; n_probed is how many of the first samples are recorded in full."""
        n_out = node.n_out
        shape = (n_probed, n_steps, n_out)
        return cls(
            name=node.name,
            is_product=isinstance(node, ProductSpec | QuantizedProduct),
            counts=SharedArray.zeros((n_steps, 2, n_out), np.int32),
            saturated=SharedArray.zeros((3, n_out), np.int32),
            membrane=SharedArray.zeros(shape, message_type),
            fired=SharedArray.zeros(shape, np.bool_),
            payload=SharedArray.zeros(shape, message_type),
        )

    def with_own_counts(self) -> NodeRecording:
        """Build the recording of another process that works on other samples: counts of its own, the same probes."""
        counts, saturated = (SharedArray.zeros(own.values.shape, np.int32) for own in (self.counts, self.saturated))
        return replace(self, counts=counts, saturated=saturated)

    def of_one_sample(self) -> NodeRecording:
        """Build an empty recording of the same node with room for one probed sample."""
        n_steps, _, n_out = self.counts.values.shape
        membrane, fired, payload = (
            SharedArray.zeros((1, n_steps, n_out), each.values.dtype)
            for each in (self.membrane, self.fired, self.payload)
        )
        return replace(self.with_own_counts(), membrane=membrane, fired=fired, payload=payload)

    def tally(self, batch_step: BatchStep, n_steps: int = 1) -> Tally:
        """Return the counters of the loops, which lie in shared memory, and room for the rows that are recorded in full.

        Args:
            batch_step: Which rows, from which step on.
            n_steps: How many steps the loops will do.
        """
        n_probed = max(0, min(batch_step.n_rows, len(self.fired.values) - batch_step.first))
        shape = (n_probed, n_steps, self.counts.values.shape[2])
        return Tally(
            counts=self.counts.values[batch_step.step : batch_step.step + n_steps],
            saturated=self.saturated.values,
            membrane=np.empty(shape, self.membrane.values.dtype),
            fired=np.empty(shape, np.bool_),
        )

    def record(self, batch_step: BatchStep, tally: Tally, payload: Array) -> None:
        """Keep what is recorded in full, when the loops are done; payload is (n_rows, n_steps, n_out)."""
        n_probed, n_steps, _ = tally.fired.shape
        if n_probed:
            place = (
                slice(batch_step.first, batch_step.first + n_probed),
                slice(batch_step.step, batch_step.step + n_steps),
            )
            self.membrane.values[place] = tally.membrane
            self.fired.values[place] = tally.fired
            self.payload.values[place] = payload[:n_probed]

    def replay(self, kept: NodeRecording, batch_step: BatchStep, n_steps: int = 1) -> None:
        """Record again, for every row of some steps, what another recording has of its only sample, a probed one.

        Saturations, which no recording keeps apart by step, are added with the last step of a presentation.
        """
        first, n_rows, step = batch_step
        steps = slice(step, step + n_steps)
        self.counts.values[steps] += n_rows * kept.counts.values[steps]
        if steps.stop == len(self.counts.values):
            self.saturated.values[:] += n_rows * kept.saturated.values
        for own, other in ((self.membrane, kept.membrane), (self.fired, kept.fired), (self.payload, kept.payload)):
            own.values[first : first + n_rows, steps] = other.values[:, steps]

    def clear(self) -> None:
        """Set counts and saturations to zero."""
        self.counts.values[:] = 0
        self.saturated.values[:] = 0

    def node_counts(self) -> NodeCounts:
        """Return the counts as a record."""
        return joined_counts([self])

    def node_trace(self) -> NodeTrace:
        """Return the probed values as a record: int64 or float64."""
        return NodeTrace(
            name=self.name,
            membrane=widened(self.membrane.values),
            fired=self.fired.values,
            payload=widened(self.payload.values),
        )


def joined_counts(recordings: Sequence[NodeRecording]) -> NodeCounts:
    """Add up what several processes counted of one node."""
    counts = np.sum([recording.counts.values for recording in recordings], axis=0, dtype=np.int64)
    drive, membrane, payload = (
        sum(int(recording.saturated.values[kind].sum(dtype=np.int64)) for recording in recordings)
        for kind in (DRIVE, MEMBRANE, PAYLOAD)
    )
    is_product = recordings[0].is_product
    return NodeCounts(
        name=recordings[0].name,
        fired=np.zeros_like(counts[:, FIRED]) if is_product else counts[:, FIRED],
        events=counts[:, EVENTS],
        multiplied=counts[:, FIRED] if is_product else None,
        saturated_drive=drive,
        saturated_membrane=membrane,
        saturated_payload=payload,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadoutRecording(Record):
    """What the read-out emitted, reduced by sample; and step by step for probed samples."""

    readout: Readout
    """Whether the steps are summed, the last one counts, or every one is kept."""
    total: SharedArray
    """int64 or float64, shape (n_samples, n_out), of every step (n_samples, n_steps, n_out); n_samples is 0 where only
    messages are sent."""
    saturated: SharedArray
    """Emitted outputs that the state word could not hold, int32, in the first of three rows (n_out,)."""
    output: SharedArray
    """Emitted outputs, shape (n_probed, n_steps, n_out)."""

    @classmethod
    def empty(
        cls, readout: Readout, n_out: int, n_steps: int, n_samples: int, n_probed: int, message_type: Any
    ) -> ReadoutRecording:
        """Build the recording of a read-out."""
        shape = (n_samples, n_steps, n_out) if readout is Readout.EVERY else (n_samples, n_out)
        return cls(
            readout=readout,
            total=SharedArray.zeros(shape, _wide_type(message_type)),
            saturated=SharedArray.zeros((3, n_out), np.int32),
            output=SharedArray.zeros((n_probed, n_steps, n_out), message_type),
        )

    def with_own_counts(self) -> ReadoutRecording:
        """Build the recording of another process that works on other samples."""
        return replace(self, saturated=SharedArray.zeros(self.saturated.values.shape, np.int32))

    @property
    def n_saturated(self) -> int:
        """Emitted outputs that the state word could not hold."""
        return int(self.saturated.values.sum(dtype=np.int64))

    def tally(self) -> Tally:
        """Return the counters of the loops, which lie in shared memory; a read-out counts nothing but saturations."""
        n_out = self.saturated.values.shape[1]
        return empty_tally(0, n_out)._replace(saturated=self.saturated.values)

    def record(self, batch_step: BatchStep, y: Array) -> None:
        """Take in the outputs y (n_rows, n_steps, n_out) of some steps from `batch_step.step` on."""
        rows = slice(batch_step.first, batch_step.first + batch_step.n_rows)
        steps = slice(batch_step.step, batch_step.step + y.shape[1])
        total = self.total.values[rows]
        if self.readout is Readout.EVERY:
            total[:, steps] = y[: len(total)]
        elif self.readout is Readout.LAST:
            total[:] = y[: len(total), -1]
        else:
            total += y[: len(total)].sum(axis=1, dtype=total.dtype)
        if batch_step.first < len(self.output.values):
            output = self.output.values[rows, steps]
            output[:] = y[: len(output)]


def _wide_type(message_type: Any) -> Any:
    """Return the type in which records keep values of a message: int64 or float64."""
    return np.int64 if np.issubdtype(message_type, np.integer) else np.float64


def widened(values: Array) -> Array:
    """Copy values into the type in which records keep them."""
    return values.astype(_wide_type(values.dtype))


def make_recordings(
    network: Network, probe: Probe, n_steps: int, n_samples: int | None
) -> tuple[tuple[NodeRecording, ...], ReadoutRecording]:
    """Build the recordings of a network's nodes and of its read-out.

    Args:
        network: Float or quantized.
        probe: Samples and nodes to record in full.
        n_steps: Number T of steps of a sample.
        n_samples: How many samples there will be, so that their outputs are reduced; None for as many as come.
    """
    message_type = Numerics.of(network).message_type
    n_probed = probe.n_samples if n_samples is None else probe.count(n_samples)
    nodes: tuple[NodeSpec | QuantizedNode, ...] = network.nodes
    recordings = tuple(
        NodeRecording.empty(node, n_steps, n_probed if probe.records(node.name) else 0, message_type) for node in nodes
    )
    emitted = ReadoutRecording.empty(network.readout, network.n_out, n_steps, n_samples or 0, n_probed, message_type)
    return recordings, emitted
