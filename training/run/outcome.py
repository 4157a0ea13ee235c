"""Where a training writes while it runs, how it ends, and what it leaves.

This module holds records; it does not know how a network is trained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ...base.checks import check_range, raise_violations
from ...geometry.domain import Cloud
from ...network.spec import NetworkSpec
from ..network.network import VsnNetwork
from .history import TrainingHistory, TrainingProgress

ProgressCallback = Callable[[TrainingProgress], None]


class TrainingStatus(str, Enum):
    """How a training ended."""

    FINISHED = "finished"
    """All phases were done."""
    INTERRUPTED = "interrupted"
    """Ctrl-C; the best network so far is in the result, and the checkpoint continues."""
    DIVERGED = "diverged"
    """The loss was no longer a finite number; the best network before that is in the result."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingResult:
    """What a training leaves."""

    status: TrainingStatus
    """How it ended."""
    network: NetworkSpec
    """The network of the lowest objective in the last phase that began."""
    module: VsnNetwork
    """The same in torch."""
    history: TrainingHistory
    """One row per report."""
    loss: float
    """Objective of the network that was kept; infinite where the phase had none before it ended."""
    relative_l2: float
    """Its error against the reference on points not trained on; NaN where an output is not finite."""
    activity: float
    """Share of its neurons and steps that fire there, 0 to 1."""
    n_iterations: int
    """Steps that were done, those before a resumption counted, those of a teacher not."""
    seconds: float
    """Wall time of this call."""
    cloud: Cloud | None = None
    """The cloud with the points that refinements have added; None where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutput:
    """Where a training writes, how often, and whether it goes on from there: by default it writes nothing."""

    checkpoint: Path | None = None
    """File of the checkpoint."""
    checkpoint_every: int = 500
    """Steps between two checkpoints; one is written at the end and on Ctrl-C besides."""
    checkpoint_seconds: float = 60.0
    """Longest time between two checkpoints, where steps are slow; when one is written changes nothing in the training."""
    resume: bool = False
    """Go on from the checkpoint, which must exist."""
    history: Path | None = None
    """CSV file of the history, written with every checkpoint and at the end."""
    report_every: int = 50
    """Steps of Adam between two rows of the history, each also passed to the callback. The first and the last point of a phase
    are rows too, and so is every step of the other optimizers."""

    def __post_init__(self) -> None:
        found = [*check_range("TrainingOutput.checkpoint_every", self.checkpoint_every, 1, 10**9)]
        raise_violations([*found, *check_range("TrainingOutput.report_every", self.report_every, 1, 10**9)])


WRITES_NOTHING = TrainingOutput()
"""No checkpoint and no history."""
