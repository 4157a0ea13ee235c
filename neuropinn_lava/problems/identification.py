"""How well data determine the unknown coefficients of equations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.sparse import vstack

from ..base.arrays import FloatArray, Record
from .conditions import Data
from .discretization import Discretization
from .error_estimate import solve_rows

N_NEAR = 28
"""Points of the cloud from which a sensitivity is interpolated: as many as a quartic fit takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCoefficient(Record):
    """A coefficient after the training."""

    name: str
    """Name by which the equations use it."""
    value: float
    """Value at the end of the training, in the unit of the equations."""
    standard_error: float
    """Standard error of the value from the scatter of the data around the solution; NaN where data do not determine it."""


def find_standard_errors(held: Discretization, u: FloatArray, constants: Mapping[str, float]) -> FloatArray:
    """Compute the standard errors of the coefficients from the Gauss-Newton matrix of the data, shape (n_coefficients,).

        S = -A^-1 dr/dk           how the solution of equations and conditions moves with the coefficients k
        C = s^2 (S_d^T S_d)^-1    S_d: S at the data; s^2: mean square of the data about the solution, n_data - n_k degrees

    Equations and conditions count as exact and the data as independent, each with the same scatter; S is carried from the
    points of the cloud to those of the data by radial functions.

    Args:
        held: The problem on a cloud, with its data.
        u: Values there, shape (n_points, n_out).
        constants: Values of the coefficients, and of the viscosity.

    Source: Seber and Wild, Nonlinear Regression, Wiley 2003, section 2.1.
    """
    problem = held.problem
    measured = [condition for condition in problem.soft_conditions if isinstance(condition, Data)]
    behind = held.cloud.n_points  # the points of data stand behind those of the cloud
    is_data = np.concatenate([np.full(block.n_rows, block.index[0] >= behind) for block in held.blocks])
    A = vstack(held.jacobian(u, constants), format="csr")
    slopes = held.coefficient_slopes(u, constants)
    residuals = np.concatenate([rows.ravel() for rows in held.evaluate(u, constants)])[is_data]
    S = np.stack([solve_rows(held, A[~is_data], -column) for column in slopes[~is_data].T], axis=1)
    at_data = np.concatenate(
        [_at_points(held, S, condition.column(problem.unknowns), condition.points) for condition in measured]
    )
    n, k = at_data.shape
    scatter = float(residuals @ residuals) / max(n - k, 1)
    information = at_data.T @ at_data
    if n <= k or np.linalg.cond(information) > 1.0 / np.finfo(float).eps:
        return np.full(k, np.nan)
    errors: FloatArray = np.sqrt(scatter * np.diag(np.linalg.inv(information)))
    return errors


def _at_points(held: Discretization, S: FloatArray, column: int, points: FloatArray) -> FloatArray:
    """Interpolate the sensitivities of one unknown from the cloud to other points (n, n_in), shape (n, n_coefficients)."""
    n, n_values = held.cloud.n_points, held.n_points
    of_unknown = S[column * n_values : column * n_values + n]
    span = held.problem.domain.upper - held.problem.domain.lower
    interpolate = RBFInterpolator(held.cloud.points / span, of_unknown, neighbors=min(N_NEAR, n), kernel="cubic")
    found: FloatArray = interpolate(points / span)
    return found
