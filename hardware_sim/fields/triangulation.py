"""Triangles between scattered points, so that a field known at them can be drawn, on irregular domains too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...base.arrays import BoolArray, FloatArray, IntArray
from ...base.checks import check_shape, raise_violations

MIN_POINTS = 4
"""Fewer points are not connected."""
LONGEST_EDGE = 6.0
"""Without a domain, triangles with an edge longer than this many median edges are taken for notches or holes."""


def triangulate_points(points: FloatArray, contains: Callable[[FloatArray], BoolArray] | None = None) -> IntArray:
    """Connect points of the plane by triangles that do not cross the domain's notches and holes.

    Delaunay triangles in coordinates scaled to the unit square; one is dropped if its centroid or the middle of an edge lies
    outside the domain.

    Args:
        points: Shape (n, 2).
        contains: Tells which points (k, 2) lie in the domain, as `Domain.contains`; None judges by the length of edges.

    Returns:
        Corners, shape (n_triangles, 3); none if there are fewer than four points, or all lie on one line.

    Raises:
        SpecError: If the points are not in the plane.
    """
    from scipy.spatial import Delaunay

    raise_violations(check_shape("triangulate_points.points", points, (None, 2), "(n, 2)"))
    if len(points) < MIN_POINTS or np.linalg.matrix_rank(points - points.mean(axis=0)) < 2:
        return np.zeros((0, 3), dtype=np.int64)
    span = np.ptp(points, axis=0)
    scaled = (points - points.min(axis=0)) / np.where(span > 0, span, 1.0)
    corners: IntArray = Delaunay(scaled).simplices.astype(np.int64)
    kept = _inside(points[corners], contains) if contains else _compact(scaled[corners])
    return corners[kept]


def _inside(corners: FloatArray, contains: Callable[[FloatArray], BoolArray]) -> BoolArray:
    """Return which triangles (n, 3, 2) have their centroid and the middles of their edges in the domain, shape (n,)."""
    middles = (corners + np.roll(corners, 1, axis=1)) / 2
    probes = np.concatenate([corners.mean(axis=1, keepdims=True), middles], axis=1)
    inside: BoolArray = contains(probes.reshape(-1, 2)).reshape(len(corners), 4).all(axis=1)
    return inside


def _compact(corners: FloatArray) -> BoolArray:
    """Return which triangles (n, 3, 2) have no edge much longer than the usual, shape (n,)."""
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    compact: BoolArray = edges.max(axis=1) <= LONGEST_EDGE * np.median(edges)
    return compact
