"""Plane regions between closed curves r = R + A cos(n a) as domains: stars and discs, with holes or without.

The level set of the ansatz decides which points are inside, so that boundary points lie on the curves to rounding.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..base.arrays import BoolArray, FloatArray, Record
from ..base.errors import SpecError
from .domain import ON_FACE, Cloud, check_tag
from .fields.boundary_fields import RadialLevelSet
from .grading import Grading
from .plane_domain import RIM, PlaneDomain, arc_lengths, build_planar_cloud, ring_tags

N_OUTLINE = 4096
"""Number of points of a curve from which its length and distances to it are computed, with an error of 1e-6 of its length."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurvedDomain(Record, PlaneDomain):
    """The plane region in which a level set is positive."""

    level_set: RadialLevelSet
    """Level set of the outline and, after it, of the holes; the curves must not cross."""

    def __post_init__(self) -> None:
        for curve in range(1, self.level_set.n_curves):
            inside = self.level_set.level(0, self.outline(curve)) > 0
            if not inside.all():
                repair = "Move or shrink the hole."
                got = f"hole {curve} with {int((~inside).sum())} of {N_OUTLINE} points outside"
                raise SpecError("CurvedDomain.level_set", "have holes that lie inside the outline", got, repair)

    def outline(self, curve: int, n: int = N_OUTLINE) -> FloatArray:
        """Return n points of a curve at equal angles, shape (n, 2)."""
        return self.level_set.curve_points(curve, np.arange(n) * (2 * np.pi / n))

    def _outline(self) -> FloatArray:
        return self.outline(0)

    def on_boundary(self, points: FloatArray) -> BoolArray:
        """Return which of the points (n, 2) lie on a curve, shape (n,)."""
        levels = np.stack([self.level_set.level(curve, points) for curve in range(self.level_set.n_curves)])
        on: BoolArray = (np.abs(levels) <= ON_FACE).any(axis=0)
        return on

    @property
    def tags(self) -> tuple[str, ...]:
        """`outline` and, for each hole, `hole_1`, `hole_2`, … in the order of the level set's curves."""
        return ring_tags(self.level_set.n_curves)

    def on(self, tag: str, points: FloatArray) -> BoolArray:
        """Return which of the points (n, 2) lie on the curve with the given tag, shape (n,).

        Raises:
            SpecError: If no curve has this tag.
        """
        check_tag(self, tag)
        on: BoolArray = np.abs(self.level_set.level(self.tags.index(tag), points)) <= ON_FACE
        return on

    def normals(self, points: FloatArray) -> FloatArray:
        """Return the outward unit normals at points (n, 2) on the curves, same shape; NaN off the curves."""
        normals = np.full(points.shape, np.nan)
        for curve, tag in enumerate(self.tags):
            on = self.on(tag, points)
            outward = -1.0 if curve == 0 else 1.0
            normals[on] = outward * self.level_set.level_direction(curve, points[on])
        return normals

    def is_whole_boundary(self, tags: Collection[str]) -> bool:
        """Return whether the curves with these tags are all there are."""
        return set(tags) == set(self.tags)

    def vanishing_field(self) -> RadialLevelSet | None:
        """Return the level set, which vanishes on the curves; None where its singular point, the first centre, lies inside."""
        return None if self.contains(self.level_set.centres[:1]).any() else self.level_set

    def _strictly_contains(self, points: FloatArray) -> BoolArray:
        inside: BoolArray = self.level_set.evaluate(points) > 0
        return inside

    def sample_boundary(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n points uniformly from all curves, shape (n, 2)."""
        lengths = np.array([arc_lengths(self.outline(curve))[-1] for curve in range(self.level_set.n_curves)])
        chosen = rng.choice(len(lengths), size=n, p=lengths / lengths.sum())
        shares = [rng.uniform(size=int(np.sum(chosen == curve))) for curve in range(len(lengths))]
        return np.concatenate([self._along(curve, share) for curve, share in enumerate(shares)])

    def _along(self, curve: int, share: FloatArray, cell: FloatArray | float = 1.0) -> FloatArray:
        """Return the points of a curve at shares (n,) of its length in cells, exactly on the curve, shape (n, 2)."""
        lengths = arc_lengths(self.outline(curve) / cell)
        angles = np.linspace(0.0, 2 * np.pi, N_OUTLINE + 1)
        return self.level_set.curve_points(curve, np.interp(share * lengths[-1], lengths, angles))

    def cloud(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...] = ()) -> Cloud:
        """Build a grid inside, and points on the curves about one cell apart.

        Raises:
            SpecError: If the cells do not fit the region, or gradings are asked for.
        """

        def keep(points: FloatArray, cell: FloatArray) -> BoolArray:
            outlines = np.concatenate([self.outline(curve) for curve in range(self.level_set.n_curves)])
            distances = cKDTree(outlines / cell).query(points / cell)[0]
            kept: BoolArray = self._strictly_contains(points) & (distances >= RIM)
            return kept

        def rim(cell: FloatArray) -> FloatArray:
            return np.concatenate([self._spaced(curve, cell) for curve in range(self.level_set.n_curves)])

        return build_planar_cloud(self.lower, self.upper, n_per_axis, gradings, keep, rim)

    def _spaced(self, curve: int, cell: FloatArray) -> FloatArray:
        n = max(3, round(float(arc_lengths(self.outline(curve) / cell)[-1])))
        return self._along(curve, np.arange(n) / n, cell)
