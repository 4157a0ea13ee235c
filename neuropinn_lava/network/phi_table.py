"""phi in integers: a table over the state word with linear interpolation, and a bound of its error.

For q = |z| at scale 2**state_exponent, cell i = q >> index_bits and remainder r = q - (i << index_bits),

    p = e[i] * 2**index_bits + (e[i+1] - e[i]) * r            inside the table's domain
    p = e[-1] * 2**index_bits                                 beyond it, constant asymptote
    p = e[-1] * 2**index_bits + (q - domain) * slope          beyond it, slope one
    a = half_up(+-p / 2**(fraction_bits + index_bits)), saturated to the payload word

The sign is that of z for an odd phi and + for an even one, and is applied before the one rounding. Entries carry
`fraction_bits` more bits than a payload. identity and relu need no table: they are a shift, exact up to the payload's rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..base.arrays import ArrayRecord, IntArray, freeze_arrays
from ..base.checks import check_range, check_shape, raise_violations
from ..base.errors import FixedPointError
from .activations import ActivationRule, Asymptote, Symmetry, find_activation
from .integers import IntFormat, quantize_array, saturate, shift_half_up

MIN_FRACTION_BITS = 6
"""Bits by which an entry is finer than a payload, at least: its rounding then costs 2**-7 of a payload unit."""

GAP_AT_REACH = 2e-6
"""Bound of |phi - asymptote| at an activation's reach; see `ActivationRule.reach`."""

DEFAULT_INDEX_SIZE = 10
"""log2 of the default number of cells: 1024 entries of 32 bits are 4 KB of a core's memory; interpolation then costs at most
1.6e-5 on a domain of 8, below half a unit of a 15-bit payload."""

MAX_INDEX_SIZE = 16
"""log2 of the largest number of cells."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhiTable(ArrayRecord):
    """Table of phi from integers of the state to integers of the payload, by the module's equations."""

    activation: str
    """Name of phi, one of `ACTIVATIONS`."""
    state_exponent: int
    """Exponent of the state: z stands for z * 2**state_exponent."""
    state_bits: int
    """Word length of z, 2 to 32 bits."""
    payload_exponent: int
    """Exponent of the payload: a stands for a * 2**payload_exponent."""
    payload_bits: int
    """Word length of a, 2 to 24 bits."""
    index_bits: int = 0
    """log2 of a cell's width in units of z."""
    fraction_bits: int = 0
    """Bits by which entries are finer than payloads."""
    entries: IntArray
    """phi at the cells' corners, scale 2**(payload_exponent - fraction_bits), shape (n_cells + 1,); (0,) without a table."""

    def __post_init__(self) -> None:
        freeze_arrays(self, entries=np.int64)
        rule = find_activation(self.activation, "PhiTable.activation")
        found = [*check_range("PhiTable.payload_bits", self.payload_bits, 2, 24)]
        found += check_range("PhiTable.state_bits", self.state_bits, 2, 32)
        if rule.needs_table:
            found += check_shape("PhiTable.entries", self.entries, (None,), "(n_cells + 1,)")
            found += check_range("PhiTable.index_bits", self.index_bits, 0, 30)
            highest_entry = (1 << (61 - min(max(self.index_bits, 0), 30))) - 1
            found += check_range("PhiTable.entries", self.entries, -highest_entry, highest_entry)
            found += check_range("PhiTable.fraction_bits", self.fraction_bits, 0, 32)
            if rule.asymptote is Asymptote.NONE:
                found += check_range("PhiTable.domain", self.domain, 1 << (self.state_bits - 1), 1 << 62)
            found += check_range("PhiTable.slope_exponent", self.slope_exponent, 0, 62 - self.state_bits)
        else:
            shift = self.state_exponent - self.payload_exponent
            found += check_range("PhiTable.state_exponent - payload_exponent", shift, -62, 62 - self.state_bits)
        raise_violations(found, FixedPointError)

    @property
    def rule(self) -> ActivationRule:
        """Rule of the activation that the table approximates."""
        return find_activation(self.activation)

    @property
    def domain(self) -> int:
        """Smallest |z|, in units of the state, that the table does not cover."""
        return (len(self.entries) - 1) << self.index_bits if self.rule.needs_table else 0

    @property
    def slope_exponent(self) -> int:
        """log2 of the increment of p for one unit of z where phi has slope one."""
        return self.state_exponent - self.payload_exponent + self.fraction_bits + self.index_bits

    def error_bound(self) -> float:
        """Bound |table(z) - phi(z)| for every z of the state word whose payload does not saturate.

            half a payload unit                            the last rounding
          + half an entry unit                             rounded entries; interpolation does not amplify it
          + h**2 / 8 * max |phi''|                         linear interpolation on cells of width h > 1 unit
          or |phi - asymptote| at the domain's end, beyond the domain
          + bound of phi - highest payload                 where entries end at the highest payload, at most one unit

        Returns:
            The bound in physical units of phi.
        """
        payload_unit = 2.0**self.payload_exponent
        if not self.rule.needs_table:
            return payload_unit / 2
        cell = 2.0 ** (self.index_bits + self.state_exponent)
        end = self.domain * 2.0**self.state_exponent
        highest = ((1 << (self.state_bits - 1)) - 1) * 2.0**self.state_exponent
        beyond = _asymptote_gap(self.rule, end) if end <= highest else 0.0
        entry_unit = payload_unit * 2.0**-self.fraction_bits
        between = cell**2 / 8 * self.rule.curvature if self.index_bits else 0.0
        return payload_unit / 2 + entry_unit / 2 + max(between, beyond) + self._cut_off()

    def _cut_off(self) -> float:
        """Compute by how much the bound of phi exceeds the highest payload, if entries end there (`make_table`)."""
        top = math.ldexp(IntFormat(bits=self.payload_bits).highest, self.payload_exponent)
        return (
            max(0.0, (self.rule.bound or 0.0) - top) if _ends_at_highest(self.rule, top, self.payload_exponent) else 0.0
        )


