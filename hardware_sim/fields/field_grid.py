"""Fields on a regular grid over a domain: the axes of the grid, and the values of every network at the points inside.

    grid = axis 1 x axis 2 x ... ,    values are NaN where a point lies outside the domain

An axis sets one column of the inputs, or several at once: a parameter that is a function has many columns and one axis, on
which a few functions stand. Figures show planes of two axes; the others are chosen by a slider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ...base.arrays import ArrayRecord, BoolArray, FloatArray, freeze_arrays
from ...base.checks import check_shape, raise_violations
from ...base.errors import Violation

MOST_VALUES = 150_000
"""Largest number of values of a grid, float, deployed and reference together: 800 kB of text in a page."""
FINEST = 141
"""Largest number of points along a drawn axis: as many as a figure of a page shows."""
N_SLICES = (9, 5, 3)
"""Number of points along an axis that a slider moves, where there are one, two, or more of them."""
N_SOURCES = 3
"""Float network, deployed network and reference: the values that are stored for each point and unknown."""

Contains = Callable[[FloatArray], BoolArray]
"""Tells which points (n, n_in) lie in the domain, shape (n,)."""
Evaluate = Callable[[FloatArray], FloatArray]
"""Maps points (n, n_in) to outputs (n, n_out)."""


class AxisRole(str, Enum):
    """What an axis of a grid stands for."""

    SPACE = "space"
    """A coordinate in space."""
    TIME = "time"
    """The time, in which the solution evolves."""
    PARAMETER = "parameter"
    """A parameter of the equations, a number or a function."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridAxis(ArrayRecord):
    """One axis of a grid."""

    name: str
    """Name of the coordinate or parameter."""
    role: AxisRole
    """What the axis stands for."""
    columns: FloatArray
    """Inputs that each point of the axis sets, shape (n, n_columns)."""
    labels: tuple[str, ...] = ()
    """What the points of the axis are called; empty where their number in `columns` says it."""

    def __post_init__(self) -> None:
        freeze_arrays(self, columns=np.float64)
        raise_violations(check_shape(f"GridAxis {self.name!r}.columns", self.columns, (None, None), "(n, n_columns)"))

    @property
    def n(self) -> int:
        """Number of points along the axis."""
        return len(self.columns)

    @property
    def values(self) -> FloatArray:
        """Place of every point along the axis, shape (n,): its coordinate, or its number where an axis has more columns."""
        single = self.columns.shape[1] == 1
        places: FloatArray = self.columns[:, 0] if single else np.arange(1.0, self.n + 1)
        return places

    def label(self, index: int) -> str:
        """Return how a point of the axis is called, as `t = 0.25`."""
        return self.labels[index] if self.labels else f"{self.name} = {self.values[index]:.3g}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldGrid(ArrayRecord):
    """Outputs on a regular grid; NaN outside the domain."""

    axes: tuple[GridAxis, ...]
    """The axes in the order of the inputs; the first two are drawn, the others are chosen by sliders."""
    unknowns: tuple[str, ...]
    """One name per output."""
    float_outputs: FloatArray
    """u of the float network, shape (n_1, ..., n_axes, n_out)."""
    deployed_outputs: FloatArray
    """u of the deployed network, same shape."""
    reference_outputs: FloatArray | None = None
    """u of the problem's reference solution, same shape; None where none can be evaluated."""
    measured_error: FloatArray | None = None
    """Deployed minus the user's own reference, interpolated between the user's points, same shape; None without one."""
    estimated_error: FloatArray | None = None
    """Estimated error of the deployed network, u - u_exact, interpolated between the points of its cloud; None without one."""

    def __post_init__(self) -> None:
        given = [name for name in LAYERS if getattr(self, name) is not None]
        freeze_arrays(self, **dict.fromkeys(given, np.float64))
        raise_violations(self._violations(given))

    def _violations(self, given: list[str]) -> Iterator[Violation]:
        shape = (*(axis.n for axis in self.axes), len(self.unknowns))
        for name in given:
            yield from check_shape(f"FieldGrid.{name}", getattr(self, name), shape, "(n_1, ..., n_axes, n_out)")

    @property
    def drawn_axes(self) -> tuple[GridAxis, ...]:
        """The one or two axes that figures show."""
        return self.axes[:2]

    @property
    def is_solid(self) -> bool:
        """Whether the axes are the three of space, so that planes across any of them can be shown."""
        return [axis.role for axis in self.axes] == [AxisRole.SPACE] * 3

    @property
    def error(self) -> FloatArray | None:
        """Deployed minus reference, the same shape; None without a reference."""
        return self.measured_error if self.reference_outputs is None else self.deployed_outputs - self.reference_outputs

    @property
    def difference(self) -> FloatArray:
        """Deployed minus float, the same shape."""
        return self.deployed_outputs - self.float_outputs

    def worst(self, unknown: int) -> tuple[int, ...]:
        """Return the place where an unknown's error is largest: the true error, else the estimated one, else the change."""
        known = next(e for e in (self.error, self.estimated_error, self.difference) if e is not None)
        size = np.nan_to_num(np.abs(known[..., unknown]), nan=-1.0)
        return tuple(int(k) for k in np.unravel_index(int(size.argmax()), size.shape))


