"""The interface of the optimizers: what a step of one is given, and how its state is written to a checkpoint and read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from ...base.arrays import Record
from ...problems.recipes.phases import Optimizer, PhaseRecipe
from ..collocation.clouds import TrainingCloud
from ..loss.distillation import DistillationTarget
from ..loss.energy_loss import EnergyCloud
from ..loss.losses import LossTerms
from ..network.module_network import TrainedNetwork
from .parameters import FlatParameters

Packed = dict[str, Any]
"""A state as one flat table: tensors, and values that JSON can hold, floats to the bit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepTask(Record):
    """The input of one step of an optimizer. The network and its parameters are changed by the step, nothing else is."""

    cloud: TrainingCloud | EnergyCloud
    """Collocation points on which the loss is computed."""
    distillation_target: DistillationTarget | None
    """Values of the teacher at those points; None without a teacher."""
    network: TrainedNetwork
    """Network that the step moves."""
    parameters: FlatParameters
    """Trainable parameters of the network as one vector."""
    phase: PhaseRecipe
    """Recipe of the phase, with the weights of the loss."""
    iteration: int
    """Number of steps of the phase before this one."""
    target_activity: float
    """Activity above which the loss of this step grows, 0 to 1."""
    terms: LossTerms
    """Loss at the present parameters, with the graph that Adam differentiates."""


class PhaseOptimizer(Protocol):
    """An optimizer with the state that it carries from step to step of one phase."""

    kind: ClassVar[Optimizer]

    def advance(self, task: StepTask) -> None:
        """Move the network by one step, or leave it where no trial lowers the loss."""

    def begin_draw(self) -> None:
        """Forget what holds for the former collocation points alone, because the points have moved."""

    def pack(self) -> Packed:
        """Return the state for a checkpoint."""

    def unpack(self, packed: Packed) -> None:
        """Restore the state that `pack` returned, in an optimizer just built.

        Raises:
            KeyError, ValueError: If a part is missing, or of another type or shape.
        """


def read_tensor(packed: Packed, name: str, like: Tensor) -> Tensor:
    """Return a copy of a packed tensor on the device of another one.

    Args:
        packed: The table.
        name: Name of the tensor in it.
        like: A tensor of the wanted type; its shape is wanted too, but for the number of rows where it has none.

    Raises:
        KeyError, ValueError: If there is no such tensor, or its type or shape differs.
    """
    tensor = packed[name]
    n_fixed = 1 if like.dim() > 0 and len(like) == 0 else 0
    fits = isinstance(tensor, Tensor) and tensor.dtype == like.dtype and tensor.dim() == like.dim()
    if not fits or tensor.shape[n_fixed:] != like.shape[n_fixed:]:
        found = f"{tensor.dtype} {tuple(tensor.shape)}" if isinstance(tensor, Tensor) else repr(tensor)
        raise ValueError(f"{name} is {found} in the place of {like.dtype} {tuple(like.shape)}")
    return torch.empty_like(tensor, device=like.device).copy_(tensor)


def read_number(packed: Packed, name: str, kind: type = float) -> Any:
    """Return a packed number of exactly a type: int, float or bool.

    Raises:
        KeyError, ValueError: If there is none, or it is of another type.
    """
    value = packed[name]
    if type(value) is not kind:
        raise ValueError(f"{name} is {value!r} in the place of a number of the type {kind.__name__}")
    return value
