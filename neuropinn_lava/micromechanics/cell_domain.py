"""A unit cell under a load as the domain of a problem: a box whose clouds keep the phases apart, and which has an energy.

Neighbours of a cloud are sought in its cell coordinates. Those of inclusions are moved far away, so that no neighbourhood
reaches across an interface: derivatives of displacements, which jump there, are taken within one phase. On the side faces
no displacement is prescribed, so that they are open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base.arrays import BoolArray, FloatArray
from ..geometry.domain import Box, Cloud
from ..operators.potential_energy import QuadraticEnergy
from ..problems.recipe import Grading
from .cell_energy import cell_energy
from .cells import UnitCell
from .loads import Load

FAR = 1e6
"""How far inclusions are moved from the matrix, and from each other, in cells: beyond every neighbourhood; coordinates keep
ten digits."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedCell:
    """The domain of a problem on a unit cell."""

    cell: UnitCell
    """The phases and where they are."""
    load: Load
    """What is done to it."""
    box: Box
    """The cube [0, 1]^3; its closed faces are those where displacements are prescribed."""

    @property
    def lower(self) -> FloatArray:
        """Lower corner, shape (3,)."""
        return self.box.lower

    @property
    def upper(self) -> FloatArray:
        """Upper corner, shape (3,)."""
        return self.box.upper

    def contains(self, points: FloatArray) -> BoolArray:
        """Tell which of the points (n, 3) lie in the cube or on its faces, shape (n,)."""
        return self.box.contains(points)

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n points uniformly from the cube, shape (n, 3)."""
        return self.box.sample(n, rng)

    def sample_boundary(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw about n points from the faces where displacements are prescribed, shape (~n, 3)."""
        return self.box.sample_boundary(n, rng)

    def cloud(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...] = ()) -> Cloud:
        """Lay a grid from face to face whose neighbourhoods end at interfaces."""
        cloud = self.box.cloud(n_per_axis, gradings)
        return separate_phases(self.cell, cloud)

    def energy(self, n_per_axis: tuple[int, ...], batch_size: int | None = None) -> QuadraticEnergy:
        """Give the potential energy on a fitted mesh, for training by energy."""
        return cell_energy(self.cell, self.load, n_per_axis, batch_size)


def separate_phases(cell: UnitCell, cloud: Cloud) -> Cloud:
    """Move the cell coordinates of every inclusion away from those of all else."""
    which, r = cell.nearest(cloud.points)
    away = np.where(r <= 1, FAR * (which + 1), 0.0)
    return Cloud(
        points=cloud.points,
        n_inside=cloud.n_inside,
        cell_coordinates=cloud.cell_coordinates + away[:, None],
        periods=cloud.periods,
        cell_periods=cloud.cell_periods,
    )
