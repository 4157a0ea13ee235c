"""The stiffness matrix of a meshed cell as an operator that is never assembled: element by element, in constant memory.

    grad u   = sum_k u_k dN_k/db_i grad b_i           b: barycentric coordinates; grad b is constant in a straight tetrahedron
    sigma    = lambda tr(grad u) 1 + mu (grad u + grad u^T)
    (K u)_k  = sum_e sum_q w_q |e| sigma(b_q) dN_k/db_i grad b_i

On straight quadratic tetrahedra the rule of four points is exact, so that this is the matrix of `assemble_stiffness`, to
rounding. A mesh of 100 000 nodes has 25 million entries in the matrix; here nothing is kept but the mesh, and the geometry of
its elements is computed again in every product, which takes a twentieth of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import LinearOperator

from ..base.arrays import FloatArray
from .cells import UnitCell
from .fitted_mesh import EDGES, FittedMesh

INNER = (5 + 3 * 5**0.5) / 20
"""The large barycentric coordinate of the four points of degree 2; the other three are (1 - INNER) / 3.
Source: Stroud, Approximate Calculation of Multiple Integrals (1971), T3: 2-1."""
BLOCK = 1024
"""Elements at a time; bounds the memory, nothing else."""


def shape_slopes() -> FloatArray:
    """Give dN_k/db_i of the ten shape functions at the four points, shape (4, 4, 10): points, coordinates, functions."""
    b = np.full((4, 4), (1 - INNER) / 3) + np.eye(4) * (INNER - (1 - INNER) / 3)
    slopes = np.zeros((4, 4, 10))
    for i in range(4):
        slopes[:, i, i] = 4 * b[:, i] - 1
    for k, (i, j) in enumerate(EDGES.tolist()):
        slopes[:, i, 4 + k], slopes[:, j, 4 + k] = 4 * b[:, j], 4 * b[:, i]
    return slopes


class ElementStiffness(LinearOperator):  # type: ignore[misc]  # scipy has no types
    """K of a cell, symmetric, shape (3 n_nodes, 3 n_nodes), component after component; it multiplies vectors."""

    def __init__(self, cell: UnitCell, mesh: FittedMesh) -> None:
        """Take a cell and its mesh; nothing is copied or computed yet."""
        super().__init__(np.dtype(np.float64), (3 * mesh.n_nodes, 3 * mesh.n_nodes))
        self.cell, self.mesh = cell, mesh
        self._slopes = shape_slopes().reshape(16, 10)

    def _matvec(self, vector: FloatArray) -> FloatArray:
        """Give K u."""
        u = np.ascontiguousarray(vector.reshape(3, -1).T)  # rows are gathered faster than single numbers
        force = np.zeros((3, len(u)))
        for start in range(0, len(self.mesh.cells), BLOCK):
            block = slice(start, start + BLOCK)
            nodes = self.mesh.cells[block]
            by_element = self._forces(np.ascontiguousarray(np.swapaxes(u[nodes], 1, 2)), block)
            for component in range(3):
                np.add.at(force[component], nodes.ravel(), by_element[:, component].ravel())
        return force.ravel()

    def _forces(self, u: FloatArray, block: slice) -> FloatArray:
        """Give the nodal forces of a block's elements for their displacements, both (n_elements, 3, 10)."""
        n, (gradients, volume) = len(u), barycentric_gradients(self.mesh.nodes[self.mesh.cells[block, :4]])
        inside, cell = self.mesh.inside[block], self.cell
        lame = volume / 4 * np.where(inside, cell.inclusion.lame, cell.matrix.lame)
        shear = volume / 4 * np.where(inside, cell.inclusion.shear, cell.matrix.shear)
        by_coordinate = (u.reshape(-1, 10) @ self._slopes.T).reshape(n, 12, 4)  # (component, point), coordinate
        grad = (by_coordinate @ gradients).reshape(n, 3, 4, 3)
        trace = np.einsum("ncqc->nq", grad)
        sigma = shear[:, None, None, None] * (grad + grad.transpose(0, 3, 2, 1))
        for component in range(3):
            sigma[:, component, :, component] += lame[:, None] * trace
        back = sigma.reshape(n, 12, 3) @ np.swapaxes(gradients, 1, 2)
        forces: FloatArray = (back.reshape(-1, 16) @ self._slopes).reshape(n, 3, 10)
        return forces

    def _transpose(self) -> ElementStiffness:
        return self

    _adjoint = _transpose


class TetGeometry(NamedTuple):
    """What integrals over straight tetrahedra need."""

    gradients: FloatArray
    """grad b_i, shape (n_tets, 4, 3)."""
    volume: FloatArray
    """|e|, shape (n_tets,)."""


def barycentric_gradients(corners: FloatArray) -> TetGeometry:
    """Give grad b_i and |e| of tetrahedra from their vertices (n_tets, 4, 3).

    grad b_1 = (e_2 x e_3) / (e_1 . e_2 x e_3), and so on in turn      e_i = x_i - x_0;   grad b_0 = -sum of the others
    """
    edges = np.ascontiguousarray(np.moveaxis(corners[:, 1:] - corners[:, :1], 0, 2))  # edge, axis, tetrahedron
    second, third = edges[[1, 2, 0]], edges[[2, 0, 1]]
    normals = second[:, [1, 2, 0]] * third[:, [2, 0, 1]] - second[:, [2, 0, 1]] * third[:, [1, 2, 0]]
    six_volumes = (edges[0] * normals[0]).sum(axis=0)
    gradients = np.empty(corners.shape)
    gradients[:, 1:] = np.moveaxis(normals / six_volumes, 2, 0)
    gradients[:, 0] = -gradients[:, 1:].sum(axis=1)
    return TetGeometry(gradients=gradients, volume=np.abs(six_volumes) / 6)
