"""The networks that a NeuroPINN is compared with, trained at the same points: `sp-pinn`, `pinn`, `relu` for conversion.

    sp-pinn        tanh; derivatives by the same operators as the NeuroPINN's
    sp-pinn-own    the same by the phases that the NeuroPINN's own recipe has for accuracy, or its teacher's
    pinn           tanh; derivatives by automatic differentiation (`_autodiff.py`)
    relu           imitates the sp-pinn's outputs: a ReLU has no second derivative to train an equation with

All have the widths, the hard conditions, the weights of centres and the viscosity of the problem's recipe. All but sp-pinn-own
take as many steps of Adam as `BUDGET` says, whatever phases the recipe has. Kept is the network of the lowest loss; no
reference is looked at.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from _autodiff import AutodiffLoss
from torch import Tensor

from neuropinn_lava.base.arrays import FloatArray, freeze_arrays, record_digest
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.phases import PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import (
    TANH_NETWORK,
    NetworkRecipe,
    ResidualWeights,
    TeacherRecipe,
    TrainingRecipe,
)
from neuropinn_lava.problems.residuals import evaluation_points
from neuropinn_lava.training.collocation.clouds import input_transform, output_transform
from neuropinn_lava.training.network.export import export_network
from neuropinn_lava.training.network.network import VsnNetwork, build_network
from neuropinn_lava.training.optimize.adam import Adam, learning_rate
from neuropinn_lava.training.optimize.parameters import FlatParameters
from neuropinn_lava.training.run.trainer import train_network

BUDGET = PhaseRecipe(n_iterations=4000, learning_rate=3e-3)
"""Steps of Adam of every baseline, with warm-up and cosine decay."""
RELU_NETWORK = NetworkRecipe(
    activation="relu", polarity=Polarity.POSITIVE, theta=0.0, surrogate_slope=1e6, initial_gain=1.4
)
"""sqrt(2) is He's gain; with theta = 0 the neuron is exactly a ReLU."""
N_IMITATED = 2048
"""Points at which the ReLU network imitates, inside the domain, drawn once."""
IMITATED_SEED = 1000
"""Their seed, to which that of the network is added; other points than those of the evaluation."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BaselineTask:
    """All that a baseline's training depends on but the seed; its digest names the cells of the table."""

    kind: str
    """sp-pinn, pinn or relu; sp-pinn-own goes by its recipe."""
    equation: str
    """Of the problem, with its parameters."""
    points: FloatArray
    """Of the cloud."""
    operators: str
    """Kind and neighbours."""
    weights: ResidualWeights
    """Of the recipe."""
    viscosity: float
    """Of the recipe."""
    widths: tuple[int, ...]
    """Of the recipe's model."""
    output_scale: float
    """Of the recipe's model."""
    budget: PhaseRecipe = BUDGET
    """How long."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points=np.float64)


def baseline_digest(problem: PdeProblem, kind: str) -> str:
    """Name a baseline's training, 12 hex digits."""
    recipe = problem.recipe
    if kind == "sp-pinn-own":
        return record_digest(own_recipe(recipe))[:12]
    laid = problem.domain.cloud(recipe.cloud.n_per_axis, recipe.cloud.gradings)
    task = BaselineTask(
        kind=kind,
        equation=problem.equation,
        points=laid.points,
        operators=f"{recipe.cloud.operator.value} {recipe.cloud.n_neighbours}",
        weights=recipe.weights,
        viscosity=recipe.viscosity,
        widths=recipe.network.widths,
        output_scale=recipe.network.output_scale,
    )
    return record_digest(task)[:12]


def tanh_recipe(recipe: TrainingRecipe) -> TrainingRecipe:
    """Give the recipe of a tanh network on the same cloud: one phase, no teacher."""
    model = dataclasses.replace(TANH_NETWORK, widths=recipe.network.widths, output_scale=recipe.network.output_scale)
    return dataclasses.replace(recipe, network=model, phases=(BUDGET,), teacher=None)


