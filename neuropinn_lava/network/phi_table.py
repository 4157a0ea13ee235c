"""phi in integers: a table over the state word with linear interpolation, and a bound of its error.

For q = |z| at scale 2**state_exponent, modulo the period where phi has one, cell i = q >> index_bits and remainder
r = q - (i << index_bits),

    p = e[i] * 2**index_bits + (e[i+1] - e[i]) * r            inside the table's domain
    p = e[-1] * 2**index_bits + (q - domain) * slope          beyond it, on the asymptote of that side
    a = half_up(+-p / 2**(fraction_bits + index_bits)), saturated to the payload word

The sign is that of z for an odd phi and + for all others, and is applied before the one rounding; without symmetry, z < 0 has
entries of its own. The slope is that of the asymptote times 2**slope_exponent, half up. Entries carry `fraction_bits` more bits
than a payload. identity and relu need no table: they are a shift, exact up to the payload's rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from ..base.arrays import ArrayRecord, BoolArray, FloatArray, IntArray, freeze_arrays
from ..base.checks import check_range, check_shape, raise_violations
from ..base.errors import FixedPointError, Violation
from .activation_rule import ActivationRule, Asymptote, Symmetry
from .activations import find_activation
from .integers import IntFormat, quantize_array, round_half_up, saturate, shift_half_up

MIN_FRACTION_BITS = 6
"""Bits by which an entry is finer than a payload, at least: its rounding then costs 2**-7 of a payload unit."""

SLOPE_BITS = 28
"""Bits after the point of a slope that is no integer, where there is room for them: it errs by 2**-29."""

MAX_FRACTION_BITS = 32
"""Bits by which an entry is finer than a payload, at most."""

DEFAULT_INDEX_SIZE = 10
"""log2 of the default number of cells: 1024 entries of 32 bits are 4 KB of a core's memory; interpolation then costs at most
1.6e-5 on a domain of 8, below half a unit of a 15-bit payload."""

MAX_INDEX_SIZE = 16
"""log2 of the largest number of cells of one side."""


class Side(NamedTuple):
    """What a table knows of z >= 0, or of z < 0: p of the module's equations is `sign` times that of these entries."""

    entries: IntArray
    """phi at the corners of this side's cells, counted from z = 0."""
    slope: int
    """Increment of p for one unit of q beyond the domain."""
    sign: int
    """1, or -1 for the negative side of an odd phi."""
    domain: int
    """Smallest q that the entries do not cover."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhiTable(ArrayRecord):
    """Table of phi from integers of the state to integers of the payload, by the module's equations."""

    activation: str
    """Name of phi, one of `ACTIVATIONS` or with a number, as leaky_relu(0.2)."""
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
    entries_below: IntArray | None = None
    """The same for z < 0, counted from zero downward, where phi has no symmetry; else None."""

    def __post_init__(self) -> None:
        freeze_arrays(self, entries=np.int64)
        if self.entries_below is not None:
            freeze_arrays(self, entries_below=np.int64)
        rule = find_activation(self.activation, "PhiTable.activation")
        found = [*check_range("PhiTable.payload_bits", self.payload_bits, 2, 24)]
        found += check_range("PhiTable.state_bits", self.state_bits, 2, 32)
        if (self.entries_below is None) == (rule.symmetry is Symmetry.NONE):
            must = "be given where phi has no symmetry, and only there"
            got = f"{rule.symmetry} and {self.entries_below!r}"
            found.append(Violation("PhiTable.entries_below", must, got, "Build the table by make_table."))
        raise_violations(found, FixedPointError)
        if rule.needs_table:
            found += self._broken_rules()
        else:
            shift = self.state_exponent - self.payload_exponent
            found += check_range("PhiTable.state_exponent - payload_exponent", shift, -62, 62 - self.state_bits)
        raise_violations(found, FixedPointError)

    def _broken_rules(self) -> list[Violation]:
        """Find what would overflow int64, or leave a state without a payload."""
        found = [*check_range("PhiTable.index_bits", self.index_bits, 0, 30)]
        highest_entry = (1 << (61 - min(max(self.index_bits, 0), 30))) - 1
        for name in ("entries", "entries_below")[: len(self.rule.sides)]:
            found += check_shape(f"PhiTable.{name}", getattr(self, name), (None,), "(n_cells + 1,)")
            found += check_range(f"PhiTable.{name}", getattr(self, name), -highest_entry, highest_entry)
        found += check_range("PhiTable.fraction_bits", self.fraction_bits, 0, MAX_FRACTION_BITS)
        found += check_range("PhiTable.slope_exponent", self.slope_exponent, 0, 62 - self.state_bits)
        if found:
            return found
        beyond_payload = (IntFormat(bits=self.payload_bits).highest + 1) << self.fraction_bits
        for side, asymptote in zip(self.sides, self.rule.sides, strict=False):
            steepest = (1 << (63 - self.state_bits)) - 1
            found += check_range("PhiTable.slope of its asymptote", side.slope, -steepest, steepest)
            leaves = self.rule.bound is None and abs(int(side.entries[-1])) >= beyond_payload
            if asymptote is None and not leaves:
                found += check_range("PhiTable.domain", side.domain, 1 << self._widest, 1 << 62)
        return found

    @property
    def rule(self) -> ActivationRule:
        """Rule of the activation that the table approximates."""
        return find_activation(self.activation)

    @property
    def domain(self) -> int:
        """Smallest z > 0, in units of the state, that the table does not cover."""
        return (len(self.entries) - 1) << self.index_bits if self.rule.needs_table else 0

    @property
    def n_entries(self) -> int:
        """Number of entries of both sides, what the table takes of a core's memory."""
        return len(self.entries) + (0 if self.entries_below is None else len(self.entries_below))

    @property
    def slope_exponent(self) -> int:
        """log2 of the increment of p for one unit of z where phi has slope one."""
        return self.state_exponent - self.payload_exponent + self.fraction_bits + self.index_bits

    @property
    def left(self) -> int:
        """Bits by which p of the module's equations is shifted to the left, half up, to give a payload; as a rule negative."""
        shift = self.state_exponent - self.payload_exponent
        return -(self.fraction_bits + self.index_bits) if self.rule.needs_table else shift

    @property
    def period_mask(self) -> int:
        """Mask that takes q modulo the period, which is a power of two; -1 without a period."""
        bits = _period_bits(self.rule, self.state_exponent)
        return -1 if bits is None or bits > 62 else (1 << bits) - 1

    @property
    def sides(self) -> tuple[Side, Side]:
        """Entries and continuation for z >= 0 and for z < 0; identity and relu have one corner, at zero."""
        rule = self.rule
        if not rule.needs_table:
            zero = np.zeros(1, dtype=np.int64)
            return Side(zero, 1, 1, 0), Side(zero, 0 if rule.asymptote_below else 1, -1, 0)
        above = self._side(self.entries, rule.asymptote, 1)
        if self.entries_below is not None:
            return above, self._side(self.entries_below, rule.asymptote_below, -1)
        return above, above._replace(sign=-1 if rule.symmetry is Symmetry.ODD else 1)

    def _side(self, entries: IntArray, asymptote: Asymptote | None, direction: int) -> Side:
        slope = math.ldexp(direction * asymptote.slope, self.slope_exponent) if asymptote else 0.0
        return Side(entries, int(round_half_up(np.array(slope))), 1, (len(entries) - 1) << self.index_bits)

    @property
    def _widest(self) -> int:
        """log2 of the longest domain: the state word, or the period of phi."""
        period_bits = _period_bits(self.rule, self.state_exponent)
        return self.state_bits - 1 if period_bits is None else min(period_bits, self.state_bits - 1)

    def error_bound(self) -> float:
        """Bound |table(z) - phi(z)| for every z of the state word whose payload does not saturate.

            half a payload unit                            the last rounding
          + half an entry unit                             rounded entries; interpolation does not amplify it
          + h**2 / 8 * max |phi''|                         linear interpolation on cells of width h > 1 unit
          or |phi - asymptote| at the domain's end, and what the asymptote's rounded slope adds, beyond the domain
          + bound of phi - highest payload                 where entries end at the highest payload, at most one unit

        Returns:
            The bound in physical units of phi.
        """
        payload_unit = 2.0**self.payload_exponent
        if not self.rule.needs_table:
            return payload_unit / 2
        entry_unit = payload_unit * 2.0**-self.fraction_bits
        sides = zip(self.sides, self.rule.sides, (1, -1), strict=False)
        worst = max(self._side_error(side, asymptote, direction) for side, asymptote, direction in sides)
        return payload_unit / 2 + entry_unit / 2 + worst + self._cut_off()

    def _side_error(self, side: Side, asymptote: Asymptote | None, direction: int) -> float:
        """Bound the error of interpolation and continuation on one side."""
        cell = 2.0 ** (self.index_bits + self.state_exponent)
        end = direction * side.domain * 2.0**self.state_exponent
        has_cells = self.index_bits > 0 and side.domain > 0
        between = cell**2 / 8 * self.rule.curvature_within(end) if has_cells else 0.0
        if asymptote is None or side.domain > IntFormat(bits=self.state_bits).highest:
            return between
        return max(between, _asymptote_gap(self.rule, asymptote, end) + self._slope_error(side, asymptote, direction))

    def _slope_error(self, side: Side, asymptote: Asymptote, direction: int) -> float:
        """Bound what the rounding of the slope adds, up to the end of the state word or of the payload word."""
        error = abs(side.slope - math.ldexp(direction * asymptote.slope, self.slope_exponent))
        unsaturated = math.ldexp(IntFormat(bits=self.payload_bits).highest + 1, -self.left)
        reached = (unsaturated + abs(int(side.entries[-1]) << self.index_bits)) / max(abs(side.slope), 1)
        n_units = min(IntFormat(bits=self.state_bits).highest - side.domain, reached)
        return math.ldexp(error * n_units, self.left + self.payload_exponent)

    def _cut_off(self) -> float:
        """Compute by how much the bound of phi exceeds the highest payload, if entries end there (`make_table`)."""
        top = math.ldexp(IntFormat(bits=self.payload_bits).highest, self.payload_exponent)
        return (
            max(0.0, (self.rule.bound or 0.0) - top) if _ends_at_highest(self.rule, top, self.payload_exponent) else 0.0
        )


