"""Integer functions against longhand versions: exhaustively over small domains, and at every 2^k ± 1."""

from __future__ import annotations

import math
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import longhand
from neuropinn_lava.base.errors import FixedPointError
from neuropinn_lava.network.integers import (
    LEAK_BITS,
    STATE,
    IntFormat,
    dequantize_array,
    leaked,
    multiply_exactly,
    quantize_array,
    quantize_into,
    round_half_up,
    saturate,
    shift_half_up,
)

EDGES = sorted({sign * (2**k + d) for k in range(62) for d in (-1, 0, 1) for sign in (-1, 1)} | {0})
"""All 2^k ± 1 below 2^62, and their negatives."""
BELOW_HALF = 0.49999999999999994
"""The largest float64 below 1/2: adding 1/2 to it gives 1.0."""


def test_a_word_is_symmetric() -> None:
    for bits in range(2, 33):
        assert IntFormat(bits=bits).highest == 2 ** (bits - 1) - 1
        assert str(IntFormat(bits=bits)) == f"int{bits}"
    assert STATE.highest == 8388607


@pytest.mark.parametrize("bits", [-1, 0, 1, 33, 64])
def test_a_word_has_2_to_32_bits(bits: int) -> None:
    with pytest.raises(FixedPointError, match=rf"IntFormat.bits must lie between 2 and 32; got {bits}. Choose"):
        IntFormat(bits=bits)


def assert_rounding(values: list[float]) -> None:
    got = round_half_up(np.array(values))
    assert got.dtype == np.int64
    for value, rounded in zip(values, got.tolist(), strict=True):
        assert rounded == longhand.half_up(value), value


def test_rounding_of_small_numbers() -> None:
    assert_rounding([n / 16 for n in range(-400, 401)])


def test_rounding_around_ties() -> None:
    ties = [n + 0.5 for n in range(-20, 20)]
    assert_rounding([math.nextafter(tie, way) for tie in ties for way in (-math.inf, math.inf)])
    assert_rounding([0.0, -0.0, BELOW_HALF, -BELOW_HALF, 5e-324, -5e-324, math.nextafter(-0.5, -1)])
    assert round_half_up(np.array([BELOW_HALF, 0.5, -0.5, -0.5000000000000001])).tolist() == [0, 1, 0, -1]


def test_rounding_of_large_numbers() -> None:
    exact = [float(n) for n in EDGES if abs(n) < 2**62 and float(n) == n]
    halves = [s * (2.0**k + d) for k in range(52) for d in (-0.5, 0.5) for s in (-1, 1)]
    beyond_a_tie = [math.nextafter(2.0**k, 0) for k in range(1, 63)]
    assert_rounding(exact + halves + beyond_a_tie)


@given(st.lists(st.floats(min_value=-(2.0**61), max_value=2.0**61), min_size=1, max_size=20))
def test_rounding_of_any_number(values: list[float]) -> None:
    assert_rounding(values)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2.0**62, -(2.0**62), 1e300])
def test_rounding_refuses_what_int64_cannot_hold(value: float) -> None:
    with pytest.raises(FixedPointError, match=r"round_half_up must get magnitudes below 2\*\*62; got"):
        round_half_up(np.array([0.0, value, 1.0]))


def test_rounding_of_nothing() -> None:
    assert round_half_up(np.zeros((0, 3))).shape == (0, 3)


def test_quantizing_small_numbers() -> None:
    values = [n / 32 for n in range(-300, 301)]
    for exponent in range(-8, 9):
        got = quantize_array(np.array(values), exponent).tolist()
        assert got == [longhand.half_up(Fraction(value) / longhand.power(exponent)) for value in values]


def test_quantizing_with_one_exponent_per_row() -> None:
    values = np.array([[0.3, -0.7], [5.5, 2.49]])
    got = quantize_array(values, np.array([[-3], [1]]))
    assert got.tolist() == [[2, -6], [3, 1]]  # 2.4, -5.6; 2.75, 1.245


@given(st.floats(-1e30, 1e30), st.integers(-64, 64))
def test_quantizing_is_exact_or_refused(value: float, exponent: int) -> None:
    exact = Fraction(value) / longhand.power(exponent)
    if abs(exact) < 2**62:
        assert int(quantize_array(np.array(value), exponent)) == longhand.half_up(exact)
    else:
        with pytest.raises(FixedPointError, match="Choose a coarser scale"):
            quantize_array(np.array(value), exponent)


def test_quantizing_beyond_floating_point_is_refused() -> None:
    with pytest.raises(FixedPointError, match="got inf"):
        quantize_array(np.array([1e308]), -64)


