"""Finite-element solutions of a unit cell: equilibrium under a load, and periodic fluctuations under mean strains.

K u = 0 where u is free,   u = g where the ansatz of the load prescribes it          conjugate gradients, Jacobi
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import block_diag, csr_matrix, diags
from scipy.sparse.linalg import cg

from ..base.arrays import BoolArray, FloatArray, Record
from ..base.errors import SimulationError
from .cells import UnitCell
from .fitted_mesh import FittedMesh, fit_mesh
from .loads import FaceLoad, Load, MeanStrain
from .stiffness import assemble_stiffness
from .tet_field import TetField

TOLERANCE = 1e-8
"""Relative residual at which conjugate gradients stop: far below the error of any mesh in use (1e-3)."""
MAX_ITERATIONS = 20000
"""Limit far above what is needed: 440 at n = 16 and a contrast of 10, some thousands at a contrast of 1000."""
HELD = 1e-12
"""Largest d of an ansatz that counts as zero; inside it is 1e-3 and more on every mesh in use."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeshedCell(Record):
    """A unit cell, its mesh and its stiffness matrix; several loads can share one."""

    cell: UnitCell
    """Phases and inclusions of the cell."""
    mesh: FittedMesh
    """Mesh whose faces follow the inclusions."""
    stiffness: csr_matrix
    """K, shape (3 n_nodes, 3 n_nodes), component after component."""


def mesh_cell(cell: UnitCell, n: int) -> MeshedCell:
    """Mesh a cell with n cubes along each edge and assemble its stiffness matrix.

    Raises:
        SpecError: If n is odd or too coarse for the cell.
    """
    mesh = fit_mesh(cell, n)
    return MeshedCell(cell=cell, mesh=mesh, stiffness=assemble_stiffness(cell, mesh))


def solve_load(meshed: MeshedCell, load: Load) -> TetField:
    """Solve for the displacement under a load, (n, 3) at any points.

    A mean strain needs a cell with mirror symmetry only where networks are trained; here any cell will do.

    Raises:
        SimulationError: If conjugate gradients do not converge.
    """
    if isinstance(load, MeanStrain):
        return TetField(meshed.mesh, periodic_displacement(meshed, load))
    return TetField(meshed.mesh, _held_displacement(meshed, load))


def _held_displacement(meshed: MeshedCell, load: FaceLoad) -> FloatArray:
    """Solve for the change of g at the free nodes that brings them into equilibrium."""
    g, d = load.ansatz(meshed.cell).evaluate(meshed.mesh.nodes)
    free = (np.abs(d) > HELD).T.ravel()
    return g + _columns(_solved(meshed.stiffness, -(meshed.stiffness @ g.T.ravel()), free))


def periodic_displacement(meshed: MeshedCell, load: MeanStrain) -> FloatArray:
    """Return u = E x + v at the nodes, v periodic and zero at a corner, shape (n_nodes, 3)."""
    affine = meshed.mesh.nodes @ load.tensor()
    join = _periodic_join(meshed.mesh)
    free = np.ones(join.shape[1], dtype=np.bool_)
    free[[0, join.shape[1] // 3, 2 * join.shape[1] // 3]] = False
    stiffness = csr_matrix(join.T @ meshed.stiffness @ join)
    force = join.T @ (meshed.stiffness @ affine.T.ravel())
    return affine + _columns(join @ _solved(stiffness, -force, free))


def _periodic_join(mesh: FittedMesh) -> csr_matrix:
    """Build the matrix that copies the values of the independent nodes of a periodic cell to all of its nodes."""
    wrapped = np.where(mesh.nodes > 1 - 1e-9, 0.0, mesh.nodes)
    kept, index = np.unique(np.rint(wrapped * 1e9).astype(np.int64), axis=0, return_inverse=True)
    rows = np.arange(mesh.n_nodes)
    one = csr_matrix((np.ones(mesh.n_nodes), (rows, index.ravel())), shape=(mesh.n_nodes, len(kept)))
    return csr_matrix(block_diag([one] * 3, format="csr"))


def _solved(stiffness: csr_matrix, force: FloatArray, free: BoolArray) -> FloatArray:
    inner = stiffness[free][:, free]
    solution, info = cg(inner, force[free], rtol=TOLERANCE, M=diags(1 / inner.diagonal()), maxiter=MAX_ITERATIONS)
    if info:
        repair = "Use a finer mesh, or phases whose moduli differ less."
        raise SimulationError("solve_load", f"converge within {MAX_ITERATIONS} iterations", info, repair)
    whole = np.zeros(len(force))
    whole[free] = solution
    return whole


def _columns(stacked: FloatArray) -> FloatArray:
    """Reshape values component after component, shape (3 n,), to columns (n, 3)."""
    return stacked.reshape(3, -1).T
