"""Fields on quadratic tetrahedra: values and gradients at any points of the cube.

    u(x) = sum_k N_k(b(x)) u_k      N = b_i (2 b_i - 1) at vertices, 4 b_i b_j at midpoints;  b: barycentric coordinates

A point's tetrahedron is the one, among those whose centres are nearest, in which its smallest barycentric coordinate is
largest: no point is lost on a face by rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from ..base.arrays import FloatArray, IntArray, frozen_array
from ..base.checks import check_shape, raise_violations
from .fitted_mesh import EDGES, FittedMesh

N_CANDIDATES = (12, 96)
"""How many nearest centres are tried, first for all points, then for those that were in none of them."""
OUTSIDE = -1e-9
"""Smallest barycentric coordinate of a point that counts as inside: rounding of coordinates is 1e-15."""
BLOCK = 8192
"""Points looked up at a time; bounds the memory, nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Places:
    """Where points lie in a mesh."""

    cells: IntArray
    """Tetrahedra, shape (n,)."""
    barycentric: FloatArray
    """b, shape (n, 4)."""


class TetField:
    """A continuous, piecewise quadratic field from its nodal values; the mesh's search tree is made once."""

    def __init__(self, mesh: FittedMesh, values: FloatArray) -> None:
        """Take values (n_nodes, n_out) at the nodes of a mesh.

        Raises:
            SpecError: If there is not one row of values for each node.
        """
        raise_violations(check_shape("TetField.values", values, (mesh.n_nodes, None), "(n_nodes, n_out)"))
        self.mesh = mesh
        self.values = frozen_array(values, np.float64)
        corners = mesh.nodes[mesh.cells[:, :4]]
        self._origin = corners[:, 0]
        self._inverse = np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))
        self._tree = cKDTree(corners.mean(axis=1))

    def evaluate(self, points: FloatArray) -> FloatArray:
        """Give the field at points (n, 3) of the cube, shape (n, n_out)."""
        return self._by_blocks(points, self._values)

    def gradient(self, points: FloatArray) -> FloatArray:
        """Give d u_k / d x_j at points (n, 3), shape (n, n_out, 3); on faces of tetrahedra it is that of one side."""
        return self._by_blocks(points, self._gradients)

    def _by_blocks(self, points: FloatArray, function: Any) -> FloatArray:
        starts = range(0, max(len(points), 1), BLOCK)
        return np.concatenate([function(self._located(points[start : start + BLOCK])) for start in starts])

    def _values(self, places: _Places) -> FloatArray:
        b = places.barycentric
        shape = np.concatenate([b * (2 * b - 1), 4 * b[:, EDGES[:, 0]] * b[:, EDGES[:, 1]]], axis=1)
        values: FloatArray = np.einsum("nk,nko->no", shape, self.values[self.mesh.cells[places.cells]])
        return values

    def _gradients(self, places: _Places) -> FloatArray:
        b, (i, j) = places.barycentric, EDGES.T
        inverse = self._inverse[places.cells]
        slopes = np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1)  # d b / d x, (n, 4, 3)
        vertices = (4 * b - 1)[..., None] * slopes
        midpoints = 4 * (b[:, i, None] * slopes[:, j] + b[:, j, None] * slopes[:, i])
        shape = np.concatenate([vertices, midpoints], axis=1)
        gradients: FloatArray = np.einsum("nkj,nko->noj", shape, self.values[self.mesh.cells[places.cells]])
        return gradients

    def _located(self, points: FloatArray) -> _Places:
        places = self._best_of(points, N_CANDIDATES[0])
        lost = np.flatnonzero(places.barycentric.min(axis=1) < OUTSIDE)
        if not lost.size:
            return places
        again = self._best_of(points[lost], N_CANDIDATES[1])
        cells, barycentric = places.cells.copy(), places.barycentric.copy()
        cells[lost], barycentric[lost] = again.cells, again.barycentric
        return _Places(cells=cells, barycentric=barycentric)

    def _best_of(self, points: FloatArray, n_candidates: int) -> _Places:
        _, candidates = self._tree.query(points, k=min(n_candidates, len(self.mesh.cells)))
        rest = np.einsum("nkij,nkj->nki", self._inverse[candidates], points[:, None] - self._origin[candidates])
        barycentric = np.concatenate([1 - rest.sum(axis=2, keepdims=True), rest], axis=2)
        best = barycentric.min(axis=2).argmax(axis=1)
        rows = np.arange(len(points))
        return _Places(cells=candidates[rows, best], barycentric=barycentric[rows, best])
