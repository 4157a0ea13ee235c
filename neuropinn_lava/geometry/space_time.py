"""Regions in space extended in time: the domain of an evolution on a plane region, a box or a mesh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..base.arrays import ArrayRecord, BoolArray, FloatArray, frozen_array
from ..base.checks import check_finite, raise_violations
from ..base.errors import SpecError, Violation
from .domain import ON_FACE, Cloud, Domain, check_tag
from .grading import Grading, graded_nodes


@dataclass(frozen=True, slots=True, eq=False)
class SpaceTime(ArrayRecord):
    """A region in space over a span of time: `SpaceTime(Box([0, 0], [1, 1]) - Disc([0.5, 0.5], 0.2), 0.0, 1.0)`.

    Time is the last coordinate. Its start carries a condition, its end does not.
    """

    region: Domain
    """The region in space."""
    start: float
    """Initial time, in the unit of the problem."""
    end: float
    """Final time, after the start, in the same unit."""

    def __post_init__(self) -> None:
        if self.region.has_time:
            repair = "Give the region in space alone."
            raise SpecError("SpaceTime.region", "have no time of its own", type(self.region).__name__, repair)
        if "start" in self.region.tags:
            repair = "`start` is the tag of initial time; rename that part."
            raise SpecError("SpaceTime.region", "have no part named start", self.region.tags, repair)
        raise_violations(check_finite("SpaceTime: start and end", [self.start, self.end]))
        if self.start >= self.end:
            got = f"start {self.start}, end {self.end}"
            raise SpecError("SpaceTime.end", "lie after start", got, "Give initial time first.")

    @property
    def has_time(self) -> bool:
        """Whether the last coordinate is time: always."""
        return True

    @property
    def lower(self) -> FloatArray:
        """Lower corner of the bounding box, shape (n_dim,): the region's, and initial time."""
        return frozen_array(np.append(self.region.lower, self.start), np.float64)

    @property
    def upper(self) -> FloatArray:
        """Upper corner of the bounding box, shape (n_dim,): the region's, and final time."""
        return frozen_array(np.append(self.region.upper, self.end), np.float64)

    @property
    def tags(self) -> tuple[str, ...]:
        """Names of the parts of the boundary: those of the region, which are walls over all times, and `start`."""
        return (*self.region.tags, "start")

    def on(self, tag: str, points: FloatArray) -> BoolArray:
        """Return which of the points (n, n_dim) lie on the wall with the given tag, or at initial time, shape (n,).

        Raises:
            SpecError: If no part of the boundary has this tag.
        """
        check_tag(self, tag)
        if tag == "start":
            return self._at(self.start, points)
        on: BoolArray = self.region.on(tag, points[:, :-1]) & self._during(points)
        return on

    def normals(self, points: FloatArray) -> FloatArray:
        """Return the outward unit normals at boundary points (n, n_dim), same shape.

        Points on a wall at initial time, in corners of the region and off the boundary get NaN.
        """
        walls = self.region.normals(points[:, :-1])
        normals = np.column_stack([walls, np.zeros(len(points))])
        at_start = self._at(self.start, points)
        normals[np.isnan(walls).any(axis=1) | at_start | ~self._during(points)] = np.nan
        alone = at_start & self.region.contains(points[:, :-1])
        for tag in self.region.tags:
            alone &= ~self.region.on(tag, points[:, :-1])
        normals[alone] = np.append(np.zeros(points.shape[1] - 1), -1.0)
        return normals

    def _at(self, time: float, points: FloatArray) -> BoolArray:
        at: BoolArray = np.abs(points[:, -1] - time) <= ON_FACE * (self.end - self.start)
        return at

    def _during(self, points: FloatArray) -> BoolArray:
        after = (points[:, -1] >= self.start) & (points[:, -1] <= self.end)
        during: BoolArray = after | self._at(self.start, points) | self._at(self.end, points)
        return during

    def contains(self, points: FloatArray) -> BoolArray:
        """Return which of the points (n, n_dim) lie inside or on the boundary, shape (n,)."""
        inside: BoolArray = self.region.contains(points[:, :-1]) & self._during(points)
        return inside

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n points uniformly from the inside, shape (n, n_dim)."""
        return np.column_stack([self.region.sample(n, rng), rng.uniform(self.start, self.end, size=n)])

    def sample_boundary(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw points from the walls and, half as many, from initial time, n in all, shape (~n, n_dim).

        Space and time have no common unit of area; so the shares are a convention.
        """
        n_start = -(-n // 3) if self.region.tags else n
        walls = self.region.sample_boundary(n - n_start, rng)
        walls = np.column_stack([walls, rng.uniform(self.start, self.end, size=len(walls))])
        begin = np.column_stack([self.region.sample(n_start, rng), np.full(n_start, self.start)])
        return np.concatenate([walls, begin])

    def cloud(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...] = ()) -> Cloud:
        """Build the region's cloud at every time; points on walls and at initial time are boundary points.

        Args:
            n_per_axis: Cells along each axis of space and, last, of time, 2 or more.
            gradings: Places where the grid lines are denser; those of space are the region's.

        Raises:
            SpecError: If a number of cells or a grading does not fit.
        """
        time_axis = len(self.lower) - 1
        raise_violations(self._cloud_violations(n_per_axis))
        space = self.region.cloud(n_per_axis[:-1], tuple(g for g in gradings if g.axis != time_axis))
        n_times = n_per_axis[-1]
        times = np.linspace(self.start, self.end, n_times + 1)
        in_time = [grading for grading in gradings if grading.axis == time_axis]
        times = graded_nodes(times, in_time) if in_time else times
        layer, point = np.divmod(np.arange((n_times + 1) * space.n_points), space.n_points)
        closed = (layer == 0) | (point >= space.n_inside)
        order = np.argsort(closed, kind="stable")
        layer, point = layer[order], point[order]
        return replace(
            space,
            points=np.column_stack([space.points[point], times[layer]]),
            n_inside=int(np.count_nonzero(~closed)),
            cell_coordinates=np.column_stack([space.cell_coordinates[point], layer]),
            periods=np.append(space.periods, 0.0),
            cell_periods=np.append(space.cell_periods, 0.0),
        )

    def _cloud_violations(self, n_per_axis: tuple[int, ...]) -> Iterator[Violation]:
        n_dim = len(self.lower)
        if len(n_per_axis) != n_dim or n_per_axis[-1] < 2:
            rule = f"be {n_dim} numbers of cells, each 2 or more"
            yield Violation("SpaceTime.cloud.n_per_axis", rule, n_per_axis, "Give one for each axis, time last.")
