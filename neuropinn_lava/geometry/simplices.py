"""Simplices, that is edges, triangles and tetrahedra, as arrays (n, n_corners, n_dim): sizes, samples, and points in them."""

from __future__ import annotations

from math import factorial

import numpy as np
from scipy.spatial import cKDTree

from ..base.arrays import FloatArray, IntArray

ON_SIDE = 1e-9
"""Barycentric coordinate below zero down to which a point counts as inside: far above rounding, far below any spacing."""


def simplex_volumes(simplices: FloatArray) -> FloatArray:
    """Return the lengths, areas or volumes of simplices (n, n_corners, n_dim), shape (n,)."""
    legs = simplices[:, 1:] - simplices[:, :1]
    gram = legs @ np.swapaxes(legs, 1, 2)
    volumes: FloatArray = np.sqrt(np.linalg.det(gram).clip(0.0)) / factorial(legs.shape[1])
    return volumes


def sample_simplices(n: int, simplices: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw n points uniformly from all simplices together, shape (n, n_dim)."""
    volumes = simplex_volumes(simplices)
    chosen = rng.choice(len(volumes), size=n, p=volumes / volumes.sum())
    shares = rng.dirichlet(np.ones(simplices.shape[1]), size=n)
    points: FloatArray = np.einsum("nk,nkd->nd", shares, simplices[chosen])
    return points


def points_in_simplices(points: FloatArray, simplices: FloatArray, nearness: float) -> tuple[IntArray, IntArray]:
    """Find all pairs of a simplex and a point in it or on its sides.

    Args:
        points: Shape (n, n_dim).
        simplices: Shape (m, n_corners, n_dim).
        nearness: Distance within which a point lies on a simplex of fewer dimensions than the points.

    Returns:
        Index of the simplex and of the point for each pair, shape (n_pairs,) each.
    """
    centres = simplices.mean(axis=1)
    reach = np.linalg.norm(simplices - centres[:, None], axis=2).max(axis=1) + nearness
    found = cKDTree(points).query_ball_point(centres, reach) if len(points) else [[]] * len(simplices)
    which = np.repeat(np.arange(len(simplices)), [len(near) for near in found])
    point = np.concatenate([np.asarray(near, dtype=np.int64) for near in found])
    legs = simplices[:, 1:] - simplices[:, :1]
    offsets = points[point] - simplices[which, 0]
    shares = np.einsum("nd,ndk->nk", offsets, np.linalg.pinv(legs)[which])
    beside = np.linalg.norm(offsets - np.einsum("nk,nkd->nd", shares, legs[which]), axis=1)
    inside = (shares >= -ON_SIDE).all(axis=1) & (shares.sum(axis=1) <= 1 + ON_SIDE) & (beside <= nearness)
    return which[inside], point[inside]


def boundary_facets(cells: IntArray) -> tuple[IntArray, IntArray]:
    """Find the facets that belong to one cell (n_cells, n_corners) only.

    Returns:
        Their vertices in rising order, shape (n_facets, n_corners - 1), and for each the vertex of its cell that it lacks,
        shape (n_facets,).
    """
    n_corners = cells.shape[1]
    facets = np.concatenate([np.sort(np.delete(cells, k, axis=1), axis=1) for k in range(n_corners)])
    missing = np.concatenate([cells[:, k] for k in range(n_corners)])
    unique, first, n_cells = np.unique(facets, axis=0, return_index=True, return_counts=True)
    return unique[n_cells == 1], missing[first[n_cells == 1]]
