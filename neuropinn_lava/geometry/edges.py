"""Straight edges of plane regions: which one is nearest to a point, and where their normals point.

Edges are arrays (n, 2, 2): start and end, each with two coordinates. The inside lies to the left of an edge.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ..base.arrays import BoolArray, FloatArray, IntArray

STRAIGHT = 1e-9
"""Sine of the turn between two edges below which they count as one straight line: far above the rounding of coordinates."""


def ring_edges(ring: FloatArray) -> FloatArray:
    """Return the edges of a closed path (n, 2) in the order of its vertices, shape (n, 2, 2)."""
    return np.stack([ring, np.roll(ring, -1, axis=0)], axis=1)


def nearest_edges(points: FloatArray, edges: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return for points (n, 2) the index of the nearest edge and its distance, shape (n,) each."""
    import shapely

    tree = shapely.STRtree(shapely.linestrings(edges))
    (_, index), distance = tree.query_nearest(shapely.points(points), return_distance=True, all_matches=False)
    return index, distance


def outward_directions(edges: FloatArray) -> FloatArray:
    """Return the unit vectors to the right of the edges (n, 2, 2), shape (n, 2)."""
    dx, dy = (edges[:, 1] - edges[:, 0]).T
    directions: FloatArray = np.stack([dy, -dx], axis=1) / np.hypot(dx, dy)[:, None]
    return directions


def turning_vertices(ring: FloatArray) -> BoolArray:
    """Return at which vertices of a closed path (n, 2) its direction changes, shape (n,)."""
    outward = outward_directions(ring_edges(ring))
    before = np.roll(outward, 1, axis=0)
    sine = before[:, 0] * outward[:, 1] - before[:, 1] * outward[:, 0]
    turning: BoolArray = (np.abs(sine) > STRAIGHT) | ((before * outward).sum(axis=1) < 0)
    return turning


def near_any(points: FloatArray, places: FloatArray, nearness: float) -> BoolArray:
    """Return which of the points (n, 2) are as near as `nearness` to one of the places (k, 2), shape (n,)."""
    if not len(places):
        return np.zeros(len(points), dtype=np.bool_)
    near: BoolArray = cKDTree(places).query(points)[0] <= nearness
    return near
