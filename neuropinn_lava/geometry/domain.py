"""Regions in which equations hold, and the clouds of points laid in them.

A domain is a region with a boundary; the final time of an evolution has no condition and is therefore an *open* face:
its points are centres of the residual like those inside. A cloud is what derivative operators are built on. This module
knows numpy, polynomials and grading records; it does not know equations, operators or networks. Polygons are in `polygons.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

import numpy as np

from ..base.arrays import ArrayRecord, BoolArray, FloatArray, freeze_arrays, frozen_array
from ..base.checks import check_finite, check_shape, raise_violations
from ..base.errors import Violation
from ..problems.recipe import Grading
from .scalar_fields import Polynomial

ON_FACE = 1e-9
"""How near a point lies to a face, relative to the span of its axis, to count as lying on it: far above the rounding of
coordinates (1e-16), far below any spacing of points."""
TABLE_LENGTH = 4097
"""Entries of the table that grid lines are graded by, before Newton's method takes over."""
NEWTON_STEPS = 6
"""Newton steps after the table: each doubles the digits, and the table gives three or more."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cloud(ArrayRecord):
    """Collocation points: inside ones, where the residual is taken, and boundary ones, which only serve as neighbours."""

    points: FloatArray
    """Shape (n_points, n_dim), inside ones first."""
    n_inside: int
    """How many of them are centres of the residual."""
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
        """Make a cloud of points that lie on no grid.

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
            mend = "Give a finer grid, or a domain with an inside."
            yield Violation("Cloud.n_inside", f"1 to {self.n_points} points inside", self.n_inside, mend)

    @property
    def n_points(self) -> int:
        """Centres and boundary points together."""
        return int(self.points.shape[0])

    @property
    def n_dim(self) -> int:
        """Coordinates of a point."""
        return int(self.points.shape[1])

    @property
    def centres(self) -> FloatArray:
        """The points where the residual is taken, shape (n_inside, n_dim)."""
        return self.points[: self.n_inside]


class Domain(Protocol):
    """The region of a problem; coordinates as the problem orders them, time last."""

    @property
    def lower(self) -> FloatArray:
        """Lower corner of the bounding box, shape (n_dim,)."""

    @property
    def upper(self) -> FloatArray:
        """Upper corner of the bounding box, shape (n_dim,)."""

    def contains(self, points: FloatArray) -> BoolArray:
        """Tell which of the points (n, n_dim) lie inside or on the boundary, shape (n,)."""

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n points uniformly from the inside, shape (n, n_dim)."""

    def sample_boundary(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw about n points from the part of the boundary that may carry conditions, shape (~n, n_dim)."""

    def cloud(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...] = ()) -> Cloud:
        """Lay the collocation cloud: a grid inside and points on the boundary, none outside."""


class End(str, Enum):
    """Which end of an axis a face stands at."""

    LOWER = "lower"
    UPPER = "upper"


