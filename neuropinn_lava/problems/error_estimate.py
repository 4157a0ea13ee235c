"""The error of a solution, estimated without a reference: one Newton correction of the discrete equations.

    A delta = -r(u)        A = dr / du on a cloud finer than the training's
    u + delta is nearer to the solution, so that |delta| / |u + delta| estimates the relative error of u

Where rows and unknown values are equally many, delta comes from one sparse factorisation; else it is the least-squares
solution of rows divided by their scale. Values that the ansatz fixes stay as they are.

It is an estimate: it contains the truncation of the operators, it is linear, and a solution on another branch of the equation
looks as good as the right one. Unknown coefficients, numbers and fields, count as right.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import bmat, csr_matrix, diags, identity, vstack
from scipy.sparse.linalg import MatrixRankWarning, lsmr, splu

from ..base.arrays import ArrayRecord, BoolArray, FloatArray, freeze_arrays
from ..base.expressions import Expression
from ..base.metrics import rms
from ..operators.potential_energy import EnergyDomain
from .discretization import FIXED, Block, Discretization, mean_weights

MOST_VALUES, MOST_VALUES_3D = 60_000, 12_000
"""Largest number of values of a system that is factorised, on clouds in the plane and in three or four coordinates, where
factors fill up."""
LSMR_STEPS = 3000
"""Largest number of iterations of the least-squares solution."""
LSMR_TOLERANCE = 1e-9
"""Relative residual at which it stops."""
SMALL_TERMS = 1e-2
"""Size of a row's terms, relative to what is typical, below which they count as vanishing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ErrorEstimate(ArrayRecord):
    """The estimated error of outputs on a cloud."""

    points: FloatArray
    """Points of the cloud, shape (n_points, n_in)."""
    error: FloatArray
    """Estimated u_exact - u there, shape (n_points, n_out)."""
    relative_l2: float
    """Estimated relative L2 error over the domain, all unknowns together."""
    by_unknown: tuple[float, ...]
    """The same for each unknown; NaN for coefficients, which count as right."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points=np.float64, error=np.float64)


def can_estimate(held: Discretization) -> bool:
    """Return whether an error is estimated: not without an equation, nor by energy, nor of a system that is too large."""
    n_values = held.n_points * held.problem.n_out
    most = MOST_VALUES if held.cloud.n_dim < 3 else MOST_VALUES_3D
    is_solved = any(row.names() & {*held.problem.unknowns, *held.problem.derivatives} for row in held.problem.residuals)
    return is_solved and not isinstance(held.problem.domain, EnergyDomain) and n_values <= most


def estimate_error(held: Discretization, u: FloatArray, constants: Mapping[str, float] | None = None) -> ErrorEstimate:
    """Estimate the error of values u at the points of a discretization.

    Args:
        held: The problem on a cloud that no training has used.
        u: Values there, shape (n_points, n_out).
        constants: Values of the viscosity and of unknown coefficients; None takes `PdeProblem.rest_values`.
    """
    n, shares = held.cloud.n_points, mean_weights(held.problem, held.cloud)
    level = np.where(held.problem.has_free_level, shares @ u[:n], 0.0)  # a constant of a pressure is no error
    delta, weights = newton_correction(held, u - level, constants), np.sqrt(shares)[:, None]
    solved = np.array([each not in held.problem.coefficient_fields for each in held.problem.unknowns])
    apart, whole = delta[:n] * weights * solved, (u + delta)[:n] * weights * solved
    sizes = np.linalg.norm(whole, axis=0)
    by_unknown = np.where(solved, np.linalg.norm(apart, axis=0) / np.where(sizes > 0, sizes, 1.0), np.nan)
    total = float(np.linalg.norm(apart) / max(float(np.linalg.norm(whole)), 1e-300))
    return ErrorEstimate(points=held.points, error=delta, relative_l2=total, by_unknown=tuple(map(float, by_unknown)))


def newton_correction(held: Discretization, u: FloatArray, constants: Mapping[str, float] | None = None) -> FloatArray:
    """Solve A delta = -r at u, shape (n_points, n_out); zero where the ansatz fixes the values."""
    constants = constants or held.problem.rest_values()
    residuals, jacobians = held.evaluate(u, constants), held.jacobian(u, constants)
    A = vstack(jacobians, format="csr")
    r = np.concatenate([block.ravel() for block in residuals])
    sizes = np.concatenate([np.full(block.size, np.sqrt(block.size)) for block in residuals])
    delta = solve_rows(held, A, -r, 1.0 / (sizes * np.maximum(_row_sizes(jacobians), 1e-300)))
    return delta.reshape(held.problem.n_out, held.n_points).T


def solve_rows(held: Discretization, A: csr_matrix, b: FloatArray, units: FloatArray | None = None) -> FloatArray:
    """Solve A x = b for the values that conditions leave free, the others being zero, shape (n_out n_points,).

    Args:
        held: The problem on a cloud.
        A: Rows, shape (n_rows, n_out n_points).
        b: Right side, shape (n_rows,).
        units: Factors on the rows, which matter where they are not as many as the free values; None is one.
    """
    free, x = _free_values(held), np.zeros(A.shape[1])
    A = A[:, np.flatnonzero(free)]
    bound = np.diff(A.indptr) > 0  # the others are of coefficients alone
    x[free] = _solved(A[bound], b[bound], np.ones(len(b))[bound] if units is None else units[bound])
    return x


def _free_values(held: Discretization) -> BoolArray:
    """Return which values conditions leave free and equations determine, unknown after unknown, shape (n_out n_points,)."""
    factor = np.abs(held.problem.ansatz.evaluate(held.points)[1])
    solved = [each not in held.problem.coefficient_fields for each in held.problem.unknowns]
    free: BoolArray = (factor > FIXED * factor.max(axis=0)).T.ravel() & np.repeat(solved, held.n_points)
    return free & held.used_values


def _row_sizes(jacobians: Sequence[csr_matrix]) -> FloatArray:
    """Return for each row the typical size of the rows of its block: the root mean square of their norms."""
    return np.concatenate([np.full(J.shape[0], np.sqrt(J.multiply(J).sum() / J.shape[0])) for J in jacobians])


def _solved(A: csr_matrix, b: FloatArray, units: FloatArray) -> FloatArray:
    """Solve A x = b by a sparse factorisation, in the sense of least squares where rows are more than values.

    [ 1    A ] [ r ]   [ b ]
    [ A^T  0 ] [ x ] = [ 0 ]          the augmented system of least squares
    """
    if not A.count_nonzero():
        return np.zeros(A.shape[1])
    scaled, right = diags(units) @ A, units * b
    n, k = A.shape
    solution: FloatArray | None
    if n == k:
        solution = _factorised(scaled, right)
    else:
        scaled, right = scaled / abs(scaled).max(), right / abs(scaled).max()
        whole = bmat([[identity(n), scaled], [scaled.T, None]], format="csc")
        solution = _factorised(whole, np.concatenate([right, np.zeros(k)]))[n:] if n > k else None
    if solution is not None and np.isfinite(solution).all():
        return solution
    columns = np.sqrt(np.asarray(scaled.multiply(scaled).sum(axis=0)).ravel())
    columns = np.where(columns > 0, columns, 1.0)
    limits = {"atol": LSMR_TOLERANCE, "btol": LSMR_TOLERANCE, "maxiter": LSMR_STEPS}
    least: FloatArray = lsmr(scaled @ diags(1.0 / columns), right, **limits)[0] / columns
    return least


def _factorised(matrix: csr_matrix, right: FloatArray) -> FloatArray:
    """Solve a square system by a sparse factorisation; NaN where it is singular."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", MatrixRankWarning)
        try:
            found: FloatArray = splu(matrix.tocsc()).solve(right)
        except (RuntimeError, MatrixRankWarning):
            return np.full(len(right), np.nan)
    return found


