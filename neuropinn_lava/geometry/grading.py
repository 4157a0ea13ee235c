"""Gradings: places where the grid lines of a cloud are denser than elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.arrays import Record
from ..base.checks import check_range, raise_violations


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
