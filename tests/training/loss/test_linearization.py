"""Residuals of equations and soft conditions as a vector: its square is torch's loss, its slopes are differences."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.geometry.fields.expression_field import ExpressionField
from neuropinn_lava.network.transforms import Ansatz, Link
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.problems.conditions import Data, Dirichlet, Equation, Free, Mean, Neumann, Robin
from neuropinn_lava.problems.error_estimate import row_scales
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.recipe import CloudRecipe, NetworkRecipe, ResidualWeights, TrainingRecipe
from neuropinn_lava.training.collocation.clouds import TrainingCloud, build_training_cloud
from neuropinn_lava.training.loss.linearization import linearize_residuals, weighted_residuals
from neuropinn_lava.training.loss.losses import evaluate_loss, residual_loss
from neuropinn_lava.training.network.network import build_network

ROUNDING = 1e-11
"""Relative: sums of some hundred float64 terms in another order."""
DIFFERENCE = 1e-6
"""Relative: central differences of step 1e-5 of residuals that are quadratic in the outputs."""
RECIPE = TrainingRecipe(
    network=NetworkRecipe(widths=(6, 5), theta=1e-3, output_scale=1.5),
    cloud=CloudRecipe(n_per_axis=(5, 6), operator=OperatorKind.QUADRATIC, n_neighbours=12),
    viscosity=0.05,
)


def coupled() -> PdeProblem:
    """Two unknowns with a smoothing term, one wall built in, all other conditions soft and of different weights."""
    return PdeProblem(
        domain=Box(lower=[0, 0], upper=[1, 1]),
        unknowns="u v",
        equations=lambda f: (
            f.u_xx + f.u_yy + f.u * f.v_x - f.viscosity * f.u_yy - f.y,
            f.v_xx + f.v_yy + f.u * f.v - f.k,
        ),
        fields={"k": lambda points: np.exp(points[:, 0])},
        conditions=[
            Dirichlet((1.0, 0.0), on="x_lower"),
            Dirichlet(0.5, on="y_lower", unknown="u", hard=False, weight=2.0),
            Neumann(lambda p: p.y, on="x_upper", unknown="u"),
            Robin(1.0, coefficient=2.0, on=("x_upper", "y_upper"), unknown="v", weight=0.3),
            Equation(lambda f: f.u * f.v_n + f.u_x, on="y_upper"),
            Free(),
            Mean(0.1, unknown="v"),
            Data([[0.3, 0.6], [0.7, 0.2]], [1.0, -1.0], unknown="u", weight=5.0),
        ],
    )


def laid(problem: PdeProblem, recipe: TrainingRecipe = RECIPE) -> TrainingCloud:
    return build_training_cloud(problem, recipe, torch.float64, torch.device("cpu"))


def random_outputs(cloud: TrainingCloud) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(3).normal(size=(len(cloud.inputs), cloud.problem.n_out)))


STEEP = dataclasses.replace(RECIPE, weights=ResidualWeights(steepness=0.5, derivative="v_x"))


@pytest.mark.parametrize("recipe", [RECIPE, STEEP])
def test_the_square_of_the_residuals_is_the_loss(recipe: TrainingRecipe) -> None:
    cloud = laid(coupled(), recipe)
    y = random_outputs(cloud)
    r = weighted_residuals(cloud, y)
    assert len(cloud.blocks) == 7
    assert (r @ r).item() == pytest.approx(residual_loss(cloud, cloud.solution(y)).item(), rel=ROUNDING)
    linear = linearize_residuals(cloud, y)
    assert torch.equal(linear.values, r)
    sizes = [block.n_rows for block in cloud.held.blocks]
    assert np.bincount(linear.blocks).tolist() == sizes


def test_the_loss_by_hand() -> None:
    """Mean squares of every block in units of its scales, times its weight, from the rows that numpy computes."""
    problem = coupled()
    cloud = laid(problem)
    y = random_outputs(cloud)
    u = problem.ansatz.apply(cloud.held.points, 1.5 * y.numpy())
    constants = problem.rest_values(0.05)
    scales = row_scales(cloud.held, constants)
    rows = cloud.held.evaluate(u, constants)
    weights = {"equations": 1.0, "dirichlet on y_lower": 2.0, "robin on x_upper and y_upper": 0.3, "data": 5.0}
    total = sum(
        weights.get(block.label, 1.0) * np.mean((each / scale[:, None]) ** 2)
        for block, each, scale in zip(cloud.held.blocks, rows, scales, strict=True)
    )
    assert residual_loss(cloud, cloud.solution(y)).item() == pytest.approx(total, rel=ROUNDING)


def test_the_loss_of_a_network_counts_the_conditions() -> None:
    cloud = laid(coupled())
    network = build_network(RECIPE.network, 2, 2, 0, torch.float64)
    terms = evaluate_loss(cloud, network)
    with torch.no_grad():
        y = network(cloud.inputs)
    assert terms.residual.item() == pytest.approx(residual_loss(cloud, cloud.solution(y)).item(), rel=ROUNDING)
    alone = dataclasses.replace(cloud, blocks=cloud.blocks[:1])
    assert evaluate_loss(alone, network).residual.item() < terms.residual.item()


def positive() -> PdeProblem:
    """The same behind softplus, whose slope varies from point to point."""
    fields = [ExpressionField.of(value, "xy") for value in (0.0, lambda p: 1 + p.x)]
    ansatz = Ansatz(offset=(fields[0],) * 2, factor=(fields[1],) * 2, link=Link.SOFTPLUS)
    return dataclasses.replace(coupled(), own_ansatz=ansatz)


@pytest.mark.parametrize("make", [coupled, positive])
def test_slopes_are_central_differences(make: object) -> None:
    cloud = laid(make())
    y, h = random_outputs(cloud), 1e-5
    balance = tuple(0.5 + index for index in range(len(cloud.blocks)))
    factor = torch.linspace(0.2, 2.0, cloud.n_inside, dtype=torch.float64)
    linear = linearize_residuals(cloud, y, factor, balance)
    S = linear.slopes.toarray()
    n_points, n_out = y.shape
    for column in range(0, n_points * n_out, 3):
        step = torch.zeros_like(y)
        step[column % n_points, column // n_points] = h
        high, low = (weighted_residuals(cloud, y + sign * step, factor, balance) for sign in (1.0, -1.0))
        difference = ((high - low) / (2 * h)).numpy()
        assert np.abs(S[:, column] - difference).max() <= DIFFERENCE * max(1.0, np.abs(difference).max())


def test_a_balance_scales_the_square_of_each_block() -> None:
    cloud = laid(coupled())
    y = random_outputs(cloud)
    balance = tuple(1.0 + index for index in range(len(cloud.blocks)))
    plain, balanced = linearize_residuals(cloud, y), linearize_residuals(cloud, y, None, balance)
    for index, weight in enumerate(balance):
        own = plain.blocks == index
        expected = weight * plain.values[own].square().sum().item()
        assert balanced.values[own].square().sum().item() == pytest.approx(expected, rel=ROUNDING)


def test_slopes_of_the_loss_by_autograd() -> None:
    """d |r|^2 / dy = 2 S^T r."""
    cloud = laid(coupled())
    y = random_outputs(cloud).requires_grad_()
    (gradient,) = torch.autograd.grad(residual_loss(cloud, cloud.solution(y)), y)
    linear = linearize_residuals(cloud, y)
    expected = 2 * linear.slopes.T @ linear.values.numpy()
    np.testing.assert_allclose(gradient.T.reshape(-1).numpy(), expected, rtol=0, atol=ROUNDING * np.abs(expected).max())
