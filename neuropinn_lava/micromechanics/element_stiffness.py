"""The stiffness matrix of a meshed cell as an operator that is never assembled: element by element, in constant memory.

    grad u   = sum_k u_k dN_k/db_i grad b_i           b: barycentric coordinates; grad b is constant in a straight tetrahedron
    sigma    = lambda tr(grad u) 1 + mu (grad u + grad u^T)
    (K u)_k  = sum_e sum_q w_q |e| sigma(b_q) dN_k/db_i grad b_i

On straight quadratic tetrahedra the rule of four points is exact, so that this is the matrix of `assemble_stiffness`, to
rounding. A mesh of 100 000 nodes has 25 million entries in the matrix and less than one million numbers here.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator

from ..arrays import FloatArray
from .cells import UnitCell
from .fitted_mesh import EDGES, FittedMesh

INNER = (5 + 3 * 5**0.5) / 20
"""The large barycentric coordinate of the four points of degree 2; the other three are (1 - INNER) / 3.
Source: Stroud, Approximate Calculation of Multiple Integrals (1971), T3: 2-1."""
BLOCK = 4096
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
        """Take geometry and moduli of every tetrahedron."""
        super().__init__(np.dtype(np.float64), (3 * mesh.n_nodes, 3 * mesh.n_nodes))
        corners = mesh.nodes[mesh.cells[:, :4]]
        edges = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)
        inverse = np.linalg.inv(edges)
        self.cells = mesh.cells.astype(np.int32)
        self.gradients = np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1)
        weight = np.abs(np.linalg.det(edges)) / 24  # |e| / 4
        self.lame = weight * np.where(mesh.inside, cell.inclusion.lame, cell.matrix.lame)
        self.shear = weight * np.where(mesh.inside, cell.inclusion.shear, cell.matrix.shear)
        self._slopes = shape_slopes().reshape(16, 10)

    def _matvec(self, vector: FloatArray) -> FloatArray:
        """Give K u."""
        u = vector.reshape(3, -1)
        force = np.zeros_like(u, dtype=np.float64)
        for start in range(0, len(self.cells), BLOCK):
            block = slice(start, start + BLOCK)
            nodes = self.cells[block]
            by_element = self._forces(np.swapaxes(u[:, nodes], 0, 1), block)
            for component in range(3):
                force[component] += np.bincount(nodes.ravel(), by_element[:, component].ravel(), u.shape[1])
        return force.ravel()

    def _forces(self, u: FloatArray, block: slice) -> FloatArray:
        """Give the nodal forces of a block's elements for their displacements, both (n_elements, 3, 10)."""
        n, gradients = len(u), self.gradients[block]
        by_coordinate = (u.reshape(-1, 10) @ self._slopes.T).reshape(n, 12, 4)  # (component, point), coordinate
        grad = (by_coordinate @ gradients).reshape(n, 3, 4, 3)
        trace = np.einsum("ncqc->nq", grad)
        sigma = self.shear[block, None, None, None] * (grad + grad.transpose(0, 3, 2, 1))
        for component in range(3):
            sigma[:, component, :, component] += self.lame[block, None] * trace
        back = sigma.reshape(n, 12, 3) @ np.swapaxes(gradients, 1, 2)
        forces: FloatArray = (back.reshape(-1, 16) @ self._slopes).reshape(n, 3, 10)
        return forces

    def _transpose(self) -> ElementStiffness:
        return self

    _adjoint = _transpose
