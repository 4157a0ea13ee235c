"""Base of the plane regions between closed paths: polygons, discs, and what is combined of them.

shapely computes which points are inside and how far the boundary is; `Edges` knows which edges stand for arcs.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from ..base.arrays import BoolArray, FloatArray, IntArray, frozen_array
from ..base.checks import check_finite, check_shape, raise_violations
from ..base.errors import SpecError
from .combination import Combinable
from .domain import AXIS_LETTERS, ON_FACE, Cloud, check_tag
from .edges import Edges
from .fields.boundary_fields import PolygonFactor
from .fields.expression_field import ExpressionField
from .grading import Grading
from .plane_domain import RIM, PlaneDomain, arc_lengths, build_planar_cloud, ring_tags
from .vanishing import vanishing_product


class RingDomain(PlaneDomain, Combinable):
    """Base of plane regions whose boundary is one closed path around closed paths of holes."""

    __slots__ = ()

    @property
    @abstractmethod
    def rings(self) -> tuple[FloatArray, ...]:
        """The outline counterclockwise, followed by the holes clockwise: the inside lies to the left of every edge."""

    def edges(self) -> Edges:
        """Build the edges of all rings, in the order of `rings`."""
        return Edges.of_rings(self.rings)

    def edge_names(self) -> tuple[str, ...]:
        """Return the names of the parts that the edges belong to, "" for no name, in the order of `rings`."""
        return ("",) * sum(len(ring) for ring in self.rings)

    def tagged_edges(self) -> dict[str, IntArray]:
        """Return the indices of the edges of each part of the boundary, by tag."""
        sizes = np.cumsum([0, *(len(ring) for ring in self.rings)])
        rings = {tag: np.arange(*ends) for tag, ends in zip(ring_tags(len(self.rings)), pairwise(sizes), strict=True)}
        names = np.array(self.edge_names())
        named = {str(name): np.flatnonzero(names == name) for name in dict.fromkeys(self.edge_names()) if name}
        return {**rings, **self._sides(), **named}

    def _sides(self) -> dict[str, IntArray]:
        """Return the straight edges that lie on the sides of the bounding box, by the tags of a box."""
        edges, sides = self.edges(), {}
        for axis, letter in enumerate(AXIS_LETTERS[:2]):
            for end, side in (("lower", self.lower[axis]), ("upper", self.upper[axis])):
                ends = np.stack([edges.starts[:, axis], edges.ends[:, axis]])
                on = (np.abs(ends - side) <= self._nearness).all(axis=0) & (edges.circles[:, 2] == 0)
                if on.any():
                    sides[f"{letter}_{end}"] = np.flatnonzero(on)
        return sides

    @property
    def tags(self) -> tuple[str, ...]:
        """Names of the parts of the boundary.

        They are `outline`, `hole_1`, `hole_2`, …; `x_lower`, `x_upper`, `y_lower`, `y_upper` where the boundary runs along the
        sides of the bounding box; and the names of the parts that the region was combined of.
        """
        return tuple(self.tagged_edges())

    def on(self, tag: str, points: FloatArray) -> BoolArray:
        """Return which of the points (n, 2) lie on the part of the boundary with the given tag, shape (n,).

        Raises:
            SpecError: If no part of the boundary has this tag.
        """
        check_tag(self, tag)
        return self.edges().near(points, self._nearness, self.tagged_edges()[tag])

    def on_boundary(self, points: FloatArray) -> BoolArray:
        """Return which of the points (n, 2) lie on an edge, shape (n,)."""
        return self.edges().near(points, self._nearness)

    def normals(self, points: FloatArray) -> FloatArray:
        """Return the outward unit normals at points (n, 2) on edges, same shape; NaN at corners and off the edges."""
        edges = self.edges()
        normals = edges.normals(edges.nearest(points)[0], points)
        off = ~edges.near(points, self._nearness)
        corners = edges.starts[edges.corners()]
        if len(corners):
            off |= cKDTree(corners).query(points)[0] <= self._nearness
        normals[off] = np.nan
        return normals

    def is_whole_boundary(self, tags: Collection[str]) -> bool:
        """Return whether every edge belongs to one of the parts with these tags."""
        edges = self.tagged_edges()
        return len({edge for tag in tags for edge in edges[tag].tolist()}) == sum(len(ring) for ring in self.rings)

    def vanishing_field(self) -> ExpressionField | PolygonFactor | None:
        """Build a field that is zero on the whole boundary and positive inside, about 1 at most; None where none is known."""
        return vanishing_product(self)

    @property
    def area(self) -> float:
        """Area of the region."""
        return float(self.polygon().area)

    def polygon(self) -> Any:
        """Build the shapely polygon."""
        from shapely import Polygon

        exterior, *holes = self.rings
        return Polygon(exterior, holes)

    def distance_to_boundary(self, points: FloatArray) -> FloatArray:
        """Return the distance of points (n, 2) to the nearest edge, shape (n,), inside and outside alike."""
        return self.edges().nearest(points)[1]

    @property
    def _nearness(self) -> float:
        """Distance from an edge within which a point lies on it."""
        return ON_FACE * float((self.upper - self.lower).max())

    def _outline(self) -> FloatArray:
        return self.rings[0]

    def _strictly_contains(self, points: FloatArray) -> BoolArray:
        import shapely

        inside: BoolArray = shapely.contains_xy(self.polygon(), points[:, 0], points[:, 1])
        return inside

    def sample_boundary(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n points uniformly from all edges, shape (n, 2)."""
        edges = self.edges()
        lengths = [arc_lengths(ring) for ring in self.rings]
        totals = np.array([length[-1] for length in lengths])
        chosen = rng.choice(len(totals), size=n, p=totals / totals.sum())
        first, drawn = 0, []
        for index, (ring, length) in enumerate(zip(self.rings, lengths, strict=True)):
            arc = rng.uniform(0.0, length[-1], size=int(np.sum(chosen == index)))
            closed = np.vstack([ring, ring[:1]])
            points = np.stack([np.interp(arc, length, closed[:, axis]) for axis in range(2)], axis=1)
            edge = first + np.searchsorted(length[1:-1], arc, side="right")
            drawn.append(edges.moved_to_circles(edge, points))
            first += len(ring)
        return np.concatenate(drawn)

    def cloud(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...] = ()) -> Cloud:
        """Build a grid inside, and points on the edges about one cell apart with every corner among them.

        Raises:
            SpecError: If the cells do not fit the region, or gradings are asked for.
        """
        edges = self.edges()

        def keep(points: FloatArray, cell: FloatArray) -> BoolArray:
            far = edges.nearest(points, unit=cell)[1] >= RIM
            kept: BoolArray = far & self._strictly_contains(points)
            return kept

        def rim(cell: FloatArray) -> FloatArray:
            sizes = np.cumsum([0, *(len(ring) for ring in self.rings)])
            paths = (path for low, high in pairwise(sizes) for path in _paths(edges, low, high))
            return np.concatenate([_spaced(edges, path, cell) for path in paths])

        return build_planar_cloud(self.lower, self.upper, n_per_axis, gradings, keep, rim)


