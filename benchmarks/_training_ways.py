"""Four ways to train on Poisson's equation on the square with three hidden layers of 50 and Adam, at the same grid points.

    neuropinn T=1, T=2    Variable Spiking Neurons, derivatives by constant sparse matrices: the steps of the package's trainer
    autodiff              tanh network in plain torch, second derivatives by differentiating twice
    deepxde               the same through DeepXDE's own model and train step, where it is installed (`pip install deepxde`)

The boundary values are built in by the same factor everywhere, and the learning rate is constant.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

os.environ.setdefault("DDE_BACKEND", "pytorch")

import numpy as np
import torch
from torch import Tensor, nn

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.problems import find_problem
from neuropinn_lava.training.collocation.clouds import build_training_cloud
from neuropinn_lava.training.loss.losses import evaluate_loss, weighted_loss
from neuropinn_lava.training.network.network import build_network
from neuropinn_lava.training.optimize.adam import Adam
from neuropinn_lava.training.optimize.parameters import FlatParameters

CELLS = {289: (16, 16), 4096: (63, 63)}
"""Grid cells along each axis by number of points."""
WIDTHS = (2, 50, 50, 50, 1)
PEER = "deepxde"
WAYS = tuple(
    way for way in ("neuropinn T=1", "neuropinn T=2", "autodiff", PEER) if way != PEER or importlib.util.find_spec(PEER)
)
"""Those that can be made here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingWay:
    """A training that is advanced step by step."""

    step: Callable[[], object]
    """Takes one step of Adam."""
    predict: Callable[[FloatArray], FloatArray]
    """Points (n, 2) to u (n, 1)."""


def make_way(way: str, n_points: int, rate: float = 1e-3, seed: int = 0) -> TrainingWay:
    """Start a training: one of `WAYS`, at one of the numbers of points of `CELLS`."""
    if way == "autodiff":
        return autodiff_way(n_points, rate, seed)
    if way == PEER:
        return deepxde_way(n_points, rate, seed)
    return neuropinn_way(n_points, int(way.rpartition("=")[2]), rate, seed)


def neuropinn_way(n_points: int, n_steps: int, rate: float, seed: int) -> TrainingWay:
    """Start the trainer's own steps: loss, backward pass, Adam."""
    problem = find_problem("poisson")
    recipe = dataclasses.replace(
        problem.recipe,
        network=dataclasses.replace(problem.recipe.network, widths=WIDTHS[1:-1], n_steps=n_steps),
        cloud=dataclasses.replace(problem.recipe.cloud, n_per_axis=CELLS[n_points]),
    )
    cloud = build_training_cloud(problem, recipe, torch.float32, torch.device("cpu"))
    network = build_network(recipe.network, 2, 1, seed)
    parameters = FlatParameters(network)
    adam = Adam(parameters.values)
    n_before = 0

    def step() -> None:
        nonlocal n_before
        parameters.gradient.zero_()
        weighted_loss(evaluate_loss(cloud, network), recipe.phases[0], 0.0).backward()
        adam.step(parameters, rate, n_before)
        n_before += 1

    def predict(points: FloatArray) -> FloatArray:
        with torch.no_grad():
            outputs = network(torch.tensor(2 * points - 1, dtype=torch.float32)).double().numpy()
        return problem.ansatz.apply(points, cloud.output_transform.apply(outputs))

    return TrainingWay(step=step, predict=predict)


def grid_points(n_points: int) -> FloatArray:
    side = np.linspace(0.0, 1.0, CELLS[n_points][0] + 1)
    return np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)


def poisson_source(x: Tensor) -> Tensor:
    return 5 * torch.pi**2 * torch.sin(torch.pi * x[:, :1]) * torch.sin(2 * torch.pi * x[:, 1:])


def wall_factor(x: Tensor) -> Tensor:
    return 16 * x[:, :1] * (1 - x[:, :1]) * x[:, 1:] * (1 - x[:, 1:])


def autodiff_way(n_points: int, rate: float, seed: int) -> TrainingWay:
    """Start a tanh PINN in plain torch."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(WIDTHS):
        layers += [nn.Linear(n_in, n_out), nn.Tanh()]
    network = nn.Sequential(*layers[:-1])
    x = torch.tensor(grid_points(n_points), dtype=torch.float32, requires_grad=True)
    source = poisson_source(x.detach())
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)

    def step() -> None:
        optimizer.zero_grad()
        u = wall_factor(x) * network(2 * x - 1)
        (gradient,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        (from_x,) = torch.autograd.grad(gradient[:, 0].sum(), x, create_graph=True)
        (from_y,) = torch.autograd.grad(gradient[:, 1].sum(), x, create_graph=True)
        (from_x[:, :1] + from_y[:, 1:] + source).square().mean().backward()
        optimizer.step()

    def predict(points: FloatArray) -> FloatArray:
        with torch.no_grad():
            given = torch.tensor(points, dtype=torch.float32)
            return (wall_factor(given) * network(2 * given - 1)).double().numpy()

    return TrainingWay(step=step, predict=predict)


def deepxde_way(n_points: int, rate: float, seed: int) -> TrainingWay:
    """Start DeepXDE's own train step."""
    import deepxde

    deepxde.config.set_random_seed(seed)

    def equation(x: Tensor, u: Tensor) -> Tensor:
        u_xx = deepxde.grad.hessian(u, x, i=0, j=0)
        u_yy = deepxde.grad.hessian(u, x, i=1, j=1)
        return u_xx + u_yy + poisson_source(x)

    square = deepxde.geometry.Rectangle([0, 0], [1, 1])
    data = deepxde.data.PDE(square, equation, [], num_domain=0, anchors=grid_points(n_points).astype(np.float32))
    network = deepxde.nn.FNN(list(WIDTHS), "tanh", "Glorot uniform")
    network.apply_feature_transform(lambda x: 2 * x - 1)
    network.apply_output_transform(lambda x, u: wall_factor(x) * u)
    model = deepxde.Model(data, network)
    model.compile("adam", lr=rate, verbose=0)
    inputs, targets, extra = data.train_next_batch()
    return TrainingWay(
        step=lambda: model.train_step(inputs, targets, extra),
        predict=lambda points: model.predict(points.astype(np.float32)).astype(np.float64),
    )
