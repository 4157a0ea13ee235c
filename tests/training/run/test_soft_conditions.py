"""Trainings with conditions that are rows of the residual, and without a reference: they learn, resume, and estimate."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.problems.conditions import Data, Dirichlet, Neumann
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.phases import Optimizer, PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import CloudRecipe, NetworkRecipe, TrainingRecipe
from neuropinn_lava.problems.reference_solution import ReferenceSolution
from neuropinn_lava.training.run.outcome import TrainingStatus
from neuropinn_lava.training.run.trainer import train_network
from resumption import assert_resumes

SQUARE = Box(lower=[0, 0], upper=[1, 1])
LEARNT = 0.02
"""Relative error after 40 steps of Gauss-Newton on 10 x 10 quartic cells: 1e-3 to 5e-3 measured."""
FACTOR = 2.0
"""By which an estimate may miss the true error."""


def exact(points: np.ndarray) -> np.ndarray:
    """sin(pi x / 2) cos(pi y): flux zero at x = 1, y = 0 and y = 1, u = 0 at x = 0."""
    x, y = points.T
    return (np.sin(np.pi * x / 2) * np.cos(np.pi * y))[:, None]


def mixed(**changes: object) -> PdeProblem:
    held = {
        "name": "mixed",
        "domain": SQUARE,
        "equations": lambda f: f.u_xx + f.u_yy + 1.25 * np.pi**2 * np.sin(np.pi * f.x / 2) * np.cos(np.pi * f.y),
        "conditions": [
            Dirichlet(0.0, on="x_lower"),
            Neumann(0.0, on="x_upper", name="outlet"),
            Neumann(0.0, on=("y_lower", "y_upper")),
        ],
    }
    return PdeProblem(**{**held, **changes})


def recipe_of(n_iterations: int, optimizer: Optimizer = Optimizer.GAUSS_NEWTON) -> TrainingRecipe:
    return TrainingRecipe(
        network=NetworkRecipe(widths=(16, 16), theta=1e-3, n_steps=1),
        cloud=CloudRecipe(n_per_axis=(10, 10), operator=OperatorKind.QUARTIC, n_neighbours=24),
        phases=(PhaseRecipe(n_iterations=n_iterations, optimizer=optimizer),),
    )


def test_it_learns_without_a_reference_and_estimates_its_error() -> None:
    problem = mixed()
    assert len(problem.soft_conditions) == 2
    result = train_network(problem, recipe_of(40))
    points = SQUARE.sample(1000, np.random.default_rng(1))
    error = relative_l2(run_float(result.network, points).outputs, exact(points))
    assert result.status is TrainingStatus.FINISHED
    assert error < LEARNT
    assert math.isnan(result.relative_l2)
    assert 1 / FACTOR <= result.estimated_l2 / error <= FACTOR
    assert all(math.isnan(row.relative_l2) for row in result.history.rows)


@pytest.mark.parametrize("iteration", [4, 13])  # between two balances and behind the second
def test_interrupted_and_resumed_is_uninterrupted(tmp_path: Path, iteration: int) -> None:
    known = ReferenceSolution(evaluate=exact, relative_accuracy=1e-14, source="closed form")
    assert_resumes(mixed(reference=known), recipe_of(16), tmp_path, iteration)


@pytest.mark.parametrize("optimizer", [Optimizer.L_BFGS, Optimizer.ADAM])
def test_other_optimizers_lower_the_conditions_too(optimizer: Optimizer) -> None:
    n_steps = 60 if optimizer is Optimizer.L_BFGS else 200  # Adam's first 50 steps warm up
    rows = train_network(mixed(), recipe_of(n_steps, optimizer)).history.rows
    assert rows[-1].loss < 0.5 * rows[0].loss


def test_measurements_pull_the_solution() -> None:
    """The same equation with data of twice the solution on a line, at a large and at a small weight."""
    line = np.stack([np.full(9, 0.5), np.linspace(0.1, 0.9, 9)], axis=1)
    found = []
    for weight in (1e-3, 1e3):
        data = Data(line, 2 * exact(line)[:, 0], weight=weight)
        problem = dataclasses.replace(mixed(), conditions=[*mixed().conditions, data])
        u = run_float(train_network(problem, recipe_of(30)).network, line).outputs
        found.append(relative_l2(u, 2 * exact(line)))
    assert found[1] < 0.5 * found[0]
