"""A layer's work in one step of a run: receive a message, update the membranes, prepare the next message, record.

This is the body of the process models, without Lava: it can be run, and is tested, by calling `advance` step by step. The
kernel computes, the schedule states which samples a step works on, and the recording stores the results.
"""

from __future__ import annotations

import numpy as np

from ...base.errors import SpecError
from ..kernels.layer_kernel import Kernel
from ..kernels.layout import DRIVE, Array, Tally
from .recording import LayerRecording, ReadoutRecording
from .schedule import BatchStep, Schedule


class PointRun:
    """Source of the network's inputs, which are the same at all steps of a presentation."""

    def __init__(self, words: Array, schedule: Schedule) -> None:
        self.words = words
        self.schedule = schedule
        self._rows = np.zeros((schedule.n_rows, words.shape[1]), words.dtype)
        self.outgoing = self._rows.reshape(schedule.shape(words.shape[1]))
        """The message to send at this step."""

    def prepare(self, time_step: int) -> None:
        """Build the message of a step of Lava; zeros beyond the last sample."""
        batch_step = self.schedule.batch_step(time_step)
        n_rows = batch_step.n_rows if batch_step else 0
        if batch_step and batch_step.step == 0:
            self._rows[:n_rows] = self.words[batch_step.first : batch_step.first + n_rows]
        self._rows[n_rows:] = 0


def check_words(name: str, a: Array, highest: float) -> None:
    """Check that inputs are numbers within the input word, for which the sums are wide enough.

    Raises:
        SpecError: If an input exceeds the word, or is NaN.
    """
    low, high = a.min(), a.max()
    if not (-highest <= low and high <= highest):  # NaN fails; and |−2^31| is negative in int32
        got = high if -highest <= low else low
        mend = "Saturate them, as `encode_points` does."
        raise SpecError(f"layer {name!r}", f"receive input words within ±{highest}", got, mend)


class LayerRun:
    """A spiking layer: inputs in, payloads out."""

    def __init__(
        self,
        kernel: Kernel,
        schedule: Schedule,
        recording: LayerRecording,
        membrane: Array,
        *,
        constant_input: bool = False,
        checked_input: bool = False,
    ) -> None:
        n_rows, n_out = schedule.n_rows, kernel.n_out
        self.kernel = kernel
        self.schedule = schedule
        self.recording = recording
        self.constant_input = constant_input
        self.checked_input = checked_input
        self._membrane = membrane.reshape(n_rows, n_out)
        self._payload = np.zeros((n_rows, 1, n_out), kernel.message_type)
        self._drive = np.zeros((n_rows, n_out), kernel.message_type)
        self._saturated_drive = np.zeros(n_out, np.int32)
        self.outgoing = self._payload.reshape(schedule.shape(n_out))
        """The message of the step before; zeros before the first sample."""

    def advance(self, time_step: int, message: Array) -> None:
        """Compute with the message of a step of Lava."""
        batch_step = self.schedule.batch_step(time_step)
        if batch_step is None:
            self._payload[:] = 0
            return
        n = batch_step.n_rows
        if batch_step.step == 0:
            self._membrane[:] = 0
        tally = self.recording.tally(batch_step)
        self.compute(message.reshape(self.schedule.n_rows, -1)[:n], batch_step, tally)
        self._payload[n:] = 0
        self.recording.record(batch_step, tally, self._payload)

    def compute(self, a: Array, batch_step: BatchStep, tally: Tally) -> None:
        """Advance the membranes of the first rows by one step; a constant input is multiplied only once.

        Raises:
            SpecError: If inputs are checked and one is longer than the input word, for which alone the sums are wide enough.
        """
        n = batch_step.n_rows
        if self.checked_input:
            check_words(self.recording.name, a, self.kernel.highest_input)
        if not self.constant_input:
            self.kernel.advance(a[:, None], self._membrane[:n], self._payload[:n], tally)
            return
        if batch_step.step == 0:
            self._saturated_drive = -tally.saturated[DRIVE]
            self.kernel.drive(a, self._drive[:n], tally)
            self._saturated_drive += tally.saturated[DRIVE]
        else:
            tally.saturated[DRIVE] += self._saturated_drive  # the same drives saturate at every step
        self.kernel.fire(self._drive[:n], self._membrane[:n], self._payload[:n], tally)


class NeuronRun(LayerRun):
    """The neurons of a layer whose products W a another process computes: products in, payloads out."""

    def compute(self, a: Array, batch_step: BatchStep, tally: Tally) -> None:
        """Advance the membranes of the first rows by one step, with the products `a` (n_rows, n_out) in place of inputs."""
        n = batch_step.n_rows
        self.kernel.align(a, self._drive[:n], tally)
        self.kernel.fire(self._drive[:n], self._membrane[:n], self._payload[:n], tally)


class ReadoutRun:
    """The linear read-out: inputs in, outputs out and summed by sample."""

    def __init__(self, kernel: Kernel, schedule: Schedule, recording: ReadoutRecording) -> None:
        self.kernel = kernel
        self.schedule = schedule
        self.recording = recording
        self._tally = recording.tally()
        self._y = np.zeros((schedule.n_rows, 1, kernel.n_out), kernel.message_type)
        self.outgoing = self._y.reshape(schedule.shape(kernel.n_out))
        """The outputs of the step before; zeros before the first sample."""

    def advance(self, time_step: int, message: Array) -> None:
        """Compute with the message of a step of Lava."""
        batch_step = self.schedule.batch_step(time_step)
        if batch_step is None:
            self._y[:] = 0
            return
        n = batch_step.n_rows
        self.compute(message.reshape(self.schedule.n_rows, -1)[:n], self._y[:n, 0], self._tally)
        self._y[n:] = 0
        self.recording.record(batch_step, self._y[:n])

    def compute(self, a: Array, y: Array, tally: Tally) -> None:
        """Return the outputs y (n_rows, n_out) of inputs a (n_rows, n_in)."""
        self.kernel.drive(a, y, tally)


class ReadoutNeuronRun(ReadoutRun):
    """The read-out whose products W a another process computes: products in, outputs out."""

    def compute(self, a: Array, y: Array, tally: Tally) -> None:
        """Return the outputs y (n_rows, n_out) of products a (n_rows, n_out)."""
        self.kernel.align(a, y, tally)
