"""Recipes refuse what no network can be, by field, before anything is built."""

from __future__ import annotations

from typing import Any

import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.problems.recipes.operator_recipe import OperatorRecipe
from neuropinn_lava.problems.recipes.phases import Jitter, PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import (
    DiscreteTeacher,
    Embedding,
    NetworkRecipe,
    Skips,
    TrainingRecipe,
    random_waves,
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("widths", (50, 0)),
        ("widths", ()),
        ("n_steps", 0),
        ("n_steps", 4097),
        ("beta", 1.5),
        ("theta", -0.1),
        ("theta", float("nan")),
        ("output_scale", 0.0),
        ("surrogate_slope", 0.0),
        ("initial_gain", -1.0),
    ],
)
def test_a_model_out_of_range_is_refused(field: str, value: Any) -> None:
    with pytest.raises(SpecError, match=rf"NetworkRecipe.{field} must "):
        NetworkRecipe(**{field: value})


def test_all_of_it_is_told_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        NetworkRecipe(widths=(), beta=2.0, theta=-1.0)
    assert len(caught.value.violations) == 3


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"waves": ()}, "Embedding.waves must have waves of one length, one or more"),
        ({"waves": ((1.0, 0.0), (1.0,))}, "Embedding.waves must have waves of one length, one or more"),
        ({"waves": ((float("nan"), 0.0),)}, "Embedding.waves must "),
        ({"waves": ((1.0, 0.0),), "passed": (2,)}, "Embedding.passed must "),
    ],
)
def test_an_embedding_of_no_coordinates_is_refused(options: Any, rule: str) -> None:
    with pytest.raises(SpecError, match=rule):
        Embedding(**options)


def test_random_waves_are_those_of_their_seed() -> None:
    held = random_waves(3, 4, 1.0, seed=1)
    assert (held.n_in, len(held.waves), held.passed) == (3, 4, (0, 1, 2))
    assert held.waves == random_waves(3, 4, 1.0, seed=1).waves
    assert held.waves != random_waves(3, 4, 1.0, seed=2).waves


def test_skips_need_layers_of_one_width() -> None:
    assert NetworkRecipe(widths=(4, 4), skips="residual").skips is Skips.RESIDUAL
    with pytest.raises(SpecError, match=r"NetworkRecipe.widths must be equal where skips add layers up"):
        NetworkRecipe(widths=(4, 5), skips=Skips.RESIDUAL)


def test_networks_of_functions_are_chains() -> None:
    with pytest.raises(SpecError, match=r"OperatorRecipe.trunk must be a chain of layers"):
        OperatorRecipe(trunk=NetworkRecipe(widths=(4, 4), skips=Skips.RESIDUAL))


def test_a_discrete_teacher_ends_with_the_equations_themselves_on_a_cloud_that_stays() -> None:
    with pytest.raises(SpecError, match=r"DiscreteTeacher.viscosities must end with 0"):
        DiscreteTeacher(viscosities=(0.1, 0.01))
    moving = (PhaseRecipe(n_iterations=100, distillation_weight=1.0, jitter=Jitter()),)
    with pytest.raises(SpecError, match=r"TrainingRecipe.phases must leave the cloud as it is"):
        TrainingRecipe(phases=moving, teacher=DiscreteTeacher())
