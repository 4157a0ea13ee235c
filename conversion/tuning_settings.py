"""How to tune and what a tuning did, as records: settings and reports are read without torch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..base.checks import as_member, check_range, check_whole, raise_violations
from ..base.errors import Violation


class TuningLoss(str, Enum):
    """What tuning makes small, and by what it chooses the integers that it keeps."""

    DISTILLATION = "distillation"
    """The distance to the float network."""
    EQUATION = "equation"
    """The loss that the float network was trained on: its equation's residual, or its energy."""
    BOTH = "both"
    """Their weighted sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningSettings:
    """How to tune; the defaults were measured on the shipped networks (docs/results.md)."""

    loss: TuningLoss = TuningLoss.DISTILLATION
    """What to make small."""
    n_iterations: int = 500
    """Steps of Adam."""
    learning_rate: float = 1e-3
    """Its peak; linear warm-up, then cosine decay to zero."""
    n_warmup: int = 20
    """Steps of warm-up."""
    batch_size: int = 1024
    """Points of one step."""
    check_every: int = 25
    """Steps between two measurements on the held-out points."""
    learn_neurons: bool = False
    """Whether thresholds and leaks are tuned too."""
    objective_weight: float = 1.0
    """Weight of the equation's loss."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss", as_member(TuningLoss, self.loss, "TuningSettings.loss"))
        found: list[Violation] = []
        for name, low in (("n_iterations", 0), ("n_warmup", 0), ("batch_size", 1), ("check_every", 1)):
            found += check_whole(f"TuningSettings.{name}", getattr(self, name))
            found += check_range(f"TuningSettings.{name}", getattr(self, name), low, 1_000_000)
        found += check_range("TuningSettings.learning_rate", self.learning_rate, 0.0, 1.0)
        found += check_range("TuningSettings.objective_weight", self.objective_weight, 0.0, 1e6)
        raise_violations(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningReport:
    """How a tuning went; changes are relative L2 of the integer network's output against the float network's."""

    n_iterations: int
    """Steps that were done."""
    n_planned: int
    """Steps that were asked for; more than those done where the time limit ended the tuning."""
    best_iteration: int
    """Step whose integers were kept; 0 keeps the start."""
    seed: int
    """Seed of the batches."""
    n_learned: int
    """Points learned from."""
    n_held_out: int
    """Points that chose what was kept."""
    change_before: float
    """On the held-out points, without tuning."""
    change_after: float
    """On the held-out points, of what was kept; where the equation has a say, it may be larger than before."""
    seconds: float
    """Wall time, calibration included."""
    equation_before: float | None = None
    """The equation's loss without tuning; None where it has no say."""
    equation_after: float | None = None
    """The same of what was kept."""
