"""Regions that a mesh of triangles or tetrahedra fills: its vertices are the cloud, its boundary facets carry the tags."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..base.arrays import ArrayRecord, BoolArray, FloatArray, IntArray, freeze_arrays, frozen_array
from ..base.checks import check_finite, check_range, check_shape, raise_violations
from ..base.errors import SpecError, Violation
from .domain import ON_FACE, Cloud, check_tag
from .grading import Grading
from .simplices import boundary_facets, points_in_simplices, sample_simplices, simplex_volumes

SMOOTH = np.cos(np.deg2rad(20.0))
"""Least cosine between the normals of the facets at a point and their mean: beyond it the point is a corner. Meshes of round
boundaries have facets that turn by a few degrees; the sides of a hexagon turn by 60, each 30 from the mean."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeshDomain(ArrayRecord):
    """The region of a mesh in the plane or in space; `read_mesh` reads one from a file."""

    points: FloatArray
    """The vertices, shape (n_points, n_dim), n_dim 2 or 3; every one belongs to a cell."""
    cells: IntArray
    """Vertices of each triangle or tetrahedron in any order, shape (n_cells, n_dim + 1)."""
    facets: IntArray
    """Vertices of the tagged boundary edges or triangles, shape (n_facets, n_dim); a facet with two tags stands there twice."""
    facet_tags: IntArray
    """Index of the tag of each facet, shape (n_facets,)."""
    tags: tuple[str, ...]
    """Names of the parts of the boundary."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points=np.float64, cells=np.int64, facets=np.int64, facet_tags=np.int64)
        object.__setattr__(self, "tags", tuple(self.tags))
        raise_violations(check_shape("MeshDomain.points", self.points, (None, None), "(n_points, n_dim)"))
        raise_violations(check_range("MeshDomain: number of coordinates", self.n_dim, 2, 3))
        raise_violations(self._array_violations())
        raise_violations(self._boundary_violations())

    def _array_violations(self) -> Iterator[Violation]:
        n = self.n_dim
        yield from check_finite("MeshDomain.points", self.points)
        yield from check_shape("MeshDomain.cells", self.cells, (None, n + 1), "(n_cells, n_dim + 1)")
        if not len(self.facets):
            repair = "Give the edges or faces of its boundary physical groups or cell sets in the mesher."
            yield Violation("MeshDomain.facets", "have tags on the boundary of the mesh", "none", repair)
            return
        yield from check_shape("MeshDomain.facets", self.facets, (None, n), "(n_facets, n_dim)")
        yield from check_shape("MeshDomain.facet_tags", self.facet_tags, (len(self.facets),), "(n_facets,)")
        yield from check_range("MeshDomain.facet_tags", self.facet_tags, 0, len(self.tags) - 1)
        for name in ("cells", "facets"):
            yield from check_range(f"MeshDomain.{name}", getattr(self, name), 0, len(self.points) - 1)

    def _boundary_violations(self) -> Iterator[Violation]:
        volumes = simplex_volumes(self.points[self.cells])
        if not (volumes > 0).all():
            bad = np.flatnonzero(~(volumes > 0))
            got = f"cell {bad[0]} without one, and {len(bad)} such cells in all"
            yield Violation("MeshDomain.cells", "have an inside each", got, "Remove collapsed cells.")
        unused = len(self.points) - len(np.unique(self.cells))
        if unused:
            yield Violation("MeshDomain.points", "be vertices of cells", f"{unused} that are not", "Leave them out.")
        boundary = {tuple(facet) for facet in boundary_facets(self.cells)[0].tolist()}
        tagged = {tuple(sorted(facet)) for facet in self.facets.tolist()}
        if boundary - tagged:
            got = f"{len(boundary - tagged)} of {len(boundary)} facets without one"
            repair = "Give every edge or face of the boundary a physical group or cell set in the mesher."
            yield Violation("MeshDomain.facets", "have a tag for every facet of the boundary", got, repair)
        if tagged - boundary:
            got = f"{len(tagged - boundary)} facets that are not"
            yield Violation("MeshDomain.facets", "lie on the boundary of the mesh", got, "Leave inner facets out.")

    @property
    def n_dim(self) -> int:
        """Number of coordinates of a point."""
        return int(self.points.shape[1])

    @property
    def has_time(self) -> bool:
        """Whether the last coordinate is time: never, all are of space."""
        return False

    @property
    def lower(self) -> FloatArray:
        """Lower corner of the bounding box, shape (n_dim,)."""
        return frozen_array(self.points.min(axis=0), np.float64)

    @property
    def upper(self) -> FloatArray:
        """Upper corner of the bounding box, shape (n_dim,)."""
        return frozen_array(self.points.max(axis=0), np.float64)

    @property
    def _nearness(self) -> float:
        return ON_FACE * float((self.upper - self.lower).max())

    def contains(self, points: FloatArray) -> BoolArray:
        """Return which of the points (n, n_dim) lie in a cell or on its sides, shape (n,)."""
        inside = np.zeros(len(points), dtype=np.bool_)
        inside[points_in_simplices(points, self.points[self.cells], self._nearness)[1]] = True
        return inside

    def on(self, tag: str, points: FloatArray) -> BoolArray:
        """Return which of the points (n, n_dim) lie on the facets with the given tag, shape (n,).

        Raises:
            SpecError: If no facet has this tag.
        """
        check_tag(self, tag)
        facets = self.facets[self.facet_tags == self.tags.index(tag)]
        on = np.zeros(len(points), dtype=np.bool_)
        on[points_in_simplices(points, self.points[facets], self._nearness)[1]] = True
        return on

    def normals(self, points: FloatArray) -> FloatArray:
        """Return the outward unit normals at points (n, n_dim) on the boundary, same shape.

        At a vertex they are the mean of the facets' normals, so that round boundaries have smooth ones. Points where a facet's
        normal is more than 20 degrees from the mean are corners: they get NaN, as do points off the boundary.
        """
        facets, opposite = boundary_facets(self.cells)
        corners = self.points[facets]
        facet_normals = _outward_normals(corners, self.points[opposite])
        which, point = points_in_simplices(points, corners, self._nearness)
        total = np.zeros(points.shape)
        np.add.at(total, point, facet_normals[which])
        length = np.linalg.norm(total, axis=1)
        normals = np.where(length[:, None] > 0, total / np.where(length > 0, length, 1.0)[:, None], np.nan)
        turned = (facet_normals[which] * normals[point]).sum(axis=1) < SMOOTH
        normals[point[turned]] = np.nan
        return normals

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n points uniformly from the cells, shape (n, n_dim)."""
        return sample_simplices(n, self.points[self.cells], rng)

    def sample_boundary(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n points uniformly from the boundary facets, shape (n, n_dim)."""
        return sample_simplices(n, self.points[boundary_facets(self.cells)[0]], rng)

    def cloud(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...] = ()) -> Cloud:
        """Return the vertices as the cloud, those on the boundary as boundary points; the numbers of cells are not used.

        Raises:
            SpecError: If gradings are asked for, or all vertices lie on the boundary.
        """
        if gradings:
            raise SpecError("MeshDomain.cloud.gradings", "be left out on a mesh", gradings, "Refine the mesh itself.")
        on_boundary = np.zeros(len(self.points), dtype=np.bool_)
        on_boundary[self.facets] = True
        if on_boundary.all():
            got = f"{len(self.points)} vertices, all on the boundary"
            raise SpecError("MeshDomain.points", "have vertices inside", got, "Refine the mesh.")
        order = np.argsort(on_boundary, kind="stable")
        sides = np.concatenate([self.cells[:, pair] for pair in combinations(range(self.n_dim + 1), 2)])
        lengths = np.linalg.norm(np.diff(self.points[sides], axis=1)[:, 0], axis=1)
        return Cloud.scattered(self.points[order], int((~on_boundary).sum()), spacing=float(np.median(lengths)))


def _outward_normals(facets: FloatArray, opposite: FloatArray) -> FloatArray:
    """Return the unit normals of facets (n, n_dim, n_dim) that point away from the vertices (n, n_dim) of their cells."""
    legs = facets[:, 1:] - facets[:, :1]
    first = legs[:, 0]
    normals = np.stack([first[:, 1], -first[:, 0]], axis=1) if legs.shape[2] == 2 else np.cross(first, legs[:, 1])
    inward = opposite - facets[:, 0]
    outward = -np.sign((normals * inward).sum(axis=1)) / np.linalg.norm(normals, axis=1)
    oriented: FloatArray = normals * outward[:, None]
    return oriented