LAYERS = ("float_outputs", "deployed_outputs", "reference_outputs", "measured_error", "estimated_error")
"""Fields of a `FieldGrid` that hold values."""


def region_axes(
    names: tuple[str, ...],
    lower: FloatArray,
    upper: FloatArray,
    has_time: bool,
    sliders: tuple[GridAxis, ...],
    n_out: int,
) -> tuple[GridAxis, ...]:
    """Build the axes of a grid over the bounding box of a region: two fine ones, and coarse ones for the sliders.

    Args:
        names: Names of the coordinates of the region, time last.
        lower: Lower corner of the bounding box, shape (n_dim,).
        upper: Upper corner of the bounding box, shape (n_dim,).
        has_time: Whether the last coordinate is time.
        sliders: Axes of the parameters, which follow the coordinates in the inputs.
        n_out: Number of unknowns, by which the number of values is bounded.
    """
    roles = [AxisRole.SPACE] * (len(names) - has_time) + [AxisRole.TIME] * has_time
    most = MOST_VALUES / (N_SOURCES * n_out * np.prod([axis.n for axis in sliders], dtype=float))
    n_slid = max(len(names) - 2, 0)
    if roles == [AxisRole.SPACE] * 3 and not sliders:
        counts = [int(most ** (1 / 3))] * 3
    else:
        n_slices = N_SLICES[min(n_slid + len(sliders), len(N_SLICES)) - 1] if n_slid else 1
        is_plane = roles[:2] == [AxisRole.SPACE] * 2
        counts = [*_fine(most / n_slices**n_slid, (upper - lower)[:2], is_plane), *[n_slices] * n_slid]
    axes = [
        GridAxis(name=name, role=role, columns=np.linspace(low, high, n)[:, None])
        for name, role, low, high, n in zip(names, roles, lower, upper, counts, strict=True)
    ]
    return (*axes, *sliders)


def _fine(most: float, extent: FloatArray, is_plane: bool) -> list[int]:
    """Return the numbers of points along the drawn axes, `most` in all: alike, or in proportion to the extents of a plane."""
    if len(extent) == 1:
        return [int(min(most, 10 * FINEST))]
    ratio = float(np.clip(np.sqrt(extent[0] / extent[1]), 0.5, 2.0)) if is_plane else 1.0
    side = min(np.sqrt(most), FINEST)
    return [max(int(side * ratio), 3), max(int(side / ratio), 3)]


def grid_points(axes: tuple[GridAxis, ...]) -> FloatArray:
    """Return all points of a grid, shape (n_points, n_in), the last axis fastest."""
    index = np.indices([axis.n for axis in axes]).reshape(len(axes), -1)
    return np.hstack([axis.columns[at] for axis, at in zip(axes, index, strict=True)])


def evaluate_inside(axes: tuple[GridAxis, ...], inside: BoolArray, evaluate: Evaluate, n_out: int) -> FloatArray:
    """Evaluate a function at the points of a grid that lie inside; NaN at the others.

    Args:
        axes: The axes of the grid.
        inside: Which points of `grid_points` lie in the domain, shape (n_points,).
        evaluate: Function of points (n, n_in) with values (n, n_out).
        n_out: Number of values at a point.

    Returns:
        Values, shape (n_1, ..., n_axes, n_out).
    """
    values = np.full((len(inside), n_out), np.nan)
    values[inside] = evaluate(grid_points(axes)[inside])
    return values.reshape(*(axis.n for axis in axes), n_out)
