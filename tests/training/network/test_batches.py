"""Batches: the same outputs, activities and gradients as all points at once, with no more points in the network at a time."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.recipes.recipe import CloudRecipe, NetworkRecipe, TrainingRecipe
from neuropinn_lava.training.loss.energy_loss import build_loss_cloud
from neuropinn_lava.training.loss.losses import evaluate_loss
from neuropinn_lava.training.network.batches import run_batches
from neuropinn_lava.training.network.network import VsnNetwork, build_network

ROUNDING = 1e-12
"""Float64: sums over batches are taken in another order."""
MODEL = NetworkRecipe(widths=(12, 10), n_steps=2)


@pytest.fixture
def network() -> VsnNetwork:
    return build_network(MODEL, 3, 3, seed=4, dtype=torch.float64)


@pytest.fixture
def inputs() -> torch.Tensor:
    return torch.rand(100, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("batch_size", [1, 33, 50, 99])
def test_outputs_rates_and_gradients_are_those_of_all_points(
    network: VsnNetwork, inputs: torch.Tensor, batch_size: int
) -> None:
    gradients = []
    for size in (None, batch_size):
        network.zero_grad()
        run = run_batches(network, inputs, size)
        (run.output.square().sum() + run.activity + run.activities[0]).backward()
        gradients.append(
            [run.output, run.activities, run.activity, *(p.grad for p in network.parameters() if p.requires_grad)]
        )
    for expected, found in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=ROUNDING * expected.detach().abs().max().item())


def test_no_more_points_than_a_batch_are_in_the_network(
    network: VsnNetwork, inputs: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forwards and once more backwards: 100 points in batches of 40 are 40, 40, 20, twice."""
    sizes, run = [], network.run

    def counted(x: torch.Tensor) -> Any:
        sizes.append(len(x))
        return run(x)

    monkeypatch.setattr(network, "run", counted)
    run_batches(network, inputs, 40).output.sum().backward()
    assert sorted(sizes) == [20, 20, 40, 40, 40, 40]
    assert max(sizes) == 40


@pytest.mark.parametrize(("problem", "cells"), [("elasticity3d", (6, 6, 6)), ("heat", (9, 9))])
def test_losses_are_the_same_in_batches(problem: str, cells: tuple[int, ...]) -> None:
    posed, losses = find_problem(problem), []
    network = build_network(MODEL, posed.n_in, posed.n_out, seed=2, dtype=torch.float64)
    for batch_size in (None, 32):
        cloud = dataclasses.replace(posed.recipe.cloud, n_per_axis=cells, batch_size=batch_size)
        recipe = TrainingRecipe(cloud=cloud, network=MODEL)
        losses.append(
            evaluate_loss(build_loss_cloud(posed, recipe, torch.float64, torch.device("cpu")), network).residual.item()
        )
    assert losses[1] == pytest.approx(losses[0], rel=ROUNDING)


def test_batches_of_no_points_are_refused() -> None:
    with pytest.raises(SpecError, match=r"CloudRecipe.batch_size must lie in \[1, 1e\+09\]; got 0"):
        CloudRecipe(batch_size=0)
