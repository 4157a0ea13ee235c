"""Tables of phi: equal to their equations entry by entry, within their proven bound at every z of the state word.

Exhaustive: every z of a 16- to 20-bit word, for every activation that has a table, several scales, payload words and sizes.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest

import longhand
from neuropinn_lava.base.arrays import FloatArray, IntArray
from neuropinn_lava.base.errors import FixedPointError, SpecError
from neuropinn_lava.network.activations import ACTIVATIONS, Symmetry, find_activation
from neuropinn_lava.network.phi_table import MIN_FRACTION_BITS, PhiTable, look_up, make_table

TABLED = (*(name for name, rule in ACTIVATIONS.items() if rule.needs_table), "leaky_relu(0.2)", "elu(0.5)")
ENDLESS = ("sin", "exp", "square")
"""Without an asymptote: their tables end where the state word or the payload word does."""
EXACT = tuple(name for name, rule in ACTIVATIONS.items() if not rule.needs_table)
FLOAT_ERROR = 1e-15
"""Relative error of phi itself in float64: four units in the last place."""


class Case(NamedTuple):
    """One choice of scales; the state word spans ±2**(state_bits - 1 + state_exponent)."""

    state_exponent: int
    state_bits: int
    payload_exponent: int
    payload_bits: int
    index_size: int


CASES = {
    "default, ±8": Case(-12, 16, -10, 16, 10),
    "beyond the domain, ±64": Case(-11, 18, -9, 16, 8),
    "20-bit state, ±32": Case(-14, 20, -18, 24, 10),
    "fine cells, where only the asymptote errs": Case(-14, 20, -19, 24, 16),
    "inside the reach, ±1/2": Case(-16, 16, -14, 16, 6),
    "short payload": Case(-12, 16, -4, 8, 10),
    "four cells": Case(-12, 16, -10, 16, 2),
    "one entry per z": Case(-6, 16, -12, 20, 12),
    "coarse state, one cell": Case(4, 16, -3, 24, 10),
    "saturating payload": Case(-11, 17, -12, 10, 8),
    "payload finer than the state": Case(-6, 16, -20, 24, 4),
    "payload coarser than the state": Case(-14, 18, 1, 4, 8),
}


def words(bits: int) -> IntArray:
    """Every number of a symmetric word."""
    top = longhand.highest(bits)
    return np.arange(-top, top + 1)


def phi(activation: str, z: FloatArray) -> FloatArray:
    with np.errstate(over="ignore"):  # exp of what no payload holds
        return find_activation(activation).phi(z)


def table_of(activation: str, case: Case) -> PhiTable:
    return make_table(
        activation,
        state_exponent=case.state_exponent,
        state_bits=case.state_bits,
        payload_exponent=case.payload_exponent,
        payload_bits=case.payload_bits,
        index_size=case.index_size,
    )


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
@pytest.mark.parametrize("activation", TABLED)
class TestEveryZ:
    def test_error_stays_within_the_bound(self, activation: str, case: Case) -> None:
        table, z = table_of(activation, case), words(case.state_bits)
        payload, n_saturated = look_up(table, z)
        held = np.abs(payload) < longhand.highest(case.payload_bits)
        exact = phi(activation, np.ldexp(z.astype(float), case.state_exponent))
        error = np.abs(np.ldexp(payload.astype(float), case.payload_exponent) - exact)
        assert (error <= table.error_bound() + FLOAT_ERROR * np.abs(exact))[held].all()
        # What saturates is what really lies beyond the word, but for the bound; and it is counted.
        top = np.ldexp(float(longhand.highest(case.payload_bits)), case.payload_exponent)
        assert (np.abs(exact)[~held] >= top - table.error_bound() - FLOAT_ERROR * top).all()
        assert np.count_nonzero(np.abs(exact) > top + table.error_bound()) <= n_saturated <= np.count_nonzero(~held)

    def test_symmetry(self, activation: str, case: Case) -> None:
        z = words(case.state_bits)
        payload, _ = look_up(table_of(activation, case), z)
        mirrored = payload[::-1]
        symmetry = find_activation(activation).symmetry
        if symmetry is Symmetry.ODD:  # -p is rounded half up as well, so a tie may leave one unit
            assert np.isin(payload + mirrored, [0, 1]).all()
        elif symmetry is Symmetry.EVEN:
            np.testing.assert_array_equal(payload, mirrored)
        assert payload[z == 0].tolist() == [0]

    def test_never_a_cliff_and_monotone(self, activation: str, case: Case) -> None:
        table = table_of(activation, case)
        z = words(case.state_bits)
        payload, _ = look_up(table, z)
        steps = np.diff(payload)
        ratio = 2.0 ** (case.state_exponent - case.payload_exponent)
        corner_rounding = 2.0**-table.fraction_bits  # two corners, half an entry unit each
        # A line between two corners is no steeper than phi is somewhere between them, one cell farther out at most.
        outer = np.maximum(np.abs(z[:-1]), np.abs(z[1:])) + (1 << table.index_bits)
        reached = np.ldexp(np.where(z[:-1] < 0, -outer, outer).astype(float), case.state_exponent)
        with np.errstate(over="ignore"):
            steepest = find_activation(activation).steepest_within(reached)
        rounded_slope = 0.5 * 2.0 ** -(table.fraction_bits + table.index_bits)
        assert (np.abs(steps) <= steepest * ratio + corner_rounding + rounded_slope + 1.0).all()
        if activation in ("tanh", "z_tanh_z", "tanh_squared", "square"):
            assert (steps[z[:-1] >= 0] >= 0).all()
        if activation in ("tanh", "hardtanh", "sigmoid", "leaky_relu", "elu", "selu", "softplus", "exp"):
            assert (steps >= 0).all()


@pytest.mark.parametrize("activation", TABLED)
@pytest.mark.parametrize(
    "case",
    [
        Case(-8, 12, -6, 8, 4),
        Case(-7, 13, -9, 12, 5),
        Case(-10, 12, -12, 14, 3),
        Case(-5, 12, -14, 16, 8),
        Case(3, 12, -2, 16, 4),
    ],
    ids=str,
)
def test_every_payload_equals_the_longhand_one(activation: str, case: Case) -> None:
    table, z = table_of(activation, case), words(case.state_bits)
    payload, n_saturated = look_up(table, z)
    expected = [longhand.payload(table, int(one)) for one in z]
    assert payload.tolist() == [value for value, _ in expected]
    assert n_saturated == sum(over for _, over in expected)


@pytest.mark.parametrize("activation", EXACT)
@pytest.mark.parametrize("shift", [-9, -3, -1, 0, 1, 5, 12])
def test_exact_activations_round_once(activation: str, shift: int) -> None:
    table = make_table(activation, state_exponent=shift, state_bits=12, payload_exponent=0, payload_bits=10)
    assert (table.entries.size, table.domain) == (0, 0)
    z = words(12)
    payload, n_saturated = look_up(table, z)
    passed = np.maximum(z, 0) if activation == "relu" else z
    expected = [longhand.clipped(longhand.half_up(int(one) * longhand.power(shift)), 10) for one in passed]
    assert payload.tolist() == [value for value, _ in expected]
    assert n_saturated == sum(over for _, over in expected)
    held = np.abs(payload) < longhand.highest(10)
    assert (np.abs(payload - np.ldexp(passed.astype(float), shift)) <= table.error_bound())[held].all()
    assert table.error_bound() == 0.5


@pytest.mark.parametrize("activation", TABLED)
@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_entries_are_phi_at_the_corners(activation: str, case: Case) -> None:
    table = table_of(activation, case)
    width = longhand.power(table.index_bits + case.state_exponent)
    unit = longhand.power(case.payload_exponent - table.fraction_bits)
    for side, sign in ((table.entries, 1), (table.entries_below, -1)):
        if side is not None:
            some = np.unique(np.linspace(0, len(side) - 1, 4000).astype(int))  # all of them, unless there are 2^16
            values = phi(activation, np.array([sign * float(int(i) * width) for i in some]))
            assert side[some].tolist() == [longhand.half_up(Fraction(float(value)) / unit) for value in values]
    assert table.fraction_bits >= MIN_FRACTION_BITS
    n_sides = len(find_activation(activation).sides)
    assert len(table.entries) + len(table.entries_below if n_sides == 2 else ()) <= n_sides * (2**case.index_size + 1)
    assert (table.entries_below is not None) == (find_activation(activation).symmetry is Symmetry.NONE)


def test_domain_is_the_shortest_that_reaches() -> None:
    wide = make_table("tanh", state_exponent=-11, state_bits=24, payload_exponent=-15, payload_bits=16)
    assert wide.domain * 2.0**-11 == 8.0
    assert len(wide.entries) == 1025
    narrow = make_table("tanh", state_exponent=-23, state_bits=24, payload_exponent=-15, payload_bits=16)
    assert narrow.domain == 2**23  # the state word ends at one, before the reach


@pytest.mark.parametrize("activation", [name for name in TABLED if find_activation(name).curvature])
def test_bound_is_not_loose(activation: str) -> None:
    table = make_table(
        activation, state_exponent=-12, state_bits=16, payload_exponent=-18, payload_bits=24, index_size=5
    )
    z = words(16)
    exact = phi(activation, np.ldexp(z.astype(float), -12))
    error = np.abs(np.ldexp(look_up(table, z)[0].astype(float), -18) - exact).max()
    assert error > 0.8 * table.error_bound()


def test_bound_of_the_default_table_is_below_a_payload_unit() -> None:
    # The table of sin spans the whole state word, here 32 on either side; phi'' of exp grows as exp does.
    for activation in set(TABLED) - {"sin", "exp"}:
        table = make_table(activation, state_exponent=-18, state_bits=24, payload_exponent=-14, payload_bits=16)
        assert table.error_bound() < 2.0**-14


def test_negative_half_is_rounded_up() -> None:
    # tanh is odd, but half up is not: p = 1/2 gives 1, p = -1/2 gives 0
    table = PhiTable(
        activation="tanh", state_exponent=0, state_bits=8, payload_exponent=0, payload_bits=8,
        index_bits=1, fraction_bits=0, entries=np.array([0, 1, 3]),
    )  # fmt: skip
    assert look_up(table, np.array([-5, -3, -2, -1, 0, 1, 2, 3, 5]))[0].tolist() == [-3, -2, -1, 0, 0, 1, 1, 2, 3]


def test_shape_is_kept() -> None:
    for activation in ACTIVATIONS:
        table = make_table(activation, state_exponent=-4, state_bits=8, payload_exponent=-4, payload_bits=8)
        for shape in ((), (0, 3), (2, 3, 4)):
            assert look_up(table, np.ones(shape, dtype=np.int64))[0].shape == shape


@pytest.mark.parametrize("index_size", [0, 17])
def test_number_of_cells_out_of_range(index_size: int) -> None:
    with pytest.raises(FixedPointError, match=r"make_table.index_size must lie in \[1, 16\]; got"):
        make_table(
            "tanh", state_exponent=-8, state_bits=16, payload_exponent=-8, payload_bits=16, index_size=index_size
        )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("payload_bits", 1, r"PhiTable.payload_bits must lie in \[2, 24\]"),
        ("payload_bits", 25, r"PhiTable.payload_bits"),
        ("state_bits", 33, r"PhiTable.state_bits must lie in \[2, 32\]"),
        ("index_bits", 31, r"PhiTable.index_bits must lie in \[0, 30\]"),
        ("fraction_bits", 33, r"PhiTable.fraction_bits must lie in \[0, 32\]"),
        ("payload_exponent", 40, r"PhiTable.slope_exponent"),
        ("entries", [0, 2**60], r"PhiTable.entries must lie in"),
        ("entries", [[0, 1]], r"PhiTable.entries must have the shape \(n_cells \+ 1,\)"),
        ("entries", [], r"PhiTable.entries must have the shape"),
    ],
)
def test_tables_out_of_range(field: str, value: object, message: str) -> None:
    good = {
        "activation": "tanh",
        "state_exponent": 0,
        "state_bits": 8,
        "payload_exponent": 0,
        "payload_bits": 8,
        "index_bits": 6,
        "fraction_bits": 4,
        "entries": [0, 1],
    }
    with pytest.raises(FixedPointError, match=message):
        PhiTable(**{**good, field: value})


def test_sides_and_slopes_are_checked() -> None:
    scales = {"state_exponent": -8, "state_bits": 16, "payload_exponent": -8, "payload_bits": 16}
    with pytest.raises(FixedPointError, match=r"PhiTable.entries_below must be given where phi has no symmetry"):
        PhiTable(activation="silu", **scales, index_bits=4, fraction_bits=8, entries=[0, 1])
    with pytest.raises(FixedPointError, match=r"PhiTable.entries_below must be given where phi has no symmetry"):
        PhiTable(activation="tanh", **scales, index_bits=4, fraction_bits=8, entries=[0, 1], entries_below=[0, 1])
    with pytest.raises(FixedPointError, match=r"PhiTable.entries_below must have the shape"):
        PhiTable(activation="silu", **scales, index_bits=4, fraction_bits=8, entries=[0, 1], entries_below=[])
    steep = {"state_exponent": 0, "state_bits": 32, "payload_exponent": -24, "payload_bits": 16}
    with pytest.raises(FixedPointError, match=r"PhiTable.slope of its asymptote must lie in"):
        PhiTable(activation="leaky_relu(16)", **steep, fraction_bits=6, entries=[0], entries_below=[0])


@pytest.mark.parametrize("activation", ["exp", "square", "sin", "sin_turns"])
def test_a_table_without_asymptote_ends_where_nothing_is_lost(activation: str) -> None:
    scales = {"state_exponent": -8, "state_bits": 16, "payload_exponent": -8, "payload_bits": 16}
    table = make_table(activation, **scales)
    below = {} if table.entries_below is None else {"entries_below": table.entries_below}
    with pytest.raises(FixedPointError, match=r"PhiTable.domain must lie in"):
        PhiTable(
            activation=activation, **scales, index_bits=table.index_bits, fraction_bits=table.fraction_bits,
            entries=table.entries[:-1], **below,
        )  # fmt: skip


def test_the_square_ends_at_its_payload_word_and_every_state_beyond_is_counted() -> None:
    table = make_table("square", state_exponent=-12, state_bits=24, payload_exponent=-12, payload_bits=16)
    end = table.domain * 2.0**-12
    assert (
        8.0 <= end**2 < 8.0 + 2 * end * 4 / 1024
    )  # payloads reach 8: it ends at the first corner beyond, of cells of 4 / 1024
    z = np.array([-(2**23) + 1, -table.domain, table.domain, 2**22])
    payload, n_saturated = look_up(table, z)
    assert (payload.tolist(), n_saturated) == ([2**15 - 1] * 4, 4)


def test_a_sine_in_turns_wraps() -> None:
    table = make_table("sin_turns", state_exponent=-16, state_bits=24, payload_exponent=-15, payload_bits=16)
    assert (table.domain, table.period_mask) == (2**16, 2**16 - 1)
    z = np.arange(-3000, 3000, 7)
    for turns in (1, 2, 100):
        shifted = z + np.where(z < 0, -turns, turns) * 2**16
        np.testing.assert_array_equal(look_up(table, shifted)[0], look_up(table, z)[0])
    coarse = make_table("sin_turns", state_exponent=2, state_bits=16, payload_exponent=-15, payload_bits=16)
    assert not look_up(coarse, words(16))[0].any()  # whole turns


def test_a_linear_side_leaves_its_cells_to_the_other() -> None:
    scales = {"state_exponent": -18, "state_bits": 24, "payload_exponent": -14, "payload_bits": 16}
    assert [make_table("elu", **scales).n_entries, make_table("silu", **scales).n_entries] == [1 + 2049, 2 * 1025]
    assert make_table("leaky_relu", **scales).n_entries == 2
    assert make_table("hardtanh", **scales).n_entries == 2


def test_shift_of_an_exact_activation_out_of_range() -> None:
    with pytest.raises(FixedPointError, match=r"state_exponent - payload_exponent must lie in \[-62, 38\]; got 39"):
        make_table("identity", state_exponent=0, state_bits=24, payload_exponent=-39, payload_bits=16)


def test_entries_must_be_integers() -> None:
    with pytest.raises(SpecError, match=r"PhiTable.entries must be an array that fits int64; got .*float64"):
        PhiTable(
            activation="tanh", state_exponent=0, state_bits=8, payload_exponent=0, payload_bits=8, entries=[0.5, 1.5]
        )
