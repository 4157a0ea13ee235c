"""Clouds and samples of plane regions, whatever describes their boundary: a grid inside, points on the rim, none between.

A grid point nearer to the boundary than `RIM` cells is left out: its neighbours on the rim would be too close for a fit.
Regions between paths are in `ring_domain.py`, curves in `curved_domain.py`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

import numpy as np

from ..base.arrays import BoolArray, FloatArray, frozen_array
from ..base.errors import SpecError
from .domain import Cloud
from .grading import Grading

RIM = 0.4
"""Least distance of an inside point from the boundary, in cells: at half a cell too few points are left along slanted
edges, at a quarter the condition of quartic fits grows tenfold."""
MAX_DRAWS = 1000
"""Largest number of rounds of rejection sampling, after which a region counts as having no inside."""


class PlaneDomain:
    """Base of plane regions: membership and samples, from what their boundary's description decides."""

    __slots__ = ()

    @property
    def has_time(self) -> bool:
        """Whether the last coordinate is time: never, both are of space."""
        return False

    @property
    def lower(self) -> FloatArray:
        """Lower corner of the bounding box, shape (2,)."""
        return frozen_array(self._outline().min(axis=0), np.float64)

    @property
    def upper(self) -> FloatArray:
        """Upper corner of the bounding box, shape (2,)."""
        return frozen_array(self._outline().max(axis=0), np.float64)

    def contains(self, points: FloatArray) -> BoolArray:
        """Return which of the points (n, 2) lie inside or on the boundary, shape (n,)."""
        inside = self._strictly_contains(points)
        outside = np.flatnonzero(~inside)  # distances to the boundary are what costs
        inside[outside] = self.on_boundary(points[outside])
        return inside

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n points uniformly from the inside, shape (n, 2)."""
        return sample_inside(n, self.lower, self.upper, self._strictly_contains, rng)

    @abstractmethod
    def on_boundary(self, points: FloatArray) -> BoolArray:
        """Return which of the points (n, 2) lie on the boundary, shape (n,)."""

    @abstractmethod
    def _strictly_contains(self, points: FloatArray) -> BoolArray:
        """Return which of the points (n, 2) lie inside, shape (n,)."""

    @abstractmethod
    def _outline(self) -> FloatArray:
        """Return points (n, 2) of the outer boundary that include its extremes."""


def ring_tags(n_rings: int) -> tuple[str, ...]:
    """Return the tags of the closed curves of a boundary: `outline`, `hole_1`, `hole_2`, …"""
    return ("outline", *(f"hole_{k}" for k in range(1, n_rings)))


def build_planar_cloud(
    lower: FloatArray,
    upper: FloatArray,
    n_per_axis: tuple[int, ...],
    gradings: tuple[Grading, ...],
    keep: Callable[[FloatArray, FloatArray], BoolArray],
    rim: Callable[[FloatArray], FloatArray],
) -> Cloud:
    """Build a grid over the bounding box, select its points well inside, and add points on the boundary.

    Args:
        lower: Lower corner of the bounding box, shape (2,).
        upper: Upper corner, shape (2,).
        n_per_axis: Cells along each axis, 2 or more.
        gradings: Must be empty: grid lines of irregular regions are equally far apart.
        keep: Returns which grid points (n, 2) lie inside and `RIM` cells or more from the boundary, given the cell (2,).
        rim: Returns the boundary points (n, 2) for a cell (2,), about one cell apart.

    Raises:
        SpecError: If the cells do not fit or no grid point is left inside.
    """
    if len(n_per_axis) != 2 or min(n_per_axis) < 2:
        raise SpecError(
            "cloud.n_per_axis", "be 2 numbers of cells, each 2 or more", n_per_axis, "Give one for each axis."
        )
    if gradings:
        raise SpecError("cloud.gradings", "be left out on an irregular region", gradings, "Refine by n_per_axis.")
    cell = (upper - lower) / np.array(n_per_axis)
    lines = [low + step * np.arange(n + 1) for low, step, n in zip(lower, cell, n_per_axis, strict=True)]
    grid = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 2)
    inside = grid[keep(grid, cell)]
    if not len(inside):
        repair = "Give a finer grid, or a region with an inside."
        raise SpecError("cloud.n_per_axis", "put a grid point inside the region", n_per_axis, repair)
    return Cloud.scattered(np.concatenate([inside, rim(cell)]), len(inside), spacing=cell)


def arc_lengths(vertices: FloatArray) -> FloatArray:
    """Return the arc length at each vertex of a closed path (n, 2) and at its end, shape (n + 1,)."""
    steps = np.linalg.norm(np.roll(vertices, -1, axis=0) - vertices, axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def sample_inside(
    n: int, lower: FloatArray, upper: FloatArray, contains: Callable[[FloatArray], BoolArray], rng: np.random.Generator
) -> FloatArray:
    """Draw n points uniformly from a region by rejection from its bounding box, shape (n, 2).

    Raises:
        SpecError: If hardly any point of the box lies in the region.
    """
    found: Sequence[FloatArray] = ()
    for _ in range(MAX_DRAWS):
        drawn = rng.uniform(lower, upper, size=(max(n, 64), 2))
        found = (*found, drawn[contains(drawn)])
        if sum(len(points) for points in found) >= n:
            return np.concatenate(found)[:n]
    raise SpecError(
        "sample_inside", "be called on a region with an inside", f"box {lower} to {upper}", "Check its outline."
    )