def _asymptote_gap(rule: ActivationRule, asymptote: Asymptote, end: float) -> float:
    """Compute the largest |phi(z) - continuation from `end`| over all z farther out, for phi with a monotonic approach."""
    far = math.copysign(max(abs(end), asymptote.reach), end)
    at_end, at_far = (float(rule.phi(np.array([z]))[0]) for z in (end, far))
    return abs(at_far - at_end - asymptote.slope * (far - end)) + asymptote.gap


def _ends_at_highest(rule: ActivationRule, top: float, payload_exponent: int) -> bool:
    """Return whether a bounded phi exceeds the highest payload by at most one unit, which is not worth another bit."""
    return rule.bound is not None and top < rule.bound <= top + math.ldexp(1.0, payload_exponent)


def _period_bits(rule: ActivationRule, state_exponent: int) -> int | None:
    """Compute log2 of the period in units of the state; a state coarser than the period only meets whole periods."""
    return None if rule.period is None else max(math.frexp(rule.period)[1] - 1 - state_exponent, 0)


def look_up(table: PhiTable, drive: IntArray) -> tuple[IntArray, int]:
    """Compute the payloads of drives z of any shape; return them and the number that the payload word could not hold."""
    q = np.abs(drive) & table.period_mask
    above, below = table.sides
    p = interpolated(table, above, q)
    is_mirrored = below.entries is above.entries and below.slope == above.slope
    p_below = p if is_mirrored else interpolated(table, below, q)
    p = np.where(np.less(drive, 0), below.sign * p_below, p)
    return saturate(shift_half_up(p, table.left), IntFormat(bits=table.payload_bits))


