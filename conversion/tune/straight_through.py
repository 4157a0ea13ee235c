"""Roundings of the integer contract in torch, each with a straight-through estimator of its gradient.

    half_up(x)  = floor(x + 1/2)        rounded(x) := half_up, d/dx := 1
    ceil(x)                             raised(x)  := ceil,    d/dx := 1
    clip(x)                             held(x)    := clip,    d/dx := 1 inside the word, 0 outside

Integers are stored as floating point: float64 holds every integer of the contract exactly (`quantization_aware.py` checks it),
float32 those below 2**24.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...network.integers import IntFormat


def half_up(values: Tensor) -> Tensor:
    """Round to the nearest integer, ties upward, without the tie that x + 1/2 may create: as `integers.round_half_up`."""
    below = torch.floor(values)
    return below + torch.ge(values - below, 0.5).to(values.dtype)


class _Rounded(torch.autograd.Function):
    """Rounding half up with a straight-through estimator of the gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return half_up(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


class _Raised(torch.autograd.Function):
    """Rounding upward with a straight-through estimator of the gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return torch.ceil(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


def rounded(values: Tensor) -> Tensor:
    """Round half up; the gradient passes unchanged."""
    passed: Tensor = _Rounded.apply(values)
    return passed


def raised(values: Tensor) -> Tensor:
    """Round up, as thresholds are; the gradient passes unchanged."""
    passed: Tensor = _Raised.apply(values)
    return passed


def held(values: Tensor, bits: int) -> Tensor:
    """Saturate to a word of `bits`; the gradient is zero where it saturates."""
    highest = IntFormat(bits=bits).highest
    return torch.clamp(values, -highest, highest)