def test_quantizing_into_a_word() -> None:
    values = [n / 8 for n in range(-200, 201)] + [1e308, -1e308, 2.0**62, math.nextafter(127.5, 0), -127.5]
    for bits in (2, 3, 5, 8):
        for exponent in (-4, -1, 0, 2):
            pairs = [
                longhand.clipped(longhand.half_up(Fraction(value) / longhand.power(exponent)), bits) for value in values
            ]
            got, n_saturated = quantize_into(np.array(values), exponent, IntFormat(bits=bits))
            assert got.tolist() == [value for value, _ in pairs]
            assert n_saturated == sum(over for _, over in pairs)


@given(st.integers(-(2**53), 2**53), st.integers(-64, 64))
def test_quantizing_undoes_dequantizing(integer: int, exponent: int) -> None:
    value = dequantize_array(np.array(integer), exponent)
    assert Fraction(float(value)) == integer * longhand.power(exponent)
    assert int(quantize_array(value, exponent)) == integer


@pytest.mark.parametrize("bits", [2, 3, 8, 24, 32])
def test_saturation(bits: int) -> None:
    values = [*range(-10, 11), *EDGES]
    pairs = [longhand.clipped(value, bits) for value in values]
    got, n = saturate(np.array(values), IntFormat(bits=bits))
    assert got.tolist() == [value for value, _ in pairs]
    assert n == sum(over for _, over in pairs)


def test_shifts_of_small_numbers() -> None:
    values = np.arange(-300, 301)
    for left in range(-12, 13):
        got = shift_half_up(values, left).tolist()
        assert got == [longhand.half_up(value * longhand.power(left)) for value in values.tolist()]


def test_shifts_at_the_edges() -> None:
    for left in range(-62, 63):
        values = [value for value in EDGES if abs(value) * 2 ** max(left, 0) < 2**62]
        got = shift_half_up(np.array(values), left).tolist()
        assert got == [longhand.half_up(value * longhand.power(left)) for value in values], left


def test_shifts_differ_per_neuron() -> None:
    values = np.array([[5, 5, 5, 5], [-5, -5, -5, -5]])
    got = shift_half_up(values, np.array([2, 0, -1, -3]))
    assert got.tolist() == [[20, 5, 3, 1], [-20, -5, -2, -1]]  # 2.5 → 3, -2.5 → -2, ±0.625 → ±1


def test_leak_of_small_membranes_at_every_beta() -> None:
    membranes = np.arange(-20, 21)
    for beta in range(4097):
        expected = [longhand.leaked(m, beta) for m in membranes.tolist()]
        assert leaked(membranes, np.array(beta)).tolist() == expected, beta


@pytest.mark.parametrize("beta", [0, 1, 2, 2047, 2048, 2049, 4094, 4095, 4096])
def test_leak_at_the_edges(beta: int) -> None:
    membranes = [m for m in EDGES if abs(m) < 2**31]
    assert leaked(np.array(membranes), np.array(beta)).tolist() == [longhand.leaked(m, beta) for m in membranes]


def test_leak_rounds_toward_zero() -> None:
    # -7/2 → -3, as Lava's sign(x) * (|x| * (4096 - dv) >> 12); half up would give -3 and 4, floor -4 and 3
    assert leaked(np.array([-7, 7]), np.array(2048)).tolist() == [-3, 3]
    assert LEAK_BITS == 12


@given(st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1), st.integers(0, 99))
def test_products_are_exact_on_both_sides_of_2_to_53(largest: int, heaviest: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(-largest, largest, (4, 2), endpoint=True)
    weight = rng.integers(-heaviest, heaviest, (2, 3), endpoint=True)
    product = multiply_exactly(values, weight)
    assert product.dtype == np.int64
    rows, columns = values.tolist(), weight.T.tolist()
    assert product.tolist() == [[row[0] * column[0] + row[1] * column[1] for column in columns] for row in rows]


def test_a_product_that_float64_cannot_hold_is_exact() -> None:
    # (2**31 - 1)**2 = 2**62 - 2**32 + 1 is odd, and float64 has even integers only from 2**53 on
    word = np.array([[2**31 - 1]])
    assert multiply_exactly(word, -word).tolist() == [[-((2**31 - 1) ** 2)]]


def test_a_product_of_no_rows_has_none() -> None:
    assert multiply_exactly(np.zeros((0, 3), dtype=np.int64), np.ones((3, 2), dtype=np.int64)).shape == (0, 2)
