"""A node's work in one step of a run: receive messages, update the membranes, prepare the next message, record.

This is the body of the process models, without Lava: it can be run, and is tested, by calling `advance` step by step. The
kernel computes, the schedule states which samples a step works on, the inbox keeps messages until their turn, and the
recording stores the results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...base.arrays import split_columns
from ..kernels.layer_kernel import Kernel, NodeKernel
from ..kernels.layout import DRIVE, Array, Tally
from .holding import Holding, Stretch
from .inbox import NO_LIMITS, Inbox
from .recording import NodeRecording, ReadoutRecording
from .schedule import BatchStep, Schedule
from .timing import NodeTiming


class PointRun:
    """Source of a network's inputs: constant over the steps of a presentation, or a sequence; one message for each input."""

    def __init__(
        self,
        words: Array,
        schedule: Schedule,
        widths: Sequence[int],
        holding: Holding | None = None,
        held: Sequence[bool] = (),
    ) -> None:
        self._holding, self._held = holding, held
        self.words = words
        self.schedule = schedule
        self._widths = widths
        self._rows = [np.zeros((schedule.n_rows, width), words.dtype) for width in widths]
        self.outgoing = [rows.reshape(schedule.shape(rows.shape[1])) for rows in self._rows]
        """The messages to send at this step."""

    def prepare(self, time_step: int) -> None:
        """Build the messages of a step of Lava; zeros beyond the last sample, and between two steps of the network."""
        batch_step = self.schedule.batch_step(time_step)
        n_rows = batch_step.n_rows if batch_step else 0
        if batch_step and (batch_step.step == 0 or self.words.ndim == 3 or self.schedule.interval > 1):
            samples = self.words[batch_step.first : batch_step.first + n_rows]
            now = samples[:, batch_step.step] if samples.ndim == 3 else samples
            for rows, part in zip(self._rows, split_columns(now, self._widths), strict=True):
                rows[:n_rows] = part
            if self._holding:  # a held input is sent with the first sample of its value
                is_old = ~self._holding.is_new(batch_step.first, n_rows)
                for rows, is_held in zip(self._rows, self._held, strict=True):
                    if is_held:
                        rows[:n_rows][is_old] = 0
        for rows in self._rows:
            rows[n_rows:] = 0


class NodeRun:
    """A population or a product: what its connections bring in, payloads out."""

    def __init__(
        self,
        kernel: NodeKernel,
        schedule: Schedule,
        timing: NodeTiming,
        recording: NodeRecording,
        membrane: Array | None = None,
        limits: Mapping[int, float] = NO_LIMITS,
        holding: Holding | None = None,
    ) -> None:
        """Build the work of a node.

        Args:
            kernel: Its arithmetic.
            schedule: Its step counter.
            timing: Delay line of each connection or factor.
            recording: Where counts and probed values go.
            membrane: Memory of its membranes, in the shape of a message; None where it needs none.
            limits: Largest magnitudes of the connections whose messages are checked, by their numbers.
            holding: Held values of the samples, and who sends each of them only once; None where everything is sent anew.
        """
        n_rows, n_out = schedule.n_rows, kernel.n_out
        self.kernel = kernel
        self.schedule = schedule
        self.recording = recording
        self.holding = holding
        self._inbox = Inbox(timing, self.message_widths(kernel), schedule, kernel.message_type, limits, holding)
        self._membrane = (
            np.zeros((n_rows, n_out), kernel.message_type) if membrane is None else membrane.reshape(n_rows, n_out)
        )
        self._payload = np.zeros((n_rows, 1, n_out), kernel.message_type)
        self.outgoing = self._payload.reshape(schedule.shape(n_out))
        """The message of the step before; zeros before the first sample, and between two steps of the network."""

    def message_widths(self, kernel: NodeKernel) -> Sequence[int]:
        """Return the number of values in a message of each connection."""
        return kernel.widths_in

    def renew(self, kernel: Any) -> None:
        """Compute with other parameters from now on; membranes and delay lines stay as they are."""
        self.kernel = kernel

    def advance(self, time_step: int, messages: Sequence[Array]) -> None:
        """Compute with the messages of a step of Lava, one of each connection."""
        batch_step = self.schedule.batch_step(time_step)
        received = self._inbox.receive(messages, batch_step)
        if batch_step is None:
            self._payload[:] = 0
            return
        n = batch_step.n_rows
        if batch_step.step == 0:
            self._membrane[:] = 0
        self.compute_and_record(received, batch_step)
        self._payload[n:] = 0

    def compute_and_record(self, received: list[Array], batch_step: BatchStep) -> None:
        """Advance the first rows by one step, and record it."""
        tally = self.recording.tally(batch_step)
        self.compute(received, batch_step, tally)
        self.recording.record(batch_step, tally, self._payload)

    def compute(self, received: list[Array], batch_step: BatchStep, tally: Tally) -> None:
        """Advance the first rows by one step."""
        n = batch_step.n_rows
        self.kernel.advance([a[:, None] for a in received], self._membrane[:n], self._payload[:n], tally)


class _DriveRun(NodeRun):
    """A population whose drive is computed apart from its neurons."""

    kernel: Kernel

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._drive = np.zeros(self._membrane.shape, self.kernel.message_type)


