"""Adam on all parameters of a module as one vector, and the learning rates of a phase.

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

import torch
from torch import Tensor, nn

from ...problems.recipe import PhaseRecipe

DECAY_MEAN = 0.9
"""b1, Kingma & Ba's default."""
DECAY_SQUARE = 0.999
"""b2, Kingma & Ba's default."""
EPSILON = 1e-8
"""eps, Kingma & Ba's default."""


def learning_rate(phase: PhaseRecipe, iteration: int) -> float:
    """Give the learning rate of an iteration, counted from 0 in its phase: linear warm-up, then cosine decay to zero."""
    if iteration < phase.n_warmup:
        return phase.learning_rate * (iteration + 1) / phase.n_warmup
    progress = (iteration - phase.n_warmup) / max(1, phase.n_iterations - phase.n_warmup)
    return phase.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))


class FlatParameters:
    """The trainable parameters of a module and their gradients, each laid out as one vector that the module's own share."""

    def __init__(self, module: nn.Module) -> None:
        held = [p for p in module.parameters() if p.requires_grad]
        self.values = torch.cat([p.detach().reshape(-1) for p in held])
        """All parameters, shape (n_parameters,)."""
        self.gradient = torch.zeros_like(self.values)
        """Their gradients, same shape; a backward pass adds to it."""
        start = 0
        for p in held:
            part = slice(start, start + p.numel())
            p.data = self.values[part].view_as(p)
            p.grad = self.gradient[part].view_as(p)
            start = part.stop


class Adam:
    """The moments of Adam for one phase; every phase starts with new ones."""

    def __init__(self, values: Tensor) -> None:
        self.mean = torch.zeros_like(values)
        """m, shape (n_parameters,)."""
        self.square = torch.zeros_like(values)
        """v, same shape."""

    def step(self, parameters: FlatParameters, rate: float, n_before: int) -> None:
        """Move the parameters by one step.

        Args:
            parameters: Values and gradients; the values are changed.
            rate: lr of this step.
            n_before: How many steps of this phase lie behind, so that k = n_before + 1.
        """
        k, gradient = n_before + 1, parameters.gradient
        self.mean.lerp_(gradient, 1.0 - DECAY_MEAN)
        self.square.mul_(DECAY_SQUARE).addcmul_(gradient, gradient, value=1.0 - DECAY_SQUARE)
        scale = torch.sqrt(self.square).div_(math.sqrt(1.0 - DECAY_SQUARE**k)).add_(EPSILON)
        parameters.values.addcdiv_(self.mean, scale, value=-rate / (1.0 - DECAY_MEAN**k))
