"""What a student learns from its teacher: the teacher's values on the training cloud, held fixed.

Where the loss of a spiking network has no way down (a shock), an ordinary network of tanh finds the solution of the same
discrete equation, and the spiking one imitates it. The teacher knows the equation only: no term sees the reference. This
module knows clouds and recipes; it does not know the trainer.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...problems.recipe import TeacherRecipe, TrainingRecipe
from ..collocation.clouds import TrainingCloud
from ..network.network import VsnNetwork
from .energy_loss import EnergyCloud


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DistillationTarget:
    """A teacher's solution on a cloud."""

    values: Tensor
    """u of the teacher at all points, shape (n_points, n_out)."""
    square: float
    """Mean of its squares, by which distances are divided."""

    def distance(self, u: Tensor) -> Tensor:
        """Give |u - u_teacher|^2 / |u_teacher|^2, a scalar, for u of shape (n_points, n_out)."""
        return (u - self.values).square().mean() * (1.0 / self.square)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CollocationSet:
    """The collocation points of a step, and the values of the teacher there."""

    cloud: TrainingCloud | EnergyCloud
    """Points with all that the loss needs of the problem."""
    distillation_target: DistillationTarget | None
    """Values of the teacher at the points; None without a teacher."""


def build_distillation_target(cloud: TrainingCloud | EnergyCloud, teacher: VsnNetwork) -> DistillationTarget:
    """Evaluate a teacher on a cloud that has the teacher's own `output_transform`."""
    with torch.no_grad():
        values = cloud.solution(teacher(cloud.inputs))
    return DistillationTarget(values=values, square=values.square().mean().item())


def teacher_training_recipe(recipe: TrainingRecipe, teacher: TeacherRecipe) -> TrainingRecipe:
    """Give the recipe by which a recipe's teacher is trained: its own network and phases, the same cloud."""
    return dataclasses.replace(recipe, network=teacher.network, phases=teacher.phases, teacher=None)


def beside(path: Path | None) -> Path | None:
    """Name the teacher's file next to the student's: `net.safetensors` to `net.teacher.safetensors`."""
    return None if path is None else path.with_suffix(f".teacher{path.suffix}")