class ConstantRun(_DriveRun):
    """A population that receives the same at all steps of a presentation, so that its drive is computed only once."""

    _saturated_drive: Array
    _is_driven = False
    """Whether the drive is that of the present parameters."""

    def renew(self, kernel: Any) -> None:
        """Compute with other parameters from now on, and the drive once more."""
        super().renew(kernel)
        self._is_driven = False

    def compute(self, received: list[Array], batch_step: BatchStep, tally: Tally) -> None:
        """Advance the membranes of the first rows by one step."""
        n = batch_step.n_rows
        if batch_step.step == 0 or not self._is_driven:
            before = tally.saturated[DRIVE].copy()
            self.kernel.drive(received, self._drive[:n], tally)
            self._saturated_drive, self._is_driven = tally.saturated[DRIVE] - before, True
        else:
            tally.saturated[DRIVE] += self._saturated_drive  # the same drives saturate at every step
        self.kernel.fire(self._drive[:n], self._membrane[:n], self._payload[:n], tally)


class HeldRun(NodeRun):
    """A node that depends on held inputs only: it computes and sends at the first sample of each held value."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._stretches: list[tuple[Stretch, NodeRecording]] = []
        """Held values of this message, each with a recording of one sample of it."""

    def compute_and_record(self, received: list[Array], batch_step: BatchStep) -> None:
        """Advance the first row of each new value by one step; record it for all rows of the value."""
        first, n_rows, step = batch_step
        assert self.holding is not None, "something is held"
        if step == 0:
            self._old = self._stretches[-1][0].value if self._stretches else -1
            self._stretches = [
                (each, self._stretches[-1][1] if each.value == self._old else self.recording.of_one_sample())
                for each in self.holding.stretches(first, n_rows)
            ]
        self._payload[:] = 0
        for (start, n, value), kept in self._stretches:
            if value != self._old:
                row, sample = slice(start, start + 1), BatchStep(0, 1, step)
                tally = kept.tally(sample)
                self.kernel.advance([a[row, None] for a in received], self._membrane[row], self._payload[row], tally)
                kept.record(sample, tally, self._payload[row])
            self.recording.replay(kept, BatchStep(first + start, n, step))


class NeuronRun(_DriveRun):
    """The neurons of a population whose products W a other processes compute: products in, payloads out."""

    def message_widths(self, kernel: NodeKernel) -> Sequence[int]:
        """Return the number of products of each connection."""
        return [kernel.n_out] * len(kernel.widths_in)

    def compute(self, received: list[Array], batch_step: BatchStep, tally: Tally) -> None:
        """Advance the membranes of the first rows by one step, with products (n_rows, n_out) in place of inputs."""
        n = batch_step.n_rows
        self.kernel.align(received, self._drive[:n], tally)
        self.kernel.fire(self._drive[:n], self._membrane[:n], self._payload[:n], tally)


class ReadoutRun:
    """The linear read-out: what its connections bring in, outputs out and reduced by sample."""

    def __init__(
        self,
        kernel: Kernel,
        schedule: Schedule,
        timing: NodeTiming,
        recording: ReadoutRecording,
        limits: Mapping[int, float] = NO_LIMITS,
        holding: Holding | None = None,
    ) -> None:
        self.kernel = kernel
        self.schedule = schedule
        self.recording = recording
        self._inbox = Inbox(timing, self.message_widths(kernel), schedule, kernel.message_type, limits, holding)
        self._tally = recording.tally()
        self._y = np.zeros((schedule.n_rows, 1, kernel.n_out), kernel.message_type)
        self.outgoing = self._y.reshape(schedule.shape(kernel.n_out))
        """The outputs of the step before; zeros before the first sample, and between two steps of the network."""

    def message_widths(self, kernel: Kernel) -> Sequence[int]:
        """Return the number of values in a message of each connection."""
        return kernel.widths_in

    def renew(self, kernel: Kernel) -> None:
        """Compute with other parameters from now on."""
        self.kernel = kernel

    def advance(self, time_step: int, messages: Sequence[Array]) -> None:
        """Compute with the messages of a step of Lava, one of each connection."""
        batch_step = self.schedule.batch_step(time_step)
        received = self._inbox.receive(messages, batch_step)
        if batch_step is None:
            self._y[:] = 0
            return
        n = batch_step.n_rows
        self.compute(received, self._y[:n, 0], self._tally)
        self._y[n:] = 0
        self.recording.record(batch_step, self._y[:n])

    def compute(self, received: list[Array], y: Array, tally: Tally) -> None:
        """Compute the outputs y (n_rows, n_out) of what each connection brings."""
        self.kernel.drive(received, y, tally)


class ReadoutNeuronRun(ReadoutRun):
    """The read-out whose products W a other processes compute: products in, outputs out."""

    def message_widths(self, kernel: Kernel) -> Sequence[int]:
        """Return the number of products of each connection."""
        return [kernel.n_out] * len(kernel.widths_in)

    def compute(self, received: list[Array], y: Array, tally: Tally) -> None:
        """Compute the outputs y (n_rows, n_out) of the products of each connection."""
        self.kernel.align(received, y, tally)
