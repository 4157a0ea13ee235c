"""Unknown coefficients of a problem's equations as trainable parameters beside a network."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ...problems.coefficients import Coefficient


class Coefficients(nn.Module):
    """The coefficients of a problem, positive ones by their logarithm."""

    def __init__(self, held: Mapping[str, Coefficient], dtype: torch.dtype) -> None:
        """Start every coefficient at its own value."""
        super().__init__()
        self.positive: Tensor
        self.names = tuple(held)
        starts = torch.tensor([each.start for each in held.values()], dtype=torch.float64)
        self.register_buffer("positive", torch.tensor([each.positive for each in held.values()]), persistent=False)
        self.free = nn.Parameter(torch.where(self.positive, starts.clamp_min(1e-300).log(), starts).to(dtype))
        """Logarithms of positive coefficients, and the others themselves, shape (n_coefficients,)."""

    def values(self) -> dict[str, Tensor]:
        """Return the coefficients by name, each a scalar."""
        return dict(zip(self.names, torch.where(self.positive, self.free.exp(), self.free).unbind(0), strict=True))

    def slopes(self) -> Tensor:
        """Return the derivatives of the coefficients by what is trained, shape (n_coefficients,)."""
        free = self.free.detach()
        return torch.where(self.positive, free.exp(), torch.ones_like(free))


def coefficients_of(network: nn.Module) -> Coefficients | None:
    """Return the coefficients that are trained beside a network, None without any."""
    found = getattr(network, "coefficients", None)
    return found if isinstance(found, Coefficients) else None


def coefficient_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Return the coefficients beside a network by name."""
    found = coefficients_of(network)
    return {} if found is None else found.values()


def coefficient_numbers(network: nn.Module) -> dict[str, float]:
    """Return the coefficients beside a network as numbers."""
    return {name: value.item() for name, value in coefficient_tensors(network).items()}
