"""Which samples a node works on at which step of Lava; every node keeps its own step counter.

A sample is presented for T steps, and a message carries one sample (faithful) or a batch of them. Each node sends what it
computed in the step before, so that the nodes of a chain are one step apart, as on the chip:

    Lava's step      1      2      3      4      5      6         T = 2, one sample at a time
    source          0,1    0,2    1,1    1,2                      sample, step of the sample
    layer 1         0,1    0,2    1,1    1,2                      latency 0
    layer 2                0,1    0,2    1,1    1,2               latency 1
    read-out                      0,1    0,2    1,1    1,2        latency 2

In a loop of more nodes than its delays, a step of the network takes several of Lava's (`timing`); a node works in the first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from ...base.arrays import Record
from ...base.errors import SpecError


class BatchStep(NamedTuple):
    """The batch of samples, and the step of its presentation, that a node works on in one step of Lava."""

    first: int
    """Index of the first sample of the message."""
    n_rows: int
    """How many samples the message carries; further rows of it are padding."""
    step: int
    """Which step of the presentation, 0 … T - 1; membranes start at zero when it is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Record):
    """The step counter of one node: `Schedule(n_steps=2)` takes one sample after the other, two steps each, for ever."""

    n_steps: int
    """Number of steps T of a presentation, at least 1."""
    latency: int = 0
    """Steps of Lava that pass before the first message arrives."""
    interval: int = 1
    """Steps of Lava that a step of a presentation takes."""
    batch_size: int | None = None
    """Rows of a message; None for one sample without a batch axis."""
    n_samples: int | None = None
    """Samples in all; None for as many as come."""

    def __post_init__(self) -> None:
        lowest = (("n_steps", 1), ("latency", 0), ("interval", 1), ("batch_size", 1), ("n_samples", 1))
        for name, low in lowest:
            value = getattr(self, name)
            if value is not None and value < low:
                raise SpecError(f"Schedule.{name}", f"be at least {low}", value, "Choose a number in that range.")

    @property
    def n_rows(self) -> int:
        """Samples that a full message carries."""
        return self.batch_size or 1

    @property
    def n_batches(self) -> int | None:
        """Messages per step of a presentation, the last one perhaps not full; None for as many as come."""
        return None if self.n_samples is None else -(-self.n_samples // self.n_rows)

    def delayed(self, n_steps: int) -> Schedule:
        """Return the schedule of a node that everything reaches `n_steps` steps of Lava later."""
        return replace(self, latency=self.latency + n_steps)

    def shape(self, n: int) -> tuple[int, ...]:
        """Return the shape of a port for n neurons."""
        return (n,) if self.batch_size is None else (self.batch_size, n)

    def batch_step(self, time_step: int) -> BatchStep | None:
        """Return what is to be done in a step of Lava, counted from 1; None before, after and between steps of samples."""
        n_before, phase = divmod(time_step - 1 - self.latency, self.interval)
        batch, step = divmod(n_before, self.n_steps)
        first = batch * self.n_rows
        if phase or batch < 0 or (self.n_samples is not None and first >= self.n_samples):
            return None
        n_rows = self.n_rows if self.n_samples is None else min(self.n_rows, self.n_samples - first)
        return BatchStep(first, n_rows, step)

    def n_finished(self, n_lava_steps: int) -> int:
        """Count the samples that this node has finished after so many steps of Lava."""
        n_steps = -(-max(0, n_lava_steps - self.latency) // self.interval)
        n_done = n_steps // self.n_steps * self.n_rows
        return n_done if self.n_samples is None else min(n_done, self.n_samples)

    def n_lava_steps(self) -> int:
        """Count the steps of Lava until this node has finished every sample.

        Raises:
            SpecError: If there is no last sample.
        """
        if self.n_batches is None:
            raise SpecError(
                "Schedule.n_samples", "be a number, so that there is an end", None, "Give the number of samples."
            )
        return self.latency + (self.n_batches * self.n_steps - 1) * self.interval + 1
