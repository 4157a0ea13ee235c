"""Regions in which equations hold, and the clouds of collocation points in them.

A domain is a region with a boundary; the final time of an evolution has no condition and is therefore an *open* face:
its points are centres of the residual like those inside. Derivative operators are built on a cloud. Polygons are in polygon.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from enum import Enum
from typing import NamedTuple, Protocol

import numpy as np

from ..base.arrays import ArrayRecord, BoolArray, FloatArray, freeze_arrays
from ..base.checks import as_member, as_tuple, check_choice, check_finite, check_shape, raise_violations
from ..base.errors import SpecError, Violation
from .combination import Combinable
from .fields.scalar_fields import Polynomial
from .grading import Grading, graded_nodes

ON_FACE = 1e-9
"""Distance from a face, relative to the span of its axis, within which a point lies on the face: far above the rounding of
coordinates (1e-16), far below any spacing of points."""
AXIS_LETTERS = "xyzw"
"""Letters of the axes of space in the tags of faces; a further axis is called `axis5` and so on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cloud(ArrayRecord):
    """Collocation points: inside ones, where the residual is taken, and boundary ones, which only serve as neighbours."""

    points: FloatArray
    """Shape (n_points, n_dim), inside ones first."""
    n_inside: int
    """Number of points that are centres of the residual, 1 to n_points."""
    cell_coordinates: FloatArray
    """Coordinates in which neighbours are sought, same shape: points lie about one unit apart along every axis, however
    the cloud is stretched or graded."""
    periods: FloatArray
    """Period of every axis in units of the points, shape (n_dim,); 0 where an axis is not periodic."""
    cell_periods: FloatArray
    """The same in units of the cell coordinates."""

    def __post_init__(self) -> None:
        freeze_arrays(self, **dict.fromkeys(("points", "cell_coordinates", "periods", "cell_periods"), np.float64))
        raise_violations(check_shape("Cloud.points", self.points, (None, None), "(n_points, n_dim)"))
        raise_violations(self._violations())

    @classmethod
    def scattered(cls, points: FloatArray, n_inside: int, spacing: float | FloatArray = 1.0) -> Cloud:
        """Build a cloud of points that lie on no grid.

        Args:
            points: Shape (n_points, n_dim), inside ones first.
            n_inside: How many of them are centres of the residual.
            spacing: Typical distance between neighbours along each axis, shape (n_dim,) or one for all; only ratios count.
        """
        held = np.asarray(points, dtype=np.float64)
        zeros = np.zeros(held.shape[-1])
        return cls(points=held, n_inside=n_inside, cell_coordinates=held / spacing, periods=zeros, cell_periods=zeros)

    def _violations(self) -> Iterator[Violation]:
        yield from check_finite("Cloud.points", self.points)
        yield from check_shape("Cloud.cell_coordinates", self.cell_coordinates, self.points.shape, "that of points")
        for name in ("periods", "cell_periods"):
            yield from check_shape(f"Cloud.{name}", getattr(self, name), (self.n_dim,), "(n_dim,)")
        if not 1 <= self.n_inside <= self.n_points:
            repair = "Give a finer grid, or a domain with an inside."
            yield Violation("Cloud.n_inside", f"lie between 1 and {self.n_points}", self.n_inside, repair)

    @property
    def n_points(self) -> int:
        """Number of centres and boundary points together."""
        return int(self.points.shape[0])

    @property
    def n_dim(self) -> int:
        """Number of coordinates of a point."""
        return int(self.points.shape[1])

    @property
    def centres(self) -> FloatArray:
        """The points where the residual is taken, shape (n_inside, n_dim)."""
        return self.points[: self.n_inside]

    @property
    def everywhere(self) -> Cloud:
        """The same points, all of them centres: operators built on it have rows for boundary points too, one-sided ones."""
        return replace(self, n_inside=self.n_points)


class Domain(Protocol):
    """The region of a problem; coordinates as the problem orders them, time last."""

    @property
    def has_time(self) -> bool:
        """Whether the last coordinate is time, at whose end no condition is set."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Names of the parts of the boundary that may carry conditions; parts may overlap."""

    @property
    def lower(self) -> FloatArray:
        """Lower corner of the bounding box, shape (n_dim,)."""

    @property
    def upper(self) -> FloatArray:
        """Upper corner of the bounding box, shape (n_dim,)."""

    def contains(self, points: FloatArray) -> BoolArray:
        """Return which of the points (n, n_dim) lie inside or on the boundary, shape (n,)."""

    def on(self, tag: str, points: FloatArray) -> BoolArray:
        """Return which of the points (n, n_dim) lie on a part of the boundary, shape (n,).

        Raises:
            SpecError: If the domain has no such part.
        """

    def normals(self, points: FloatArray) -> FloatArray:
        """Return the outward unit normals at boundary points (n, n_dim), same shape: NaN at corners and off the boundary.

        Time's component is 0 on the walls and -1 on the start.
        """

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n points uniformly from the inside, shape (n, n_dim)."""

    def sample_boundary(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw about n points from the part of the boundary that may carry conditions, shape (~n, n_dim)."""

    def cloud(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...] = ()) -> Cloud:
        """Build the collocation cloud: a grid inside and points on the boundary, none outside."""


