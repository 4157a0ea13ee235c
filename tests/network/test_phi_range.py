"""Ranges of payloads over intervals of drives, against the payload of every drive in them."""

from __future__ import annotations

import numpy as np
import pytest

import longhand
from neuropinn_lava.network.activations import ACTIVATIONS
from neuropinn_lava.network.integers import shift_half_up
from neuropinn_lava.network.phi_range import range_over
from neuropinn_lava.network.phi_table import interpolated, make_table

TOP = longhand.highest(16)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "leaky_relu(-0.3)"])
@pytest.mark.parametrize("state_exponent", [-14, -11, -6, 3])
def test_range_is_that_of_all_payloads(activation: str, state_exponent: int) -> None:
    table = make_table(
        activation,
        state_exponent=state_exponent,
        state_bits=16,
        payload_exponent=-10,
        payload_bits=16,
        index_size=5,
    )
    z = np.arange(-TOP, TOP + 1)
    p = [side.sign * interpolated(table, side, np.abs(z) & table.period_mask) for side in table.sides]
    payload = shift_half_up(np.where(z < 0, p[1], p[0]), table.left)  # not saturated
    rng = np.random.default_rng(0)
    low = rng.integers(-TOP, TOP + 1, (60, 5))
    high = np.minimum(low + rng.integers(0, [1, 2, 50, 3000, 2 * TOP], (60, 5)), TOP)
    least, largest = range_over(table, low, high)
    inside = [payload[a + TOP : b + TOP + 1] for a, b in zip(low.ravel(), high.ravel(), strict=True)]
    assert least.ravel().tolist() == [each.min() for each in inside]
    assert largest.ravel().tolist() == [each.max() for each in inside]


def test_over_both_signs_of_a_function_with_a_minimum() -> None:
    table = make_table("silu", state_exponent=-12, state_bits=24, payload_exponent=-14, payload_bits=24)
    unit = 2**12
    least, largest = range_over(table, np.array([-3 * unit, -9 * unit]), np.array([unit, -2 * unit]))
    # SiLU has its minimum, -0.27846, at z = -1.2785; -2 / (1 + e^2) = -0.23841; 1 / (1 + 1 / e) = 0.73106
    np.testing.assert_allclose(least * 2.0**-14, [-0.27846, -0.23841], atol=1e-4)
    np.testing.assert_allclose(largest * 2.0**-14, [0.73106, -9 / (1 + np.exp(9))], atol=1e-4)
