"""Loads on a unit cell, as the boundary data of an ansatz u = g + d * net.

    FaceLoad      u = 0 at z = 0, u = U at z = 1, the other faces free             g = U z             d = 4 z (1 - z)
    MeanStrain    u = E x + periodic, E the mean strain                            g = E x             d by symmetry

In a cell that is its own mirror image in the planes through its middle, periodicity comes down to zero components on faces.
Under normal strains the fluctuation v = u - E x has no normal component on any face; under a shear E_ab, with c the third
axis, v_a = 0 on the faces across b, v_b = 0 across a, v_c = 0 on all; the tractions belonging to the other components
vanish by themselves. So polynomials suffice to build periodicity in. Any other cell is for finite elements only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

import numpy as np

from ..base.arrays import ArrayRecord, FloatArray, freeze_arrays
from ..base.checks import check_finite, check_shape, raise_violations
from ..base.errors import Violation
from ..geometry.domain import Box
from ..geometry.fields.scalar_fields import Polynomial
from ..network.transforms import Ansatz
from .cells import UnitCell

CUBE = Box(lower=np.zeros(3), upper=np.ones(3))
"""Cube of every unit cell."""
SHEAR_AXES = ((1, 2), (0, 2), (0, 1))
"""Axes of the shear components yz, xz and xy."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FaceLoad(ArrayRecord):
    """The bottom is held, the top is moved as a whole: compression is `FaceLoad(top=[0, 0, -0.1])`, shear `[0.1, 0, 0]`."""

    top: FloatArray
    """U, displacement of the face z = 1, shape (3,), in edges of the cube."""

    def __post_init__(self) -> None:
        freeze_arrays(self, top=np.float64)
        found = [*check_shape("FaceLoad.top", self.top, (3,), "(x, y, z)"), *check_finite("FaceLoad.top", self.top)]
        if not self.top.any():
            found.append(Violation("FaceLoad.top", "displace the top", self.top, "Move the top; else nothing happens."))
        raise_violations(found)

    def ansatz(self, cell: UnitCell) -> Ansatz:
        """Return g and d; they are the same for every cell."""
        bump = _bump(2)
        return Ansatz(offset=tuple(_linear(up * np.eye(3)[2]) for up in self.top), factor=(bump, bump, bump))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeanStrain(ArrayRecord):
    """The cell is one of many in a periodic medium whose mean strain is prescribed."""

    strain: FloatArray
    """E in the order xx, yy, zz, yz, xz, xy with engineering shears, shape (6,)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, strain=np.float64)
        found = [*check_shape("MeanStrain.strain", self.strain, (6,), "xx, yy, zz, yz, xz, xy")]
        found += check_finite("MeanStrain.strain", self.strain)
        if not self.strain.any():
            found.append(
                Violation(
                    "MeanStrain.strain",
                    "be a strain other than zero",
                    self.strain,
                    "Strain the cell; else nothing happens.",
                )
            )
        raise_violations(found)

    def tensor(self) -> FloatArray:
        """Return E as a symmetric matrix (3, 3)."""
        xx, yy, zz, yz, xz, xy = self.strain
        return np.array([[xx, xy / 2, xz / 2], [xy / 2, yy, yz / 2], [xz / 2, yz / 2, zz]])

    def ansatz(self, cell: UnitCell) -> Ansatz:
        """Return g and d.

        Raises:
            SpecError: If the cell has no mirror symmetry, or if shears are mixed with other strains.
        """
        raise_violations(self._violations(cell))
        faces = self._faces_without_fluctuation()
        offset = tuple(_linear(row) for row in self.tensor())
        return Ansatz(offset=offset, factor=tuple(_bump(*faces[k]) for k in range(3)))

    def _faces_without_fluctuation(self) -> dict[int, tuple[int, ...]]:
        """Return for each component the axes across whose faces it vanishes."""
        shears = [SHEAR_AXES[k] for k in np.flatnonzero(self.strain[3:])]
        if not shears:
            return {0: (0,), 1: (1,), 2: (2,)}
        ((a, b),) = shears
        return {a: (b,), b: (a,), 3 - a - b: (0, 1, 2)}

    def _violations(self, cell: UnitCell) -> Iterator[Violation]:
        shears = int(np.count_nonzero(self.strain[3:]))
        if shears > 1 or (shears and self.strain[:3].any()):
            rule = "be normal strains alone, or one shear alone: each has its own symmetry"
            repair = "Train one network for each and add them; the equations are linear."
            yield Violation("MeanStrain.strain", rule, self.strain, repair)
        if not cell.is_mirror_symmetric():
            rule = "be its own mirror image in x, y, z = 1/2, so that periodicity can be built in"
            repair = "Use finite elements (`neuropinn-lava homogenize`), which take any cell, or centre the inclusions."
            yield Violation("MeanStrain.ansatz.cell", rule, [b.centre.tolist() for b in cell.inclusions], repair)


Load = Union[FaceLoad, MeanStrain]  # noqa: UP007 - as the unions of records that files hold
"""A load on a cell, which has a method `ansatz`."""


def _linear(slopes: FloatArray) -> Polynomial:
    """Build the linear field slopes . x."""
    return Polynomial(exponents=np.eye(3, dtype=np.int64), coefficients=np.asarray(slopes, dtype=np.float64))


def _bump(*axes: int) -> Polynomial:
    """Build prod_j 4 x_j (1 - x_j) over the given axes: zero on their faces, 1 in the middle."""
    product = Polynomial.constant(4.0 ** len(axes), 3)
    for face in CUBE.closed_faces:
        if face.axis in axes:
            product = product.times(CUBE.relative_distance(face))
    return product