def check_tag(domain: Domain, tag: str) -> None:
    """Raise a SpecError that lists the tags of a domain if the given one is not among them."""
    where = f"{type(domain).__name__}.on: tag"
    if not domain.tags:
        repair = "No part of its boundary may carry a condition."
        raise SpecError(where, "name a part of the boundary of a domain that has one", repr(tag), repair)
    raise_violations(check_choice(where, tag, domain.tags))


class End(str, Enum):
    """The end of an axis at which a face stands."""

    LOWER = "lower"
    UPPER = "upper"


class _AxisEnd(NamedTuple):
    """The fields of a face."""

    axis: int
    """Index of the coordinate that is constant on it."""
    end: End
    """End of that coordinate's range."""


class Face(_AxisEnd):
    """One face of a box: `Face(1, End.UPPER)`, or `Face(1, "upper")`, is final time in (x, t)."""

    __slots__ = ()

    def __new__(cls, axis: int, end: End | str) -> Face:
        return super().__new__(cls, axis, as_member(End, end, "Face.end"))


@dataclass(frozen=True, slots=True, eq=False)
class Box(ArrayRecord, Combinable):
    """An axis-parallel box of any dimension: `Box([0, 0], [1, 1])`; with time, `Box.space_time(...)`.

    Boxes in the plane are combined with discs and polygons by `+`, `-` and `&`: `Box([0, 0], [1, 1]) - Disc([0.5, 0.5], 0.2)`.
    """

    lower: FloatArray
    """Lower corner, shape (n_dim,)."""
    upper: FloatArray
    """Upper corner, shape (n_dim,)."""
    _: KW_ONLY
    open_faces: tuple[Face, ...] = ()
    """Faces without a condition, where the equation itself holds."""
    periodic_axes: tuple[int, ...] = ()
    """Axes whose two faces are identified; such faces carry no condition either."""

    def __post_init__(self) -> None:
        freeze_arrays(self, lower=np.float64, upper=np.float64)
        object.__setattr__(self, "open_faces", tuple(Face(*face) for face in self.open_faces))
        object.__setattr__(self, "periodic_axes", as_tuple(self.periodic_axes))
        raise_violations(check_shape("Box.lower", self.lower, (None,), "(n_dim,)"))
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        yield from check_shape("Box.upper", self.upper, self.lower.shape, "(n_dim,), as lower")
        yield from check_finite("Box.lower", self.lower)
        yield from check_finite("Box.upper", self.upper)
        if self.upper.shape == self.lower.shape and not (self.lower < self.upper).all():
            yield Violation("Box.upper", "lie above lower", self.upper, "Give a box with an inside.")
        axes = {*self.periodic_axes, *(face.axis for face in self.open_faces)}
        if axes - set(range(self.n_dim)):
            repair = "Count axes from zero."
            yield Violation("Box.open_faces and .periodic_axes", f"be axes below {self.n_dim}", sorted(axes), repair)

    @classmethod
    def space_time(cls, lower: Sequence[float], upper: Sequence[float], periodic_axes: tuple[int, ...] = ()) -> Box:
        """Build the box of an evolution: time is the last axis and its upper face is open."""
        final = Face(len(lower) - 1, End.UPPER)
        return cls(lower=np.array(lower), upper=np.array(upper), open_faces=(final,), periodic_axes=periodic_axes)

    @property
    def n_dim(self) -> int:
        """Number of coordinates of a point."""
        return int(self.lower.shape[0])

    @property
    def span(self) -> FloatArray:
        """Lengths of the edges, shape (n_dim,)."""
        return self.upper - self.lower

    @property
    def closed_faces(self) -> tuple[Face, ...]:
        """The faces that may carry conditions, in the order of the axes."""
        every = (Face(axis, end) for axis in range(self.n_dim) for end in End)
        return tuple(face for face in every if face not in self.open_faces and face.axis not in self.periodic_axes)

    @property
    def has_time(self) -> bool:
        """Whether the last coordinate is time: its upper face is open and its lower one is not."""
        last = self.n_dim - 1
        return Face(last, End.UPPER) in self.open_faces and Face(last, End.LOWER) in self.closed_faces

    @property
    def tags(self) -> tuple[str, ...]:
        """Names of the closed faces in the order of the axes: `x_lower`, `x_upper`, `y_lower`, …; `start` for initial time."""
        return tuple(self._tag(face) for face in self.closed_faces)

    def _tag(self, face: Face) -> str:
        if self.has_time and face.axis == self.n_dim - 1:
            return "start"
        letter = AXIS_LETTERS[face.axis] if face.axis < len(AXIS_LETTERS) else f"axis{face.axis + 1}"
        return f"{letter}_{face.end.value}"

    def face_coordinate(self, face: Face) -> float:
        """Return the coordinate that is constant on a face."""
        return float((self.lower if face.end is End.LOWER else self.upper)[face.axis])

    def relative_distance(self, face: Face) -> Polynomial:
        """Build the linear field that is 0 on a face and 1 on the opposite one."""
        inward = 1.0 if face.end is End.LOWER else -1.0
        slope = inward / self.span[face.axis]
        exponents = np.zeros((2, self.n_dim), dtype=np.int64)
        exponents[1, face.axis] = 1
        return Polynomial(exponents=exponents, coefficients=np.array([-slope * self.face_coordinate(face), slope]))

    def on_face(self, face: Face, points: FloatArray) -> BoolArray:
        """Return which of the points (n, n_dim) lie on the face, shape (n,)."""
        nearness = ON_FACE * self.span[face.axis]
        on: BoolArray = np.abs(points[:, face.axis] - self.face_coordinate(face)) <= nearness
        return on

    def on(self, tag: str, points: FloatArray) -> BoolArray:
        """Return which of the points (n, n_dim) lie on the face with the given tag, shape (n,).

        Raises:
            SpecError: If no closed face has this tag.
        """
        check_tag(self, tag)
        return self.on_face(self.closed_faces[self.tags.index(tag)], points)

    def normals(self, points: FloatArray) -> FloatArray:
        """Return the outward unit normals at points (n, n_dim) on closed faces, same shape.

        Points on two or more closed faces, or on none, get NaN.
        """
        normals, n_faces = np.zeros(points.shape), np.zeros(len(points), dtype=np.int64)
        for face in self.closed_faces:
            on = self.on_face(face, points)
            normals[on, face.axis] = -1.0 if face.end is End.LOWER else 1.0
            n_faces += on
        normals[n_faces != 1] = np.nan
        return normals

    def on_boundary(self, points: FloatArray) -> BoolArray:
        """Return which of the points (n, n_dim) lie on any closed face, shape (n,)."""
        on = np.zeros(points.shape[0], dtype=np.bool_)
        for face in self.closed_faces:
            on |= self.on_face(face, points)
        return on

    def contains(self, points: FloatArray) -> BoolArray:
        """Return which of the points (n, n_dim) lie inside or on the boundary, shape (n,)."""
        slack = ON_FACE * self.span
        inside: BoolArray = ((points >= self.lower - slack) & (points <= self.upper + slack)).all(axis=1)
        return inside

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n points uniformly from the inside, shape (n, n_dim)."""
        return rng.uniform(self.lower, self.upper, size=(n, self.n_dim))

    def sample_boundary(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw points uniformly from the closed faces, as many from each, n rounded up, shape (~n, n_dim).

        Space and time have no common unit of area; so every face counts alike.
        """
        per_face = -(-n // max(len(self.closed_faces), 1))
        drawn = [np.empty((0, self.n_dim))]
        for face in self.closed_faces:
            points = self.sample(per_face, rng)
            points[:, face.axis] = self.face_coordinate(face)
            drawn.append(points)
        return np.concatenate(drawn)

    def cloud(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...] = ()) -> Cloud:
        """Build a grid from wall to wall; points on closed faces are boundary points, all others are inside.

        A periodic axis has n points, the last of which is one cell short of the upper face.

        Args:
            n_per_axis: Cells along each axis, 2 or more, length n_dim.
            gradings: Places where the grid lines are denser.

        Raises:
            SpecError: If a number of cells or a grading does not fit the box.
        """
        raise_violations(self._cloud_violations(n_per_axis, gradings))
        n_nodes = [n if axis in self.periodic_axes else n + 1 for axis, n in enumerate(n_per_axis)]
        index = np.stack(np.meshgrid(*(np.arange(n) for n in n_nodes), indexing="ij"), axis=-1).reshape(-1, self.n_dim)
        nodes = [np.linspace(low, high, n + 1) for low, high, n in zip(self.lower, self.upper, n_per_axis, strict=True)]
        for axis in {grading.axis for grading in gradings}:
            nodes[axis] = graded_nodes(nodes[axis], [grading for grading in gradings if grading.axis == axis])
        points = np.stack([nodes[axis][index[:, axis]] for axis in range(self.n_dim)], axis=1)
        closed = np.zeros(len(points), dtype=np.bool_)
        for axis, end in self.closed_faces:
            closed |= index[:, axis] == (0 if end is End.LOWER else n_per_axis[axis])
        order = np.argsort(closed, kind="stable")
        periodic = np.isin(np.arange(self.n_dim), self.periodic_axes)
        return Cloud(
            points=points[order],
            n_inside=int(np.count_nonzero(~closed)),
            cell_coordinates=index[order],
            periods=np.where(periodic, self.span, 0.0),
            cell_periods=np.where(periodic, n_per_axis, 0),
        )

    def _cloud_violations(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...]) -> Iterator[Violation]:
        if len(n_per_axis) != self.n_dim or min(n_per_axis, default=0) < 2:
            rule = f"be {self.n_dim} numbers of cells, each 2 or more"
            yield Violation("Box.cloud.n_per_axis", rule, n_per_axis, "Give one number for each axis.")
        for grading in gradings:
            if not 0 <= grading.axis < self.n_dim:
                rule = f"be gradings of axes below {self.n_dim}"
                yield Violation("Box.cloud.gradings", rule, grading.axis, "Count axes from zero.")