def _asymptote_gap(rule: ActivationRule, end: float) -> float:
    """Compute the largest |phi(z) - continuation from `end`| over z >= end, for phi with a monotonic approach."""
    far = max(end, rule.reach)
    at_end, at_far = (float(rule.phi(np.array([z]))[0]) for z in (end, far))
    slope = 1.0 if rule.asymptote is Asymptote.SLOPE_ONE else 0.0
    return abs(at_far - at_end - slope * (far - end)) + GAP_AT_REACH


def _ends_at_highest(rule: ActivationRule, top: float, payload_exponent: int) -> bool:
    """Return whether a bounded phi exceeds the highest payload by at most one unit, which is not worth another bit."""
    return rule.bound is not None and top < rule.bound <= top + math.ldexp(1.0, payload_exponent)


def make_table(
    activation: str,
    *,
    state_exponent: int,
    state_bits: int,
    payload_exponent: int,
    payload_bits: int,
    index_size: int = DEFAULT_INDEX_SIZE,
) -> PhiTable:
    """Build the table of an activation for given scales.

    The domain is the shortest power of two that reaches the asymptote or the end of the state word, so that the cells are as
    narrow as `2**index_size` of them can be. Where the bound of phi exceeds the highest payload by at most one unit, as 1 does
    2047 / 2048, entries end at the highest payload, and nothing saturates.

    Raises:
        FixedPointError: If a word length or the size of the table is out of range.
    """
    rule = find_activation(activation)
    raise_violations(check_range("make_table.index_size", index_size, 1, MAX_INDEX_SIZE), FixedPointError)
    make = partial(
        PhiTable,
        activation=activation,
        state_exponent=state_exponent,
        state_bits=state_bits,
        payload_exponent=payload_exponent,
        payload_bits=payload_bits,
    )
    if not rule.needs_table:
        return make(entries=np.zeros(0, dtype=np.int64))
    reach_bits = int(np.ceil(np.log2(rule.reach))) - state_exponent if math.isfinite(rule.reach) else state_bits - 1
    index_bits = max(min(reach_bits, state_bits - 1) - index_size, 0)
    n_cells = 1 << max(min(reach_bits, state_bits - 1) - index_bits, 0)
    fraction_bits = max(MIN_FRACTION_BITS, payload_exponent - state_exponent - index_bits)
    corners = np.ldexp(np.arange(n_cells + 1, dtype=np.float64), index_bits + state_exponent)
    entries = quantize_array(rule.phi(corners), payload_exponent - fraction_bits)
    highest = IntFormat(bits=payload_bits).highest
    if _ends_at_highest(rule, math.ldexp(highest, payload_exponent), payload_exponent):
        entries = np.clip(entries, -(highest << fraction_bits), highest << fraction_bits)
    return make(index_bits=index_bits, fraction_bits=fraction_bits, entries=entries)


def look_up(table: PhiTable, drive: IntArray) -> tuple[IntArray, int]:
    """Compute the payloads of drives z of any shape; return them and the number that the payload word could not hold."""
    word = IntFormat(bits=table.payload_bits)
    if not table.rule.needs_table:
        passed = np.maximum(drive, 0) if table.activation == "relu" else drive
        return saturate(shift_half_up(passed, table.state_exponent - table.payload_exponent), word)
    q = np.abs(drive)
    inside = q < table.domain
    cell = np.where(inside, q, 0) >> table.index_bits
    remainder = np.where(inside, q, 0) - (cell << table.index_bits)
    low, high = table.entries[cell], table.entries[cell + 1]
    p = (low << table.index_bits) + (high - low) * remainder
    beyond = np.full_like(q, table.entries[-1] << table.index_bits)
    if table.rule.asymptote is Asymptote.SLOPE_ONE:
        beyond += (q - table.domain) << table.slope_exponent
    p = np.where(inside, p, beyond)
    if table.rule.symmetry is Symmetry.ODD:
        p = np.where(drive < 0, -p, p)
    return saturate(shift_half_up(p, -(table.fraction_bits + table.index_bits)), word)
