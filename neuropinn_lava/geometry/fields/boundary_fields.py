"""Scalar fields that vanish on a boundary in the plane and are positive inside, whatever its shape.

    PolygonFactor     zero on the edges of a polygon, with holes or without
    RadialLevelSet    zero on closed curves r = R + A cos(n a), positive between them

They hold the shape of a boundary and nothing else. Evaluations accept numpy arrays and torch tensors alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, IntArray, freeze_arrays
from ...base.checks import check_finite, check_range, check_shape, raise_violations
from ...base.elementwise import TINY, conjunction, disjunction, root
from ...base.errors import Violation

SMALLEST, LARGEST = 1e-30, 1e30
"""Range of factors: what float32 holds."""
MAX_VERTICES = 256
"""Largest number of vertices of a polygon; the formula nests as deep in the worst case. Smooth outlines have other fields."""
MAX_PETALS = 32
"""Highest number of waves around a curve."""
TURN = 1e-12
"""Sine of an angle below which two directions count as parallel: rounding of unit vectors is 1e-16."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PolygonFactor(ArrayRecord):
    """A field that is zero on the edges of a polygon and positive inside, with the right power of distance at its corners.

    Every edge gives the distance to its line, positive to the left of the edge. They are joined as Peterson's formula for
    a simple polygon says, which uses each edge once: at convex corners by `conjunction`, which is their product inside, so
    that d falls like x y there; at re-entrant corners by `disjunction`, like r^q.

    Source: Dobkin, Guibas, Hershberger, Snoeyink, SIGGRAPH 1988 (formula); Rvachev's R-functions.
    """

    vertices: FloatArray
    """Corners ring by ring, shape (n_vertices, 2): the outer ring counterclockwise, holes clockwise."""
    ring_sizes: IntArray
    """Number of vertices of each ring, shape (n_rings,), each 3 or more."""
    scale: float = 1.0
    """Factor on the field d, because the product of many distances is small."""
    corner_exponent: float = 1.0
    """Exponent q in (0, 1]. Solutions of second order fall like r^(pi/w) into a corner of inner angle w: 2/3 for w = 3 pi/2."""

    def __post_init__(self) -> None:
        freeze_arrays(self, vertices=np.float64, ring_sizes=np.int64)
        for name in ("scale", "corner_exponent"):
            object.__setattr__(self, name, float(getattr(self, name)))
        found = [*check_shape("PolygonFactor.vertices", self.vertices, (None, 2), "(n_vertices, 2)")]
        raise_violations([*found, *check_shape("PolygonFactor.ring_sizes", self.ring_sizes, (None,), "(n_rings,)")])
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        yield from check_finite("PolygonFactor.vertices", self.vertices)
        yield from check_range("PolygonFactor.scale", self.scale, SMALLEST, LARGEST)
        yield from check_range("PolygonFactor.corner_exponent", self.corner_exponent, 1e-3, 1.0)
        n_vertices = self.vertices.shape[0]
        yield from check_range("PolygonFactor: number of vertices", n_vertices, 3, MAX_VERTICES)
        if (self.ring_sizes < 3).any() or self.ring_sizes.sum() != n_vertices:
            rule = f"be rings of 3 or more vertices, {n_vertices} in all"
            yield Violation("PolygonFactor.ring_sizes", rule, self.ring_sizes, "Count the vertices of each ring.")
            return
        edges = np.concatenate([np.roll(ring, -1, axis=0) - ring for ring in self.rings])
        if not edges.any(axis=1).all():
            index = int(np.flatnonzero(~edges.any(axis=1))[0])
            rule = "have neighbouring vertices that differ"
            yield Violation("PolygonFactor.vertices", rule, f"vertex {index}", "Leave it out.")

    @property
    def n_dim(self) -> int:
        """Number of coordinates of a point."""
        return 2

    @property
    def rings(self) -> list[FloatArray]:
        """The vertices of each ring, shape (n, 2) each."""
        return np.split(self.vertices, np.cumsum(self.ring_sizes)[:-1])

    def evaluate(self, points: Any) -> Any:
        """Return d at points of shape (n_samples, 2) as (n_samples,), numpy or torch."""
        first, *others = self.rings
        total = self._evaluate_ring(points, first)
        for ring in others:
            total = conjunction(total, self._evaluate_ring(points, ring))
        return self.scale * total

    def _evaluate_ring(self, points: Any, ring: FloatArray) -> Any:
        """Cut a ring at its leftmost and rightmost vertices, which lie on its hull, and join the two chains."""
        ring = np.roll(ring, -int(np.argmin(ring[:, 0])), axis=0)
        right = int(np.argmax(ring[:, 0]))
        closed = np.vstack([ring, ring[:1]])
        chains = (self._evaluate_chain(points, chain) for chain in (closed[: right + 1], closed[right:]))
        return self._join(*chains, convex=is_convex(ring, right))

    def _evaluate_chain(self, points: Any, chain: FloatArray) -> Any:
        """Split a chain of edges at a vertex on its hull, and join the parts."""
        if len(chain) == 2:
            return _distance_to_line(points, chain[0], chain[1])
        split = _splitting_vertex(chain)
        parts = (self._evaluate_chain(points, part) for part in (chain[: split + 1], chain[split:]))
        return self._join(*parts, convex=is_convex(chain, split))

    def _join(self, p: Any, q: Any, *, convex: bool) -> Any:
        return conjunction(p, q) if convex else disjunction(p, q, self.corner_exponent)


