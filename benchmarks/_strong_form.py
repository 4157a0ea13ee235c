"""The strong form of equilibrium by stochastic projection, as a quadratic form: the alternative to the potential energy.

    sigma_ij = lambda delta_ij d_k u_k + mu (d_i u_j + d_j u_i)       d within each phase: strains jump at interfaces
    sigma n  = 0 on free faces                                        set, not penalized
    r_i      = D_j sigma_ij                                           D across interfaces too: tractions do not jump
    E(u)     = sum r . r / (2 n_points)                               over all points whose displacement is not held

Only first derivatives are taken, of displacements and then of stresses; none of second order crosses an interface. All of it is
one constant matrix R, and E = u (R^T R) u / (2 n_points). docs/results/micromechanics.md compares it with the potential energy.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import bmat, csr_matrix, diags

from neuropinn_lava.base.arrays import BoolArray, FloatArray
from neuropinn_lava.geometry.domain import Cloud
from neuropinn_lava.micromechanics.cell_domain import separate_phases
from neuropinn_lava.micromechanics.cells import UnitCell
from neuropinn_lava.micromechanics.loads import FaceLoad
from neuropinn_lava.micromechanics.stresses import AXES, N_NEIGHBOURS
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.operators.potential_energy import QuadraticEnergy
from neuropinn_lava.operators.projection import build_operators


def strong_form(cell: UnitCell, load: FaceLoad, n: int, kind: OperatorKind = OperatorKind.QUADRATIC) -> QuadraticEnergy:
    """Make the sum of squared residuals of equilibrium on a grid, in units of that of the lift.

    Args:
        cell: The cell.
        load: Says where displacements are held; the other faces are free.
        n: Cells of the grid along each edge.
        kind: How derivatives are taken.

    Raises:
        SpecError: If a phase has too few points for its neighbourhoods.
    """
    points = np.stack(np.meshgrid(*[np.linspace(0, 1, n + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    cloud = Cloud.scattered(points, len(points), spacing=1 / n)
    within, across = (_gradient(held, kind) for held in (separate_phases(cell, cloud), cloud))
    stress = _stress_matrices(cell, points, within)
    free = diags((np.abs(load.ansatz(cell).evaluate(points)[1][:, 0]) > 0).astype(np.float64))
    rows = [[sum(free @ across[j] @ stress[i][j][k] for j in range(3)) for k in range(3)] for i in range(3)]
    R = csr_matrix(bmat(rows))
    matrix = csr_matrix(R.T @ R) / len(points)
    lift = load.ansatz(cell).evaluate(points)[0].T.ravel()
    return QuadraticEnergy(points=points, matrix=matrix, unit=float(lift @ (matrix @ lift)) / 2)


def _gradient(cloud: Cloud, kind: OperatorKind) -> tuple[csr_matrix, ...]:
    return build_operators(cloud, AXES, AXES, kind, N_NEIGHBOURS).matrices


def _stress_matrices(cell: UnitCell, points: FloatArray, d: tuple[csr_matrix, ...]) -> list[list[list[csr_matrix]]]:
    """Give the matrices S of sigma_ij = sum_k S[i][j][k] u_k, with tractions on free faces set to zero."""
    inside = cell.contains(points)
    lame = diags(np.where(inside, cell.inclusion.lame, cell.matrix.lame))
    shear = diags(np.where(inside, cell.inclusion.shear, cell.matrix.shear))
    matrices = []
    for i in range(3):
        row = []
        for j in range(3):
            loaded = diags((~_is_free(points, i, j)).astype(np.float64))
            terms = [(i == j) * (lame @ d[k]) + shear @ ((k == j) * d[i] + (k == i) * d[j]) for k in range(3)]
            row.append([csr_matrix(loaded @ term) for term in terms])
        matrices.append(row)
    return matrices


def _is_free(points: FloatArray, i: int, j: int) -> BoolArray:
    """Tell where sigma_ij belongs to the traction on a free face: across x or y, whichever of them i or j is."""
    on_face = (points == 0) | (points == 1)
    free: BoolArray = (on_face[:, i] & (i < 2)) | (on_face[:, j] & (j < 2))
    return free
