"""The training of a network that takes functions: the trunk, the coefficients of many functions, the branch, the record."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ...base.arrays import FloatArray, Record
from ...base.errors import SpecError
from ...geometry.function_space import FunctionSpace
from ...geometry.parametric_domain import ParametricDomain
from ...network.spec import NetworkSpec, Provenance
from ...network.transforms import AffineTransform
from ...problems.operator_recipe import OperatorRecipe
from ...problems.problem import PdeProblem
from ...problems.recipe import NetworkRecipe
from ..network.import_check import check_import
from ..network.network import build_network
from ..run.devices import limited_threads
from .branch import Branch, solve_functions, train_branch
from .operator_module import OperatorModule, export_operator
from .trunk import Layers, train_trunk

STAGES = ("trunk", "functions", "branch")
"""Stages of a training, in order."""

OnProgress = Callable[["OperatorProgress"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorProgress(Record):
    """A report of the training of a network that takes functions."""

    stage: str
    """One of `STAGES`."""
    step: int
    """Number of steps taken in the stage."""
    n_steps: int
    """Number of steps of the stage."""
    loss: float
    """Mean square of what is left: of the equation's rows, or of the coefficients."""
    activity: float
    """Share of neurons that fire, mean of the layers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OperatorResult(Record):
    """The result of the training of a network that takes functions."""

    network: NetworkSpec
    """The network, with the inputs `point` and `function`."""
    module: OperatorModule
    """The same network in torch, in float64, for normalised inputs."""
    seconds: float
    """Wall time of the training in seconds."""


def train_operator(
    problem: PdeProblem,
    recipe: OperatorRecipe,
    seed: int = 0,
    *,
    n_threads: int = 1,
    on_progress: OnProgress | None = None,
    provenance: Provenance | None = None,
) -> OperatorResult:
    """Train a network that takes functions, without solutions.

    Args:
        problem: Problem with one unknown and at least one parameter that is a function.
        recipe: How to train.
        seed: Seed of the weights and of the functions.
        n_threads: Threads of torch.
        on_progress: Called after every step.
        provenance: Where the network comes from.

    Raises:
        SpecError: If the problem has no such parameter, several unknowns, or a condition that joins all points.
    """
    start = time.perf_counter()
    if not any(isinstance(each, FunctionSpace) for each in problem.parameters.values()):
        mend = "Give it one, as parameters={'load': GaussianField()}, or train it by a TrainingRecipe."
        where = f"training of operator {problem.name!r}"
        raise SpecError(where, "have a parameter that is a function", "none", mend)
    assert isinstance(problem.domain, ParametricDomain)
    rng = np.random.default_rng([seed, 1])
    n_axes = len(problem.axes)
    transform = _input_transform(problem)
    with limited_threads(n_threads):
        trunk = _layers(recipe.trunk, n_axes, seed)

        def normalised(points: FloatArray) -> FloatArray:
            return points * transform.scale[:n_axes] + transform.offset[:n_axes]

        train_trunk(trunk, problem, recipe, rng, normalised, _reporter(on_progress, "trunk", recipe.n_trunk))
        cloud = problem.domain.cloud(recipe.cloud.n_per_axis, recipe.cloud.gradings)
        with torch.no_grad():
            features = trunk(torch.from_numpy(normalised(cloud.region.points))).numpy()
        solved = solve_functions(problem, recipe, features, recipe.n_solved, rng)
        branch = _branch(recipe, solved.columns.shape[1], features.shape[1], seed)
        report = _reporter(on_progress, "branch", recipe.n_branch)
        train_branch(branch, solved, recipe, transform.scale[n_axes:], seed, report)
        module = OperatorModule(trunk, branch)
        module.balance(torch.from_numpy(solved.columns * transform.scale[n_axes:]))
    network = export_operator(
        module,
        name=problem.name,
        input_transform=transform,
        ansatz=problem.host_ansatz,
        lower=problem.domain.lower,
        upper=problem.domain.upper,
        provenance=provenance or Provenance(problem=problem.name, seed=seed),
    )
    check_import(module, network, transform=transform)
    return OperatorResult(network=network, module=module, seconds=time.perf_counter() - start)


def _input_transform(problem: PdeProblem) -> AffineTransform:
    """Return the host's transform: coordinates and columns to [-1, 1]."""
    return AffineTransform.to_unit_box(problem.domain.lower, problem.domain.upper)


def _layers(recipe: NetworkRecipe, n_in: int, seed: int) -> Layers:
    """Build layers of neurons with weights from a seed."""
    network = build_network(recipe, n_in, 1, seed, torch.float64)
    layers = nn.Sequential(*list(network.layers)[:-1])
    return Layers(layers)


def _branch(recipe: OperatorRecipe, n_columns: int, n_features: int, seed: int) -> Branch:
    layers = None if recipe.branch is None else _layers(recipe.branch, n_columns, seed + 1)
    return Branch(n_columns, n_features, layers)


def _reporter(
    on_progress: OnProgress | None, stage: str, n_steps: int
) -> Callable[[int, float, float], None] | None:
    """Return the function that passes a step of a stage on."""
    if on_progress is None:
        return None

    def report(step: int, loss: float, activity: float) -> None:
        on_progress(OperatorProgress(stage=stage, step=step + 1, n_steps=n_steps, loss=loss, activity=activity))

    return report
