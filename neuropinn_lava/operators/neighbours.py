"""Who the neighbours of a point of a cloud are: by k-d tree, in cell coordinates, ties kept, periods respected.

On a regular grid several points are equally far away; which of them a tree names is an accident of rounding. So all
points as far away as the last wanted one are neighbours too: stencils of a symmetric cloud are symmetric. Neighbourhoods
of different sizes are padded. This module knows clouds; it does not know derivatives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import factorial

import numpy as np
from scipy.spatial import cKDTree

from ..base.arrays import ArrayRecord, BoolArray, FloatArray, IntArray, freeze_arrays
from ..base.checks import raise_violations
from ..base.errors import Violation
from ..geometry.domain import Cloud

TIE = 1e-6
"""Relative difference of distance below which two neighbours count as equally far: cell coordinates of a grid carry
rounding of 1e-16, and no stencil depends on a difference as small as this."""
DUPLICATE = 1e-9
"""Distance in cells below which two points are one: a fit through both would divide by it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbourhoods(ArrayRecord):
    """The neighbours of n centres, in rows of k places of which some may be empty. The centre is not its own neighbour."""

    index: IntArray
    """Which points of the cloud, shape (n, k); the centre itself in an empty place."""
    present: BoolArray
    """Which places hold a neighbour, shape (n, k)."""
    offsets: FloatArray
    """x_i - x in units of the points, shape (n, k, n_dim), the shortest way round a periodic axis; 0 in an empty place."""
    distances: FloatArray
    """Distances in cells, shape (n, k)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, index=np.int64, present=np.bool_, offsets=np.float64, distances=np.float64)


def find_neighbours(cloud: Cloud, n_centres: int, n_neighbours: int | IntArray) -> Neighbourhoods:
    """Find the nearest neighbours of the first points of a cloud, and all that tie with the last of them.

    Args:
        cloud: The points.
        n_centres: How many of its first points are centres.
        n_neighbours: How many neighbours each centre gets at least, the centre not counted: one number, or shape (n_centres,).

    Raises:
        SpecError: If two points are one, or the cloud has too few.
    """
    wanted = np.broadcast_to(np.asarray(n_neighbours), (n_centres,))
    most = int(wanted.max())
    raise_violations(_size_violations(cloud, most))
    places = min(cloud.n_points, 1 + most + _tie_room(cloud.n_dim))
    distances, index = points_tree(cloud, cloud.n_points).query(wrapped_cells(cloud), k=places)
    raise_violations(_duplicates(cloud, distances, index))
    distances, index = _without_centre(distances[:n_centres], index[:n_centres])
    present = distances <= np.take_along_axis(distances, wanted[:, None] - 1, axis=1) * (1 + TIE)
    index = np.where(present, index, np.arange(n_centres)[:, None])
    offsets = cloud.points[index] - cloud.points[:n_centres, None, :]
    return Neighbourhoods(index=index, present=present, offsets=_shortest(cloud, offsets), distances=distances)


def _tie_room(n_dim: int) -> int:
    """Bound how many grid points may tie: the images of one point under all reflections and exchanges of axes."""
    return int(2**n_dim * factorial(n_dim))


def wrapped_cells(cloud: Cloud) -> FloatArray:
    """Give the cell coordinates of a cloud, those of periodic axes within one period, shape (n_points, n_dim)."""
    periodic = cloud.cell_periods > 0
    cells = cloud.cell_coordinates.copy()
    cells[:, periodic] %= cloud.cell_periods[periodic]
    return cells


def points_tree(cloud: Cloud, n: int) -> cKDTree:
    """Make the tree of the first n points of a cloud, in cell coordinates; asked at `wrapped_cells`."""
    periods = cloud.cell_periods if (cloud.cell_periods > 0).any() else None
    return cKDTree(wrapped_cells(cloud)[:n], boxsize=periods)


def _shortest(cloud: Cloud, offsets: FloatArray) -> FloatArray:
    """Shorten offsets along periodic axes to the nearest image."""
    periods = np.where(cloud.periods > 0, cloud.periods, np.inf)
    shortened: FloatArray = offsets - np.where(cloud.periods > 0, cloud.periods, 0.0) * np.rint(offsets / periods)
    return shortened


def _without_centre(distances: FloatArray, index: IntArray) -> tuple[FloatArray, IntArray]:
    """Drop the first place, which the centre itself holds at distance zero."""
    return distances[:, 1:], index[:, 1:]


def _size_violations(cloud: Cloud, n_neighbours: int) -> Iterator[Violation]:
    if cloud.n_points <= n_neighbours:
        got = f"a cloud of {cloud.n_points} points, so point 0 has only {cloud.n_points - 1} neighbours"
        rule = f"every point has {n_neighbours} neighbours"
        yield Violation("find_neighbours", rule, got, "Lay a finer cloud, or ask for fewer neighbours.")


def _duplicates(cloud: Cloud, distances: FloatArray, index: IntArray) -> Iterator[Violation]:
    rows = np.flatnonzero(distances[:, 1] < DUPLICATE)
    if rows.size:
        first, other = sorted((int(rows[0]), next(int(i) for i in index[rows[0], :2] if i != rows[0])))
        got = f"points {first} and {other} both at {cloud.points[first]}; {rows.size} such points in all"
        yield Violation("Cloud.points", "no two points are one", got, "Remove duplicate points.")
