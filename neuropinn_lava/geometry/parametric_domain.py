"""A domain of points and parameters: every point of a region with every value, or function, of some parameters.

A cloud lays the region's own cloud once for each of several draws of the parameters, its slices. Derivatives are taken within a
slice, by the operators of the region's cloud (`problems/discretization.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from ..base.arrays import BoolArray, FloatArray, IntArray, Record, frozen_array
from ..base.checks import check_finite, check_range, raise_violations
from ..base.errors import Violation
from ..base.expression_sources import Names
from ..base.expressions import Expression, as_expression, name, operation
from .domain import Cloud, Domain
from .function_space import FunctionSpace
from .grading import Grading

POINTS_PER_FUNCTION = 20
"""Number of drawn points that have the same functions: solving for a function costs more than evaluating its solution."""
CLOUD_SEED = 0
"""Seed of the parameters of a cloud; trainings draw others at every step."""


@dataclass(frozen=True, slots=True)
class Range(Record):
    """The range of a parameter that is an input of the network: `Range(0.01, 0.1, logarithmic=True)`."""

    low: float
    """Smallest value of the parameter, above zero where the range is logarithmic."""
    high: float
    """Largest value of the parameter, above `low`."""
    _: KW_ONLY
    logarithmic: bool = False
    """Whether the network reads the natural logarithm of the parameter, which is drawn uniformly then."""

    def __post_init__(self) -> None:
        raise_violations([*check_finite("Range.low", self.low), *check_finite("Range.high", self.high)])
        least = 0.0 if self.logarithmic else -np.inf
        if not least < self.low < self.high:
            rule = "lie above low, and both above zero where the range is logarithmic"
            raise_violations([Violation("Range.high", rule, (self.low, self.high), "Give a range with an inside.")])

    def to_columns(self, value: float) -> FloatArray:
        """Return what the network reads for a value of the parameter, shape (1,)."""
        return np.array([np.log(value) if self.logarithmic else value], dtype=np.float64)

    @property
    def lower(self) -> FloatArray:
        """Smallest value of the column that the network reads, shape (1,)."""
        return self.to_columns(self.low)

    @property
    def upper(self) -> FloatArray:
        """Largest value of the column that the network reads, shape (1,)."""
        return self.to_columns(self.high)

    def column_names(self, parameter: str) -> tuple[str, ...]:
        """Return the name of the column of a parameter with this range."""
        return (f"log_{parameter}" if self.logarithmic else parameter,)

    def expression(self, f: Names, columns: Sequence[str]) -> Expression:
        """Return the parameter as an expression of its column."""
        return operation("exp", name(columns[0])) if self.logarithmic else name(columns[0])

    def checked(self, value: object, where: str) -> float:
        """Return a value of the parameter that lies in its range.

        Raises:
            SpecError: If it does not.
        """
        raise_violations(check_range(where, value, self.low, self.high))  # type: ignore[arg-type]
        return float(value)  # type: ignore[arg-type]

    def constant(self, f: Names, value: float) -> Expression:
        """Return a fixed value of the parameter as an expression."""
        return as_expression(value)


Parameter = Range | FunctionSpace
"""What a parameter that is an input of the network can be: a number with a range, or a random function."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParametricCloud(Cloud):
    """The cloud of a region once for each draw of the parameters: all inside points first, slice after slice."""

    region: Cloud
    """Cloud of the region alone."""
    draws: FloatArray
    """Columns of the parameters of each slice, shape (n_slices, n_columns)."""

    @classmethod
    def laid(cls, region: Cloud, draws: FloatArray) -> ParametricCloud:
        """Lay a region's cloud for each draw of the parameters, shape (n_slices, n_columns)."""
        n_slices, n_inside = len(draws), region.n_inside
        inside, rim = np.arange(n_inside), np.arange(n_inside, region.n_points)
        index = np.concatenate([np.tile(inside, n_slices), np.tile(rim, n_slices)])
        slices = np.concatenate([np.repeat(np.arange(n_slices), len(part)) for part in (inside, rim)])
        zeros = np.zeros(draws.shape[1])
        return cls(
            points=np.hstack([region.points[index], draws[slices]]),
            n_inside=n_slices * n_inside,
            cell_coordinates=np.hstack([region.cell_coordinates[index], np.tile(slices[:, None], draws.shape[1])]),
            periods=np.concatenate([region.periods, zeros]),
            cell_periods=np.concatenate([region.cell_periods, zeros]),
            region=region,
            draws=frozen_array(draws, np.float64),
        )

    def rows_of(self, index: IntArray, n_slice: int) -> IntArray:
        """Return where points of the region's cloud stand in a slice."""
        n_slices, n_inside = len(self.draws), self.region.n_inside
        n_rim = self.region.n_points - n_inside
        behind = n_slices * n_inside + n_slice * n_rim + index - n_inside
        found: IntArray = np.where(index < n_inside, n_slice * n_inside + index, behind)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class ParametricDomain(Record):
    """A region together with parameters, whose columns follow those of the region."""

    region: Domain
    """Region in which the equation holds for each value of the parameters."""
    parameters: tuple[Parameter, ...]
    """Ranges and functions of the parameters."""

    @property
    def has_time(self) -> bool:
        """Whether the last coordinate of the region is time."""
        return self.region.has_time

    @property
    def has_functions(self) -> bool:
        """Whether a parameter is a function."""
        return any(isinstance(each, FunctionSpace) for each in self.parameters)

    @property
    def tags(self) -> tuple[str, ...]:
        """Names of the parts of the region's boundary."""
        return self.region.tags

    @property
    def lower(self) -> FloatArray:
        """Lower corner of the bounding box, shape (n_dim + n_columns,)."""
        return np.concatenate([self.region.lower, *(each.lower for each in self.parameters)])

    @property
    def upper(self) -> FloatArray:
        """Upper corner of the bounding box, shape (n_dim + n_columns,)."""
        return np.concatenate([self.region.upper, *(each.upper for each in self.parameters)])

    def contains(self, points: FloatArray) -> BoolArray:
        """Return which of the points lie in the region, with parameters in their ranges, shape (n,)."""
        columns = points[:, self._n_dim :]
        slack = 1e-9 * (self.upper - self.lower)[self._n_dim :]
        low, high = self.lower[self._n_dim :] - slack, self.upper[self._n_dim :] + slack
        inside: BoolArray = self.region.contains(points[:, : self._n_dim]) & ((columns >= low) & (columns <= high)).all(
            axis=1
        )
        return inside

    def on(self, tag: str, points: FloatArray) -> BoolArray:
        """Return which of the points lie on a part of the region's boundary, shape (n,)."""
        return self.region.on(tag, points[:, : self._n_dim])

    def normals(self, points: FloatArray) -> FloatArray:
        """Return the outward unit normals, shape of the points; components of parameters are 0."""
        normals = self.region.normals(points[:, : self._n_dim])
        return np.hstack([normals, np.zeros((len(points), points.shape[1] - self._n_dim))])

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n points uniformly from the region and the ranges; `POINTS_PER_FUNCTION` in a row have the same functions."""
        return np.hstack([self.region.sample(n, rng), self._draw_for(n, rng)])

    def with_own_draws(self, points: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return the points with other draws of the parameters, a draw for each point, shape of the points."""
        return np.hstack([points[:, : self._n_dim], self.draw(len(points), rng)])

    def sample_boundary(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw about n points of the region's boundary, with parameters from their ranges."""
        points = self.region.sample_boundary(n, rng)
        return np.hstack([points, self._draw_for(len(points), rng)])

    def _draw_for(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw the columns of n points; where a parameter is a function, some points in a row have the same."""
        if not self.has_functions:
            return self.draw(n, rng)
        functions = self.draw(-(-n // POINTS_PER_FUNCTION), rng)
        return np.repeat(functions, POINTS_PER_FUNCTION, axis=0)[:n]

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw columns of the parameters, one from each of n equal parts of every range, shape (n, n_columns)."""
        n_ranges = sum(isinstance(each, Range) for each in self.parameters)
        shares = (np.argsort(rng.random((n, n_ranges)), axis=0) + rng.random((n, n_ranges))) / max(n, 1)
        of_ranges = iter(shares.T[:, :, None])
        return np.hstack([
            each.lower + next(of_ranges) * (each.upper - each.lower) if isinstance(each, Range) else each.draw(n, rng)
            for each in self.parameters
        ])  # fmt: skip

    def cloud(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...] = ()) -> ParametricCloud:
        """Build the region's cloud with the first numbers of cells, once for each of so many draws as the last number says."""
        if len(n_per_axis) < 2 or n_per_axis[-1] < 1:
            repair = "Give the cells of the region, and after them the number of draws of the parameters."
            raise_violations(
                [Violation("ParametricDomain.cloud.n_per_axis", "end with a number of draws", n_per_axis, repair)]
            )
        draws = self.draw(n_per_axis[-1], np.random.default_rng([CLOUD_SEED, n_per_axis[-1]]))
        return ParametricCloud.laid(self.region.cloud(n_per_axis[:-1], gradings), draws)

    def redrawn(self, cloud: ParametricCloud, rng: np.random.Generator) -> ParametricCloud:
        """Return a cloud of the same region's points with other draws of the parameters."""
        return ParametricCloud.laid(cloud.region, self.draw(len(cloud.draws), rng))

    @property
    def _n_dim(self) -> int:
        return len(self.region.lower)
