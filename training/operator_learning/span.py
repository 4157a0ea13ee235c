"""The solution of an equation in the span of given features, for several functions at once.

    u_s(x) = g_s(x) + d_s(x) * sum over k of c_sk a_k(x)             s: a function; g, d: the conditions built in
    c_s   <- c_s - (A_s^T A_s + ridge)^-1 (A_s^T r_s(c_s) + ridge c_s)         A_s = dr_s / dc_s, Gauss-Newton

No solution is needed: r are the rows of the equations and conditions. The same rows say how the features should move:
dr / da = J_s d_s c_s, whatever made them. J_s, the sum over derivatives D of diag(dr_s / d(D u)) D, is never assembled: the
operators act on the features, once for all functions that have the same d.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from ...base.arrays import FloatArray, IntArray, Record
from ...base.errors import SpecError
from ...geometry.parametric_domain import ParametricCloud
from ...problems.conditions import Mean
from ...problems.discretization import Discretization, discretize
from ...problems.error_estimate import row_scales
from ...problems.problem import PdeProblem
from ...problems.recipes.recipe import CloudRecipe

RIDGE = 1e-5
"""Ridge of the coefficients, relative to the mean diagonal of the normal equations: features may repeat each other, and large
coefficients that cancel are what few bits cannot hold."""
SETTLED = 1e-4
"""Largest change of a coefficient, relative to the largest, at which the steps end."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Term(Record):
    """What an expression has from one derivative of the unknown, or the unknown itself, on the points of one function."""

    name: str
    """Name of the derivative."""
    matrix: csr_matrix
    """D, from the values at the points of the region, shape (n, n_points)."""
    order: IntArray
    """Place of each row in its block, function after function, shape (n_functions, n)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FunctionBatch(Record):
    """A problem with an unknown on the same points for several functions."""

    held: Discretization
    """Problem on the cloud of all functions."""
    scales: tuple[FloatArray, ...]
    """Sizes of the rows of each block, one for each expression."""
    points: IntArray
    """Place of each point of the region in the cloud, shape (n_functions, n_points)."""
    rows: IntArray
    """Place of each row among those of all blocks, shape (n_functions, n_rows)."""
    terms: tuple[tuple[Term, ...], ...]
    """Terms of J, for each expression of each block."""
    units: FloatArray
    """Factors that give the rows of all blocks their weight, shape (n_functions n_rows,)."""
    offset: FloatArray
    """g at the points, shape (n_functions, n_points)."""
    factor: FloatArray
    """d at the points, shape (n_functions, n_points)."""
    sizes: FloatArray
    """Root of the mean square of the rows for outputs of zero, by which those of each function are divided, (n_functions,)."""

    @property
    def columns(self) -> FloatArray:
        """Columns of the parameters of each function, shape (n_functions, n_columns)."""
        cloud = self.held.cloud
        assert isinstance(cloud, ParametricCloud)
        return cloud.draws

    def solution(self, features: FloatArray, coefficients: FloatArray) -> FloatArray:
        """Compute u at the points, shape (n_functions, n_points)."""
        u: FloatArray = self.offset + self.factor * (coefficients @ features.T)
        return u

    def residual(self, u: FloatArray) -> FloatArray:
        """Compute the rows, shape (n_functions, n_rows), in units in which those of an output of zero have the size one."""
        blocks = self.held.evaluate(self._all_points(u), self.held.problem.rest_values())
        r = np.concatenate([block.ravel() for block in blocks]) * self.units
        scaled: FloatArray = r[self.rows] / self.sizes[:, None]
        return scaled

    def carry(self, features: FloatArray) -> list[list[FloatArray]]:
        """Compute D (d a) of every term, shape (n_functions, or 1 where all have the same d, n, n_features)."""
        factors = self.factor if np.ptp(self.factor, axis=0).any() else self.factor[:1]
        moved = [factor[:, None] * features for factor in factors]
        return [[np.stack([term.matrix @ each for each in moved]) for term in its] for its in self.terms]

    def slopes(self, u: FloatArray) -> list[list[FloatArray]]:
        """Compute dr / d(D u) of every term at u, shape (n_functions, n)."""
        values, constants, found, begin = self._all_points(u), self.held.problem.rest_values(), [], 0
        factors, terms = self.units[self.rows] / self.sizes[:, None], iter(self.terms)
        for block in self.held.blocks:
            at = self.held.names_at(block, values, constants)
            for slopes in block.slopes:
                its = next(terms)
                n = its[0].order.shape[1] if its else len(block.index) // len(self.points)
                scale, begin = factors[:, begin : begin + n], begin + n
                dense = [np.broadcast_to(slopes[term.name].evaluate(at), len(block.index)) for term in its]
                found.append([scale * each[term.order] for each, term in zip(dense, its, strict=True)])
        return found

    def _all_points(self, u: FloatArray) -> FloatArray:
        values = np.zeros((self.held.n_points, 1))
        values[self.points.ravel(), 0] = u.ravel()
        return values


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpanFit(Record):
    """The least-squares solution in the span of some features."""

    coefficients: FloatArray
    """c, shape (n_functions, n_features)."""
    residual: FloatArray
    """Rows at that solution, shape (n_functions, n_rows)."""
    feature_slope: FloatArray
    """Derivative of the mean square of the rows by the features, shape (n_points, n_features)."""

    @property
    def loss(self) -> float:
        """Mean square of the rows."""
        return float(np.mean(self.residual**2))


def make_batch(
    problem: PdeProblem,
    region: ParametricCloud,
    recipe: CloudRecipe,
    draws: FloatArray,
    scales: tuple[FloatArray, ...] | None = None,
) -> FunctionBatch:
    """Lay a problem on the points of a region for some functions.

    Args:
        problem: Problem with one unknown, whose parameters are functions or numbers.
        region: Any cloud of the problem; its points of the region are taken.
        recipe: Kind and neighbours of the operators.
        draws: Columns of the parameters, shape (n_functions, n_columns).
        scales: Sizes of the rows of each block, as those of an earlier batch; None measures them.

    Raises:
        SpecError: If the problem has several unknowns, or a condition that joins all points or moves with a parameter.
    """
    where = f"training of operator {problem.name!r}"
    if problem.n_out != 1:
        raise SpecError(where, "be of one unknown", problem.n_out, "Train a network for each unknown.")
    if any(isinstance(each, Mean) for each in problem.soft_conditions):
        raise SpecError(where, "have no condition on a mean", "Mean", "Prescribe a value on a part of the boundary.")
    cloud = ParametricCloud.laid(region.region, draws)
    held = discretize(problem, cloud, recipe.operator, recipe.n_neighbours)
    n_functions = len(draws)
    everywhere = np.arange(cloud.region.n_points)
    points = np.stack([cloud.rows_of(everywhere, part) for part in range(n_functions)])
    function_of = np.empty(cloud.n_points, dtype=np.int64)
    function_of[points] = np.arange(n_functions)[:, None]
    terms = _terms(held, points, function_of)
    owners = np.concatenate([np.tile(function_of[block.index], len(block.rows)) for block in held.blocks])
    rows = np.argsort(owners, kind="stable").reshape(n_functions, -1)
    scales = row_scales(held) if scales is None else scales
    units = np.concatenate([
        np.repeat(np.sqrt(block.weight) / scale, len(block.index)) / np.sqrt(block.n_rows / n_functions)
        for block, scale in zip(held.blocks, scales, strict=True)
    ])  # fmt: skip
    offset, factor = (values[:, 0][points] for values in problem.ansatz.evaluate(held.points))
    batch = FunctionBatch(
        held=held,
        scales=scales,
        points=points,
        rows=rows,
        terms=terms,
        units=units * np.sqrt(rows.shape[1]),
        offset=offset,
        factor=factor,
        sizes=np.ones(n_functions),
    )
    sizes = np.sqrt(np.mean(batch.residual(offset) ** 2, axis=1))
    return replace(batch, sizes=np.maximum(sizes, 1e-12))


def fit_span(batch: FunctionBatch, features: FloatArray, start: FloatArray | None = None, n_steps: int = 1) -> SpanFit:
    """Solve for the coefficients of every function by some steps of Gauss-Newton.

    Args:
        batch: Problem and functions.
        features: a at the points, shape (n_points, n_features).
        start: Coefficients to start from, shape (n_functions, n_features); None is zero.
        n_steps: Largest number of steps; they end where one changes little, as the second does of a linear problem.
    """
    n_functions, n_features = len(batch.points), features.shape[1]
    c = np.zeros((n_functions, n_features)) if start is None else start
    carried = batch.carry(features)
    for _ in range(n_steps):
        u = batch.solution(features, c)
        A = np.concatenate([_total(*parts) for parts in zip(batch.slopes(u), carried, strict=True)], axis=1)
        normal = A.transpose(0, 2, 1) @ A
        ridge = RIDGE * np.trace(normal, axis1=1, axis2=2) / n_features
        normal += ridge[:, None, None] * np.eye(n_features)
        slope = A.transpose(0, 2, 1) @ batch.residual(u)[:, :, None] + ridge[:, None, None] * c[:, :, None]
        step = np.linalg.solve(normal, slope)
        c = c - step[:, :, 0]
        if np.abs(step).max() <= SETTLED * np.abs(c).max():
            break
    u = batch.solution(features, c)
    r = batch.residual(u)
    pull, begin = np.zeros_like(batch.factor), 0
    for terms, slopes in zip(batch.terms, batch.slopes(u), strict=True):
        n = slopes[0].shape[1]
        for term, slope in zip(terms, slopes, strict=True):
            pull += (term.matrix.T @ (slope * r[:, begin : begin + n]).T).T
        begin += n
    pull *= batch.factor * (2.0 / r.size)
    return SpanFit(coefficients=c, residual=r, feature_slope=pull.T @ c)


def _total(slopes: list[FloatArray], carried: list[FloatArray]) -> FloatArray:
    """Compute the sum over the terms of an expression of dr / d(D u) D (d a), shape (n_functions, n, n_features)."""
    total: FloatArray = np.zeros(())
    for slope, each in zip(slopes, carried, strict=True):
        total = total + slope[:, :, None] * each
    return total


def _terms(held: Discretization, points: IntArray, function_of: IntArray) -> tuple[tuple[Term, ...], ...]:
    """Split every expression of every block into its derivatives, on the points of the first function.

    Raises:
        SpecError: If a block does not stand at the same points for every function.
    """
    place = np.empty(held.n_points, dtype=np.int64)
    place[points] = np.arange(points.shape[1])
    found = []
    for block in held.blocks:
        order = np.argsort(function_of[block.index], kind="stable")
        where = place[block.index][order]
        n, rest = divmod(len(where), len(points))
        if rest or (where.reshape(len(points), -1) != where[:n]).any():
            repair = "Let the condition hold where no parameter has a say."
            rule, what = "hold at the same points for every function", f"{len(where)} points of {len(points)} functions"
            raise SpecError(f"{block.label} of problem {held.problem.name!r}", rule, what, repair)
        order = order.reshape(len(points), -1)
        own = csr_matrix((np.ones(n), (np.arange(n), where[:n])), shape=(n, points.shape[1]))
        matrices = {name: matrix[order[0]][:, points[0]] for name, matrix in block.maps.items()}
        for slopes in block.slopes:
            found.append(tuple(Term(name=name, matrix=matrices.get(name, own), order=order) for name in slopes))
    return tuple(found)
