"""What the layers of a Lava run write for its caller: counts, sums of outputs, probed values; in memory that both see.

Each recording is written by one process, so that nothing needs a lock. Counts and saturations are added to; the rest is put
where sample and step say. This module turns recordings into the records of `neuropinn_lava.traces`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neuropinn_lava.hardware_sim.kernel_layout import EVENTS, FIRED, Array, Tally
from neuropinn_lava.hardware_sim.schedule import Moment
from neuropinn_lava.hardware_sim.shared_arrays import SharedArray
from neuropinn_lava.network import LayerSpec, NetworkSpec, Readout
from neuropinn_lava.quantized import QuantizedLayer, QuantizedNetwork
from neuropinn_lava.traces import LayerCounts, LayerTrace, Probe


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerRecording:
    """Counts and probes of one spiking layer."""

    name: str
    """The layer's."""
    counts: SharedArray
    """FIRED and EVENTS, int64, shape (2, n_steps, n_out)."""
    saturated: SharedArray
    """DRIVE, MEMBRANE and PAYLOAD, int64, shape (3,)."""
    membrane: SharedArray
    """m after the reset, shape (n_probed, n_steps, n_out)."""
    fired: SharedArray
    """s, bool, same shape."""
    payload: SharedArray
    """a, same shape."""

    @classmethod
    def empty(cls, name: str, n_out: int, n_steps: int, n_probed: int, message_type: Any) -> LayerRecording:
        """Make the recording of a layer; n_probed is how many of the first samples are recorded in full."""
        shape = (n_probed, n_steps, n_out)
        return cls(
            name=name,
            counts=SharedArray.zeros((2, n_steps, n_out), np.int64),
            saturated=SharedArray.zeros(3, np.int64),
            membrane=SharedArray.zeros(shape, message_type),
            fired=SharedArray.zeros(shape, np.bool_),
            payload=SharedArray.zeros(shape, message_type),
        )

    def with_own_counts(self) -> LayerRecording:
        """Make the recording of another process that works on other samples: counts of its own, the same probes."""
        counts, saturated = (SharedArray.zeros(own.values.shape, np.int64) for own in (self.counts, self.saturated))
        return replace(self, counts=counts, saturated=saturated)

    def n_probed(self, moment: Moment) -> int:
        """Tell how many rows of a message are recorded in full."""
        return max(0, min(moment.n_rows, len(self.fired.values) - moment.first))

    def add(self, moment: Moment, tally: Tally, payload: Array) -> None:
        """Take in what the loops wrote for some steps from `moment.step` on; payload is (n_rows, n_steps, n_out)."""
        steps = slice(moment.step, moment.step + payload.shape[1])
        self.counts.values[:, steps] += tally.counts
        self.saturated.values[:] += tally.saturated.sum(axis=1, dtype=np.int64)
        rows = slice(moment.first, moment.first + len(tally.fired))
        self.membrane.values[rows, steps] = tally.membrane
        self.fired.values[rows, steps] = tally.fired
        self.payload.values[rows, steps] = payload[: len(tally.fired)]

    def layer_counts(self) -> LayerCounts:
        """Give the counts as a record."""
        return joined_counts([self])

    def layer_trace(self) -> LayerTrace:
        """Give the probed values as a record: int64 or float64."""
        return LayerTrace(
            name=self.name,
            membrane=widened(self.membrane.values),
            fired=self.fired.values,
            payload=widened(self.payload.values),
        )


def joined_counts(recordings: Sequence[LayerRecording]) -> LayerCounts:
    """Add up what several processes counted of one layer."""
    counts = np.sum([recording.counts.values for recording in recordings], axis=0)
    saturated = np.sum([recording.saturated.values for recording in recordings], axis=0)
    drive, membrane, payload = (int(n) for n in saturated)
    return LayerCounts(
        name=recordings[0].name,
        fired=counts[FIRED],
        events=counts[EVENTS],
        saturated_drive=drive,
        saturated_membrane=membrane,
        saturated_payload=payload,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadoutRecording:
    """What the read-out emitted, summed by sample; and step by step for probed samples."""

    readout: Readout
    """Whether the steps are summed, or the last one counts."""
    total: SharedArray
    """int64 or float64, shape (n_samples, n_out); n_samples is 0 where only messages are sent."""
    saturated: SharedArray
    """Emitted outputs that the state word could not hold, int64, shape (1,)."""
    output: SharedArray
    """Emitted outputs, shape (n_probed, n_steps, n_out)."""

    @classmethod
    def empty(
        cls, readout: Readout, n_out: int, n_steps: int, n_samples: int, n_probed: int, message_type: Any
    ) -> ReadoutRecording:
        """Make the recording of a read-out."""
        return cls(
            readout=readout,
            total=SharedArray.zeros((n_samples, n_out), wide_type(message_type)),
            saturated=SharedArray.zeros(1, np.int64),
            output=SharedArray.zeros((n_probed, n_steps, n_out), message_type),
        )

    def with_own_counts(self) -> ReadoutRecording:
        """Make the recording of another process that works on other samples."""
        return replace(self, saturated=SharedArray.zeros(1, np.int64))

    def add(self, moment: Moment, tally: Tally, y: Array) -> None:
        """Take in the outputs y (n_rows, n_steps, n_out) of some steps from `moment.step` on."""
        self.saturated.values[0] += tally.saturated.sum(dtype=np.int64)
        rows = slice(moment.first, moment.first + moment.n_rows)
        total = self.total.values[rows]
        if self.readout is Readout.LAST:
            total[:] = y[: len(total), -1]
        else:
            total += y[: len(total)].sum(axis=1, dtype=total.dtype)
        output = self.output.values[rows, moment.step : moment.step + y.shape[1]]
        output[:] = y[: len(output)]


def wide_type(message_type: Any) -> Any:
    """Give the type in which records keep values of a message: int64 or float64."""
    return np.int64 if np.issubdtype(message_type, np.integer) else np.float64


def widened(values: Array) -> Array:
    """Copy values into the type in which records keep them."""
    return values.astype(wide_type(values.dtype))


def make_recordings(
    network: NetworkSpec | QuantizedNetwork, probe: Probe, n_samples: int | None
) -> tuple[tuple[LayerRecording, ...], ReadoutRecording]:
    """Make the recordings of a network's layers and of its read-out.

    Args:
        network: Float or quantized.
        probe: Samples and layers to record in full.
        n_samples: How many samples there will be, so that their outputs are summed; None for as many as come.
    """
    message_type = np.int32 if isinstance(network, QuantizedNetwork) else np.float64
    n_probed = probe.n_samples if n_samples is None else probe.count(n_samples)
    spiking: tuple[LayerSpec | QuantizedLayer, ...] = network.layers
    recordings = tuple(
        LayerRecording.empty(
            layer.name, layer.n_out, network.n_steps, n_probed if probe.wants(layer.name) else 0, message_type
        )
        for layer in spiking
    )
    emitted = ReadoutRecording.empty(
        network.readout, network.n_out, network.n_steps, n_samples or 0, n_probed, message_type
    )
    return recordings, emitted
