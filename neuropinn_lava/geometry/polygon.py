"""Polygons with holes as domains of plane problems; shapely computes which points are inside and how far the boundary is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.arrays import ArrayRecord, BoolArray, FloatArray, freeze_arrays, frozen_array
from ..base.checks import check_finite, check_shape, raise_violations
from ..base.errors import Violation
from .boundary_fields import PolygonFactor
from .domain import ON_FACE, Cloud, check_tag
from .edges import near_any, nearest_edges, outward_directions, ring_edges, turning_vertices
from .grading import Grading
from .plane_domain import RIM, PlaneDomain, arc_lengths, build_planar_cloud, ring_tags, spaced_points

PEAK_GRID = (32, 32)
"""Cells of the grid on which the largest value of a factor is computed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PolygonDomain(ArrayRecord, PlaneDomain):
    """The inside of a polygon: `PolygonDomain(exterior=[[0, 0], [1, 0], [0, 1]])` is a triangle."""

    exterior: FloatArray
    """Corners of the outline in either sense, not closed, shape (n_vertices, 2)."""
    holes: tuple[FloatArray, ...] = ()
    """Corners of each hole in either sense, not closed, shape (n_vertices, 2) each."""

    def __post_init__(self) -> None:
        freeze_arrays(self, exterior=np.float64)
        object.__setattr__(self, "holes", tuple(frozen_array(hole, np.float64) for hole in self.holes))
        for ring in self._given_rings:
            found = [*check_shape("PolygonDomain: vertices of a ring", ring, (None, 2), "(n_vertices, 2)")]
            raise_violations([*found, *check_finite("PolygonDomain: vertices of a ring", ring)])
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        lengths = [len(ring) for ring in self._given_rings]
        if min(lengths) < 3:
            yield Violation("PolygonDomain", "have rings of 3 or more vertices", lengths, "Give every corner once.")
            return
        from shapely.validation import explain_validity

        polygon = self.polygon()
        if not polygon.is_valid:
            mend = "Give corners in order around the outline, holes inside it and apart from each other."
            yield Violation("PolygonDomain", "be a simple polygon", explain_validity(polygon), mend)
        elif polygon.area <= 0:
            yield Violation(
                "PolygonDomain", "have an inside", f"area {polygon.area}", "Give corners that are not on a line."
            )

    @property
    def _given_rings(self) -> tuple[FloatArray, ...]:
        return (self.exterior, *self.holes)

    @property
    def rings(self) -> tuple[FloatArray, ...]:
        """The outline counterclockwise, followed by the holes clockwise: the inside lies to the left of every edge."""
        return (oriented(self.exterior, 1.0), *(oriented(hole, -1.0) for hole in self.holes))

    @property
    def tags(self) -> tuple[str, ...]:
        """`outline`, `hole_1`, …, and `edge_1`, `edge_2`, … in the order of the vertices as they were given.

        `edge_1` runs from the first corner of the outline to the second; the edges of the holes follow.
        """
        return tuple(self._tagged_edges())

    def _tagged_edges(self) -> dict[str, FloatArray]:
        rings = [ring_edges(ring) for ring in self._given_rings]
        every = np.concatenate(rings)
        single = {f"edge_{k + 1}": every[k : k + 1] for k in range(len(every))}
        return {**dict(zip(ring_tags(len(rings)), rings, strict=True)), **single}

    def on(self, tag: str, points: FloatArray) -> BoolArray:
        """Return which of the points (n, 2) lie on the ring or edge with the given tag, shape (n,).

        Raises:
            SpecError: If no part of the boundary has this tag.
        """
        check_tag(self, tag)
        on: BoolArray = nearest_edges(points, self._tagged_edges()[tag])[1] <= self._nearness
        return on

    def normals(self, points: FloatArray) -> FloatArray:
        """Return the outward unit normals at points (n, 2) on edges, same shape; NaN at corners and off the edges."""
        edges = np.concatenate([ring_edges(ring) for ring in self.rings])
        nearest, distance = nearest_edges(points, edges)
        normals = outward_directions(edges)[nearest]
        corners = np.concatenate([ring[turning_vertices(ring)] for ring in self.rings])
        normals[(distance > self._nearness) | near_any(points, corners, self._nearness)] = np.nan
        return normals

    @property
    def _nearness(self) -> float:
        """Distance from an edge within which a point lies on it."""
        return ON_FACE * float((self.upper - self.lower).max())

    def _outline(self) -> FloatArray:
        return self.exterior

    def polygon(self) -> Any:
        """Build the shapely polygon."""
        from shapely import Polygon

        return Polygon(self.exterior, self.holes)

    def distance_to_boundary(self, points: FloatArray) -> FloatArray:
        """Return the distance of points (n, 2) to the nearest edge, shape (n,), inside and outside alike."""
        import shapely

        distance: FloatArray = shapely.distance(shapely.points(points), self.polygon().boundary)
        return distance

    def on_boundary(self, points: FloatArray) -> BoolArray:
        """Return which of the points (n, 2) lie on an edge, shape (n,)."""
        on: BoolArray = self.distance_to_boundary(points) <= self._nearness
        return on

    def _strictly_contains(self, points: FloatArray) -> BoolArray:
        import shapely

        inside: BoolArray = shapely.contains_xy(self.polygon(), points[:, 0], points[:, 1])
        return inside

    def sample_boundary(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n points uniformly from all edges, shape (n, 2)."""
        rings = [arc_lengths(ring) for ring in self.rings]
        lengths = [ring[-1] for ring in rings]
        chosen = rng.choice(len(rings), size=n, p=np.array(lengths) / sum(lengths))
        drawn = [
            self._along(index, rng.uniform(0.0, lengths[index], size=int(np.sum(chosen == index))))
            for index in range(len(rings))
        ]
        return np.concatenate(drawn)

    def _along(self, ring: int, arc: FloatArray) -> FloatArray:
        """Return the points of a ring at arc lengths (n,), shape (n, 2)."""
        vertices = self.rings[ring]
        closed = np.vstack([vertices, vertices[:1]])
        lengths = arc_lengths(vertices)
        return np.stack([np.interp(arc, lengths, closed[:, axis]) for axis in range(2)], axis=1)

    def cloud(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...] = ()) -> Cloud:
        """Build a grid inside, and points on the edges about one cell apart with every corner among them.

        Raises:
            SpecError: If the cells do not fit the polygon, or gradings are asked for.
        """

        def keep(points: FloatArray, cell: FloatArray) -> BoolArray:
            far = self.scaled(1 / cell).distance_to_boundary(points / cell) >= RIM
            return far & self._strictly_contains(points)

        def rim(cell: FloatArray) -> FloatArray:
            return np.concatenate([spaced_points(ring, cell) for ring in self.rings])

        return build_planar_cloud(self.lower, self.upper, n_per_axis, gradings, keep, rim)

    def scaled(self, factor: FloatArray) -> PolygonDomain:
        """Return the polygon with its axes stretched by factors (2,)."""
        return PolygonDomain(exterior=self.exterior * factor, holes=tuple(hole * factor for hole in self.holes))

    def factor(self, corner_exponent: float = 1.0) -> PolygonFactor:
        """Build the field that vanishes on the edges, for an ansatz; its largest value is about 1.

        Args:
            corner_exponent: Power of distance at re-entrant corners, see `PolygonFactor`.
        """
        vertices, sizes = np.concatenate(self.rings), np.array([len(ring) for ring in self.rings])
        raw = PolygonFactor(vertices=vertices, ring_sizes=sizes, corner_exponent=corner_exponent)
        peak = float(raw.evaluate(self.cloud(PEAK_GRID).centres).max())
        return PolygonFactor(vertices=vertices, ring_sizes=sizes, corner_exponent=corner_exponent, scale=1 / peak)


def oriented(ring: FloatArray, sense: float) -> FloatArray:
    """Return a ring (n, 2) counterclockwise for sense 1, clockwise for -1."""
    x, y = ring.T
    doubled_area = float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    return ring if doubled_area * sense > 0 else frozen_array(ring[::-1], np.float64)
