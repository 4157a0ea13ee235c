"""Trainings that find unknown coefficients of the equations: near the truth, with standard errors, and resumed to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.problems.coefficients import Coefficient
from neuropinn_lava.problems.conditions import Data, Dirichlet
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.phases import Optimizer, PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import CloudRecipe, NetworkRecipe, TrainingRecipe
from neuropinn_lava.problems.reference_solution import ReferenceSolution
from neuropinn_lava.training.run.trainer import train_network
from resumption import assert_resumes

POINTS = Box(lower=[0.1, 0.1], upper=[0.9, 0.9]).sample(30, np.random.default_rng(0))
TRUTH = 0.5
FOUND = 0.01
"""Relative: 40 steps of Gauss-Newton on 10 x 10 quartic cells leave errors of some 1e-3."""


def exact(points: np.ndarray) -> np.ndarray:
    return np.sin(np.pi * points).prod(axis=1)


def inverse(noise: float = 0.0) -> PdeProblem:
    """-k lap u = pi^2 sin(pi x) sin(pi y), whose solution is sin(pi x) sin(pi y) at k = 1/2."""
    measured = exact(POINTS) + noise * np.random.default_rng(1).normal(size=len(POINTS))
    return PdeProblem(
        name="inverse",
        domain=Box(lower=[0, 0], upper=[1, 1]),
        equations=lambda f: -f.k * (f.u_xx + f.u_yy) - np.pi**2 * np.sin(np.pi * f.x) * np.sin(np.pi * f.y),
        coefficients={"k": Coefficient(2.0)},
        conditions=[Dirichlet(0.0), Data(POINTS, measured)],
        reference=ReferenceSolution(
            evaluate=lambda points: exact(points)[:, None], relative_accuracy=1e-14, source="closed form"
        ),
    )


def recipe_of(n_iterations: int, optimizer: Optimizer = Optimizer.GAUSS_NEWTON) -> TrainingRecipe:
    return TrainingRecipe(
        network=NetworkRecipe(widths=(16, 16), theta=1e-3, n_steps=1),
        cloud=CloudRecipe(n_per_axis=(10, 10), operator=OperatorKind.QUARTIC, n_neighbours=24),
        phases=(PhaseRecipe(n_iterations=n_iterations, optimizer=optimizer, n_warmup=0),),
    )


def test_a_coefficient_is_found_from_data() -> None:
    result = train_network(inverse(), recipe_of(40))
    (found,) = result.coefficients
    assert found.name == "k"
    assert found.value == pytest.approx(TRUTH, rel=FOUND)
    assert result.relative_l2 < FOUND


def test_noise_widens_the_standard_error() -> None:
    """Within four standard errors of the truth, which grow with the noise."""
    errors = []
    for noise in (0.01, 0.05):
        (found,) = train_network(inverse(noise), recipe_of(40)).coefficients
        assert abs(found.value - TRUTH) <= 4 * found.standard_error
        errors.append(found.standard_error)
    assert 2.0 < errors[1] / errors[0] < 12.0


@pytest.mark.parametrize("optimizer", list(Optimizer))
def test_interrupted_and_resumed_is_uninterrupted(tmp_path: Path, optimizer: Optimizer) -> None:
    assert_resumes(inverse(), recipe_of(12, optimizer), tmp_path, 5)


@pytest.mark.parametrize("optimizer", list(Optimizer))
def test_every_optimizer_moves_the_coefficient(optimizer: Optimizer) -> None:
    (found,) = train_network(inverse(), recipe_of(12, optimizer)).coefficients
    assert found.value != 2.0
    assert found.value > 0.0
