"""The records around a training: the files it writes, its status at the end, and its result."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ...base.arrays import Record
from ...base.checks import check_range, raise_violations
from ...geometry.domain import Cloud
from ...network.spec import NetworkSpec
from ...problems.identification import FoundCoefficient
from ..network.module_network import TrainedNetwork
from ..network.operator_module import OperatorModule
from .history import TrainingHistory, TrainingProgress

ProgressCallback = Callable[[TrainingProgress], None]


class TrainingStatus(str, Enum):
    """How a training ended."""

    FINISHED = "finished"
    """All phases were trained to their end."""
    INTERRUPTED = "interrupted"
    """Ctrl-C was pressed; the result has the best network so far, and the checkpoint can be resumed."""
    DIVERGED = "diverged"
    """The loss was not finite; the result has the best network before that."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingResult(Record):
    """The result of a training: the network, its history and how the training ended."""

    status: TrainingStatus
    """How the training ended."""
    network: NetworkSpec
    """Network of the lowest objective in the last phase that began."""
    module: TrainedNetwork | OperatorModule
    """The same network in torch."""
    history: TrainingHistory
    """Reports of the training, one row each."""
    loss: float
    """Objective of the network; infinite where the last phase ended before its first measurement."""
    relative_l2: float
    """Relative error against the reference on points not trained on; NaN without one, or where an output is not finite."""
    estimated_l2: float
    """The same error estimated by the equations, without the reference; NaN where there is no estimate."""
    estimated_l2_dense: float
    """The same estimate before the first phase in which spikes cost; NaN without such a phase or an estimate."""
    coefficients: tuple[FoundCoefficient, ...] = ()
    """Unknown coefficients of the equations after the training."""
    activity: float
    """Share of neurons and steps that fire at these points, 0 to 1."""
    n_iterations: int
    """Number of steps taken, including those before a resumption, without those of a teacher."""
    seconds: float
    """Wall time of the training in seconds."""
    cloud: Cloud | None = None
    """Cloud with the points that refinements have added; None where there are none."""

    def summary_rows(self) -> Iterator[tuple[str, str]]:
        """Yield what a notebook shows: the end of the training, its errors and the activity."""
        yield "status", self.status.value
        yield "network", self.network.name
        errors = (("relative L2 error", self.relative_l2), ("estimated error", self.estimated_l2))
        yield from ((name, f"{value:.3g}") for name, value in errors if math.isfinite(value))
        yield from ((each.name, f"{each.value:.4g} ± {each.standard_error:.2g}") for each in self.coefficients)
        yield "spiking activity", f"{self.activity:.3g}"
        yield "iterations", f"{self.n_iterations:,}"
        yield "seconds", f"{self.seconds:.3g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutput(Record):
    """The files that a training writes, how often, and whether it resumes from them; by default it writes none."""

    checkpoint: Path | None = None
    """File of the checkpoint; None writes none."""
    checkpoint_every: int = 500
    """Number of steps between two checkpoints; another is written at the end and on Ctrl-C."""
    checkpoint_seconds: float = 60.0
    """Longest time between two checkpoints in seconds; it has no influence on the training."""
    resume: bool = False
    """Whether the training resumes from the checkpoint, which must exist."""
    history: Path | None = None
    """CSV file of the history; it is written with every checkpoint and at the end."""
    report_every: int = 50
    """Number of steps of Adam between two rows of the history, each also passed to the callback. The first and the last point
    of a phase have a row too, and so has every step of the other optimizers."""

    def __post_init__(self) -> None:
        found = [*check_range("TrainingOutput.checkpoint_every", self.checkpoint_every, 1, 10**9)]
        raise_violations([*found, *check_range("TrainingOutput.report_every", self.report_every, 1, 10**9)])


WRITES_NOTHING = TrainingOutput()
"""An output without checkpoint and history."""
