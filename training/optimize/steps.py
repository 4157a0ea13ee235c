"""One step of a phase's optimizer: from the point where the network stands to the next accepted point, measured there.

    point = measure_point(…)                      where a phase begins, and where its collocation points have moved
    point = take_step(…, point)                   Adam, Gauss-Newton or L-BFGS; the loss of the new parameters

A point is measured after the step that led to it, so that the last step of a phase counts like every other one. Adam
differentiates the measurement of the point that it leaves, so no step evaluates a loss twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ...problems.recipe import Optimizer, PhaseRecipe
from ..collocation.clouds import TrainingCloud
from ..loss.losses import LossTerms, activity_target_at, evaluate_loss, numbers, objective, weighted_loss
from ..run.collocation_schedule import CollocationSet
from ..run.state import PhasePlace, TrainingState
from .gauss_newton import step_gauss_newton
from .lbfgs import step_l_bfgs


class DivergedError(Exception):
    """The loss is not finite at the present parameters."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Point:
    """The loss at the present parameters of a network."""

    terms: LossTerms
    """With their graph, which Adam goes back through."""
    residual: float
    """Mean square of the residuals in units of the problem's `residual_scale`, or the energy."""
    activity: float
    """Share of neurons and steps that fire, 0 to 1."""
    distillation: float
    """Squared relative distance to the teacher; 0 without one."""
    objective: float
    """The number by which two networks of one phase are compared."""


OptimizerStep = Callable[[TrainingState, CollocationSet, PhasePlace, Point], None]
"""Moves the state's network from a point that was measured at its parameters to one that the optimizer accepts."""


def measure_point(state: TrainingState, collocation: CollocationSet, phase: PhaseRecipe) -> Point:
    """Measure the loss of a phase at the present parameters.

    Raises:
        DivergedError: If it is not finite.
    """
    terms = evaluate_loss(collocation.cloud, state.network, collocation.distillation_target)
    residual, activity, distillation = numbers(terms)
    if not math.isfinite(residual):
        raise DivergedError
    value = objective(residual, activity, phase, distillation)
    return Point(terms=terms, residual=residual, activity=activity, distillation=distillation, objective=value)


def take_step(state: TrainingState, collocation: CollocationSet, place: PhasePlace, point: Point) -> Point:
    """Take one step of the phase's optimizer, and keep the network that it leads to if it is the best of the phase.

    Args:
        state: Changed.
        collocation: The collocation points of the step, and the distillation target there.
        place: Where the step stands in its phase.
        point: Measured at the state's parameters, on the same collocation points.

    Returns:
        The accepted point.

    Raises:
        DivergedError: If its loss is not finite; the best network of the phase is still in the state.
    """
    _STEPS[place.phase.optimizer](state, collocation, place, point)
    accepted = measure_point(state, collocation, place.phase)
    state.update_best(accepted.objective)
    return accepted


def _adam(state: TrainingState, collocation: CollocationSet, place: PhasePlace, point: Point) -> None:
    state.parameters.gradient.zero_()
    weighted_loss(
        point.terms, place.phase, activity_target_at(place.phase, place.iteration, state.first_activity)
    ).backward()
    state.adam.step(state.parameters, place.learning_rate, place.iteration)
    state.network.clamp_()


def _gauss_newton(state: TrainingState, collocation: CollocationSet, place: PhasePlace, point: Point) -> None:
    assert isinstance(collocation.cloud, TrainingCloud)
    target = activity_target_at(place.phase, place.iteration, state.first_activity)
    step_gauss_newton(
        state.gauss_newton,
        collocation.cloud,
        state.network,
        state.parameters,
        place.phase,
        target,
        collocation.distillation_target,
    )


def _l_bfgs(state: TrainingState, collocation: CollocationSet, place: PhasePlace, point: Point) -> None:
    step_l_bfgs(
        state.l_bfgs, collocation.cloud, state.network, state.parameters, place.phase, collocation.distillation_target
    )


_STEPS: dict[Optimizer, OptimizerStep] = {
    Optimizer.ADAM: _adam,
    Optimizer.GAUSS_NEWTON: _gauss_newton,
    Optimizer.L_BFGS: _l_bfgs,
}
