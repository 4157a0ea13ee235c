"""What a sweep found, as a record: all points with their numbers, the front, and the chosen one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...base.arrays import Record
from .grid import SweepPoint
from .plan import SweepPlan
from .rows import SweepRow
from .work import MeasuredPoint

if TYPE_CHECKING:
    from ...hardware_sim.report.content.pareto import ParetoChoice
    from ...network.quantized import QuantizedNetwork


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sweep(Record):
    """What a sweep found."""

    plan: SweepPlan
    """What all points share."""
    points: tuple[SweepPoint, ...]
    """In the order of the grid, or of the search."""
    n_proposed: int
    """How many were asked for: a search may propose a point again, which then stands here once."""
    measured: tuple[MeasuredPoint, ...]
    """What was found at each of them."""
    comparable: tuple[int, ...]
    """Which of them have numbers to compare."""
    choice: ParetoChoice
    """The front and the chosen one, among the comparable ones."""
    n_cached: int
    """Points that an earlier call had measured."""
    seconds: float
    """Wall time of this call."""

    @property
    def rows(self) -> tuple[SweepRow, ...]:
        """The table."""
        return tuple(measured.row for measured in self.measured)

    @property
    def front(self) -> tuple[int, ...]:
        """Which points nobody beats, those of less energy first."""
        return tuple(self.comparable[k] for k in self.choice.front)

    @property
    def chosen(self) -> int | None:
        """Which point is taken; None where all failed."""
        return None if self.choice.chosen is None else self.comparable[self.choice.chosen]

    @property
    def chosen_network(self) -> QuantizedNetwork | None:
        """The deployed network of that point."""
        return None if self.chosen is None else self.measured[self.chosen].network
