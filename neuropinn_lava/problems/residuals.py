"""Residuals of outputs: how well they satisfy an equation, by derivative operators on points that no training has used.

Outputs are numbers at points, wherever they come from: a float network, deployed integers, the reference itself. So the
same figure exists for all of them, and the reference's own is the floor that the operators' truncation leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.arrays import FloatArray, Record
from ..base.checks import check_finite, check_range, check_shape, raise_violations
from ..base.metrics import rms
from ..geometry.domain import Cloud
from ..operators.operator_kind import OperatorKind
from ..operators.projection import DerivativeOperators, build_operators
from .problem import DerivativeFields, PdeProblem

Evaluate = Callable[[FloatArray], FloatArray]
"""Maps points (n, n_in) to outputs (n, n_out) in physical units."""

N_BOUNDARY = 400
"""Boundary points of `measure_residual`: enough that the figure stands to a few percent, few enough for every backend."""
BOUNDARY_SEED = 0
"""Seed of those points; the same for every backend, so that their figures can be compared."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuringCloud(Record):
    """A cloud that residuals are measured on, with its operators."""

    cloud: Cloud
    """Points where outputs are needed: all of them, inside and boundary."""
    operators: DerivativeOperators
    """Derivatives at the inside points."""

    @property
    def points(self) -> FloatArray:
        """All points, shape (n_points, n_in)."""
        return self.cloud.points


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualReport(Record):
    """How well outputs satisfy an equation and its conditions."""

    residual_rms: float
    """Root mean square of the residual over the measuring cloud, in units of the problem's `residual_scale`."""
    boundary_rms: float | None
    """Root mean square of the error on the boundary, in the unit of the outputs; None where nothing is prescribed."""
    operator: OperatorKind
    """Kind of the derivative operators."""
    reference_residual_rms: float
    """Residual of the reference solution itself: the floor that the operators set."""


def measuring_cells(n_per_axis: tuple[int, ...]) -> tuple[int, ...]:
    """Return the cells of the measuring cloud: half as many again and one, so that few points are training points."""
    return tuple(n + n // 2 + 1 for n in n_per_axis)


def residual_cloud(problem: PdeProblem) -> MeasuringCloud:
    """Build the cloud on which the residual of a problem's outputs is measured, and its operators.

    It is finer than the training cloud of the problem's recipe and takes its kind of operator and its gradings.
    """
    recipe = problem.recipe.cloud
    cloud = problem.domain.cloud(measuring_cells(recipe.n_per_axis), recipe.gradings)
    return MeasuringCloud(
        cloud=cloud, operators=problem_operators(problem, cloud, recipe.operator, recipe.n_neighbours)
    )


def problem_operators(problem: PdeProblem, cloud: Cloud, kind: OperatorKind, n_neighbours: int) -> DerivativeOperators:
    """Build the operators of all derivatives that a problem's equation names."""
    letters = tuple(sorted({name.partition("_")[2] for name in problem.derivatives}))
    return build_operators(cloud, letters, problem.coordinates, kind, n_neighbours)


def _derivative_fields(problem: PdeProblem, measuring: MeasuringCloud, values: FloatArray) -> DerivativeFields:
    """Compute the unknowns, their derivatives and the source at the inside points.

    Args:
        problem: Names the derivatives.
        measuring: Cloud and operators.
        values: Outputs at all points of the cloud, shape (n_points, n_out).
    """
    n_inside, columns = measuring.cloud.n_inside, dict(zip(problem.unknowns, values.T, strict=True))
    fields: dict[str, Any] = {name: column[:n_inside] for name, column in columns.items()}
    for name in problem.derivatives:
        unknown, _, letters = name.partition("_")
        fields[name] = measuring.operators.apply(letters, columns[unknown])
    fields["source"] = problem.source(measuring.cloud.centres)
    return DerivativeFields(**fields, viscosity=0.0)


def residual_rms(problem: PdeProblem, measuring: MeasuringCloud, values: FloatArray) -> float:
    """Compute the root mean square of all residuals, divided by the problem's residual_scale.

    Args:
        problem: Holds the equation.
        measuring: From `residual_cloud`.
        values: Outputs at `measuring.points`, shape (n_points, n_out).

    Raises:
        SpecError: If the shape is wrong or a value is not finite.
    """
    raise_violations(_value_violations(problem, measuring.points, values))
    residuals = problem.residual(_derivative_fields(problem, measuring, values))
    return rms(np.stack(residuals)) / problem.residual_scale


def boundary_rms(problem: PdeProblem, points: FloatArray, values: FloatArray) -> float:
    """Compute the root mean square of the error against the prescribed data.

    A point counts once for each condition that covers it, and not at all where none does.

    Args:
        problem: Holds the conditions.
        points: Boundary points, shape (n, n_in).
        values: Outputs there, shape (n, n_out).

    Raises:
        SpecError: If the shape is wrong, a value is not finite, or no condition covers any point.
    """
    raise_violations(_value_violations(problem, points, values))
    errors = [np.empty((0, problem.n_out))]
    for condition in problem.conditions:
        covered = condition.applies(points)
        errors.append(values[covered] - condition.value(points[covered]))
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
    """Measure the residual, the boundary error and the floor of anything that maps points to outputs."""
    measuring = residual_cloud(problem)
    boundary = boundary_points(problem, N_BOUNDARY, BOUNDARY_SEED) if problem.conditions else None
    return ResidualReport(
        residual_rms=residual_rms(problem, measuring, evaluate(measuring.points)),
        boundary_rms=None if boundary is None else boundary_rms(problem, boundary, evaluate(boundary)),
        operator=measuring.operators.kind,
        reference_residual_rms=residual_rms(problem, measuring, problem.reference.evaluate(measuring.points)),
    )


def _value_violations(problem: PdeProblem, points: FloatArray, values: FloatArray) -> Any:
    where = f"outputs for problem {problem.name!r}"
    yield from check_shape(where, values, (points.shape[0], problem.n_out), "(n_points, n_out)")
    yield from check_finite(where, values)
