"""Training by energy: the loss against the core's form, its gradient, and the limits of its use."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.operators.potential_energy import EnergyDomain
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.recipes.recipe import CloudRecipe, NetworkRecipe
from neuropinn_lava.training.collocation.clouds import TrainingCloud
from neuropinn_lava.training.loss.energy_loss import EnergyCloud, build_energy_cloud, build_loss_cloud
from neuropinn_lava.training.network.network import build_network

CPU = torch.device("cpu")
ROUNDING = 1e-10
"""Sums of 10^5 products in another order, in float64."""
SINGLE = 1e-5
"""The same in float32, whose rounding is 6e-8."""


@pytest.fixture(scope="module")
def cloud() -> EnergyCloud:
    problem = find_problem("elasticity3d")
    recipe = dataclasses.replace(problem.recipe, cloud=CloudRecipe(n_per_axis=(6, 6, 6)))
    return build_energy_cloud(problem, recipe, torch.float64, CPU)


def nodal_values(cloud: EnergyCloud, outputs: torch.Tensor) -> np.ndarray:
    """u = g + d * scale * y, longhand."""
    problem = cloud.problem
    points = (cloud.inputs.numpy() + 1) / 2
    g, d = problem.ansatz.evaluate(points)
    return g + d * problem.recipe.network.output_scale * outputs.detach().numpy()


def test_loss_is_the_energy_of_the_ansatz(cloud: EnergyCloud) -> None:
    outputs = torch.from_numpy(np.random.default_rng(0).normal(size=(len(cloud.inputs), 3)))
    assert isinstance(cloud.problem.domain, EnergyDomain)
    energy = cloud.problem.domain.energy((6, 6, 6))
    assert cloud.loss(cloud.solution(outputs)).item() == pytest.approx(
        energy.evaluate(nodal_values(cloud, outputs)), rel=ROUNDING
    )
    assert cloud.loss(cloud.solution(torch.zeros_like(outputs))).item() == pytest.approx(1.0)


def test_gradient_is_that_of_the_form(cloud: EnergyCloud) -> None:
    """The loss is quadratic, so that a central difference of any step is exact."""
    rng = np.random.default_rng(1)
    outputs, direction = (torch.from_numpy(rng.normal(size=(len(cloud.inputs), 3))) for _ in range(2))
    outputs.requires_grad_(True)
    cloud.loss(cloud.solution(outputs)).backward()
    assert outputs.grad is not None
    above, below = (cloud.loss(cloud.solution(outputs.detach() + sign * direction)) for sign in (1, -1))
    slope = (above - below) / 2
    assert torch.sum(outputs.grad * direction).item() == pytest.approx(slope.item(), rel=ROUNDING)


def test_single_precision_keeps_small_fluctuations() -> None:
    """The lift's own force is summed in float64: a fluctuation of 1e-4 still lowers the loss by the right amount."""
    problem = find_problem("elasticity3d")
    recipe = dataclasses.replace(problem.recipe, cloud=CloudRecipe(n_per_axis=(6, 6, 6)))
    clouds = [build_energy_cloud(problem, recipe, dtype, CPU) for dtype in (torch.float32, torch.float64)]
    outputs = torch.from_numpy(np.random.default_rng(2).normal(size=(len(clouds[0].inputs), 3)))
    forces = []
    for cloud, dtype in zip(clouds, (torch.float32, torch.float64), strict=True):
        held = (1e-4 * outputs).to(dtype).requires_grad_(True)
        cloud.loss(cloud.solution(held)).backward()
        assert held.grad is not None
        forces.append(held.grad.double())
    assert torch.norm(forces[0] - forces[1]) < SINGLE * torch.norm(forces[1])


def test_gradient_reaches_the_weights(cloud: EnergyCloud) -> None:
    """A short step against the gradient lowers the energy."""
    recipe = NetworkRecipe(widths=(16,), activation="tanh_squared", n_steps=1, theta=0.01)
    network = build_network(recipe, 3, 3, 0, torch.float64)
    before = cloud.loss(cloud.solution(network(cloud.inputs)))
    before.backward()
    with torch.no_grad():
        for p in network.parameters():
            assert p.grad is not None
            p.sub_(1e-4 * p.grad)
    assert cloud.loss(cloud.solution(network(cloud.inputs))).item() < before.item()


def test_problems_without_an_energy_are_refused() -> None:
    problem = find_problem("poisson")
    with pytest.raises(
        SpecError, match=r"training of 'poisson' by energy must have a domain with a potential energy; got Box"
    ):
        build_energy_cloud(problem, problem.recipe, torch.float64, CPU)


def test_problems_choose_their_loss(cloud: EnergyCloud) -> None:
    small = CloudRecipe(n_per_axis=(6, 6, 6))
    energy = dataclasses.replace(cloud.problem.recipe, cloud=small)
    assert isinstance(build_loss_cloud(cloud.problem, energy, torch.float64, CPU), EnergyCloud)
    poisson = find_problem("poisson")
    assert isinstance(build_loss_cloud(poisson, poisson.recipe, torch.float64, CPU), TrainingCloud)
