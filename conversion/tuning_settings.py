"""Settings and report of quantization-aware tuning, as records that need no torch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..base.arrays import Record
from ..base.checks import as_member, check_range, check_whole, raise_violations
from ..base.errors import Violation


class TuningLoss(str, Enum):
    """The loss that tuning minimises, and by which it chooses the integers to keep."""

    DISTILLATION = "distillation"
    """The squared distance between the outputs of the integers and of the float network."""
    EQUATION = "equation"
    """The loss that the float network was trained on: its equation's residual, or its energy."""
    BOTH = "both"
    """The weighted sum of distillation and equation loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningSettings(Record):
    """Settings of a tuning; the defaults were measured on the shipped networks (docs/results/conversion.md)."""

    loss: TuningLoss = TuningLoss.DISTILLATION
    """The loss that is minimised."""
    n_iterations: int = 500
    """Number of steps of Adam."""
    learning_rate: float = 3e-4
    """Peak learning rate, reached by a linear warm-up and followed by a cosine decay to zero."""
    n_warmup: int = 20
    """Number of warm-up steps."""
    batch_size: int = 1024
    """Number of points in one step."""
    check_every: int = 25
    """Number of steps between two measurements on the held-out points."""
    learn_neurons: bool = False
    """Whether thresholds and leaks are tuned too."""
    objective_weight: float = 1.0
    """Weight of the equation's loss in the sum."""
    n_descents: int = 1
    """Number of descents over single integers behind the last step of distillation. All but the first begin at the best ones so
    far, with some of them moved at random, from which words of few bits gain. Losses with the equation have none."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss", as_member(TuningLoss, self.loss, "TuningSettings.loss"))
        found: list[Violation] = []
        for name, low in (
            ("n_iterations", 0),
            ("n_warmup", 0),
            ("batch_size", 1),
            ("check_every", 1),
            ("n_descents", 0),
        ):
            found += check_whole(f"TuningSettings.{name}", getattr(self, name))
            found += check_range(f"TuningSettings.{name}", getattr(self, name), low, 1_000_000)
        found += check_range("TuningSettings.learning_rate", self.learning_rate, 0.0, 1.0)
        found += check_range("TuningSettings.objective_weight", self.objective_weight, 0.0, 1e6)
        if not found and self.n_descents > 1 and self.loss is not TuningLoss.DISTILLATION:
            repair = "Leave it out, or tune on distillation: descent follows the outputs of the float network."
            found.append(
                Violation(
                    "TuningSettings.n_descents", "be 0 or 1 where the loss has an equation", self.n_descents, repair
                )
            )
        raise_violations(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningReport(Record):
    """Result of a tuning; changes are the relative L2 distance of the integer network's output against the float network's."""

    n_iterations: int
    """Number of steps of Adam that were done."""
    n_planned: int
    """Number of steps in the settings; larger than `n_iterations` where the time limit ended the tuning."""
    best_iteration: int
    """Step whose integers were kept, or from which the descents began; 0 for the start."""
    seed: int
    """Random seed of the batches."""
    n_learned: int
    """Number of training points."""
    n_held_out: int
    """Number of held-out points, on which the kept integers were chosen."""
    change_before: float
    """Change on the held-out points before tuning."""
    change_after: float
    """Change of the kept integers on the held-out points; with an equation loss it may exceed `change_before`."""
    seconds: float
    """Wall time in seconds, calibration included."""
    n_descents: int = 0
    """Number of descents that were done behind the last step."""
    n_descents_planned: int = 0
    """Number of descents in the settings; larger than `n_descents` where the time limit ended the tuning."""
    equation_before: float | None = None
    """The equation's loss before tuning; None for distillation alone."""
    equation_after: float | None = None
    """The equation's loss of the kept integers; None for distillation alone."""
