"""One step of the optimizer of a phase: from a measured point to the next accepted point, which is measured after the step.

    point = measure_point(…)         at the start of a phase, and when its collocation points have moved
    point = take_step(…, point)      by Adam, Gauss-Newton or L-BFGS; the loss of the new parameters

The loss is measured after the step that led to a point, so that the last step of a phase counts like every other one. Adam
differentiates the measurement of the point before its step, so no step evaluates a loss twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...base.arrays import Record
from ...problems.recipes.phases import PhaseRecipe
from ..loss.distillation import CollocationSet
from ..loss.losses import LossTerms, activity_target_at, evaluate_loss, objective
from ..optimize.phase_optimizer import StepTask
from .state import PhasePlace, TrainingState


class DivergedError(Exception):
    """Raised where the loss is not finite at the present parameters."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Point(Record):
    """The loss at the present parameters of a network."""

    terms: LossTerms
    """Terms of the loss with their graph, which Adam differentiates."""
    residual: float
    """Mean square of the residuals in units of their scales, equations and conditions, or the energy."""
    conditions: tuple[float, ...]
    """Parts of it that belong to the conditions which are not built in."""
    activity: float
    """Share of neurons and steps that fire, 0 to 1."""
    distillation: float
    """Squared relative distance to the teacher; zero without one."""
    objective: float
    """Loss at the final target of the phase, by which two networks of one phase are compared."""


def measure_point(state: TrainingState, collocation: CollocationSet, phase: PhaseRecipe) -> Point:
    """Measure the loss of a phase at the present parameters.

    Raises:
        DivergedError: If the loss is not finite.
    """
    terms = evaluate_loss(collocation.cloud, state.network, collocation.distillation_target)
    residual, activity = terms.residual.item(), terms.activity.item()
    distillation = 0.0 if terms.distillation is None else terms.distillation.item()
    if not math.isfinite(residual):
        raise DivergedError
    value = objective(residual, activity, phase, distillation)
    conditions = tuple(each.item() for each in terms.conditions)
    return Point(
        terms=terms,
        residual=residual,
        conditions=conditions,
        activity=activity,
        distillation=distillation,
        objective=value,
    )


def take_step(state: TrainingState, collocation: CollocationSet, place: PhasePlace, point: Point) -> Point:
    """Take one step of the phase's optimizer, and record the network that it leads to if it is the best of the phase.

    Args:
        state: Training before the step; changed.
        collocation: Collocation set of the step.
        place: Phase of the step, and how many steps of the phase came before it.
        point: Loss at the present parameters, measured on the same collocation set.

    Returns:
        The accepted point.

    Raises:
        DivergedError: If its loss is not finite; the best network of the phase is still in the state.
    """
    task = StepTask(
        cloud=collocation.cloud,
        distillation_target=collocation.distillation_target,
        network=state.network,
        parameters=state.parameters,
        phase=place.phase,
        iteration=place.iteration,
        target_activity=activity_target_at(place.phase, place.iteration, state.first_activity),
        terms=point.terms,
    )
    state.optimizer.advance(task)
    accepted = measure_point(state, collocation, place.phase)
    state.update_best(accepted.objective)
    return accepted
