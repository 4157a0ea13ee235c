"""A problem on a cloud of points: every equation and condition as rows of one system of numbers.

    r = rows(u, D u)          u: values of the unknowns at the points, D: derivative operators, one-sided on the boundary
    A = dr / du               by the derivatives of the expressions and the operators, sparse

Training minimises the squares of these rows, measuring reports their size on a finer cloud, and the estimate of the error
solves A delta = -r there. Blocks of rows: the equations at the centres, then each condition that is not built in.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, diags, hstack, vstack
from scipy.spatial import cKDTree

from ..base.arrays import BoolArray, FloatArray, IntArray, Record
from ..base.errors import SpecError
from ..base.expressions import Expression
from ..geometry.domain import Box, Cloud
from ..geometry.parametric_domain import ParametricCloud
from ..operators.operator_kind import OperatorKind
from ..operators.projection import DerivativeOperators, build_operators
from .conditions import Condition, Data, Mean, Smooth
from .coverage import covered, values_at
from .problem import PdeProblem
from .recipes.recipe import CloudRecipe

FIXED = 1e-12
"""Size of the ansatz's factor, relative to its largest, below which a value is fixed by the conditions."""
ROUNDED = 6
"""Decimals to which two normals at a corner are compared: parts of a boundary may overlap."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block(Record):
    """Rows of the same expressions at several points."""

    label: str
    """`equations`, or the label of a condition."""
    rows: tuple[Expression, ...]
    """Expressions that are to be zero."""
    index: IntArray
    """Points where they stand, shape (n,)."""
    values: Mapping[str, FloatArray]
    """Coordinates, fields, normals and data there by name, each (n,)."""
    maps: Mapping[str, csr_matrix]
    """For each derivative, and each unknown that is averaged, the matrix from the values at all points, (n, n_points)."""
    slopes: tuple[Mapping[str, Expression], ...]
    """For each row its derivatives by the unknowns and their derivatives, where they are not zero."""
    weight: float = 1.0
    """Factor on the mean square of the rows in the loss."""

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.rows) * len(self.index)

    def evaluate(self, values: Mapping[str, Any]) -> FloatArray:
        """Compute the rows, shape (n_expressions, n), from the values of all names."""
        n = len(self.index)
        return np.stack([np.broadcast_to(np.asarray(row.evaluate(values), dtype=np.float64), n) for row in self.rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Discretization(Record):
    """A problem on a cloud."""

    problem: PdeProblem
    """Problem whose equations and conditions are laid on the points."""
    cloud: Cloud
    """Centres and boundary points."""
    points: FloatArray
    """The cloud's points and, after them, those of data, shape (n_points, n_in)."""
    blocks: tuple[Block, ...]
    """Equations first, then the conditions that are not built in."""
    kind: OperatorKind
    """Kind of the derivative operators."""

    @property
    def n_points(self) -> int:
        """Number of points where values of the unknowns are needed."""
        return len(self.points)

    @property
    def used_values(self) -> BoolArray:
        """Which values any row depends on, unknown after unknown, shape (n_out n_points,)."""
        used = np.zeros((self.problem.n_out, self.n_points), dtype=np.bool_)
        for block in self.blocks:
            for each in set().union(*block.slopes):
                column = self.problem.unknowns.index(each.partition("_")[0])
                used[column, block.maps[each].indices if each in block.maps else block.index] = True
        return used.ravel()

    def names_at(self, block: Block, u: Any, constants: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of all names in a block.

        Args:
            block: Rows and what they need.
            u: Unknowns, shape (n_points, n_out).
            constants: `PdeProblem.rest_values`, or other values of the same names.
        """
        found: dict[str, Any] = {**block.values, **constants}
        for column, unknown in enumerate(self.problem.unknowns):
            found[unknown] = u[block.index, column]
        for each, matrix in block.maps.items():
            found[each] = matrix @ u[:, self.problem.unknowns.index(each.partition("_")[0])]
        return found

    def evaluate(self, u: FloatArray, constants: Mapping[str, float]) -> tuple[FloatArray, ...]:
        """Compute the rows of each block, (n_expressions, n), for u of shape (n_points, n_out)."""
        return tuple(block.evaluate(self.names_at(block, u, constants)) for block in self.blocks)

    def jacobian(self, u: FloatArray, constants: Mapping[str, float]) -> tuple[csr_matrix, ...]:
        """Compute for each block d rows / d u, shape (n_rows, n_out n_points), rows expression after expression."""
        return tuple(self.block_jacobian(block, self.names_at(block, u, constants)) for block in self.blocks)

    def coefficient_slopes(self, u: FloatArray, constants: Mapping[str, float]) -> FloatArray:
        """Compute d rows / d coefficients of all blocks, shape (n_rows, n_coefficients), in the order of the problem."""
        columns = []
        for block in self.blocks:
            values, n = self.names_at(block, u, constants), len(block.index)
            slopes = [
                [row.derivative(each).evaluate(values) for each in self.problem.coefficients] for row in block.rows
            ]
            parts = [np.stack([np.broadcast_to(slope, n) for slope in its], axis=1) for its in slopes]
            columns.append(np.concatenate(parts))
        return np.concatenate(columns)

    def block_jacobian(self, block: Block, values: Mapping[str, Any]) -> csr_matrix:
        """Compute d rows / d u of one block, shape (n_rows, n_out n_points), from the values of all names."""
        n, unknowns = len(block.index), self.problem.unknowns
        stacked = []
        for slopes in block.slopes:
            columns = [csr_matrix((n, self.n_points)) for _ in unknowns]
            for each, slope in slopes.items():
                column = unknowns.index(each.partition("_")[0])
                held = np.broadcast_to(np.asarray(slope.evaluate(values), dtype=np.float64), n)
                columns[column] = columns[column] + self._scaled(block, each, held)
            stacked.append(hstack(columns, format="csr"))
        return vstack(stacked, format="csr")

    def _scaled(self, block: Block, each: str, slope: FloatArray) -> csr_matrix:
        """Return diag(slope) times the map of a name."""
        if each in block.maps:
            return diags(slope) @ block.maps[each]
        n = len(block.index)
        return csr_matrix((slope, (np.arange(n), block.index)), shape=(n, self.n_points))


def discretize(problem: PdeProblem, cloud: Cloud, kind: OperatorKind, n_neighbours: int) -> Discretization:
    """Lay a problem's equations and conditions on a cloud.

    Args:
        problem: The problem.
        cloud: Points of its domain.
        kind: Kind of the derivative operators.
        n_neighbours: Least number of neighbours of each centre.

    Raises:
        SpecError: If a condition covers no point, or the neighbours of a point do not determine a derivative.
    """
    data = [each.points for each in problem.soft_conditions if isinstance(each, Data)]
    points = np.concatenate([cloud.points, *data])
    rows = [(each, each.rows(problem.names(on_boundary=True), problem.unknowns)) for each in problem.soft_conditions]
    centred = _operators(problem, cloud, problem.residuals, kind, n_neighbours)
    one_sided = _operators(problem, cloud.everywhere, [row for _, its in rows for row in its], kind, n_neighbours)
    inside, n_before = np.arange(cloud.n_inside), cloud.n_points
    blocks = [_block(problem, "equations", problem.residuals, inside, points, centred, {}, 1.0)]
    for condition, its in rows:
        index, extra = _places(problem, condition, cloud, n_before)
        n_before += len(index) if isinstance(condition, Data) else 0
        if isinstance(condition, Mean):
            blocks.append(_mean_block(problem, condition, its, cloud, points))
            continue
        blocks.append(_block(problem, condition.label, its, index, points, one_sided, extra, condition.weight))
    return Discretization(problem=problem, cloud=cloud, points=points, blocks=tuple(blocks), kind=kind)


def discrete_problem(problem: PdeProblem, recipe: CloudRecipe) -> Discretization:
    """Lay a problem on the cloud of a recipe, with its kind of operators."""
    cloud = problem.domain.cloud(recipe.n_per_axis, recipe.gradings)
    return discretize(problem, cloud, recipe.operator, recipe.n_neighbours)


def _operators(
    problem: PdeProblem, cloud: Cloud, rows: Sequence[Expression], kind: OperatorKind, n_neighbours: int
) -> DerivativeOperators | None:
    """Build the operators of the derivatives that rows use; None where they use none."""
    letters = tuple(sorted({each.partition("_")[2] for each in problem.derivatives_in(rows)}))
    return cloud_operators(cloud, letters, problem.axes, kind, n_neighbours) if letters else None


def cloud_operators(
    cloud: Cloud, letters: tuple[str, ...], axes: tuple[str, ...], kind: OperatorKind, n_neighbours: int
) -> DerivativeOperators:
    """Build the operators of a cloud; those of one with parameters are the region's in every slice."""
    if not isinstance(cloud, ParametricCloud):
        return build_operators(cloud, letters, axes, kind, n_neighbours)
    whole = cloud.n_inside == cloud.n_points
    of_region = _region_operators(cloud.region, whole, letters, axes, kind, n_neighbours)
    matrices = []
    for matrix in of_region.matrices:
        held, parts = matrix.tocoo(), range(len(cloud.draws))
        rows = np.concatenate([cloud.rows_of(held.row, part) for part in parts])
        columns = np.concatenate([cloud.rows_of(held.col, part) for part in parts])
        entries = (np.tile(held.data, len(cloud.draws)), (rows, columns))
        matrices.append(csr_matrix(entries, shape=(cloud.n_inside, cloud.n_points)))
    return replace(of_region, matrices=tuple(matrices))


@functools.lru_cache(maxsize=32)
def _region_operators(
    region: Cloud, whole: bool, letters: tuple[str, ...], axes: tuple[str, ...], kind: OperatorKind, n_neighbours: int
) -> DerivativeOperators:
    """Build the operators of a region's cloud once; the draws of the parameters change at every step of a training."""
    return build_operators(region.everywhere if whole else region, letters, axes, kind, n_neighbours)


def _places(
    problem: PdeProblem, condition: Condition, cloud: Cloud, n_before: int
) -> tuple[IntArray, dict[str, FloatArray]]:
    """Return the points of a condition, and its data and normals there."""
    if isinstance(condition, Data):
        return n_before + np.arange(len(condition.points)), {"measured": condition.values}
    if isinstance(condition, Mean):
        return np.zeros(1, dtype=np.int64), {}
    if isinstance(condition, Smooth):
        return np.arange(cloud.n_points), {}
    f = problem.names(on_boundary=True)
    on = covered(problem, condition, cloud.points)
    if not callable(condition.on):
        on[: cloud.n_inside] = False
    index = np.flatnonzero(on)
    used = frozenset().union(*(row.names() for row in condition.rows(f, problem.unknowns)))
    normals: dict[str, FloatArray] = {}
    if any(each.startswith("n_") for each in used):
        index, found = _normals_at(problem, condition, cloud, index)
        normals = {f"n_{letter}": found[:, axis] for axis, letter in enumerate(problem.space)}
    if not len(index):
        repair = "Lay a finer cloud, or let the condition hold where points of the cloud are."
        raise SpecError(f"{condition.label} of problem {problem.name!r}", "cover a point of the cloud", "none", repair)
    return index, normals


def _normals_at(
    problem: PdeProblem, condition: Condition, cloud: Cloud, index: IntArray
) -> tuple[IntArray, FloatArray]:
    """Return the points of a condition with normals, and the normals, (n,) and (n, n_in).

    A corner has no normal of its own. Where its value is free, it takes that of every part of the boundary that meets there,
    from the nearest point on the part, so that it has as many rows as parts with a condition.
    """
    parts = condition.parts(problem.domain.tags)
    factor = np.abs(problem.ansatz.evaluate(cloud.points)[1])
    is_free = (factor > FIXED * factor.max(axis=0)).any(axis=1)
    normals = problem.domain.normals(cloud.points)
    is_smooth = np.isfinite(normals).all(axis=1)
    found, of_corners = index[is_smooth[index]], []
    for tag in parts:
        on = index[problem.domain.on(tag, cloud.points[index])]
        smooth, corners = on[is_smooth[on]], on[~is_smooth[on] & is_free[on]]
        if len(smooth) and len(corners):
            nearest = cKDTree(cloud.cell_coordinates[smooth]).query(cloud.cell_coordinates[corners])[1]
            of_corners += [
                (int(at), tuple(normals[smooth[k]].round(ROUNDED))) for at, k in zip(corners, nearest, strict=True)
            ]
    kept = sorted(set(of_corners))
    corners = np.array([at for at, _ in kept], dtype=np.int64)
    beside = np.array([normal for _, normal in kept], dtype=np.float64).reshape(len(kept), problem.n_in)
    return np.concatenate([found, corners]), np.concatenate([normals[found], beside])


def _block(
    problem: PdeProblem,
    label: str,
    rows: tuple[Expression, ...],
    index: IntArray,
    points: FloatArray,
    operators: DerivativeOperators | None,
    extra: dict[str, FloatArray],
    weight: float,
) -> Block:
    """Lay rows on points, with the operators' matrices of the derivatives that they use."""
    maps = {}
    for each in problem.derivatives_in(rows):
        assert operators is not None  # built for the derivatives of all rows
        matrix = operators.matrix(each.partition("_")[2])[index]
        matrix.resize((len(index), len(points)))
        maps[each] = matrix
    values = {**values_at(problem, points[index]), **extra}
    return Block(
        label=label, rows=rows, index=index, values=values, maps=maps, slopes=_slopes(problem, rows), weight=weight
    )


def _mean_block(
    problem: PdeProblem, condition: Mean, rows: tuple[Expression, ...], cloud: Cloud, points: FloatArray
) -> Block:
    weights = np.zeros(len(points))
    weights[: cloud.n_points] = mean_weights(problem, cloud)
    averaged = [each for each in problem.unknowns if any(each in row.names() for row in rows)]
    return Block(
        label=condition.label,
        rows=rows,
        index=np.zeros(1, dtype=np.int64),
        values={},
        maps={each: csr_matrix(weights[None, :]) for each in averaged},
        slopes=_slopes(problem, rows),
        weight=condition.weight,
    )


def mean_weights(problem: PdeProblem, cloud: Cloud) -> FloatArray:
    """Return weights by which values at the points of a cloud are averaged over its domain, shape (n_points,), sum 1.

    On a grid of a box they are the trapezoidal rule's; elsewhere all centres count alike.
    """
    if isinstance(cloud, ParametricCloud):
        of_region, whole = mean_weights(problem, cloud.region), np.empty(cloud.n_points)
        for part in range(len(cloud.draws)):
            whole[cloud.rows_of(np.arange(cloud.region.n_points), part)] = of_region / len(cloud.draws)
        return whole
    weights = np.ones(cloud.n_points)
    lines = [np.unique(cloud.points[:, axis].round(12)) for axis in range(cloud.n_dim)]
    if isinstance(problem.region, Box) and np.prod([len(line) for line in lines]) == cloud.n_points:
        for axis, line in enumerate(lines):
            if axis not in problem.region.periodic_axes:
                share = np.gradient(line)
                share[[0, -1]] /= 2.0
                weights *= share[np.searchsorted(line, cloud.points[:, axis].round(12))]
    else:
        weights[cloud.n_inside :] = 0.0
    normalised: FloatArray = weights / weights.sum()
    return normalised


def _slopes(problem: PdeProblem, rows: tuple[Expression, ...]) -> tuple[Mapping[str, Expression], ...]:
    held = []
    for row in rows:
        by = [each for each in sorted(row.names()) if each.partition("_")[0] in problem.unknowns]
        held.append({each: row.derivative(each) for each in by})
    return tuple(held)
