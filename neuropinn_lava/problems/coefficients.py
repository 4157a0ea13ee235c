"""Unknown coefficients of equations, which are trained with the network from data."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from ..base.arrays import Record
from ..base.checks import check_finite, raise_violations
from ..base.errors import Violation


@dataclass(frozen=True, slots=True)
class Coefficient(Record):
    """An unknown number in the equations: `Coefficient(0.01)`."""

    start: float
    """Value from which it is trained."""
    _: KW_ONLY
    positive: bool = True
    """Whether it is positive, and trained as its logarithm."""

    def __post_init__(self) -> None:
        raise_violations(check_finite("Coefficient.start", self.start))
        if self.positive and self.start <= 0.0:
            repair = "Start from a positive value, or give positive=False."
            raise_violations([Violation("Coefficient.start", "be above zero where it is positive", self.start, repair)])
