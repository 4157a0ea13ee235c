"""Gradings: places where the grid lines of a cloud are denser than elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..base.arrays import FloatArray, Record, frozen_array
from ..base.checks import check_range, raise_violations

TABLE_LENGTH = 4097
"""Entries of the table that grid lines are graded by, before Newton's method takes over."""
NEWTON_STEPS = 6
"""Newton steps after the table: each doubles the digits, and the table gives three or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grading(Record):
    """A centre around which the grid lines of one axis are denser; several on one axis add up.

    density of lines = 1 + gain / (1 + ((x - centre) / width)^2), in units of what it is far away
    """

    axis: int
    """Index of the coordinate."""
    centre: float
    """Coordinate at which the lines are densest."""
    width: float
    """Distance from the centre at which half of the gain remains, in the unit of the coordinate, positive."""
    gain: float
    """Additional density at the centre relative to the density far away, above 0, at most 1000."""

    def __post_init__(self) -> None:
        raise_violations(check_range("Grading.width", self.width, 1e-9, 1e9))
        raise_violations(check_range("Grading.gain", self.gain, 1e-9, 1e3))


def graded_nodes(uniform: FloatArray, gradings: Sequence[Grading]) -> FloatArray:
    """Compute graded grid lines that are denser around centres; the ends and the number of lines stay.

        N(x) = x + sum_k gain_k width_k atan((x - centre_k) / width_k)          N(x_i) at equal distances

    Args:
        uniform: Grid lines at equal distances, shape (n,).
        gradings: Centres, widths and gains; their axes are not looked at.

    Returns:
        The graded lines, shape (n,), solved for by Newton's method from a fine table: N' >= 1.
    """

    def lines_up_to(x: FloatArray) -> FloatArray:
        arms = [g.gain * g.width * np.arctan((x - g.centre) / g.width) for g in gradings]
        count: FloatArray = x + np.sum(arms, axis=0)
        return count

    def density(x: FloatArray) -> FloatArray:
        gains = [g.gain / (1 + ((x - g.centre) / g.width) ** 2) for g in gradings]
        slope: FloatArray = 1.0 + np.sum(gains, axis=0)
        return slope

    low, high = uniform[0], uniform[-1]
    table = np.linspace(low, high, TABLE_LENGTH)
    counts = lines_up_to(table)
    wanted = counts[0] + (uniform - low) / (high - low) * (counts[-1] - counts[0])
    x = np.interp(wanted, counts, table)
    for _ in range(NEWTON_STEPS):
        x = np.clip(x - (lines_up_to(x) - wanted) / density(x), low, high)
    x[0], x[-1] = low, high
    return frozen_array(x, np.float64)