def _splitting_vertex(chain: FloatArray) -> int:
    """Find an inner vertex on the hull of a chain whose first and last edge go on for ever, a convex one if there is one.

    A vertex lies on it if it is extreme in a direction in which neither ray rises: perpendicular to one of them, or halfway.
    """
    back, on = (_unit(chain[0] - chain[1]), _unit(chain[-1] - chain[-2]))
    turned = [sign * np.array([-ray[1], ray[0]]) for ray in (back, on) for sign in (1.0, -1.0)]
    directions = [d for d in (*turned, -(back + on)) if d.any() and max(d @ back, d @ on) <= TURN]
    extremes = [1 + int(np.argmax(chain[1:-1] @ direction)) for direction in directions]
    return next((vertex for vertex in extremes if is_convex(chain, vertex)), extremes[0])


def _unit(vector: FloatArray) -> FloatArray:
    unit: FloatArray = vector / np.linalg.norm(vector)
    return unit


def is_convex(vertices: FloatArray, index: int) -> bool:
    """Return whether a path through vertices (n, 2) turns left at one of them, so that its inner angle is below pi."""
    before, here, after = vertices[index - 1], vertices[index], vertices[(index + 1) % len(vertices)]
    (ax, ay), (bx, by) = here - before, after - here
    return bool(ax * by - ay * bx >= 0)


