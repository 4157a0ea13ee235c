"""The built-in activations: for each its function in float and its facts, found by name through `activations.py`.

Where phi(0) != 0 the rule holds phi(z) - phi(0), and phi(0) is its offset. Two kinds have a number in their name:
`leaky_relu(0.2)`, whose slope below zero is 0.2, and `elu(0.5)`, whose limit below zero is -0.5.

Curvatures and slopes are maxima: of |phi''| tanh has 4/(3 sqrt 3) at tanh z = 1/sqrt 3, sigmoid 1/(6 sqrt 3), z tanh z and
tanh^2 z 2 at zero, GELU sqrt(2/pi), SiLU 1/2, softplus 1/4; of |phi'| z tanh z 1.1997 at z = 1.2, tanh^2 z 4/(3 sqrt 3), SiLU
1.0999, GELU 1.1290. Beyond the reaches phi differs from its asymptote by less than 2e-6: 1 - tanh z by 2.3e-7, 1 - tanh^2 z by
4.6e-7, z - z tanh z by 1.8e-6 at 8; exp(-z) by 8.3e-7 at 14; z exp(-z) by 1.8e-6 at 16; z - GELU by 1.4e-6 at 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..base.arrays import FloatArray
from .activation_rule import ActivationRule, Asymptote, Symmetry

SELU_SCALE = 1.0507009873554805
"""lambda of SELU, its slope above zero. Source: Klambauer et al., arXiv 1706.02515, appendix."""
SELU_ALPHA = 1.6732632423543772
"""alpha of SELU: its limit below zero is -lambda alpha. Source: the same."""
GELU_CUBIC = 0.044715
"""Coefficient of z^3 in the tanh form of GELU. Source: Hendrycks and Gimpel, arXiv 1606.08415, section 2."""
MAX_PARAMETER = 16.0
"""Largest number in the name of an activation."""

_TORCH = "neuropinn_lava.training.neuron.activations"
_FLAT_8, _FLAT_14 = Asymptote(slope=0.0, reach=8.0), Asymptote(slope=0.0, reach=14.0)
_FLAT_5, _FLAT_16 = Asymptote(slope=0.0, reach=5.0), Asymptote(slope=0.0, reach=16.0)


def _line(slope: float) -> Asymptote:
    return Asymptote(slope=slope, reach=0.0, gap=0.0)


def _identity(z: FloatArray) -> FloatArray:
    return np.array(z, dtype=np.float64)


def _relu(z: FloatArray) -> FloatArray:
    positive: FloatArray = np.maximum(z, 0.0)
    return positive


def _sin_turns(z: FloatArray) -> FloatArray:
    """sin(2 pi z), exactly periodic."""
    wave: FloatArray = np.sin(2 * np.pi * (z - np.rint(z)))
    return wave


def _z_tanh_z(z: FloatArray) -> FloatArray:
    product: FloatArray = z * np.tanh(z)
    return product


def _tanh_squared(z: FloatArray) -> FloatArray:
    squared: FloatArray = np.square(np.tanh(z))
    return squared


def _sigmoid(z: FloatArray) -> FloatArray:
    """1 / (1 + exp(-z)) - 1/2."""
    centred: FloatArray = 0.5 * np.tanh(0.5 * z)
    return centred


def _softplus(z: FloatArray) -> FloatArray:
    """log(1 + exp(z)) - log 2."""
    lowered: FloatArray = np.maximum(z, 0.0) + np.log1p(0.5 * np.expm1(-np.abs(z)))
    return lowered


def _silu(z: FloatArray) -> FloatArray:
    decayed = np.exp(-np.abs(z))
    gated: FloatArray = z * np.where(z >= 0, 1.0, decayed) / (1.0 + decayed)
    return gated


def _gelu(z: FloatArray) -> FloatArray:
    """z times the share of a normal distribution below z."""
    from scipy.special import ndtr  # takes as long to import as all the rest of this package

    gated: FloatArray = z * ndtr(z)
    return gated


def _gelu_tanh(z: FloatArray) -> FloatArray:
    gated: FloatArray = 0.5 * z * (1.0 + np.tanh(math.sqrt(2 / math.pi) * (z + GELU_CUBIC * z**3)))
    return gated


def _hardtanh(z: FloatArray) -> FloatArray:
    clipped: FloatArray = np.clip(z, -1.0, 1.0)
    return clipped


def _exp_above(z: FloatArray) -> FloatArray:
    """The largest exp between 0 and z."""
    largest: FloatArray = np.exp(np.maximum(z, 0.0))
    return largest


def _double(z: FloatArray) -> FloatArray:
    doubled: FloatArray = 2.0 * np.abs(z)
    return doubled


def _scaled_elu(scale: float, alpha: float) -> Callable[[FloatArray], FloatArray]:
    """z for z >= 0, alpha (exp(z) - 1) below, times a scale."""

    def phi(z: FloatArray) -> FloatArray:
        joined: FloatArray = scale * np.where(z >= 0, z, alpha * np.expm1(np.minimum(z, 0.0)))
        return joined

    return phi


def elu(alpha: float, name: str = "elu") -> ActivationRule:
    """Build ELU: z for z >= 0, alpha (exp(z) - 1) below."""
    return ActivationRule(
        name=name, phi=_scaled_elu(1.0, alpha), symmetry=Symmetry.NONE, asymptote=_line(1.0),
        asymptote_below=Asymptote(slope=0.0, reach=14.0 + max(0.0, math.log(alpha))), curvature=alpha,
        steepest=max(1.0, alpha), torch=f"{_TORCH}:elu({alpha!r})",
    )  # fmt: skip


def leaky_relu(slope: float, name: str = "leaky_relu") -> ActivationRule:
    """Build the leaky ReLU: z for z >= 0, slope * z below."""

    def phi(z: FloatArray) -> FloatArray:
        bent: FloatArray = np.where(z >= 0, z, slope * z)
        return bent

    return ActivationRule(
        name=name, phi=phi, symmetry=Symmetry.NONE, asymptote=_line(1.0), asymptote_below=_line(slope), curvature=0.0,
        steepest=max(1.0, abs(slope)), torch=f"{_TORCH}:leaky_relu({slope!r})",
    )  # fmt: skip


FAMILIES: dict[str, tuple[Callable[[float, str], ActivationRule], float]] = {
    "elu": (elu, 2.0**-16),
    "leaky_relu": (leaky_relu, -MAX_PARAMETER),
}
"""Activations with a number in their name: their functions, and the smallest number."""

BUILT_IN = (
    ActivationRule(
        name="identity", phi=_identity, symmetry=None, asymptote=_line(1.0), curvature=0.0, steepest=1.0,
        torch=f"{_TORCH}:IDENTITY",
    ),
    ActivationRule(
        name="relu", phi=_relu, symmetry=None, asymptote=_line(1.0), asymptote_below=_line(0.0), curvature=0.0, steepest=1.0,
        torch=f"{_TORCH}:RELU",
    ),
    leaky_relu(0.01),
    ActivationRule(
        name="hardtanh", phi=_hardtanh, symmetry=Symmetry.ODD, asymptote=Asymptote(slope=0.0, reach=1.0, gap=0.0),
        curvature=0.0, bound=1.0, steepest=1.0, torch=f"{_TORCH}:HARDTANH",
    ),
    ActivationRule(
        name="tanh", phi=np.tanh, symmetry=Symmetry.ODD, asymptote=_FLAT_8, curvature=4 / (3 * 3**0.5), bound=1.0,
        steepest=1.0, torch=f"{_TORCH}:TANH",
    ),
    ActivationRule(
        name="sin", phi=np.sin, symmetry=Symmetry.ODD, asymptote=None, curvature=1.0, bound=1.0, steepest=1.0,
        torch=f"{_TORCH}:SIN",
    ),
    ActivationRule(
        name="sin_turns", phi=_sin_turns, symmetry=Symmetry.ODD, asymptote=None, period=1.0,
        curvature=4 * math.pi**2, bound=1.0, steepest=2 * math.pi, torch=f"{_TORCH}:SIN_TURNS",
    ),
    ActivationRule(
        name="z_tanh_z", phi=_z_tanh_z, symmetry=Symmetry.EVEN, asymptote=Asymptote(slope=1.0, reach=8.0),
        curvature=2.0, steepest=1.2, torch=f"{_TORCH}:Z_TANH_Z",
    ),
    ActivationRule(
        name="tanh_squared", phi=_tanh_squared, symmetry=Symmetry.EVEN, asymptote=_FLAT_8, curvature=2.0, bound=1.0,
        steepest=0.77, torch=f"{_TORCH}:TANH_SQUARED",
    ),
    ActivationRule(
        name="sigmoid", phi=_sigmoid, symmetry=Symmetry.ODD, asymptote=_FLAT_14, curvature=1 / (6 * 3**0.5), bound=0.5,
        steepest=0.25, offset=0.5, torch=f"{_TORCH}:SIGMOID",
    ),
    ActivationRule(
        name="silu", phi=_silu, symmetry=Symmetry.NONE, asymptote=Asymptote(slope=1.0, reach=16.0),
        asymptote_below=_FLAT_16, curvature=0.5, steepest=1.1, torch=f"{_TORCH}:SILU",
    ),
    ActivationRule(
        name="gelu", phi=_gelu, symmetry=Symmetry.NONE, asymptote=Asymptote(slope=1.0, reach=5.0),
        asymptote_below=_FLAT_5, curvature=(2 / math.pi) ** 0.5, steepest=1.13, torch=f"{_TORCH}:GELU",
    ),
    ActivationRule(
        name="gelu_tanh", phi=_gelu_tanh, symmetry=Symmetry.NONE, asymptote=Asymptote(slope=1.0, reach=5.0),
        asymptote_below=_FLAT_5, curvature=(2 / math.pi) ** 0.5, steepest=1.13, torch=f"{_TORCH}:GELU_TANH",
    ),
    elu(1.0),
    ActivationRule(
        name="selu", phi=_scaled_elu(SELU_SCALE, SELU_ALPHA), symmetry=Symmetry.NONE, asymptote=_line(SELU_SCALE),
        asymptote_below=_FLAT_14, curvature=SELU_SCALE * SELU_ALPHA, steepest=SELU_SCALE * SELU_ALPHA,
        torch=f"{_TORCH}:SELU",
    ),
    ActivationRule(
        name="softplus", phi=_softplus, symmetry=Symmetry.NONE, asymptote=Asymptote(slope=1.0, reach=14.0),
        asymptote_below=_FLAT_14, curvature=0.25, steepest=1.0, offset=math.log(2.0), torch=f"{_TORCH}:SOFTPLUS",
    ),
    ActivationRule(
        name="exp", phi=np.expm1, symmetry=Symmetry.NONE, asymptote=None, asymptote_below=_FLAT_14,
        curvature=_exp_above, steepest=_exp_above, offset=1.0, torch=f"{_TORCH}:EXP",
    ),
    ActivationRule(
        name="square", phi=np.square, symmetry=Symmetry.EVEN, asymptote=None, curvature=2.0,
        steepest=_double, torch=f"{_TORCH}:SQUARE",
    ),
)  # fmt: skip
"""Every built-in activation."""