def interpolated(table: PhiTable, side: Side, q: IntArray) -> IntArray:
    """Compute p of the module's equations, without its sign, as if every q lay on this side."""
    inside = q < side.domain
    within = np.where(inside, q, 0)
    cell = within >> table.index_bits
    remainder = within - (cell << table.index_bits)
    corners = np.append(side.entries, side.entries[-1])  # a side without cells has one corner
    low, high = corners[cell], corners[cell + 1]
    beyond = (side.entries[-1] << table.index_bits) + (q - side.domain) * side.slope
    p: IntArray = np.where(inside, (low << table.index_bits) + (high - low) * remainder, beyond)
    return p


@dataclass(frozen=True, slots=True)
class _Draft:
    """The rule and the scales of a table that `make_table` builds; fields as in `PhiTable`."""

    rule: ActivationRule
    state_exponent: int
    state_bits: int
    payload_exponent: int
    payload_bits: int

    @property
    def top(self) -> float:
        """The highest payload, physical."""
        return math.ldexp(IntFormat(bits=self.payload_bits).highest, self.payload_exponent)

    def length_bits(self, asymptote: Asymptote | None, direction: int) -> int | None:
        """Compute log2 of the length of one side's domain, in units of the state; None for a side that is a line from zero."""
        widest = self.state_bits - 1
        if asymptote is not None:
            if not asymptote.reach:
                return None
            return max(min(math.ceil(math.log2(asymptote.reach)) - self.state_exponent, widest), 0)
        period_bits = _period_bits(self.rule, self.state_exponent)
        if period_bits is not None or self.rule.bound is not None:
            return widest if period_bits is None else min(period_bits, widest)
        at_powers = np.ldexp(float(direction), np.arange(widest + 1) + self.state_exponent)
        leaves = self._leaves_payload(self._phi(at_powers))
        return int(leaves.argmax()) if leaves.any() else widest

    def fraction_bits(self, index_bits: int) -> int:
        """Choose the fraction: enough for a slope of one to be an integer, and more for a slope that is none."""
        coarser = self.payload_exponent - self.state_exponent - index_bits
        least = max(MIN_FRACTION_BITS, coarser)
        if all(asymptote is None or float(asymptote.slope).is_integer() for asymptote in self.rule.sides):
            return least
        room = min(MAX_FRACTION_BITS, 60 - self.payload_bits - index_bits)
        return max(least, min(coarser + min(SLOPE_BITS, 58 - self.state_bits), room))

    def corners(self, direction: int, n_cells: int, index_bits: int) -> FloatArray:
        """Evaluate phi at the corners of one side's cells; an unbounded phi ends at its first value beyond the payload."""
        phi = self._phi(np.ldexp(direction * np.arange(n_cells + 1.0), index_bits + self.state_exponent))
        leaves = self._leaves_payload(phi)
        is_endless = self.rule.sides[direction < 0] is None and self.rule.bound is None
        return phi[: int(leaves.argmax()) + 1] if is_endless and leaves.any() else phi

    def _leaves_payload(self, phi: FloatArray) -> BoolArray:
        """Return which values saturate even when the last rounding favours them."""
        return np.asarray(np.abs(phi) > self.top + math.ldexp(1.0, self.payload_exponent))

    def _phi(self, z: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):  # infinity leaves the payload as well
            return self.rule.phi(z)


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

    The domain of a side is the shortest power of two that reaches the asymptote or the end of the state word, so that the cells
    are as narrow as `2**index_size` of them a side can be. A periodic phi has one period. An unbounded phi without asymptote
    ends where it leaves the payload word, so that every z beyond saturates. Where the bound of phi exceeds the highest payload
    by at most one unit, as 1 does 2047 / 2048, entries end at the highest payload, and nothing saturates.

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
    draft = _Draft(rule, state_exponent, state_bits, payload_exponent, payload_bits)
    directions = (1, -1)[: len(rule.sides)]
    lengths = [draft.length_bits(*side) for side in zip(rule.sides, directions, strict=True)]
    index_size += sum(length is None for length in lengths)  # a side that is a line leaves its cells to the other one
    longest = max(length or 0 for length in lengths)
    index_bits = max(longest - (0 if rule.curvature == 0.0 else index_size), 0)  # without curvature one cell is exact
    fraction_bits = draft.fraction_bits(index_bits)
    entries = []
    for length, direction in zip(lengths, directions, strict=True):
        n_cells = 0 if length is None else 1 << max(length - index_bits, 0)
        side = quantize_array(draft.corners(direction, n_cells, index_bits), payload_exponent - fraction_bits)
        highest = IntFormat(bits=payload_bits).highest << fraction_bits
        entries.append(
            np.clip(side, -highest, highest) if _ends_at_highest(rule, draft.top, payload_exponent) else side
        )
    return make(
        index_bits=index_bits,
        fraction_bits=fraction_bits,
        entries=entries[0],
        entries_below=entries[1] if len(entries) == 2 else None,
    )
