"""The trainable parameters of a module as one vector, which every optimizer of this room moves."""

from __future__ import annotations

import torch
from torch import nn


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
