"""The solution that a problem is compared with: its accuracy, its source, and the domain in which it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..base.arrays import FloatArray, Record
from ..base.errors import SpecError
from ..geometry.domain import Domain


def restricted_to_domain(
    domain: Domain, evaluate: Callable[[FloatArray], FloatArray], name: str
) -> Callable[[FloatArray], FloatArray]:
    """Restrict a reference to its domain: points outside are an error, not a silent extrapolation."""

    def guarded(points: FloatArray) -> FloatArray:
        outside = np.flatnonzero(~domain.contains(points))
        if outside.size:
            got = f"{points[outside[0]]} in row {outside[0]}, and {outside.size} such points in all"
            raise SpecError(f"reference of {name!r}", "get points of its domain", got, "Leave out points outside.")
        return evaluate(points)

    return guarded


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSolution(Record):
    """A solution to compare with, and how far it can be trusted."""

    evaluate: Callable[[FloatArray], FloatArray]
    """Function from points (n, n_in) to values (n, n_out)."""
    relative_accuracy: float
    """Bound of the relative L2 error of the solution itself."""
    source: str
    """Closed form, or a note how the solution was computed and checked."""
