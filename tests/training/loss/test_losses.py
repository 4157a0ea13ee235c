"""Residuals in torch against the core's numpy residuals, and the arithmetic of the activity term."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.discretization import discretize
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.phases import PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import TrainingRecipe
from neuropinn_lava.problems.residuals import residual_rms
from neuropinn_lava.training.collocation.clouds import TrainingCloud, build_training_cloud
from neuropinn_lava.training.loss.losses import LossTerms, activity_target_at, objective, residual_loss, weighted_loss
from neuropinn_lava.training.network.network import build_network

CPU = torch.device("cpu")
ROUNDING = 1e-10
"""Relative: float64 sums of a stencil whose entries reach 1e4, divided by a residual of magnitude one."""


def laid(problem: PdeProblem, recipe: TrainingRecipe) -> TrainingCloud:
    return build_training_cloud(problem, recipe, torch.float64, CPU)


@pytest.mark.parametrize("name", ["poisson", "heat"])
def test_residual_is_the_core_s(name: str, recipe: TrainingRecipe) -> None:
    problem = find_problem(name)
    cloud = problem.domain.cloud(recipe.cloud.n_per_axis)
    measuring = discretize(problem, cloud, recipe.cloud.operator, recipe.cloud.n_neighbours)
    network = build_network(recipe.network, 2, 1, 0, torch.float64)
    training_cloud = laid(problem, recipe)
    outputs = network(training_cloud.inputs).detach()
    u = problem.ansatz.apply(cloud.points, recipe.network.output_scale * outputs.numpy())
    expected = residual_rms(measuring, u) ** 2
    assert residual_loss(training_cloud, training_cloud.solution(outputs)).item() == pytest.approx(
        expected, rel=ROUNDING
    )
    np.testing.assert_allclose(training_cloud.solution(outputs).numpy(), u, rtol=ROUNDING)


def test_residual_of_the_reference_is_the_operators_truncation(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    """sin(pi x) sin(2 pi y) on 8 cells: the 3-point formula errs by (k h)^2 / 12 <= 5 % of a term, squared 2.6e-3."""
    cloud = problem.domain.cloud(recipe.cloud.n_per_axis)
    training_cloud = laid(problem, recipe)
    u = torch.tensor(problem.reference.evaluate(cloud.points))
    assert residual_loss(training_cloud, u).item() < 2.6e-3


def test_gradient_reaches_every_weight(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    network = build_network(recipe.network, 2, 1, 0, torch.float64)
    training_cloud = laid(problem, recipe)
    residual_loss(training_cloud, training_cloud.solution(network(training_cloud.inputs))).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_rate_costs_only_what_is_above_the_target() -> None:
    phase = PhaseRecipe(n_iterations=100, learning_rate=1e-3, activity_weight=2.0, target_activity=0.1)
    residual, activity = torch.tensor(0.5), torch.tensor(0.4)
    assert weighted_loss(LossTerms(residual, activity), phase, 0.1).item() == pytest.approx(0.5 + 2 * 0.3)
    assert weighted_loss(LossTerms(residual, activity), phase, 0.6).item() == 0.5
    assert objective(0.5, 0.4, phase) == pytest.approx(0.5 + 2 * 0.3)
    assert objective(0.5, 0.05, phase) == 0.5
    plain = dataclasses.replace(phase, activity_weight=0.0)
    assert weighted_loss(LossTerms(residual, activity), plain, 0.1).item() == 0.5


def test_target_comes_down_in_a_straight_line() -> None:
    phase = PhaseRecipe(n_iterations=100, learning_rate=1e-3, activity_weight=1.0, target_activity=0.1, ramp=0.5)
    assert [activity_target_at(phase, k, 0.5) for k in (0, 25, 50, 99)] == pytest.approx([0.5, 0.3, 0.1, 0.1])
    assert activity_target_at(phase, 0, 0.05) == pytest.approx(0.1)
    assert activity_target_at(dataclasses.replace(phase, ramp=0.0), 0, 0.5) == pytest.approx(0.1)
