"""What goes into a simulation of the core and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....base.arrays import ArrayRecord, IntArray, freeze_arrays
from ....base.errors import SimulationError
from ....network.spec import Readout
from ..integer_plan import IntegerPlan

FLAGS, MEMBRANE, PAYLOAD = 0, 1, 2
"""Fields of a record."""
MAX_IDLE = 1_000_000
"""Cycles without any word or record after which a simulation is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(ArrayRecord):
    """The words of a simulation, and how much of everything is awaited."""

    words: IntArray
    """Input words in the order of the stream, shape (n_words,)."""
    lasts: IntArray
    """1 where a word ends its sample, same shape."""
    n_output: int
    """Number of words that leave."""
    n_records: tuple[int, ...]
    """Numbers of records of the nodes and the read-out: samples times steps times neurons."""

    def __post_init__(self) -> None:
        freeze_arrays(self, words=np.int64, lasts=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording(ArrayRecord):
    """What a simulation has seen."""

    words: IntArray
    """Words that left, in order, shape (n_words,)."""
    nodes: tuple[IntArray, ...]
    """FLAGS, MEMBRANE and PAYLOAD of the nodes and the read-out, shape (n_records, 3) each, by sample, step and neuron."""
    cycles: int
    """Clock cycles from the first word taken to the last word sent."""
    first_output: int
    """Clock cycles from the first word taken to the first word sent."""

    def __post_init__(self) -> None:
        freeze_arrays(self, words=np.int64)


def make_job(plan: IntegerPlan, x: IntArray) -> Job:
    """Lay out input integers (n_samples, n_in), or (n_samples, n_steps, n_in), as a stream.

    Args:
        plan: Plan of the network.
        x: Input integers of the host; sequences bring a row for each step.
    """
    n_samples = len(x)
    n_steps = plan.n_steps or x.shape[1]
    lasts = np.zeros(x.shape, np.int64)
    lasts.reshape(n_samples, -1)[:, -1] = 1
    n_sent = n_steps if plan.output.readout is Readout.EVERY else 1
    return Job(
        words=x.reshape(-1),
        lasts=lasts.reshape(-1),
        n_output=n_samples * n_sent * plan.output.n_out,
        n_records=tuple(n_samples * n_steps * node.n_out for node in (*plan.nodes, plan.output)),
    )


def idle_error(plan: IntegerPlan, n_words: int) -> SimulationError:
    """Return the error of a core that has stopped."""
    got = f"{n_words} words, then nothing for {MAX_IDLE} cycles"
    return SimulationError(
        f"The simulated core of network {plan.name!r}", "send every output", got, "Report this network."
    )
