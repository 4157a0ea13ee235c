"""The trainable parameters of a module as one vector, which every optimizer of this room moves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..network.module_network import TrainedNetwork
from .tangents import Direction, other_parameters


class FlatParameters:
    """The trainable parameters of a module and their gradients, each laid out as one vector that the module's own share."""

    def __init__(self, module: nn.Module) -> None:
        held = [p for p in module.parameters() if p.requires_grad]
        self.values = torch.cat([p.detach().reshape(-1) for p in held])
        """All parameters, shape (n_parameters,)."""
        self.gradient = torch.zeros_like(self.values)
        """Their gradients, same shape; a backward pass adds to it."""
        self.parts: dict[int, slice] = {}
        """Place of each parameter in the vectors, by its identity."""
        self.matrices: list[tuple[slice, torch.Size]] = []
        """Place in the vectors and shape of each parameter that is a matrix."""
        start = 0
        for p in held:
            part = slice(start, start + p.numel())
            p.data = self.values[part].view_as(p)
            p.grad = self.gradient[part].view_as(p)
            self.parts[id(p)] = part
            if p.dim() == 2:
                self.matrices.append((part, p.shape))
            start = part.stop

    def direction(self, network: TrainedNetwork, step: Tensor) -> Direction:
        """Return a step of all parameters, shape (n_parameters,), as a direction of a network; leaks and thresholds stay."""

        def read(p: Tensor | None) -> Tensor:
            return step.new_zeros(0) if p is None else step[self.parts[id(p)]].view_as(p)

        others = [read(p).reshape(-1) for p in other_parameters(network)]
        return Direction(
            weights=tuple(read(linear.weight) for linear in network.linear_layers),
            biases=tuple(read(linear.bias) for linear in network.linear_layers),
            others=torch.cat([step.new_zeros(0), *others]),
        )
