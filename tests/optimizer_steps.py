"""Single steps of an optimizer on a small network and cloud, for the tests of the optimizers."""

from __future__ import annotations

import dataclasses

import torch

from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.phases import PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import CloudRecipe, TrainingRecipe
from neuropinn_lava.training.collocation.clouds import TrainingCloud, build_training_cloud
from neuropinn_lava.training.loss.losses import evaluate_loss
from neuropinn_lava.training.network.network import VsnNetwork, build_network
from neuropinn_lava.training.optimize.parameters import FlatParameters
from neuropinn_lava.training.optimize.phase_optimizer import PhaseOptimizer, StepTask

SMALL_CLOUD = CloudRecipe(n_per_axis=(8, 8), operator=OperatorKind.QUADRATIC, n_neighbours=8)
"""A cloud of 49 centres, whose operators err by about a tenth."""


def build_cloud(problem: PdeProblem, recipe: TrainingRecipe) -> TrainingCloud:
    """Build the cloud of a recipe in double precision."""
    return build_training_cloud(problem, recipe, torch.float64, torch.device("cpu"))


def build_module(recipe: TrainingRecipe, seed: int = 0) -> VsnNetwork:
    """Build the network of a recipe, of two inputs and one output, in double precision."""
    return build_network(recipe.network, 2, 1, seed, torch.float64)


def without_slope(problem: PdeProblem) -> PdeProblem:
    """Return the problem with the residual 1 everywhere, which no step can lower: the slope by u_xx is a field of zeros."""
    fields = {**problem.fields, "none": lambda points: 0.0 * points[:, 0]}
    return dataclasses.replace(problem, fields=fields, equations=lambda f: f.none * f.u_xx + 1.0)


def advance(
    optimizer: PhaseOptimizer,
    cloud: TrainingCloud,
    network: VsnNetwork,
    parameters: FlatParameters,
    phase: PhaseRecipe,
    target_activity: float = 0.0,
) -> None:
    """Take one step of an optimizer."""
    optimizer.advance(
        StepTask(
            cloud=cloud,
            distillation_target=None,
            network=network,
            parameters=parameters,
            phase=phase,
            iteration=0,
            target_activity=target_activity,
            terms=evaluate_loss(cloud, network),
        )
    )
