"""Residuals of outputs: how well they satisfy an equation, by derivative operators on points that no training has used.

Outputs are numbers at points, wherever they come from: a float network, deployed integers, the reference itself. So the
same figure exists for all of them, and the reference's own is the floor that the operators' truncation leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..base.arrays import FloatArray, Record
from ..base.checks import check_finite, check_range, check_shape, raise_violations
from ..base.metrics import rms
from ..operators.operator_kind import OperatorKind
from .conditions import Dirichlet
from .coverage import covered, values_at
from .default_recipe import any_recipe_of
from .discretization import Discretization, discrete_problem
from .error_estimate import ErrorEstimate, can_estimate, estimate_error, row_scales
from .problem import PdeProblem

Evaluate = Callable[[FloatArray], FloatArray]
"""Maps points (n, n_in) to outputs (n, n_out) in physical units."""

N_BOUNDARY = 400
"""Boundary points of `measure_residual`: enough that the figure stands to a few percent, few enough for every backend."""
BOUNDARY_SEED = 0
"""Seed of those points; the same for every backend, so that their figures can be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualReport(Record):
    """How well outputs satisfy an equation and its conditions."""

    residual_rms: float
    """Root mean square of the residual over the measuring cloud, in units of the terms of the equations."""
    condition_rms: tuple[tuple[str, float], ...] = ()
    """The same of each condition that is not built in, by its label, in units of its terms."""
    boundary_rms: float | None
    """Root mean square of the error at boundary points with prescribed values, in the unit of the outputs; None without."""
    operator: OperatorKind
    """Kind of the derivative operators."""
    reference_residual_rms: float | None
    """Residual of the reference solution itself: the floor that the operators set; None without a reference."""
    estimate: ErrorEstimate | None
    """Error estimated without the reference; None where the system is too large, or training is by energy."""


def measuring_cells(n_per_axis: tuple[int, ...]) -> tuple[int, ...]:
    """Return the cells of the measuring cloud: half as many again and one, so that few points are training points."""
    return tuple(n + n // 2 + 1 for n in n_per_axis)


def residual_cloud(problem: PdeProblem) -> Discretization:
    """Lay a problem on the cloud on which the residual of its outputs is measured.

    It is finer than the training cloud of the problem's recipe and takes its kind of operator and its gradings.
    """
    recipe = any_recipe_of(problem).cloud
    return discrete_problem(problem, replace(recipe, n_per_axis=measuring_cells(recipe.n_per_axis)))


def residual_rms(measuring: Discretization, values: FloatArray) -> float:
    """Compute the root mean square of all residuals of the equations in units of their terms.

    Args:
        measuring: From `residual_cloud`.
        values: Outputs at `measuring.points`, shape (n_points, n_out).

    Raises:
        SpecError: If the shape is wrong or a value is not finite.
    """
    _check_values(measuring.problem, measuring.points, values)
    return rms(measuring.evaluate(values, measuring.problem.rest_values())[0] / row_scales(measuring)[0][:, None])


def boundary_rms(problem: PdeProblem, points: FloatArray, values: FloatArray) -> float:
    """Compute the root mean square of the error against the prescribed values.

    A point counts once for each condition that covers it, and not at all where none does.

    Args:
        problem: Holds the conditions.
        points: Boundary points, shape (n, n_in).
        values: Outputs there, shape (n, n_out).

    Raises:
        SpecError: If the shape is wrong, a value is not finite, or no condition covers any point.
    """
    _check_values(problem, points, values)
    given = {**values_at(problem, points), **dict(zip(problem.unknowns, values.T, strict=True))}
    errors = [np.empty(0)]
    for condition in problem.conditions:
        if isinstance(condition, Dirichlet):
            on = covered(problem, condition, points)
            for row in condition.rows(problem.names(on_boundary=True), problem.unknowns):
                errors.append(np.broadcast_to(row.evaluate(given), len(points))[on])
    gathered = np.concatenate(errors)
    raise_violations(check_range("boundary_rms: number of points under a condition", len(gathered), 1, np.inf))
    return rms(gathered)


def boundary_points(problem: PdeProblem, n: int, seed: int) -> FloatArray:
    """Draw about n random points of the boundary, shape (~n, n_in), the same for the same seed."""
    return problem.domain.sample_boundary(n, np.random.default_rng(seed))


def evaluation_points(problem: PdeProblem, n: int, seed: int) -> FloatArray:
    """Draw n points uniformly from the inside, shape (n, n_in), the same for the same seed: none lies on a training grid."""
    return problem.domain.sample(n, np.random.default_rng(seed))


def measure_residual(problem: PdeProblem, evaluate: Evaluate) -> ResidualReport:
    """Measure the residual, the errors of the conditions and the floor of anything that maps points to outputs."""
    measuring = residual_cloud(problem)
    scales, constants = row_scales(measuring), problem.rest_values()

    def sizes(values: FloatArray) -> list[float]:
        _check_values(problem, measuring.points, values)
        rows = measuring.evaluate(values, constants)
        return [rms(each / scale[:, None]) for each, scale in zip(rows, scales, strict=True)]

    values = evaluate(measuring.points)
    first, *others = sizes(values)
    has_values = any(isinstance(condition, Dirichlet) for condition in problem.conditions)
    boundary = boundary_points(problem, N_BOUNDARY, BOUNDARY_SEED) if has_values else None
    labels = [block.label for block in measuring.blocks[1:]]
    return ResidualReport(
        residual_rms=first,
        condition_rms=tuple(zip(labels, others, strict=True)),
        boundary_rms=None if boundary is None else boundary_rms(problem, boundary, evaluate(boundary)),
        operator=measuring.kind,
        reference_residual_rms=None
        if problem.reference is None
        else sizes(problem.reference.evaluate(measuring.points))[0],
        estimate=estimate_error(measuring, values, problem.rest_values(any_recipe_of(problem).viscosity))
        if can_estimate(measuring)
        else None,
    )


def _check_values(problem: PdeProblem, points: FloatArray, values: FloatArray) -> None:
    where = f"outputs for problem {problem.name!r}"
    raise_violations(check_shape(where, values, (points.shape[0], problem.n_out), "(n_points, n_out)"))
    raise_violations(check_finite(where, values))
