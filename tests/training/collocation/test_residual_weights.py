"""The weights of centres: what is graded counts by its cells, what is steep counts less."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from neuropinn_lava.geometry.grading import Grading
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.recipes.recipe import CloudRecipe, ResidualWeights
from neuropinn_lava.training.collocation.clouds import Instants, build_training_cloud, cell_weights
from neuropinn_lava.training.loss.losses import causal_mean, centre_weights


def test_cell_weights_by_hand() -> None:
    """Density 1 + 3 = 4 at the centre, 1 + 3/2 = 2.5 one width away: weights 1/4 and 1/2.5, over their mean 0.325."""
    cloud = CloudRecipe(gradings=(Grading(axis=0, centre=0.0, width=0.5, gain=3.0),))
    weights = cell_weights(np.array([[0.0, 9.0], [0.5, -9.0]]), cloud, 1.0)
    np.testing.assert_allclose(weights, [0.25 / 0.325, 0.4 / 0.325], rtol=1e-14)


def test_steep_centres_count_less() -> None:
    """1 / (1 + 2 * 3)^2 = 1/49 everywhere on u = 3 x, as a constant."""
    problem = find_problem("burgers")
    recipe = dataclasses.replace(
        problem.recipe, cloud=CloudRecipe(n_per_axis=(8, 8)), weights=ResidualWeights(steepness=2.0)
    )
    cloud = build_training_cloud(problem, recipe, torch.float64, torch.device("cpu"))
    u = (3.0 * (cloud.inputs[:, :1] + 1) / 2).requires_grad_()
    weights = centre_weights(cloud, cloud.blocks[0].names_at(u, problem.unknowns, {}))
    assert weights is not None
    assert not weights.requires_grad
    np.testing.assert_allclose(weights.numpy(), 1 / 49, rtol=1e-10)


def test_all_alike_by_default() -> None:
    problem = find_problem("poisson")
    cloud = build_training_cloud(problem, problem.recipe, torch.float64, torch.device("cpu"))
    assert cloud.cell_weights is None
    values = cloud.blocks[0].names_at(torch.ones_like(cloud.inputs[:, :1]), problem.unknowns, {})
    assert centre_weights(cloud, values) is None


@pytest.mark.parametrize(("name", "value"), [("cell_power", -1.0), ("steepness", 1e9)])
def test_out_of_range(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"ResidualWeights.{name}"):
        ResidualWeights(**{name: value})


def test_later_times_wait() -> None:
    """Means 1 and 4 at two times, e = 1: (1 + 4 / exp(1)) / 2."""
    instants = Instants(index=torch.tensor([1, 0, 1, 0]), n_centres=torch.tensor([2.0, 2.0], dtype=torch.float64))
    squares = torch.tensor([3.0, 1.0, 5.0, 1.0], dtype=torch.float64)
    assert causal_mean(squares, instants, 1.0).item() == pytest.approx((1 + 4 / math.e) / 2, rel=1e-14)