def _distance_to_line(points: Any, start: FloatArray, end: FloatArray) -> Any:
    """Return the distance of points (n, 2) to the line through two others, positive to its left."""
    (x0, y0), (dx, dy) = start.tolist(), (end - start).tolist()
    return (dx * (points[:, 1] - y0) - dy * (points[:, 0] - x0)) / (dx * dx + dy * dy) ** 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RadialLevelSet(ArrayRecord):
    """A field that is zero on closed curves in the plane and positive between them: inside the first, outside the others.

        l_k = R_k + A_k cos(n_k a) - r          r, a: polar coordinates about centre k;   l_0 is positive inside curve 0
        d   = scale l_0 (-l_1) (-l_2) ...       joined by `conjunction`

    The centre of the outer curve is a singular point: smooth only where a hole covers it.
    """

    centres: FloatArray
    """Centres of the curves, shape (n_curves, 2)."""
    radii: FloatArray
    """Mean radii R, shape (n_curves,), positive."""
    amplitudes: FloatArray
    """Amplitudes A of the waves, shape (n_curves,), 0 for a circle, below R."""
    petals: IntArray
    """Numbers n of waves around each curve, shape (n_curves,), 1 to 32."""
    scale: float = 1.0
    """Factor on the field d, positive."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", float(self.scale))
        freeze_arrays(self, centres=np.float64, radii=np.float64, amplitudes=np.float64, petals=np.int64)
        raise_violations(check_shape("RadialLevelSet.radii", self.radii, (None,), "(n_curves,)"))
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        n = self.n_curves
        yield from check_shape("RadialLevelSet.centres", self.centres, (n, 2), "(n_curves, 2)")
        yield from check_shape("RadialLevelSet.amplitudes", self.amplitudes, (n,), "(n_curves,)")
        yield from check_shape("RadialLevelSet.petals", self.petals, (n,), "(n_curves,)")
        for name in ("centres", "radii", "amplitudes"):
            yield from check_finite(f"RadialLevelSet.{name}", getattr(self, name))
        yield from check_range("RadialLevelSet.scale", self.scale, SMALLEST, LARGEST)
        yield from check_range("RadialLevelSet.petals", self.petals, 1, MAX_PETALS)
        if self.amplitudes.shape == self.radii.shape and not (np.abs(self.amplitudes) < self.radii).all():
            got = f"radii {self.radii}, amplitudes {self.amplitudes}"
            repair = "Curves must not cross their centre."
            yield Violation("RadialLevelSet.radii", "be above |amplitudes|", got, repair)

    @property
    def n_dim(self) -> int:
        """Number of coordinates of a point."""
        return 2

    @property
    def n_curves(self) -> int:
        """Number of closed curves of the boundary."""
        return int(self.radii.shape[0])

    def evaluate(self, points: Any) -> Any:
        """Return d at points of shape (n_samples, 2) as (n_samples,), numpy or torch."""
        total = self.level(0, points)
        for curve in range(1, self.n_curves):
            total = conjunction(total, -self.level(curve, points))
        return self.scale * total

    def level(self, curve: int, points: Any) -> Any:
        """Return l_k at points of shape (n_samples, 2): positive inside the curve."""
        x = points[:, 0] - float(self.centres[curve, 0])
        y = points[:, 1] - float(self.centres[curve, 1])
        r = root(x**2 + y**2 + TINY)
        wave = _cosine_of_multiple(x / r, int(self.petals[curve]))
        return float(self.radii[curve]) + float(self.amplitudes[curve]) * wave - r

    def level_direction(self, curve: int, points: FloatArray) -> FloatArray:
        """Return the unit vectors along grad l_k at points (n, 2) away from the curve's centre, same shape: they point inward.

        grad l_k = -e_r - (A_k n_k sin(n_k a) / r) e_a
        """
        x, y = (points - self.centres[curve]).T
        r, n = np.hypot(x, y), self.petals[curve]
        turn = -self.amplitudes[curve] * n * np.sin(n * np.arctan2(y, x)) / r
        gradient = np.stack([-x - turn * y, -y + turn * x], axis=1) / r[:, None]
        direction: FloatArray = gradient / np.hypot(1.0, turn)[:, None]
        return direction

    def curve_points(self, curve: int, angles: FloatArray) -> FloatArray:
        """Return the points of a curve at the given angles (n,), shape (n, 2)."""
        r = self.radii[curve] + self.amplitudes[curve] * np.cos(self.petals[curve] * angles)
        points: FloatArray = self.centres[curve] + r[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        return points


def _cosine_of_multiple(cosine_of_angle: Any, n: int) -> Any:
    """Return cos(n a) from cos(a) by cos((k+1) a) = 2 cos(a) cos(k a) - cos((k-1) a), n at least 1."""
    before, wave = 1.0, cosine_of_angle
    for _ in range(n - 1):
        before, wave = wave, 2.0 * cosine_of_angle * wave - before
    return wave