class Face(NamedTuple):
    """One face of a box: `Face(1, End.UPPER)` is final time in (x, t)."""

    axis: int
    """Index of the coordinate that is constant on it."""
    end: End
    """At which value."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Box(ArrayRecord):
    """An axis-parallel box of any dimension: `Box(lower=[0, 0], upper=[1, 1])`; with time, `Box.space_time(...)`."""

    lower: FloatArray
    """Lower corner, shape (n_dim,)."""
    upper: FloatArray
    """Upper corner, shape (n_dim,)."""
    open_faces: tuple[Face, ...] = ()
    """Faces without a condition, where the equation itself holds."""
    periodic_axes: tuple[int, ...] = ()
    """Axes whose two faces are one and the same place; such faces carry no condition either."""

    def __post_init__(self) -> None:
        freeze_arrays(self, lower=np.float64, upper=np.float64)
        raise_violations(check_shape("Box.lower", self.lower, (None,), "(n_dim,)"))
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        yield from check_shape("Box.upper", self.upper, self.lower.shape, "(n_dim,), as lower")
        yield from check_finite("Box.lower", self.lower)
        yield from check_finite("Box.upper", self.upper)
        if self.upper.shape == self.lower.shape and not (self.lower < self.upper).all():
            yield Violation("Box.upper", "upper > lower", self.upper, "Give a box with an inside.")
        axes = {*self.periodic_axes, *(face.axis for face in self.open_faces)}
        if axes - set(range(self.n_dim)):
            mend = "Count axes from zero."
            yield Violation("Box.open_faces and .periodic_axes", f"axes below {self.n_dim}", sorted(axes), mend)

    @classmethod
    def space_time(cls, lower: Sequence[float], upper: Sequence[float], periodic_axes: tuple[int, ...] = ()) -> Box:
        """Make the box of an evolution: time is the last axis and its upper face is open."""
        final = Face(len(lower) - 1, End.UPPER)
        return cls(lower=np.array(lower), upper=np.array(upper), open_faces=(final,), periodic_axes=periodic_axes)

    @property
    def n_dim(self) -> int:
        """Coordinates of a point."""
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

    def place(self, face: Face) -> float:
        """Give the value of the face's coordinate."""
        return float((self.lower if face.end is End.LOWER else self.upper)[face.axis])

    def relative_distance(self, face: Face) -> Polynomial:
        """Make the linear field that is 0 on a face and 1 on the opposite one."""
        inward = 1.0 if face.end is End.LOWER else -1.0
        slope = inward / self.span[face.axis]
        exponents = np.zeros((2, self.n_dim), dtype=np.int64)
        exponents[1, face.axis] = 1
        return Polynomial(exponents=exponents, coefficients=np.array([-slope * self.place(face), slope]))

    def on_face(self, face: Face, points: FloatArray) -> BoolArray:
        """Tell which of the points (n, n_dim) lie on the face, shape (n,)."""
        nearness = ON_FACE * self.span[face.axis]
        on: BoolArray = np.abs(points[:, face.axis] - self.place(face)) <= nearness
        return on

    def on_boundary(self, points: FloatArray) -> BoolArray:
        """Tell which of the points (n, n_dim) lie on any closed face, shape (n,)."""
        on = np.zeros(points.shape[0], dtype=np.bool_)
        for face in self.closed_faces:
            on |= self.on_face(face, points)
        return on

    def contains(self, points: FloatArray) -> BoolArray:
        """Tell which of the points (n, n_dim) lie inside or on the boundary, shape (n,)."""
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
            points[:, face.axis] = self.place(face)
            drawn.append(points)
        return np.concatenate(drawn)

    def cloud(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...] = ()) -> Cloud:
        """Lay a grid from wall to wall; points on closed faces are boundary points, all others are inside.

        A periodic axis has n points, the last of which is one cell short of the upper face.

        Args:
            n_per_axis: Cells along each axis, 2 or more, length n_dim.
            gradings: Where to draw the grid lines together.

        Raises:
            SpecError: If a number of cells or a grading does not fit the box.
        """
        raise_violations(self._cloud_violations(n_per_axis, gradings))
        n_nodes = [n if axis in self.periodic_axes else n + 1 for axis, n in enumerate(n_per_axis)]
        index = np.stack(np.meshgrid(*(np.arange(n) for n in n_nodes), indexing="ij"), axis=-1).reshape(-1, self.n_dim)
        nodes = self._axis_nodes(n_per_axis, gradings)
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

    def _axis_nodes(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...]) -> list[FloatArray]:
        """Give the coordinates of the grid lines of each axis, both faces exact."""
        nodes = [
            np.linspace(low, high, n + 1) for low, high, n in zip(self.lower, self.upper, n_per_axis, strict=False)
        ]
        for axis in {grading.axis for grading in gradings}:
            nodes[axis] = graded_nodes(nodes[axis], [grading for grading in gradings if grading.axis == axis])
        return nodes

    def _cloud_violations(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...]) -> Iterator[Violation]:
        if len(n_per_axis) != self.n_dim or min(n_per_axis, default=0) < 2:
            rule = f"{self.n_dim} numbers of cells, each 2 or more"
            yield Violation("Box.cloud.n_per_axis", rule, n_per_axis, "Give one number for each axis.")
        for grading in gradings:
            if not 0 <= grading.axis < self.n_dim:
                rule = f"gradings of axes below {self.n_dim}"
                yield Violation("Box.cloud.gradings", rule, grading.axis, "Count axes from zero.")


def graded_nodes(uniform: FloatArray, gradings: Sequence[Grading]) -> FloatArray:
    """Draw grid lines together around centres, keeping the ends and the number of lines.

        N(x) = x + sum_k gain_k width_k atan((x - centre_k) / width_k)          N(x_i) at equal distances

    Args:
        uniform: Grid lines at equal distances, shape (n,).
        gradings: Centres, widths and gains; their axes are not looked at.

    Returns:
        The graded lines, shape (n,), solved for by Newton's method from a fine table: N' >= 1.
    """

    def lines_up_to(x: FloatArray) -> FloatArray:
        arms = [g.gain * g.width * np.arctan((x - g.centre) / g.width) for g in gradings]
        count: FloatArray = x + np.sum(arms, axis=0)
        return count

    def density(x: FloatArray) -> FloatArray:
        gains = [g.gain / (1 + ((x - g.centre) / g.width) ** 2) for g in gradings]
        slope: FloatArray = 1.0 + np.sum(gains, axis=0)
        return slope

    low, high = uniform[0], uniform[-1]
    table = np.linspace(low, high, TABLE_LENGTH)
    counts = lines_up_to(table)
    wanted = counts[0] + (uniform - low) / (high - low) * (counts[-1] - counts[0])
    x = np.interp(wanted, counts, table)
    for _ in range(NEWTON_STEPS):
        x = np.clip(x - (lines_up_to(x) - wanted) / density(x), low, high)
    x[0], x[-1] = low, high
    return frozen_array(x, np.float64)
