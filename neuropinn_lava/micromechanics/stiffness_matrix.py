"""The stiffness matrix of a meshed cell, by scikit-fem: the only place that asks for it.

    A(u, v) = int lambda div u div v + 2 mu epsilon(u) : epsilon(v)
    K_ij    = L_ij + M_ji + delta_ij sum_k M_kk        L_ij = int lambda d_i v d_j u,   M_ij = int mu d_i v d_j u

L and M are matrices of a scalar element, so that no form on vectors with 30 x 30 entries has to be integrated. Displacements
are component after component: (u_x at all nodes, u_y, u_z). On straight quadratic tetrahedra gradients are linear, and the
rule of order 2 is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import bmat, csr_matrix
from scipy.spatial import cKDTree

from ..base.arrays import FloatArray
from .cells import UnitCell
from .fitted_mesh import FittedMesh

MATCH = 1e-9
"""How near scikit-fem's node must lie to ours to be it, in edges of the cube: rounding is 1e-16, the smallest edge 1e-3."""


def assemble_stiffness(cell: UnitCell, mesh: FittedMesh) -> csr_matrix:
    """Assemble K, shape (3 n_nodes, 3 n_nodes), so that the energy of u is u K u / 2."""
    import skfem

    # order="C": scikit-fem warns of copies otherwise
    elements = skfem.MeshTet(
        np.ascontiguousarray(mesh.nodes[: mesh.n_vertices].T), np.ascontiguousarray(mesh.cells[:, :4].T)
    )
    basis = skfem.Basis(elements, skfem.ElementTetP2(), intorder=2)
    order = _our_nodes(basis.doflocs.T, mesh.nodes)
    lame = np.where(mesh.inside, cell.inclusion.lame, cell.matrix.lame)
    shear = np.where(mesh.inside, cell.inclusion.shear, cell.matrix.shear)
    L, M = (_gradient_products(basis, modulus, order) for modulus in (lame, shear))
    trace = M[0][0] + M[1][1] + M[2][2]
    blocks = [[L[i][j] + M[j][i] + (trace if i == j else 0) for j in range(3)] for i in range(3)]
    return csr_matrix(bmat(blocks))


def _our_nodes(theirs: FloatArray, ours: FloatArray) -> Any:
    """Find where in scikit-fem's numbering each of our nodes is."""
    distance, order = cKDTree(theirs).query(ours)
    assert distance.max() < MATCH
    return order


def _gradient_products(basis: Any, modulus: FloatArray, order: Any) -> list[list[csr_matrix]]:
    """Give int c d_i v d_j u for all i, j, in our numbering; the matrix of (j, i) is the transpose of that of (i, j)."""
    import skfem

    weight = np.repeat(modulus[:, None], basis.X.shape[1], axis=1)
    products: list[list[Any]] = [[None] * 3 for _ in range(3)]
    for i in range(3):
        for j in range(i, 3):

            def integrand(u: Any, v: Any, w: Any, i: int = i, j: int = j) -> Any:
                return w.modulus * u.grad[j] * v.grad[i]

            matrix = skfem.BilinearForm(integrand).assemble(basis, modulus=weight).tocsr()[order][:, order]
            products[i][j], products[j][i] = matrix, matrix.T.tocsr()
    return products
