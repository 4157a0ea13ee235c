"""The potential energy of a unit cell as a form of displacements at the nodes of a fitted mesh."""

from __future__ import annotations

from ..base.checks import raise_violations
from ..base.errors import Violation
from ..operators.potential_energy import QuadraticEnergy
from .cells import UnitCell
from .element_stiffness import ElementStiffness
from .fitted_mesh import fit_mesh
from .loads import Load
from .stiffness_matrix import assemble_stiffness

N_ASSEMBLED = 40_000
"""Most nodes whose stiffness matrix is assembled, ten million entries, where no batches are asked for. Otherwise it is applied
element by element, which takes longer and next to no memory (docs/results.md, Micromechanics)."""


def cell_energy(
    cell: UnitCell, load: Load, n_per_axis: tuple[int, ...], batch_size: int | None = None
) -> QuadraticEnergy:
    """Make the energy of a cell, in units of the energy of the load's lift u = g alone.

    Args:
        cell: The cell.
        load: Gives the lift.
        n_per_axis: Cubes of the mesh along the three edges, all the same even number.
        batch_size: Most points that are worked on at once; a number says that memory is short, so that nothing is assembled.

    Raises:
        SpecError: If the numbers differ, are odd, or too small for the cell.
    """
    if len(n_per_axis) != 3 or len(set(n_per_axis)) != 1:
        mend = "A fitted mesh has cubes; give the same number three times."
        raise_violations([Violation("cell_energy.n_per_axis", "three equal numbers", n_per_axis, mend)])
    mesh = fit_mesh(cell, n_per_axis[0])
    assembled = batch_size is None and mesh.n_nodes <= N_ASSEMBLED
    matrix = assemble_stiffness(cell, mesh) if assembled else ElementStiffness(cell, mesh)
    lift = load.ansatz(cell).evaluate(mesh.nodes)[0].T.ravel()
    return QuadraticEnergy(points=mesh.nodes, matrix=matrix, unit=float(lift @ (matrix @ lift)) / 2)
