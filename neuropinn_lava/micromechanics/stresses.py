"""Stresses of displacements, by stochastic projection within each phase or by finite elements.

    epsilon = sym grad u      sigma = lambda tr(epsilon) 1 + 2 mu epsilon      s = sigma - tr(sigma) / 3 1
    sigma_vM = sqrt(3/2 s : s)

The gradient of displacements that are known at points is computed by sparse matrices. No neighbourhood crosses an
interface, where strains jump. Components in the order xx, yy, zz, yz, xz, xy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base.arrays import ArrayRecord, BoolArray, FloatArray, Record, freeze_arrays
from ..base.metrics import relative_l2
from ..geometry.domain import Cloud
from ..operators.operator_kind import OperatorKind
from ..operators.projection import DerivativeOperators, build_operators
from .cell_domain import separate_phases
from .cells import UnitCell
from .loads import SHEAR_AXES
from .tet_field import TetField

AXES = ("x", "y", "z")
N_NEIGHBOURS = 26
"""Number of neighbours: the ring of grid points around a centre."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StressField(ArrayRecord):
    """Stresses at points of a cell."""

    points: FloatArray
    """Points in the cell, shape (n, 3)."""
    inside: BoolArray
    """Mask of the points that belong to inclusions, shape (n,)."""
    stress: FloatArray
    """sigma, shape (n, 6), in the unit of the phases' moduli."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points=np.float64, inside=np.bool_, stress=np.float64)

    def von_mises(self) -> FloatArray:
        """Compute the von Mises stress sigma_vM, shape (n,)."""
        normal, shear = self.stress[:, :3], self.stress[:, 3:]
        deviator = normal - normal.mean(axis=1, keepdims=True)
        size: FloatArray = np.sqrt(1.5 * (np.sum(deviator**2, axis=1) + 2 * np.sum(shear**2, axis=1)))
        return size


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StressCloud(Record):
    """A grid in a cell with its first derivatives, each within one phase."""

    cell: UnitCell
    """Unit cell that the cloud lies in."""
    cloud: Cloud
    """All points are centres."""
    operators: DerivativeOperators
    """Operators of the derivatives d/dx, d/dy and d/dz."""

    @property
    def points(self) -> FloatArray:
        """Points at which displacements are read and stresses are computed, shape (n, 3)."""
        return self.cloud.points


@dataclass(frozen=True, slots=True, kw_only=True)
class StressErrors(Record):
    """Differences between two stress fields on the same points."""

    relative_l2: float
    """Relative L2 error of all six components together."""
    von_mises_relative_l2: float
    """Relative L2 error of the von Mises stress."""


def build_stress_cloud(cell: UnitCell, n: int, kind: OperatorKind = OperatorKind.QUADRATIC) -> StressCloud:
    """Build a grid of n cells along each edge, from middle to middle of cubes, and build its operators.

    Middles of cubes avoid the edges between held and free faces, where stresses are singular.

    Raises:
        SpecError: If a phase has too few points for its neighbourhoods.
    """
    grid = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) / n] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    cloud = separate_phases(cell, Cloud.scattered(grid, len(grid), spacing=1 / n))
    return StressCloud(cell=cell, cloud=cloud, operators=build_operators(cloud, AXES, AXES, kind, N_NEIGHBOURS))


def projected_stress(stress_cloud: StressCloud, displacement: FloatArray) -> StressField:
    """Compute the stresses of displacements (n, 3) at the points of a stress cloud."""
    gradient = np.stack([stress_cloud.operators.apply(axis, displacement) for axis in AXES], axis=2)
    return stress_of_gradient(stress_cloud.cell, stress_cloud.points, gradient)


def stress_of_gradient(cell: UnitCell, points: FloatArray, gradient: FloatArray) -> StressField:
    """Compute the stresses of displacement gradients d u_k / d x_j, shape (n, 3, 3), at points (n, 3)."""
    inside = cell.contains(points)
    lame = np.where(inside, cell.inclusion.lame, cell.matrix.lame)[:, None]
    shear = np.where(inside, cell.inclusion.shear, cell.matrix.shear)[:, None]
    diagonal = np.diagonal(gradient, axis1=1, axis2=2)
    normal = lame * diagonal.sum(axis=1, keepdims=True) + 2 * shear * diagonal
    gamma = np.stack([gradient[:, a, b] + gradient[:, b, a] for a, b in SHEAR_AXES], axis=1)
    return StressField(points=points, inside=inside, stress=np.concatenate([normal, shear * gamma], axis=1))


def reference_stress(cell: UnitCell, field: TetField, points: FloatArray) -> StressField:
    """Compute the stresses of a finite-element solution at points (n, 3), by its own shape functions."""
    return stress_of_gradient(cell, points, field.gradient(points))


def compare_stress(found: StressField, reference: StressField) -> StressErrors:
    """Compare stresses with those of a reference on the same points.

    Raises:
        SpecError: If the points differ in number, or the reference is free of stress.
    """
    return StressErrors(
        relative_l2=relative_l2(found.stress, reference.stress),
        von_mises_relative_l2=relative_l2(found.von_mises()[:, None], reference.von_mises()[:, None]),
    )
