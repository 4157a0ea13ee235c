"""The integer arithmetic of docs/integer.md: word lengths, one rounding, one overflow rule, shifts and the leak.

All words are symmetric, all scales are powers of two and written as exponents: the integer q at exponent e stands for
q * 2**e. There is one rounding, half up, floor(x + 1/2); the leak alone truncates toward zero, as Lava's does. There is one
overflow rule, saturation, and every saturation is counted. These functions are the definition; compiled kernels are compared
with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base.arrays import FloatArray, IntArray, Record
from ..base.errors import FixedPointError

LEAK_BITS = 12
"""Fractional bits of a leak. Source: Lava `proc/lif/models.py`, the fixed-point LIF."""

MAX_EXACT = 1 << 62
"""Magnitudes below this add and shift exactly in int64."""

FLOAT_EXACT = 1 << 53
"""Integers up to this magnitude are exact in float64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntFormat(Record):
    """A symmetric two's-complement word: `IntFormat(bits=8)` holds -127 … 127 and is written `int8`."""

    bits: int
    """Word length, 2 to 32."""

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 32:
            raise FixedPointError("IntFormat.bits", "lie between 2 and 32", self.bits, "Choose a length in that range.")

    @property
    def highest(self) -> int:
        """The largest value, and minus the smallest: 2**(bits - 1) - 1."""
        return (1 << (self.bits - 1)) - 1

    def __str__(self) -> str:
        return f"int{self.bits}"


STATE = IntFormat(bits=24)
"""Default word of membranes, drives and thresholds. Source: Lava `proc/lif/models.py` clips v at ±(2**23 - 1)."""


def round_half_up(values: FloatArray) -> IntArray:
    """Round to the nearest integer, ties upward: floor(x + 1/2), computed without the tie that x + 1/2 may create.

    0.49999999999999994 + 0.5 is 1.0 in float64, so the fraction is compared instead of added.

    Raises:
        FixedPointError: If a value is not finite or too large for int64.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.size and not (np.abs(values) < MAX_EXACT).all():
        worst = values[~(np.abs(values) < MAX_EXACT)].flat[0]
        raise FixedPointError("round_half_up", "get magnitudes below 2**62", worst, "Choose a coarser scale.")
    below = np.floor(values)
    rounded: IntArray = (below + (values - below >= 0.5)).astype(np.int64)
    return rounded


def quantize_array(values: FloatArray, exponent: int | IntArray) -> IntArray:
    """Quantize values at scale 2**exponent, half up; scaling by a power of two is itself exact.

    Args:
        values: Any shape.
        exponent: Scalar, or broadcastable to the shape of `values`.

    Raises:
        FixedPointError: If a value is not finite, or its integer too large for int64.
    """
    return round_half_up(_scaled(values, exponent))


def quantize_into(values: FloatArray, exponent: int, word: IntFormat) -> tuple[IntArray, int]:
    """Quantize finite values of any size at scale 2**exponent, half up and saturated; return them and the number saturated."""
    beyond = word.highest + 1.0  # saturates as everything beyond it does, and rounds exactly
    return saturate(round_half_up(np.clip(_scaled(values, exponent), -beyond, beyond)), word)


def _scaled(values: FloatArray, exponent: int | IntArray) -> FloatArray:
    with np.errstate(over="ignore"):  # infinity is refused, or saturates, afterwards
        scaled: FloatArray = np.ldexp(np.asarray(values, dtype=np.float64), -np.asarray(exponent))
    return scaled


def dequantize_array(integers: IntArray, exponent: int | IntArray) -> FloatArray:
    """Convert integers at scale 2**exponent to the floats that they stand for, exact below 2**53."""
    values: FloatArray = np.ldexp(np.asarray(integers, dtype=np.float64), np.asarray(exponent))
    return values


def saturate(values: IntArray, word: IntFormat) -> tuple[IntArray, int]:
    """Clip to ±word.highest; return the result and the number of changed entries."""
    held = np.clip(values, -word.highest, word.highest)
    return held, int(np.count_nonzero(held != values))


def shift_half_up(values: IntArray, left: int | IntArray) -> IntArray:
    """Multiply by 2**left: exact to the left, half up to the right.

        left >= 0:   v * 2**left
        left <  0:   floor((v + 2**(-left - 1)) / 2**-left)

    Args:
        values: Integers, shape (..., n).
        left: Shift in bits, scalar or (n,), -62 to 62; the result must stay below 2**62.
    """
    up = np.maximum(left, 0)
    down = np.maximum(np.negative(left), 0)
    half = np.where(down > 0, np.left_shift(np.int64(1), np.maximum(down - 1, 0)), 0)
    shifted: IntArray = (np.left_shift(np.asarray(values, dtype=np.int64), up) + half) >> down
    return shifted


def multiply_exactly(values: IntArray, weight: IntArray) -> IntArray:
    """Compute the product of two integer matrices: in float64, which BLAS multiplies, where no sum can leave its integers.

    numpy multiplies integer matrices by loops that are some ten times slower.

    Args:
        values: Integers, shape (n_samples, n_in).
        weight: Integers, shape (n_in, n_out); no sum of products may reach 2**63.
    """
    bound = int(np.abs(values).max(initial=0)) * int(np.abs(weight).sum(axis=0).max(initial=0))
    if bound >= FLOAT_EXACT:
        return values @ weight
    product: IntArray = (values.astype(np.float64) @ weight.astype(np.float64)).astype(np.int64)
    return product


def leaked(membrane: IntArray, beta: IntArray) -> IntArray:
    """Compute the membrane after one step of leak, rounded toward zero.

        m' = sign(m) * floor(|m| * beta / 2**12)

    Truncation loses up to one unit a step, so that a small membrane dies faster than in floating point.

    Args:
        membrane: State, shape (n_samples, n_neurons), within a state word of at most 32 bits.
        beta: Leak in units of 2**-12, shape (n_neurons,), 0 (forgets all) to 4096 (forgets nothing).

    Source: Lava `proc/lif/models.py`, whose `dv` is `4096 - beta`.
    """
    kept: IntArray = np.sign(membrane) * (np.abs(membrane) * beta >> LEAK_BITS)
    return kept