def own_recipe(recipe: TrainingRecipe) -> TrainingRecipe:
    """Give the recipe of a tanh network that is trained as the NeuroPINN's is for accuracy: as its teacher, if it has one."""
    if isinstance(recipe.teacher, TeacherRecipe):
        return dataclasses.replace(recipe, network=recipe.teacher.network, phases=recipe.teacher.phases, teacher=None)
    accurate = tuple(phase for phase in recipe.phases if phase.activity_weight == 0.0)
    return dataclasses.replace(tanh_recipe(recipe), phases=accurate, teacher=recipe.teacher)


def train_baseline(problem: PdeProblem, kind: str, seed: int, teacher: NetworkSpec | None = None) -> NetworkSpec:
    """Train one of the networks above.

    Args:
        problem: Gives the cloud and what belongs to it.
        kind: sp-pinn, sp-pinn-own, pinn or relu.
        seed: Of the initial weights.
        teacher: What the `relu` imitates.
    """
    recipe = tanh_recipe(problem.recipe)
    if kind == "sp-pinn":
        return train_network(problem, recipe, seed).network
    if kind == "sp-pinn-own":
        return train_network(problem, own_recipe(problem.recipe), seed).network
    if kind == "pinn":
        return exported(problem, recipe, train_autodiff(problem, recipe, seed))
    model = dataclasses.replace(RELU_NETWORK, widths=recipe.network.widths, output_scale=recipe.network.output_scale)
    assert teacher is not None
    return exported(problem, recipe, imitate(problem, model, seed, teacher))


def exported(problem: PdeProblem, recipe: TrainingRecipe, network: VsnNetwork) -> NetworkSpec:
    return export_network(
        network,
        name=problem.name,
        input_transform=input_transform(problem),
        output_transform=output_transform(problem, recipe),
        ansatz=problem.ansatz,
        lower=problem.domain.lower,
        upper=problem.domain.upper,
    )


def train_autodiff(problem: PdeProblem, recipe: TrainingRecipe, seed: int) -> VsnNetwork:
    """Train a tanh network with derivatives by automatic differentiation."""
    loss = AutodiffLoss(problem, recipe)
    network = build_network(recipe.network, problem.n_in, problem.n_out, seed)
    return descend(network, lambda: loss.evaluate(network))


def imitate(problem: PdeProblem, model: NetworkRecipe, seed: int, teacher: NetworkSpec) -> VsnNetwork:
    """Train a network on the outputs of another one at points of the domain."""
    points = evaluation_points(problem, N_IMITATED, IMITATED_SEED + seed)
    wanted = torch.tensor(run_float(teacher, points).outputs, dtype=torch.float32)
    g, d = (torch.tensor(part, dtype=torch.float32) for part in problem.ansatz.evaluate(points))
    inputs = torch.tensor(teacher.input_transform.apply(points), dtype=torch.float32)
    network = build_network(model, problem.n_in, problem.n_out, seed)
    unit = 1.0 / wanted.square().sum()

    def loss() -> tuple[Tensor, float]:
        u = g + d * problem.ansatz.link.apply(teacher.output_transform.apply(network.run(inputs).output))
        distance = (u - wanted).square().sum() * unit
        return distance, distance.item()

    return descend(network, loss)


def descend(network: VsnNetwork, loss: Callable[[], tuple[Tensor, float]]) -> VsnNetwork:
    """Take `BUDGET`'s steps of Adam on a loss; leave the network with the parameters of the lowest one."""
    parameters = FlatParameters(network)
    adam = Adam(parameters.values)
    best, kept = float("inf"), parameters.values.clone()
    trained = [p for p in network.parameters() if p.requires_grad]
    for iteration in range(BUDGET.n_iterations):
        parameters.gradient.zero_()
        descended, judged = loss()
        if judged < best:
            best, kept = judged, parameters.values.clone()
        descended.backward(inputs=trained)
        adam.step(parameters, learning_rate(BUDGET, iteration), iteration)
    parameters.values.copy_(kept)
    return network