def row_scales(held: Discretization, constants: Mapping[str, float] | None = None) -> tuple[FloatArray, ...]:
    """Measure the size of the terms of every expression, for each block one number an expression, shape (n_expressions,).

    They are measured on what one Newton correction makes of the ansatz with zero outputs: the solution of a linear problem, and
    of another the right size. The largest term counts; where all vanish, as those of u_n = 0 do, their size is that of a change
    of u by half of itself within half of the domain. A problem's own `residual_scale` stands for its equations.
    """
    problem = held.problem
    constants = constants or problem.rest_values()
    own = problem.residual_scale
    if own is not None and len(held.blocks) == 1:
        return (np.full(len(problem.residuals), own),)
    start = problem.ansatz.apply(held.points, np.zeros((held.n_points, problem.n_out)))
    u = start + newton_correction(held, start, constants)
    found = []
    for index, block in enumerate(held.blocks):
        values = held.names_at(block, u, constants)
        for column, unknown in enumerate(problem.unknowns):
            if unknown in block.maps:  # a mean, which may be zero: the size of what is averaged counts
                values[unknown] = rms(u[:, column])
        sizes = [
            max(rms(np.broadcast_to(term.evaluate(values), len(block.index))) for term in row.terms())
            for row in block.rows
        ]
        typical = [_typical_size(held, block, slopes, values, u) for slopes in block.slopes]
        sizes = [size if size > SMALL_TERMS * most else most or 1.0 for size, most in zip(sizes, typical, strict=True)]
        found.append(np.full(len(sizes), own) if index == 0 and own is not None else np.array(sizes))
    return tuple(found)


def _typical_size(
    held: Discretization, block: Block, slopes: Mapping[str, Expression], values: Mapping[str, Any], u: FloatArray
) -> float:
    """Return the largest |d row / d name| |name| of a row, with |u| / (span / 2)^order for the size of a derivative."""
    problem = held.problem
    spans = dict(zip(problem.coordinates, np.subtract(problem.domain.upper, problem.domain.lower) / 2.0, strict=True))
    sizes = [0.0]
    for each, slope in slopes.items():
        unknown, _, letters = each.partition("_")
        size = rms(u[:, problem.unknowns.index(unknown)]) / math.prod(spans[letter] for letter in letters)
        sizes.append(
            size * rms(np.broadcast_to(np.asarray(slope.evaluate(values), dtype=np.float64), len(block.index)))
        )
    return max(sizes)
