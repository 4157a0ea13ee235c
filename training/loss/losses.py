"""The loss of a training: the mean square residual, the distance to a teacher, and the activity above its target.

    L = w_r * mean over centres and equations of w_c (r / scale)^2          w_c: the recipe's `ResidualWeights`
        + w_r * w_k * mean over the rows of each condition k that is not built in of (r_k / scale_k)^2
        + w_d * |u - u_teacher|^2 / |u_teacher|^2          where the phase has a distillation weight
        + w_a * max(0, activity - target)

An activity below its target adds nothing, so that the residual alone is minimised there. No term contains the reference
solution.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...problems.recipes.phases import PhaseRecipe
from ..collocation.clouds import Instants, TrainingCloud
from ..network.batches import run_batches
from ..network.coefficients import coefficient_tensors
from ..network.module_network import TrainedNetwork
from .distillation import DistillationTarget
from .energy_loss import EnergyCloud


class LossTerms(NamedTuple):
    """The parts of the loss at one set of parameters, each a scalar."""

    residual: Tensor
    """Mean square of the residuals in units of their scales, equations and conditions, or the energy (`energy_loss.py`)."""
    activity: Tensor
    """Share of neurons and steps that fire, over all layers, 0 to 1."""
    distillation: Tensor | None = None
    """Squared relative distance to the teacher; None without one."""
    causal: Tensor | None = None
    """Residual with smaller weights at later times, minimised in its place where the weights are causal; else None."""
    conditions: tuple[Tensor, ...] = ()
    """Parts of the residual that belong to the conditions which are not built in, in the order of the problem."""


def evaluate_loss(
    cloud: TrainingCloud | EnergyCloud, network: TrainedNetwork, distillation_target: DistillationTarget | None = None
) -> LossTerms:
    """Run the network on a cloud and compute residual, activity and, with a distillation target, the distance to it."""
    run = run_batches(network, cloud.inputs, cloud.batch_size)
    u = cloud.solution(run.output)
    distance = None if distillation_target is None else distillation_target.distance(u)
    if isinstance(cloud, EnergyCloud):
        return LossTerms(residual=cloud.loss(u), activity=run.activity, distillation=distance)
    squares, conditions = block_squares(cloud, u, coefficient_tensors(network))
    causal = None
    if cloud.instants is not None:
        causal = causal_mean(squares, cloud.instants, cloud.weights.causality) + sum(conditions)
    return LossTerms(
        residual=squares.mean() + sum(conditions),
        activity=run.activity,
        distillation=distance,
        causal=causal,
        conditions=conditions,
    )


def residual_loss(cloud: TrainingCloud, u: Tensor) -> Tensor:
    """Compute the mean square residual for u at all points of the cloud, shape (n_points, n_out)."""
    squares, conditions = block_squares(cloud, u, {})
    total: Tensor = squares.mean() + sum(conditions)
    return total


def block_squares(
    cloud: TrainingCloud, u: Tensor, coefficients: Mapping[str, Tensor]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Compute w_c r^2 at each centre, the mean over the equations, (n_inside,), and the mean square of each condition."""
    first, *others = cloud.blocks
    values = first.names_at(u, cloud.problem.unknowns, coefficients)
    total = first.scaled_rows(values).square().mean(0)
    weights = centre_weights(cloud, values)
    rows = [block.scaled_rows(block.names_at(u, cloud.problem.unknowns, coefficients)) for block in others]
    conditions = tuple(block.weight * each.square().mean() for block, each in zip(others, rows, strict=True))
    return (total if weights is None else total * weights), conditions


def causal_mean(squares: Tensor, instants: Instants, causality: float) -> Tensor:
    """Compute the mean over times t_k of exp(-e (L_0 + … + L_(k-1))) L_k.

    L_k is the mean of the squares at t_k, and e the causality.

    Source: Wang, Sankaran and Perdikaris, arXiv 2203.07404, equation 3.5.
    """
    by_time = instants.means(squares)
    held = by_time.detach()
    return (torch.exp(-causality * (torch.cumsum(held, 0) - held)) * by_time).mean()


def centre_weights(cloud: TrainingCloud, values: Mapping[str, Any]) -> Any:
    """Compute the weight of each centre as a constant, from the values of the first block's names, tensors or arrays.

    Returns:
        Shape (n_inside,), as the values; None where all weights are one.
    """
    held, steepness = cloud.cell_weights, cloud.weights.steepness
    if steepness == 0.0:
        return held
    slope = values[cloud.weights.derivative]
    falling = 1.0 / (1.0 + steepness * abs(slope.detach())) ** 2
    return falling if held is None else falling * held


def activity_target_at(phase: PhaseRecipe, iteration: int, first_activity: float) -> float:
    """Return the target activity of an iteration, counted from 0 in its phase.

    It falls linearly, over the share `ramp` of the phase, from the activity at its start to the target of the recipe.
    """
    n_ramp = phase.ramp * phase.n_iterations
    left = max(0.0, 1.0 - iteration / n_ramp) if n_ramp > 0 else 0.0
    return phase.target_activity + left * max(0.0, first_activity - phase.target_activity)


def weighted_loss(terms: LossTerms, phase: PhaseRecipe, target: float) -> Tensor:
    """Compute the loss L of a phase from its terms, to be differentiated."""
    descended = terms.residual if terms.causal is None else terms.causal
    loss = descended if phase.residual_weight == 1.0 else phase.residual_weight * descended
    if phase.distillation_weight > 0.0 and terms.distillation is not None:
        loss = loss + phase.distillation_weight * terms.distillation
    if phase.activity_weight > 0.0:
        loss = loss + phase.activity_weight * torch.clamp_min(terms.activity - target, 0.0)
    return loss


def objective(residual: float, activity: float, phase: PhaseRecipe, distillation: float = 0.0) -> float:
    """Compute L at the final target of the phase: the number by which two networks of one phase are compared."""
    above = max(0.0, activity - phase.target_activity)
    return phase.residual_weight * residual + phase.distillation_weight * distillation + phase.activity_weight * above
