"""Unit cells: a matrix with ellipsoidal inclusions in the cube [0, 1]^3.

r_k(x) = |(x - c_k) / a_k|        below 1 inside inclusion k, 1 on its surface
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from ..base.arrays import ArrayRecord, BoolArray, FloatArray, IntArray, Record, freeze_arrays, record_digest
from ..base.checks import check_finite, check_shape, raise_violations
from ..base.errors import Violation
from .phases import IsotropicPhase

N_SURFACE = 2000
"""Number of points on a surface from which overlaps are found: 0.05 of its radius apart, finer than any mesh in use."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ellipsoid(ArrayRecord):
    """An ellipsoid with axes along the coordinates: `Ellipsoid(centre=[.5, .5, .5], semi_axes=[.27, .27, .27])` is a sphere."""

    centre: FloatArray
    """Centre c of the ellipsoid, shape (3,)."""
    semi_axes: FloatArray
    """Semi-axes a along the coordinates, positive, shape (3,)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, centre=np.float64, semi_axes=np.float64)
        found: list[Violation] = []
        for name in ("centre", "semi_axes"):
            found += check_shape(f"Ellipsoid.{name}", getattr(self, name), (3,), "(x, y, z)")
            found += check_finite(f"Ellipsoid.{name}", getattr(self, name))
        if (self.semi_axes <= 0).any():
            found.append(
                Violation("Ellipsoid.semi_axes", "be positive", self.semi_axes, "Leave an empty inclusion out.")
            )
        raise_violations(found)

    def radius(self, points: FloatArray) -> FloatArray:
        """Return r at points (n, 3), shape (n,)."""
        r: FloatArray = np.linalg.norm((points - self.centre) / self.semi_axes, axis=1)
        return r

    def projected(self, points: FloatArray) -> FloatArray:
        """Move points (n, 3) along the ray from the centre to the surface; the centre itself stays."""
        r = np.maximum(self.radius(points), np.finfo(np.float64).tiny)
        moved: FloatArray = self.centre + (points - self.centre) / r[:, None]
        return moved

    def surface_points(self, n: int) -> FloatArray:
        """Spread n points over the surface by the golden spiral, shape (n, 3)."""
        k = np.arange(n) + 0.5
        height, turn = 1 - 2 * k / n, np.pi * (1 + 5**0.5) * k
        ring = np.sqrt(1 - height**2)
        unit = np.stack([ring * np.cos(turn), ring * np.sin(turn), height], axis=1)
        points: FloatArray = self.centre + self.semi_axes * unit
        return points

    @property
    def volume(self) -> float:
        return float(4 / 3 * np.pi * self.semi_axes.prod())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitCell(Record):
    """The cube [0, 1]^3 of a matrix with inclusions of one other phase."""

    matrix: IsotropicPhase
    """Material that surrounds the inclusions."""
    inclusion: IsotropicPhase
    """Material of all inclusions."""
    inclusions: tuple[Ellipsoid, ...]
    """Inclusions, which neither overlap nor touch a face; an empty tuple is a homogeneous cube."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "inclusions", tuple(self.inclusions))
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        for k, body in enumerate(self.inclusions):
            low, high = body.centre - body.semi_axes, body.centre + body.semi_axes
            if not ((low > 0) & (high < 1)).all():
                rule = "lie inside the cube (0, 1)^3"
                repair = "Move it inwards or make it smaller."
                yield Violation(f"UnitCell.inclusions[{k}]", rule, f"{low} to {high}", repair)
        for (i, first), (j, second) in combinations(enumerate(self.inclusions), 2):
            nearest = min(second.radius(first.surface_points(N_SURFACE)).min(), second.radius(first.centre[None])[0])
            if min(nearest, first.radius(second.centre[None])[0]) <= 1:
                rule = f"not overlap inclusion {i}"
                repair = "Move them apart or make one smaller."
                yield Violation(
                    f"UnitCell.inclusions[{j}]", rule, f"centres {first.centre} and {second.centre}", repair
                )

    @property
    def volume_fraction(self) -> float:
        """Volume of all inclusions as a share of the cube, 0 to 1."""
        return sum(body.volume for body in self.inclusions)

    def nearest(self, points: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return the inclusion with the smallest r at points (n, 3) and that r, each (n,); infinite without inclusions."""
        if not self.inclusions:
            return np.zeros(len(points), dtype=np.int64), np.full(len(points), np.inf)
        r = np.stack([body.radius(points) for body in self.inclusions], axis=1)
        which = r.argmin(axis=1)
        return which, r[np.arange(len(points)), which]

    def contains(self, points: FloatArray) -> BoolArray:
        """Return which of the points (n, 3) lie in an inclusion or on its surface, shape (n,)."""
        inside: BoolArray = self.nearest(points)[1] <= 1
        return inside

    def projected(self, points: FloatArray) -> FloatArray:
        """Move points (n, 3) to the surface of the nearest inclusion, along the ray from its centre."""
        which, _ = self.nearest(points)
        moved = np.array(points, dtype=np.float64)
        for k, body in enumerate(self.inclusions):
            moved[which == k] = body.projected(moved[which == k])
        return moved

    def gap(self) -> float:
        """Return the smallest distance of an inclusion from a face or, about, from another one; infinite without any."""
        gaps = [np.inf]
        gaps += [
            float(min((b.centre - b.semi_axes).min(), (1 - b.centre - b.semi_axes).min())) for b in self.inclusions
        ]
        for first, second in combinations(self.inclusions, 2):
            points = first.surface_points(N_SURFACE)
            gaps.append(float(np.linalg.norm(second.projected(points) - points, axis=1).min()))
        return min(gaps)

    def is_mirror_symmetric(self) -> bool:
        """Return whether the cell is its own mirror image in each of the planes x, y, z = 1/2."""
        return all(self.equals(self._mirrored(axis)) for axis in range(3))

    def equals(self, other: UnitCell) -> bool:
        """Return whether another cell has the same phases and, in any order and to rounding, the same inclusions."""
        if (self.matrix, self.inclusion) != (other.matrix, other.inclusion):
            return False
        return len(self.inclusions) == len(other.inclusions) and all(
            any(_same_ellipsoid(body, image) for image in other.inclusions) for body in self.inclusions
        )

    def turned(self, order: tuple[int, int, int]) -> UnitCell:
        """Return the cell with its axes in another order."""
        axes = list(order)
        bodies = [Ellipsoid(centre=body.centre[axes], semi_axes=body.semi_axes[axes]) for body in self.inclusions]
        return replace(self, inclusions=tuple(bodies))

    def _mirrored(self, axis: int) -> UnitCell:
        flipped = np.arange(3) == axis
        bodies = [replace(body, centre=np.where(flipped, 1 - body.centre, body.centre)) for body in self.inclusions]
        return replace(self, inclusions=tuple(bodies))

    def digest(self) -> str:
        """Identity of the cell, as 64 hex digits."""
        return record_digest(self)


def _same_ellipsoid(body: Ellipsoid, other: Ellipsoid) -> bool:
    return np.allclose(body.centre, other.centre, rtol=0, atol=1e-12) and np.allclose(body.semi_axes, other.semi_axes)


def sphere_cell(*, radius: float, contrast: float, poisson: float = 0.3) -> UnitCell:
    """Build the cell with a sphere in its middle: E is 1 in the matrix and `contrast` in the sphere, nu the same."""
    body = Ellipsoid(centre=np.full(3, 0.5), semi_axes=np.full(3, radius))
    return UnitCell(
        matrix=IsotropicPhase(young=1.0, poisson=poisson),
        inclusion=IsotropicPhase(young=contrast, poisson=poisson),
        inclusions=(body,),
    )
