"""A teacher and its student: what is imitated, and that a training with both resumes to the bit at either."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.phases import PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import TANH_NETWORK, TeacherRecipe, TrainingRecipe
from neuropinn_lava.training.collocation.clouds import build_training_cloud
from neuropinn_lava.training.loss.distillation import build_distillation_target
from neuropinn_lava.training.network.network import build_network
from neuropinn_lava.training.run.outcome import TrainingOutput, TrainingStatus
from neuropinn_lava.training.run.trainer import train_network
from resumption import stop_at

ROUNDING = 1e-6
"""float32 sums over 81 points."""


@pytest.fixture
def taught(recipe: TrainingRecipe) -> TrainingRecipe:
    """A teacher of 25 steps; its student imitates it alone, then imitates and solves."""
    teacher = TeacherRecipe(
        network=dataclasses.replace(TANH_NETWORK, widths=(8,), output_scale=1.0),
        phases=(PhaseRecipe(n_iterations=25, learning_rate=1e-2, n_warmup=5),),
    )
    phases = (
        PhaseRecipe(n_iterations=20, learning_rate=1e-2, n_warmup=5, residual_weight=0.0, distillation_weight=1.0),
        PhaseRecipe(n_iterations=10, learning_rate=1e-3, n_warmup=5, residual_weight=0.1, distillation_weight=100.0),
    )
    return dataclasses.replace(recipe, phases=phases, teacher=teacher)


def test_tanh_model_is_an_ordinary_network() -> None:
    network = build_network(dataclasses.replace(TANH_NETWORK, widths=(6, 5)), 2, 1, 0, torch.float64)
    assert network.vsn_layers[0].rule.polarity is Polarity.BOTH
    x = torch.linspace(-1, 1, 10, dtype=torch.float64).view(5, 2)
    first, second, last = network.linear_layers
    with torch.no_grad():  # a gradient would ask for the fast tanh
        assert torch.equal(network(x), last(torch.tanh(second(torch.tanh(first(x))))))


def test_distance_to_a_distillation_target(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    """|u - v|^2 / |v|^2 is 0 for u = v, and 0.25 for u = 1.5 v."""
    cloud = build_training_cloud(problem, recipe, torch.float32, torch.device("cpu"))
    distillation_target = build_distillation_target(cloud, build_network(recipe.network, 2, 1, 0))
    assert distillation_target.distance(distillation_target.values).item() == 0.0
    assert distillation_target.distance(1.5 * distillation_target.values).item() == pytest.approx(0.25, rel=ROUNDING)


def test_student_comes_near_its_teacher(problem: PdeProblem, taught: TrainingRecipe) -> None:
    rows = train_network(problem, taught, output=TrainingOutput(report_every=5)).history.rows
    assert rows[3].loss < 0.5 * rows[0].loss  # distillation alone, between iterations 0 and 15


@pytest.mark.parametrize("iteration", [10, 55])  # in the teacher's training, and in none: the second one finishes
def test_resumed_is_uninterrupted(problem: PdeProblem, taught: TrainingRecipe, tmp_path: Path, iteration: int) -> None:
    output = TrainingOutput(checkpoint=tmp_path / "net.safetensors", report_every=5)
    whole = train_network(problem, taught, output=TrainingOutput(report_every=5))
    part = train_network(problem, taught, output=output, on_progress=stop_at(iteration))
    assert part.status is (TrainingStatus.INTERRUPTED if iteration == 10 else TrainingStatus.FINISHED)
    rest = train_network(problem, taught, output=dataclasses.replace(output, resume=True))
    assert rest.status is TrainingStatus.FINISHED
    assert rest.network.digest() == whole.network.digest()
    assert (tmp_path / "net.teacher.safetensors").exists()


def test_distillation_needs_a_teacher(taught: TrainingRecipe) -> None:
    with pytest.raises(
        SpecError, match=r"TrainingRecipe.teacher must be a TeacherRecipe, as a phase has a distillation_weight"
    ):
        dataclasses.replace(taught, teacher=None)
    with pytest.raises(SpecError, match=r"TeacherRecipe.phases must have no distillation_weight"):
        TeacherRecipe(phases=taught.phases)
