"""Where the grid lines of a cloud lie closer together than elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.checks import check_range, raise_violations


@dataclass(frozen=True, slots=True, kw_only=True)
class Grading:
    """Draws the grid lines of one axis together around a centre; several on one axis add up.

    density of lines = 1 + gain / (1 + ((x - centre) / width)^2), in units of what it is far away
    """

    axis: int
    """Index of the coordinate."""
    centre: float
    """Where the lines lie closest, in the unit of that coordinate."""
    width: float
    """Distance from the centre at which half of the gain is left, same unit, positive."""
    gain: float
    """How much denser the lines lie at the centre than far away, above 0, at most 1000."""

    def __post_init__(self) -> None:
        raise_violations(check_range("Grading.width", self.width, 1e-9, 1e9))
        raise_violations(check_range("Grading.gain", self.gain, 1e-9, 1e3))
