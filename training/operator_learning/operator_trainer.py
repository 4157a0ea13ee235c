"""The training of a network that takes functions: the trunk, the coefficients of many functions, the branch, the record."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import nn

from ...base.arrays import FloatArray
from ...base.errors import SpecError
from ...base.metrics import relative_l2
from ...engine.reference import run_float
from ...geometry.function_space import FunctionSpace
from ...geometry.parametric_domain import ParametricDomain
from ...network.spec import NetworkSpec, Provenance
from ...network.transforms import AffineTransform
from ...problems.problem import PdeProblem
from ...problems.recipes.operator_recipe import OperatorRecipe
from ...problems.recipes.recipe import NetworkRecipe
from ..network.import_check import check_import
from ..network.network import build_network
from ..network.operator_module import Branch, Layers, OperatorModule, export_operator
from ..run.devices import limited_threads
from ..run.history import TrainingHistory, TrainingProgress
from ..run.outcome import ProgressCallback, TrainingResult, TrainingStatus
from .branch import solve_functions, train_branch
from .trunk import train_trunk

N_SHOWN, SHOWN_SEED = 1000, 1
"""Number of points, each with a function of its own, on which the displayed error is measured, and their seed."""
AFFINE_SURPLUS = 4
"""Functions for each number of an affine branch, which as many as numbers would determine."""
REPORT_EVERY = 50
"""Number of steps between two rows of the history."""


def train_operator(
    problem: PdeProblem,
    recipe: OperatorRecipe,
    seed: int = 0,
    *,
    n_threads: int = 1,
    on_progress: ProgressCallback | None = None,
    provenance: Provenance | None = None,
) -> TrainingResult:
    """Train a network that takes functions, without solutions. Its inputs are `point` and `function`.

    Args:
        problem: Problem with one unknown and at least one parameter that is a function.
        recipe: How to train.
        seed: Seed of the weights and of the functions.
        n_threads: Threads of torch.
        on_progress: Called with each report of progress: the trunk is phase 0, the branch phase 1.
        provenance: Where the network comes from.

    Raises:
        SpecError: If the problem has no such parameter, several unknowns, or a condition that joins all points.
    """
    start = time.perf_counter()
    if not any(isinstance(each, FunctionSpace) for each in problem.parameters.values()):
        repair = "Give it one, as parameters={'load': GaussianField()}, or train it by a TrainingRecipe."
        where = f"training of operator {problem.name!r}"
        raise SpecError(where, "have a parameter that is a function", "none", repair)
    transform, reports = _input_transform(problem), _Reports(recipe, on_progress)
    with limited_threads(n_threads):
        module = _train_module(problem, recipe, seed, transform, reports)
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
    error, activity = _error_and_activity(problem, network)
    return TrainingResult(
        status=TrainingStatus.FINISHED,
        network=network,
        module=module,
        history=TrainingHistory(rows=tuple(reports.rows)),
        loss=reports.rows[-1].loss,
        relative_l2=error,
        estimated_l2=math.nan,
        estimated_l2_dense=math.nan,
        activity=activity,
        n_iterations=recipe.n_iterations,
        seconds=time.perf_counter() - start,
    )


def _train_module(
    problem: PdeProblem, recipe: OperatorRecipe, seed: int, transform: AffineTransform, reports: _Reports
) -> OperatorModule:
    """Train the trunk, solve for the coefficients of some functions, and train the branch on them."""
    assert isinstance(problem.domain, ParametricDomain)
    rng, n_axes = np.random.default_rng([seed, 1]), len(problem.axes)
    trunk = _layers(recipe.trunk, n_axes, seed)

    def normalised(points: FloatArray) -> FloatArray:
        """Return what the trunk reads for coordinates of the region."""
        return points * transform.scale[:n_axes] + transform.offset[:n_axes]

    train_trunk(trunk, problem, recipe, rng, normalised, partial(reports.add, 0))
    cloud = problem.domain.cloud(recipe.cloud.n_per_axis, recipe.cloud.gradings)
    with torch.no_grad():
        features = trunk(torch.from_numpy(normalised(cloud.region.points))).numpy()
    n_columns = problem.n_in - n_axes
    n_solved = recipe.n_solved if recipe.branch is not None else AFFINE_SURPLUS * (n_columns + 1)
    solved = solve_functions(problem, recipe, features, n_solved, rng)
    branch = _branch(recipe, n_columns, features.shape[1], seed)
    train_branch(branch, solved, recipe, transform.scale[n_axes:], seed, partial(reports.add, 1))
    module = OperatorModule(trunk, branch)
    module.balance(torch.from_numpy(solved.columns * transform.scale[n_axes:]))
    return module


@dataclass(slots=True)
class _Reports:
    """Rows of the history of both phases."""

    recipe: OperatorRecipe
    on_progress: ProgressCallback | None
    rows: list[TrainingProgress] = field(default_factory=list)

    def add(self, phase: int, step: int, rate: float, loss: float, activity: float) -> None:
        """Add a row after a step of a phase, where one is due."""
        n_steps = (self.recipe.n_trunk, self.recipe.n_branch)[phase]
        if (step + 1) % REPORT_EVERY and step + 1 != n_steps:
            return
        row = TrainingProgress(
            iteration=step + 1 + phase * self.recipe.n_trunk,
            n_iterations=self.recipe.n_iterations,
            phase=phase,
            n_phases=1 if self.recipe.branch is None else 2,
            learning_rate=rate,
            loss=loss,
            residual=0.0 if phase else loss,
            activity=activity,
            relative_l2=math.nan,
        )
        self.rows.append(row)
        if self.on_progress is not None:
            self.on_progress(row)


def _error_and_activity(problem: PdeProblem, network: NetworkSpec) -> tuple[float, float]:
    """Return the relative error on unseen functions, NaN without a reference, and the activity of all neurons."""
    points = problem.domain.sample(N_SHOWN, np.random.default_rng(SHOWN_SEED))
    trace = run_float(network, points)
    spiking = {node.name for node in network.populations if not node.is_relay}
    counts = [node.events for node in trace.nodes if node.name in spiking]
    activity = sum(float(each.sum()) for each in counts) / (N_SHOWN * sum(each.size for each in counts))
    known = problem.reference is not None
    return relative_l2(trace.outputs, problem.exact(points)) if known else math.nan, activity


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
