"""Edges of plane regions, straight or standing for arcs of circles: distances to them, their normals and corners.

An outline is a path of straight edges. Where it is round, its vertices lie on a circle and its edges are short chords; the
circle is kept beside them, so that boundary points and normals are its own. The inside lies to the left of every edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..base.arrays import ArrayRecord, BoolArray, FloatArray, IntArray, freeze_arrays

STRAIGHT = 1e-9
"""Sine of the turn between two edges below which they count as one line: far above the rounding of coordinates."""
CLEAR = 1e-2
"""Sine of the turn from which two curves count as crossing at one point; below it the point is not well determined."""
N_CIRCLE = 1024
"""Number of chords that stand for a circle."""
SAGITTA = 1 - np.cos(np.pi / N_CIRCLE)
"""Largest distance of a chord from its circle in units of the radius, 5e-6."""
CORNER_STEPS = 4
"""Newton steps from where chords cross to where their circles do: each squares a relative error of 1e-5 or less."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Edges(ArrayRecord):
    """The edges of all rings of a region, ring after ring."""

    starts: FloatArray
    """Their first points, shape (n_edges, 2)."""
    ends: FloatArray
    """Their last points, shape (n_edges, 2)."""
    before: IntArray
    """Index of the edge that ends where each edge starts, shape (n_edges,)."""
    circles: FloatArray
    """Centre and radius of the circle that each edge is a chord of, shape (n_edges, 3); radius 0 for a straight edge."""

    def __post_init__(self) -> None:
        freeze_arrays(self, starts=np.float64, ends=np.float64, before=np.int64, circles=np.float64)

    @classmethod
    def of_rings(cls, rings: Sequence[FloatArray], circles: FloatArray | None = None) -> Edges:
        """Build the edges of closed paths (n, 2) in the order of their vertices, all straight unless circles are given."""
        starts = np.concatenate(rings)
        ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
        firsts = np.cumsum([0, *map(len, rings)])
        before = np.concatenate([low + np.roll(np.arange(high - low), 1) for low, high in pairwise(firsts)])
        held = np.zeros((len(starts), 3)) if circles is None else circles
        return cls(starts=starts, ends=ends, before=before, circles=held)

    def nearest(
        self, points: FloatArray, which: IntArray | None = None, unit: FloatArray | float = 1.0
    ) -> tuple[IntArray, FloatArray]:
        """Return for points (n, 2) the index of the nearest straight edge or chord and its distance, shape (n,) each.

        Args:
            points: Places in the plane.
            which: Indices of the edges that are looked at; None looks at all.
            unit: Unit of length of the distances, one for both axes or shape (2,).
        """
        import shapely

        lines = np.stack([self.starts, self.ends], axis=1) / unit
        tree = shapely.STRtree(shapely.linestrings(lines if which is None else lines[which]))
        (_, index), distance = tree.query_nearest(
            shapely.points(points / unit), return_distance=True, all_matches=False
        )
        return (index if which is None else which[index]), distance

    def near(self, points: FloatArray, nearness: float, which: IntArray | None = None) -> BoolArray:
        """Return which of the points (n, 2) are as near as `nearness` to one of the edges or its circle, shape (n,)."""
        index, distance = self.nearest(points, which)
        radius = self.circles[index, 2]
        from_circle = np.abs(np.linalg.norm(points - self.circles[index, :2], axis=1) - radius)
        beside_arc = (radius > 0) & (distance <= SAGITTA * radius + nearness)
        near: BoolArray = np.where(beside_arc, from_circle, distance) <= nearness
        return near

    def normals(self, index: IntArray | slice, points: FloatArray) -> FloatArray:
        """Return the outward unit normals of edges, given by index (n,), at points (n, 2) on them, same shape."""
        dx, dy = (self.ends[index] - self.starts[index]).T
        right = np.stack([dy, -dx], axis=1) / np.hypot(dx, dy)[:, None]
        circles = self.circles[index]
        radial = points - circles[:, :2]
        length = np.linalg.norm(radial, axis=1)
        outward = np.sign((radial * right).sum(axis=1)) / np.where(length > 0, length, 1.0)
        normals: FloatArray = np.where(circles[:, 2:] > 0, radial * outward[:, None], right)
        return normals

    def moved_to_circles(self, index: IntArray | slice, points: FloatArray) -> FloatArray:
        """Return points (n, 2) on chords, given by index (n,), moved to their circles; others stay."""
        circles = self.circles[index]
        radial = points - circles[:, :2]
        stretch = circles[:, 2:] / np.linalg.norm(radial, axis=1, keepdims=True).clip(1e-300)
        moved: FloatArray = np.where(circles[:, 2:] > 0, circles[:, :2] + radial * stretch, points)
        return moved

    def corners(self, least_sine: float = STRAIGHT) -> BoolArray:
        """Return at the start of which edges the boundary turns, by a sine above the least one, shape (n_edges,)."""
        before, here = self.normals(self.before, self.starts), self.normals(slice(None), self.starts)
        sine = before[:, 0] * here[:, 1] - before[:, 1] * here[:, 0]
        turning: BoolArray = np.abs(sine) > least_sine
        return turning

    def joints(self) -> BoolArray:
        """Return which edges do not continue the circle of the edge before, shape (n_edges,)."""
        goes_on = (self.circles == self.circles[self.before]).all(axis=1) & (self.circles[:, 2] > 0)
        joints: BoolArray = ~goes_on | self.corners()
        return joints

    def exact_starts(self) -> FloatArray:
        """Return the starts of the edges, moved to where circles cross lines or circles, shape (n_edges, 2).

        Those where two curves almost touch stay on the chords.
        """
        index = np.flatnonzero((self.circles != self.circles[self.before]).any(axis=1) & self.corners(CLEAR))
        pair = np.stack([self.before[index], index])
        points = self.starts[index].copy()
        for _ in range(CORNER_STEPS):
            normals = np.stack([self.normals(edge, points) for edge in pair], axis=1)
            on = np.stack([self._foot(edge, points) for edge in pair], axis=1)
            offsets = ((on - points[:, None]) * normals).sum(axis=2)
            points += np.linalg.solve(normals, offsets[..., None])[..., 0]
        starts = self.starts.copy()
        starts[index] = points
        return starts

    def _foot(self, index: IntArray, points: FloatArray) -> FloatArray:
        """Return the points on the circles, or any on the lines, of edges, given by index (n,), for points (n, 2)."""
        curved = self.circles[index, 2:] > 0
        foot: FloatArray = np.where(curved, self.moved_to_circles(index, points), self.starts[index])
        return foot
