"""The activations phi of a Variable Spiking Neuron in torch, each with its slope; the core's rules name them by "module:name".

Backward passes are written by hand (`unrolled.py`), so every activation has a function for its value and one for its slope. A
test compares each value with that of the core.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from ...base.arrays import Record
from ...base.errors import SpecError
from ...network.activation_catalogue import GELU_CUBIC, SELU_ALPHA, SELU_SCALE
from ...network.activations import find_activation
from .scalars import scalar_like

Tanh = Callable[[Tensor], Tensor]
"""A function that computes tanh: `torch.tanh` to the last bit, or `fast_tanh` for training."""


_GELU_SCALE = math.sqrt(2 / math.pi)


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchActivation(Record):
    """phi in torch: `value` returns phi(z) and a tensor that `slope` uses again, so that tanh is computed once."""

    value: Callable[[Tensor, Tanh], tuple[Tensor, Tensor]]
    """Function (z, tanh) -> (phi(z), kept); phi(z) may be z itself and must not be written to."""
    slope: Callable[[Tensor, Tensor, Tensor], Tensor]
    """Function (z, phi(z), kept) -> phi'(z), a new tensor."""


def fast_tanh(z: Tensor) -> Tensor:
    """Compute tanh z by the logistic function, which torch computes three times faster than tanh on a CPU.

        tanh z = 2 / (1 + exp(-2 z)) - 1

    The absolute error is two roundings of one (1.2e-7 in float32, 2.2e-16 in float64), exactly zero at zero: good enough
    to train with. Over three layers it adds up to 1e-6 of the largest output, where `torch.tanh` stays below 6e-7.
    """
    return torch.add(scalar_like(-1.0, z), torch.mul(z, scalar_like(2.0, z)).sigmoid_(), alpha=2.0)


