"""A training of a fraction of a second, shared by the tests of this folder."""

from __future__ import annotations

import pytest

from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.phases import PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import NetworkRecipe, TrainingRecipe
from optimizer_steps import SMALL_CLOUD


@pytest.fixture(scope="session")
def problem() -> PdeProblem:
    return find_problem("poisson")


@pytest.fixture(scope="session")
def recipe() -> TrainingRecipe:
    """Two phases of 30 and 20 steps on 49 centres, T = 2, so that every part of a training takes part."""
    return TrainingRecipe(
        network=NetworkRecipe(widths=(10, 8), activation="tanh_squared", n_steps=2, theta=0.05, output_scale=2.0),
        cloud=SMALL_CLOUD,
        phases=(
            PhaseRecipe(n_iterations=30, learning_rate=1e-2, n_warmup=5),
            PhaseRecipe(
                n_iterations=20, learning_rate=5e-3, n_warmup=5, activity_weight=0.1, target_activity=0.2, ramp=0.5
            ),
        ),
    )
