"""Distillation: the values of a trained teacher at the collocation points, as a target for the outputs of its student.

Where the loss of a spiking network cannot be descended directly (a shock), an ordinary network of tanh finds the solution of
the same discrete equation, and the spiking network is fitted to it. The teacher is trained on the equation alone: no term of a
loss contains the reference solution.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...base.arrays import Record
from ..collocation.clouds import TrainingCloud
from ..network.module_network import TrainedNetwork
from .energy_loss import EnergyCloud


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DistillationTarget(Record):
    """The solution of a teacher on a cloud."""

    values: Tensor
    """u of the teacher at all points, shape (n_points, n_out)."""
    square: float
    """Mean square of u over points and unknowns, by which distances are divided."""

    def distance(self, u: Tensor) -> Tensor:
        """Compute |u - u_teacher|^2 / |u_teacher|^2, a scalar, for u of shape (n_points, n_out)."""
        return (u - self.values).square().mean() * (1.0 / self.square)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CollocationSet(Record):
    """The collocation points of a step, and the values of the teacher there."""

    cloud: TrainingCloud | EnergyCloud
    """Points with all that the loss needs of the problem."""
    distillation_target: DistillationTarget | None
    """Values of the teacher at the points; None without a teacher."""


def build_distillation_target(cloud: TrainingCloud | EnergyCloud, teacher: TrainedNetwork) -> DistillationTarget:
    """Evaluate a teacher on a cloud that has the `output_transform` of the teacher, not of the student."""
    with torch.no_grad():
        values = cloud.solution(teacher(cloud.inputs))
    return DistillationTarget(values=values, square=values.square().mean().item())
