"""What a node receives: its messages of each step of Lava, kept in delay lines until their turn, and masked.

A connection of delay d reads zero at the first d steps of a sample. The line itself is never cleared: what it holds then
belongs to the sample before, and what it holds of this sample is in flight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from ...base.errors import SpecError
from ..kernels.layout import Array
from .holding import Holding
from .schedule import BatchStep, Schedule
from .timing import NodeTiming

NO_LIMITS: Mapping[int, float] = MappingProxyType({})
"""Nothing is checked."""


class _Ring:
    """Messages of one connection, each kept for some steps of Lava."""

    def __init__(self, length: int, n_rows: int, width: int, message_type: Any) -> None:
        self._slots = np.zeros((length + 1, n_rows, width), message_type) if length else None
        self._newest = 0

    def exchange(self, message: Array) -> Array:
        """Put a message (n_rows, width) in, and return the one that has waited long enough."""
        if self._slots is None:
            return message
        self._newest = (self._newest + 1) % len(self._slots)
        self._slots[self._newest] = message
        oldest: Array = self._slots[(self._newest + 1) % len(self._slots)]
        return oldest


def check_words(name: str, a: Array, highest: float) -> None:
    """Check that inputs are numbers within the input word, for which the sums are wide enough.

    Raises:
        SpecError: If an input exceeds the word, or is NaN.
    """
    low, high = a.min(), a.max()
    if not (-highest <= low and high <= highest):  # NaN fails; and |−2^31| is negative in int32
        got = high if -highest <= low else low
        repair = "Saturate them, as `encode_points` does."
        raise SpecError(f"layer {name!r}", f"receive input words within ±{highest}", got, repair)


class Inbox:
    """The delay lines of a node."""

    def __init__(
        self,
        timing: NodeTiming,
        widths: Sequence[int],
        schedule: Schedule,
        message_type: Any,
        limits: Mapping[int, float] = NO_LIMITS,
        holding: Holding | None = None,
    ) -> None:
        """Build empty lines.

        Args:
            timing: The node's delay lines.
            widths: Number of values in a message of each connection.
            schedule: The node's step counter.
            message_type: Type of the messages.
            limits: Largest magnitudes of the connections whose messages are checked, by their numbers.
            holding: Held values of the samples, and who sends each of them only once; None where everything is sent anew.
        """
        self._holding, self._held_value = holding, -1
        sources = holding.sources if holding and timing.name not in holding.sources else ()
        self._kept = {
            index: np.zeros((schedule.n_steps, width), message_type)
            for index, (line, width) in enumerate(zip(timing.lines, widths, strict=True))
            if line.source in sources
        }
        """Last message of each held source at every step, by the number of the connection."""
        self._timing = timing
        self._limits = limits
        self._n_rows = schedule.n_rows
        pairs = list(zip(timing.lines, widths, strict=True))
        self._rings = [_Ring(line.length, self._n_rows, width, message_type) for line, width in pairs]
        self._silence = [np.zeros((self._n_rows, width if line.delay else 0), message_type) for line, width in pairs]

    def receive(self, messages: Sequence[Array], batch_step: BatchStep | None) -> list[Array]:
        """Take in the messages of a step of Lava.

        Args:
            messages: One of each connection, with or without an axis of samples; to be called in every step of Lava.
            batch_step: What the node works on in this step.

        Returns:
            What each connection brings to it, (n_rows, width); nothing where the node does not work in this step.

        Raises:
            SpecError: If a checked input is longer than its word, for which alone the sums are wide enough.
        """
        waited = [
            ring.exchange(message.reshape(self._n_rows, -1))
            for ring, message in zip(self._rings, messages, strict=True)
        ]
        if batch_step is None:
            return []
        received = [
            (a if batch_step.step >= line.delay else silence)[: batch_step.n_rows]
            for a, silence, line in zip(waited, self._silence, self._timing.lines, strict=True)
        ]
        for index, highest in self._limits.items():
            check_words(self._timing.name, received[index], highest)
        if self._kept:
            self._fill(received, batch_step)
        return received

    def _fill(self, received: list[Array], batch_step: BatchStep) -> None:
        """Replay what held sources have sent at the first sample of each stretch."""
        assert self._holding is not None, "something is held"
        stretches = list(self._holding.stretches(batch_step.first, batch_step.n_rows))
        for index, kept in self._kept.items():
            filled = np.empty_like(received[index])
            for start, n, value in stretches:
                row = kept[batch_step.step] if value == self._held_value else received[index][start]
                filled[start : start + n] = row
            kept[batch_step.step] = filled[-1]
            received[index] = filled
        if batch_step.step == len(kept) - 1:
            self._held_value = stretches[-1].value
