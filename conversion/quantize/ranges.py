"""Choice of scales: the power of two at which a word holds its range, by the range rule of the scheme.

min-max       finest e with max |v| <= highest * 2**e
percentile    the same for the quantile of |v| below which all but the largest thousandth lie
mse           e, or one of the next finer ones, with the least mean of (clip(half_up(v / 2**e)) * 2**e - v)**2
"""

from __future__ import annotations

import math

import numpy as np

from ...base.arrays import FloatArray
from ...network.integers import IntFormat, dequantize_array, quantize_into
from ..scheme import RangeRule

PERCENTILE = 99.9
"""Share of values, in percent, that the percentile rule keeps from saturating."""
N_FINER = 3
"""How many finer scales the rule of the least squared error tries."""


def finest_exponent(peak: float, bits: int) -> int:
    """Return the smallest exponent e with peak <= highest * 2**e, exactly; a peak of zero counts as one.

    Args:
        peak: A finite magnitude.
        bits: Word length, 2 to 32.
    """
    mantissa, exponent = math.frexp(peak or 1.0)  # peak = mantissa * 2**exponent, 1/2 <= mantissa < 1
    below_one = math.ldexp(IntFormat(bits=bits).highest, 1 - bits)
    return exponent - (bits - 1) + (mantissa > below_one)


def highest_below(bound: float, bits: int) -> float:
    """Return the highest value of the finest word that holds `bound` to within one unit: 127 / 128 for a bound of 1 and 8 bits.

    Args:
        bound: A positive magnitude.
        bits: Word length, 2 to 32.
    """
    mantissa, exponent = math.frexp(bound)
    rounded_up = exponent - (mantissa == 0.5)  # ceil(log2(bound))
    return math.ldexp(IntFormat(bits=bits).highest, rounded_up - (bits - 1))


def choose_exponent(values: FloatArray, bits: int, rule: RangeRule, peak: float | None = None) -> int:
    """Choose the scale of a word.

    Args:
        values: What the word has to hold, any shape, finite.
        bits: Word length, 2 to 32.
        rule: What counts as holding.
        peak: The magnitude that min-max has to hold; None is that of the values.
    """
    magnitudes = np.abs(values).ravel()
    highest = (float(magnitudes.max()) if magnitudes.size else 0.0) if peak is None else peak
    coarsest = finest_exponent(highest, bits)
    if rule is RangeRule.MIN_MAX or magnitudes.size == 0:
        return coarsest
    if rule is RangeRule.PERCENTILE:
        return min(coarsest, finest_exponent(float(np.percentile(magnitudes, PERCENTILE)), bits))
    candidates = [coarsest - finer for finer in range(N_FINER + 1)]
    return min(candidates, key=lambda exponent: _squared_error(magnitudes, exponent, bits))


def _squared_error(values: FloatArray, exponent: int, bits: int) -> float:
    integers, _ = quantize_into(values, exponent, IntFormat(bits=bits))
    return float(np.square(dequantize_array(integers, exponent) - values).mean())