def check_rings(domain: RingDomain, rings: Sequence[FloatArray]) -> None:
    """Raise a SpecError if paths (n, 2), the outline first, are no polygon with an inside."""
    from shapely import Polygon
    from shapely.validation import explain_validity

    name = type(domain).__name__
    for ring in rings:
        found = [*check_shape(f"{name}: vertices of a ring", ring, (None, 2), "(n_vertices, 2)")]
        raise_violations([*found, *check_finite(f"{name}: vertices of a ring", ring)])
    lengths = [len(ring) for ring in rings]
    if min(lengths) < 3:
        raise SpecError(name, "have rings of 3 or more vertices", lengths, "Give every corner once.")
    polygon = Polygon(rings[0], rings[1:])
    if not polygon.is_valid:
        repair = "Give corners in order around the outline, holes inside it and apart from each other."
        raise SpecError(name, "be a simple polygon", explain_validity(polygon), repair)
    if polygon.area <= 0:
        raise SpecError(name, "have an inside", f"area {polygon.area}", "Give corners that are not on a line.")


def _paths(edges: Edges, low: int, high: int) -> list[IntArray]:
    """Cut the ring of edges low to high at its joints: return the indices of the edges of each path."""
    ring = np.arange(low, high)
    joints = np.flatnonzero(edges.joints()[ring])
    if not len(joints):
        return [ring]
    return np.split(np.roll(ring, -joints[0]), joints[1:] - joints[0])


def _spaced(edges: Edges, path: IntArray, cell: FloatArray) -> FloatArray:
    """Divide a path of edges into parts about one cell long: return their first points, shape (n, 2)."""
    starts, steps = edges.starts[path], edges.ends[path] - edges.starts[path]
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(steps / cell, axis=1))])
    closed = bool((edges.ends[path[-1]] == starts[0]).all())
    n_parts = max(3 if closed else 1, round(float(lengths[-1])))
    share, ends = np.arange(n_parts) / n_parts, lengths / lengths[-1]
    place = np.searchsorted(ends[1:-1], share, side="right")
    fraction = (share - ends[place]) / (ends[place + 1] - ends[place])
    return edges.moved_to_circles(path[place], starts[place] + steps[place] * fraction[:, None])


def oriented(ring: FloatArray, sense: float) -> FloatArray:
    """Return a ring (n, 2) counterclockwise for sense 1, clockwise for -1."""
    x, y = ring.T
    doubled_area = float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    return ring if doubled_area * sense > 0 else frozen_array(ring[::-1], np.float64)
