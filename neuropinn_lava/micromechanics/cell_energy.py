"""The potential energy of a unit cell as a form of displacements at the nodes of a fitted mesh."""

from __future__ import annotations

from ..checks import raise_violations
from ..energies import QuadraticEnergy
from ..errors import Violation
from .cells import UnitCell
from .loads import Load
from .solver import mesh_cell


def cell_energy(cell: UnitCell, load: Load, n_per_axis: tuple[int, ...]) -> QuadraticEnergy:
    """Make the energy of a cell, in units of the energy of the load's lift u = g alone.

    Args:
        cell: The cell.
        load: Gives the lift.
        n_per_axis: Cubes of the mesh along the three edges, all the same even number.

    Raises:
        SpecError: If the numbers differ, are odd, or too small for the cell.
    """
    if len(n_per_axis) != 3 or len(set(n_per_axis)) != 1:
        mend = "A fitted mesh has cubes; give the same number three times."
        raise_violations([Violation("cell_energy.n_per_axis", "three equal numbers", n_per_axis, mend)])
    meshed = mesh_cell(cell, n_per_axis[0])
    lift = load.ansatz(cell).evaluate(meshed.mesh.nodes)[0].T.ravel()
    unit = float(lift @ (meshed.stiffness @ lift)) / 2
    return QuadraticEnergy(points=meshed.mesh.nodes, matrix=meshed.stiffness, unit=unit)
