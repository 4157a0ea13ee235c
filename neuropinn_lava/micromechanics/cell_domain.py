"""A unit cell under a load as the domain of a problem: a box whose clouds keep the phases apart, and which has an energy.

Neighbours of a cloud are sought in its cell coordinates. Those of inclusions are moved far away, so that no neighbourhood
reaches across an interface: derivatives of displacements, which jump there, are taken within one phase. On the side faces
no displacement is prescribed, so that they are open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..base.checks import raise_violations
from ..base.errors import Violation
from ..geometry.domain import Box, Cloud
from ..geometry.grading import Grading
from ..operators.potential_energy import QuadraticEnergy
from .cells import UnitCell
from .fitted_mesh import fit_mesh
from .loads import Load
from .stiffness import ElementStiffness, assemble_stiffness

FAR = 1e6
"""Distance to which inclusions are moved from the matrix, and from each other, in cells: beyond every neighbourhood, and near
enough that coordinates keep ten digits."""
N_ASSEMBLED = 40_000
"""Most nodes whose stiffness matrix is assembled, ten million entries, where no batches are asked for. Otherwise it is applied
element by element, which takes longer and next to no memory (docs/results/micromechanics.md)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedCell(Box):
    """The domain of a problem on a unit cell: the cube [0, 1]^3, closed where displacements are prescribed."""

    cell: UnitCell
    """The phases and where they are."""
    load: Load
    """Load on the cell: displacements of the top or a mean strain."""

    def cloud(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...] = ()) -> Cloud:
        """Build a grid from face to face whose neighbourhoods end at interfaces."""
        return separate_phases(self.cell, Box.cloud(self, n_per_axis, gradings))

    def energy(self, n_per_axis: tuple[int, ...], batch_size: int | None = None) -> QuadraticEnergy:
        """Build the potential energy on a fitted mesh, for training by energy."""
        return cell_energy(self.cell, self.load, n_per_axis, batch_size)


def separate_phases(cell: UnitCell, cloud: Cloud) -> Cloud:
    """Move the cell coordinates of every inclusion away from those of all else."""
    which, r = cell.nearest(cloud.points)
    away = np.where(r <= 1, FAR * (which + 1), 0.0)
    return replace(cloud, cell_coordinates=cloud.cell_coordinates + away[:, None])


def cell_energy(
    cell: UnitCell, load: Load, n_per_axis: tuple[int, ...], batch_size: int | None = None
) -> QuadraticEnergy:
    """Build the energy of a cell, in units of the energy of the load's lift u = g alone.

    Args:
        cell: The cell.
        load: Gives the lift.
        n_per_axis: Cubes of the mesh along the three edges, all the same even number.
        batch_size: Most points that are worked on at once; a number says that memory is short, so that nothing is assembled.

    Raises:
        SpecError: If the numbers differ, are odd, or too small for the cell.
    """
    if len(n_per_axis) != 3 or len(set(n_per_axis)) != 1:
        repair = "A fitted mesh has cubes; give the same number three times."
        raise_violations([Violation("cell_energy.n_per_axis", "be three equal numbers", n_per_axis, repair)])
    mesh = fit_mesh(cell, n_per_axis[0])
    assembled = batch_size is None and mesh.n_nodes <= N_ASSEMBLED
    matrix = assemble_stiffness(cell, mesh) if assembled else ElementStiffness(cell, mesh)
    lift = load.ansatz(cell).evaluate(mesh.nodes)[0].T.ravel()
    return QuadraticEnergy(points=mesh.nodes, matrix=matrix, unit=float(lift @ (matrix @ lift)) / 2)