def _identity(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    return z, z


def _identity_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    return torch.ones_like(z)


def _relu(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    value = torch.clamp_min(z, 0.0)
    return value, value


def _relu_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    return torch.sign(kept)


def _tanh(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    t = tanh(z)
    return t, t


def _tanh_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    """phi' = 1 - t^2."""
    return torch.addcmul(scalar_like(1.0, z), kept, kept, value=-1.0)


def _sin(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    return torch.sin(z), torch.cos(z)


def _sin_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    """phi' = cos z."""
    return kept.clone()


def _z_tanh_z(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    t = tanh(z)
    return z * t, t


def _z_tanh_z_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    """phi' = t + z - t phi."""
    return torch.addcmul(z, kept, phi, value=-1.0).add_(kept)


def _tanh_squared(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    t = tanh(z)
    return torch.square(t), t


def _tanh_squared_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    """phi' = 2 (t - t phi)."""
    return torch.addcmul(kept, kept, phi, value=-1.0).mul_(scalar_like(2.0, z))


def _sin_turns(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    angle = torch.mul(z - torch.round(z), scalar_like(2 * math.pi, z))
    return torch.sin(angle), torch.cos(angle)


def _sin_turns_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    """phi' = 2 pi cos(2 pi z)."""
    return torch.mul(kept, scalar_like(2 * math.pi, z))


def _sigmoid(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    """phi = tanh(z / 2) / 2, which is 1 / (1 + exp(-z)) - 1/2."""
    t = tanh(torch.mul(z, scalar_like(0.5, z)))
    return torch.mul(t, scalar_like(0.5, z)), t


def _sigmoid_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    """phi' = (1 - t^2) / 4."""
    return torch.addcmul(scalar_like(0.25, z), kept, kept, value=-0.25)


def _softplus(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    """phi = log(1 + exp(z)) - log 2."""
    return torch.logaddexp(z, torch.zeros_like(z)) - scalar_like(math.log(2.0), z), z


def _softplus_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    """phi' = 1 / (1 + exp(-z))."""
    return torch.sigmoid(z)


def _silu(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    share = torch.sigmoid(z)
    return z * share, share


def _silu_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    """phi' = q + phi (1 - q), q = 1 / (1 + exp(-z))."""
    return torch.addcmul(kept + phi, phi, kept, value=-1.0)


def _gelu(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    share = torch.special.ndtr(z)
    return z * share, share


def _gelu_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    """phi' = q + z exp(-z^2 / 2) / sqrt(2 pi), q the share of a normal distribution below z."""
    density = torch.exp(torch.mul(torch.square(z), scalar_like(-0.5, z)))
    return torch.addcmul(kept, z, density, value=1 / math.sqrt(2 * math.pi))


def _gelu_tanh(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    """phi = z (1 + t) / 2, t = tanh(sqrt(2 / pi) (z + 0.044715 z^3))."""
    t = tanh(_GELU_SCALE * (z + GELU_CUBIC * z**3))
    return 0.5 * z * (1.0 + t), t


def _gelu_tanh_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    """phi' = (1 + t) / 2 + z (1 - t^2) / 2 * sqrt(2 / pi) (1 + 3 * 0.044715 z^2)."""
    inner = _GELU_SCALE * (1.0 + 3 * GELU_CUBIC * torch.square(z))
    return 0.5 * (1.0 + kept) + 0.5 * z * (1.0 - torch.square(kept)) * inner


def _hardtanh(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    return torch.clamp(z, -1.0, 1.0), z


def _hardtanh_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    return (torch.abs(z) < 1.0).to(z)


def _exp(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    """phi = exp(z) - 1."""
    return torch.expm1(z), z


def _exp_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    return torch.exp(z)


def _square(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
    return torch.square(z), z


def _square_slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
    return 2.0 * z


def elu(alpha: float, scale: float = 1.0) -> TorchActivation:
    """Build scale * ELU: z for z >= 0, alpha (exp(z) - 1) below."""

    def value(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
        below = alpha * torch.expm1(torch.clamp_max(z, 0.0))
        return scale * torch.where(z >= 0, z, below), below

    def slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
        """phi' = alpha exp(z) below zero."""
        return scale * torch.where(z >= 0, torch.ones_like(z), kept + alpha)

    return TorchActivation(value=value, slope=slope)


def leaky_relu(negative_slope: float) -> TorchActivation:
    """Build the leaky ReLU: z for z >= 0, negative_slope * z below."""

    def value(z: Tensor, tanh: Tanh) -> tuple[Tensor, Tensor]:
        return torch.where(z >= 0, z, negative_slope * z), z

    def slope(z: Tensor, phi: Tensor, kept: Tensor) -> Tensor:
        return torch.where(z >= 0, torch.ones_like(z), torch.full_like(z, negative_slope))

    return TorchActivation(value=value, slope=slope)


IDENTITY = TorchActivation(value=_identity, slope=_identity_slope)
RELU = TorchActivation(value=_relu, slope=_relu_slope)
TANH = TorchActivation(value=_tanh, slope=_tanh_slope)
SIN = TorchActivation(value=_sin, slope=_sin_slope)
Z_TANH_Z = TorchActivation(value=_z_tanh_z, slope=_z_tanh_z_slope)
TANH_SQUARED = TorchActivation(value=_tanh_squared, slope=_tanh_squared_slope)
SIN_TURNS = TorchActivation(value=_sin_turns, slope=_sin_turns_slope)
SIGMOID = TorchActivation(value=_sigmoid, slope=_sigmoid_slope)
SOFTPLUS = TorchActivation(value=_softplus, slope=_softplus_slope)
SILU = TorchActivation(value=_silu, slope=_silu_slope)
GELU = TorchActivation(value=_gelu, slope=_gelu_slope)
GELU_TANH = TorchActivation(value=_gelu_tanh, slope=_gelu_tanh_slope)
SELU = elu(SELU_ALPHA, SELU_SCALE)
HARDTANH = TorchActivation(value=_hardtanh, slope=_hardtanh_slope)
EXP = TorchActivation(value=_exp, slope=_exp_slope)
SQUARE = TorchActivation(value=_square, slope=_square_slope)


def torch_activation(name: str) -> TorchActivation:
    """Return the torch functions of an activation, from its rule in the core.

    Raises:
        SpecError: If the name is unknown, or its rule has no torch functions.
    """
    given = find_activation(name).torch
    if isinstance(given, str):
        return _loaded(given)
    if not isinstance(given, TorchActivation):
        repair = "Give a TorchActivation(value=..., slope=...), or where it is, as 'my_module:BELL'."
        raise SpecError(
            f"ActivationRule {name!r}.torch", "have torch functions, because it is trained", repr(given), repair
        )
    return given


@cache
def _loaded(place: str) -> TorchActivation:
    """Load "module:name", or call "module:function(number)"."""
    module, _, attribute = place.partition(":")
    attribute, bracket, number = attribute.partition("(")
    loaded = getattr(importlib.import_module(module), attribute, None)
    if bracket and callable(loaded):
        loaded = loaded(float(number.removesuffix(")")))
    if not isinstance(loaded, TorchActivation):
        repair = "Write the module, a colon, and the name of a TorchActivation in it."
        raise SpecError("ActivationRule.torch", "be the place of a TorchActivation", repr(place), repair)
    return loaded
