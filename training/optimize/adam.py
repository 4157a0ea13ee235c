"""Adam on all parameters of a module as one vector, and the learning rate of each iteration of a phase.

    m = b1 m + (1 - b1) g            v = b2 v + (1 - b2) g^2
    w = w - lr * m / (1 - b1^k) / (sqrt(v / (1 - b2^k)) + eps)

One vector instead of a tensor per layer: a step is six operations of a few microseconds, and a checkpoint of it is two tensors.
`torch.optim.Adam(fused=True)` on the same vector takes the same steps to rounding, but its `step` costs twice as much at 5 301
parameters (334 against 174 µs on a busy machine, medians of seven turns), since what it does around its kernel outweighs the
kernel: with it a whole training step of poisson takes 20 % longer on 289 points and 12 % on 625 (CPU time, median of 30 rounds
in turn). It pays from about 10^5 parameters on (738 against 824 µs), which no network here has.

Source: Kingma & Ba 2015, algorithm 1; warm-up and cosine as in Loshchilov & Hutter 2017.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from ...problems.recipes.phases import Optimizer, PhaseRecipe
from ..loss.losses import weighted_loss
from .parameters import FlatParameters
from .phase_optimizer import Packed, StepTask, read_tensor

DECAY_MEAN = 0.9
"""b1, Kingma & Ba's default."""
DECAY_SQUARE = 0.999
"""b2, Kingma & Ba's default."""
EPSILON = 1e-8
"""eps, Kingma & Ba's default."""


def learning_rate(phase: PhaseRecipe, iteration: int) -> float:
    """Return the learning rate of an iteration, counted from 0 in its phase: linear warm-up, then cosine decay to zero."""
    if iteration < phase.n_warmup:
        return phase.learning_rate * (iteration + 1) / phase.n_warmup
    progress = (iteration - phase.n_warmup) / max(1, phase.n_iterations - phase.n_warmup)
    return phase.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))


class GradientOptimizer(ABC):
    """An optimizer whose step is one gradient of the phase's loss and a learning rate."""

    def advance(self, task: StepTask) -> None:
        """Move the network by one step along the gradient of the phase's loss, by the learning rate of the iteration."""
        task.parameters.gradient.zero_()
        weighted_loss(task.terms, task.phase, task.target_activity).backward()
        self.step(task.parameters, learning_rate(task.phase, task.iteration), task.iteration)
        task.network.clamp_()

    @abstractmethod
    def step(self, parameters: FlatParameters, rate: float, n_before: int) -> None:
        """Move the parameters by one step.

        Args:
            parameters: Values and gradients; the values are changed.
            rate: Learning rate lr of this step.
            n_before: Number of steps of this phase before this one, so that k = n_before + 1.
        """


class Adam(GradientOptimizer):
    """Adam for one phase; every phase starts with new moments."""

    kind: ClassVar[Optimizer] = Optimizer.ADAM

    def __init__(self, values: Tensor) -> None:
        self.mean = torch.zeros_like(values)
        """m, shape (n_parameters,)."""
        self.square = torch.zeros_like(values)
        """v, same shape."""

    def step(self, parameters: FlatParameters, rate: float, n_before: int) -> None:
        """Move the parameters by one step of the formula above."""
        k, gradient = n_before + 1, parameters.gradient
        self.mean.lerp_(gradient, 1.0 - DECAY_MEAN)
        self.square.mul_(DECAY_SQUARE).addcmul_(gradient, gradient, value=1.0 - DECAY_SQUARE)
        scale = torch.sqrt(self.square).div_(math.sqrt(1.0 - DECAY_SQUARE**k)).add_(EPSILON)
        parameters.values.addcdiv_(self.mean, scale, value=-rate / (1.0 - DECAY_MEAN**k))

    def begin_draw(self) -> None:
        """Keep the moments: they are averages over many steps, of whatever collocation points."""

    def pack(self) -> Packed:
        """Return the moments."""
        return {"mean": self.mean, "square": self.square}

    def unpack(self, packed: Packed) -> None:
        """Restore the moments."""
        self.mean, self.square = (read_tensor(packed, name, self.mean) for name in ("mean", "square"))
