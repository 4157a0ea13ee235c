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

from ...base.arrays import Record
from ...problems.recipe import Optimizer, PhaseRecipe
from ..collocation.clouds import TrainingCloud
from ..loss.losses import LossTerms, evaluate_loss, numbers, objective, target_at, weighted_loss
from ..run.ground import Footing
from ..run.state import PhasePlace, TrainingState
from .gauss_newton import step_gauss_newton
from .lbfgs import step_l_bfgs


class DivergedError(Exception):
    """The loss is not finite at the present parameters."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Point(Record):
    """The loss at the present parameters of a network."""

    terms: LossTerms
    """With their graph, which Adam goes back through."""
    residual: float
    """Mean square of the residuals in units of the problem's `residual_scale`, or the energy."""
    rate: float
    """Share of neurons and steps that fire, 0 to 1."""
    imitation: float
    """Squared relative distance to the teacher; 0 without one."""
    objective: float
    """The number by which two networks of one phase are compared."""


OptimizerStep = Callable[[TrainingState, Footing, PhasePlace, Point], None]
"""Moves the state's network from a point that was measured at its parameters to one that the optimizer accepts."""


def measure_point(state: TrainingState, footing: Footing, phase: PhaseRecipe) -> Point:
    """Measure the loss of a phase at the present parameters.

    Raises:
        DivergedError: If it is not finite.
    """
    terms = evaluate_loss(footing.cloud, state.network, footing.lesson)
    residual, rate, imitation = numbers(terms)
    if not math.isfinite(residual):
        raise DivergedError
    value = objective(residual, rate, phase, imitation)
    return Point(terms=terms, residual=residual, rate=rate, imitation=imitation, objective=value)


def take_step(state: TrainingState, footing: Footing, place: PhasePlace, point: Point) -> Point:
    """Take one step of the phase's optimizer, and keep the network that it leads to if it is the best of the phase.

    Args:
        state: Changed.
        footing: The collocation points of the step, and the distillation target there.
        place: Where the step stands in its phase.
        point: Measured at the state's parameters, on the same collocation points.

    Returns:
        The accepted point.

    Raises:
        DivergedError: If its loss is not finite; the best network of the phase is still in the state.
    """
    _STEPS[place.phase.optimizer](state, footing, place, point)
    accepted = measure_point(state, footing, place.phase)
    state.keep_if_best(accepted.objective)
    return accepted


def _adam(state: TrainingState, footing: Footing, place: PhasePlace, point: Point) -> None:
    state.parameters.gradient.zero_()
    weighted_loss(point.terms, place.phase, target_at(place.phase, place.iteration, state.first_rate)).backward()
    state.adam.step(state.parameters, place.learning_rate, place.iteration)
    state.network.clamp_()


def _gauss_newton(state: TrainingState, footing: Footing, place: PhasePlace, point: Point) -> None:
    assert isinstance(footing.cloud, TrainingCloud)
    target = target_at(place.phase, place.iteration, state.first_rate)
    step_gauss_newton(
        state.gauss_newton, footing.cloud, state.network, state.parameters, place.phase, target, footing.lesson
    )


def _l_bfgs(state: TrainingState, footing: Footing, place: PhasePlace, point: Point) -> None:
    step_l_bfgs(state.l_bfgs, footing.cloud, state.network, state.parameters, place.phase, footing.lesson)


_STEPS: dict[Optimizer, OptimizerStep] = {
    Optimizer.ADAM: _adam,
    Optimizer.GAUSS_NEWTON: _gauss_newton,
    Optimizer.L_BFGS: _l_bfgs,
}
