"""The payload tables in C: entries in flash, and the interpolation in 32 bits where it is proved to fit.

    p = (entry << index_bits) + rise * r          r = q - (cell << index_bits)
    a = p + half >> shift

p often needs 34 bits. With shift = index_bits + f and f >= 1 the same a comes out of 32 bits, because floors nest:

    a = (entry + (rise * r >> index_bits) + 2**(f - 1)) >> f                wherever |rise * r| < 2**31

In the last cell, which has no end, r is long; where its rise is k << index_bits, rise * r >> index_bits is k r. Only where none
of this fits, in short tables and for long payloads, 64 bits are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from .....base.arrays import IntArray, Record
from ....kernels.layout import Phi
from .names import Names
from .tables import CTable, number, signed_type, table

NARROW = 1 << 31
"""Magnitudes below this fit into int32."""


class Interpolation(Enum):
    """How p is computed."""

    WHOLE = "whole"
    """p itself, in 32 bits."""
    SPLIT = "split"
    """By nested floors, in 32 bits."""
    WIDE = "wide"
    """p itself, in 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhiCode(Record):
    """A payload table in C."""

    tables: tuple[CTable, ...]
    """Arrays of entries, one for each side of zero that has more than one cell and is not the other's."""
    body: str
    """Statements that compute the payload of z, not yet saturated."""
    result_type: str
    """Type of what they return."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Side:
    """Cells of one sign of z: entries at the corners, and the rise of the last cell, which has no end."""

    entries: IntArray
    slope: int
    array: str

    @property
    def last(self) -> int:
        """Number of the last cell."""
        return len(self.entries) - 1

    def share(self, defined: dict[bytes, str]) -> bool:
        """Take the array of equal entries that is defined already, and return whether there is none and one is needed."""
        name = defined.setdefault(self.entries.tobytes(), self.array)
        is_new, self.array = name == self.array, name
        return is_new and self.last > 0


def phi_code(phi: Phi, phi_bits: int, state_highest: int, names: Names, k: int, defined: dict[bytes, str]) -> PhiCode:
    """Write a payload table.

    Args:
        phi: The cells.
        phi_bits: Bits that hold p and the half.
        state_highest: Largest |z|.
        names: Names of the network.
        k: Number of the table.
        defined: Names of the arrays of entries that are defined already, by their contents; new ones are added.
    """
    sides = _sides(phi, f"{names.prefix}_phi{k}")
    arrays = [table(side.array, side.entries) for side in sides if side.share(defined)]
    highest = min(state_highest, phi.mask) if phi.mask >= 0 else state_highest
    how = _choose(phi, phi_bits, sides, highest)
    c_type = "int64_t" if how is Interpolation.WIDE else "int32_t"
    result = signed_type(max(phi_bits - phi.shift, 32))
    magnitude = "(z < 0) ? -z : z"
    lines = [f"const int32_t q = {magnitude if phi.mask < 0 else f'(({magnitude}) & {phi.mask})'};"]
    if any(side.last for side in sides):
        lines.append(f"const int32_t cell = q >> {phi.index_bits};")
    lines += [f"{c_type} entry;", f"{c_type} rise;", "int32_t r;"]
    if len(sides) == 1:
        lines += _lookup(sides[0], phi, how)
    else:
        above, below = (_indented(_lookup(side, phi, how)) for side in sides)
        lines += ["if (z >= 0) {", *above, "} else {", *below, "}"]
    if phi.sign_below < 0:
        lines += ["if (z < 0) {", "    entry = -entry;", "    rise = -rise;", "}"]
    value = _payload(phi, how, names.prefix)
    lines.append(f"return {value};" if result == c_type else f"return ({result})({value});")
    return PhiCode(tables=tuple(arrays), body="\n".join(_indented(lines)), result_type=result)


def _sides(phi: Phi, name: str) -> list[_Side]:
    """Return the cells of z >= 0 and, where they are others, those of z < 0."""
    if not phi.first_below:
        return [_side(phi.cells, f"{name}_entries")]
    above, below = phi.cells[: phi.first_below], phi.cells[phi.first_below :]
    return [_side(above, f"{name}_entries"), _side(below, f"{name}_entries_below")]


def _side(cells: IntArray, array: str) -> _Side:
    entries, rises = cells.T.astype(np.int64)
    assert np.array_equal(np.diff(entries), rises[:-1]), "cells of a table join"
    return _Side(entries=entries, slope=int(rises[-1]), array=array)


def _choose(phi: Phi, phi_bits: int, sides: list[_Side], highest: int) -> Interpolation:
    """Choose the interpolation: whole in 32 bits, else split where everything fits, else in 64 bits."""
    if phi_bits <= 32:
        return Interpolation.WHOLE
    fraction = phi.shift - phi.index_bits
    if fraction < 1 or max(_split_bound(side, phi.index_bits, highest) for side in sides) + (1 << fraction) >= NARROW:
        return Interpolation.WIDE
    return Interpolation.SPLIT


def _split_bound(side: _Side, index_bits: int, highest: int) -> int:
    """Bound everything that a split interpolation computes on one side, without its half."""
    largest = int(np.abs(side.entries).max())
    inside = int(np.abs(np.diff(side.entries)).max(initial=0)) << index_bits
    length = max(highest - (side.last << index_bits), 0)
    end = abs(int(side.entries[-1]))
    if _is_whole(side, index_bits):
        tail = end + (abs(side.slope) >> index_bits) * length
    else:
        tail = max(abs(side.slope) * length, end + (abs(side.slope) * length >> index_bits) + 1)
    return max(inside, largest + (inside >> index_bits) + 1, tail)


def _is_whole(side: _Side, index_bits: int) -> bool:
    """Return whether the last cell rises by a whole number for each unit of q."""
    return side.slope % (1 << index_bits) == 0


def _lookup(side: _Side, phi: Phi, how: Interpolation) -> list[str]:
    """Find entry, rise and remainder of q on one side."""
    c_type = "int64_t" if how is Interpolation.WIDE else "int32_t"
    tail = _last_cell(side, phi.index_bits, how, c_type)
    if not side.last:
        return tail
    inside = [
        f"entry = {side.array}[cell];",
        f"rise = ({c_type}){side.array}[cell + 1] - entry;",
        f"r = q & {(1 << phi.index_bits) - 1};",
    ]
    return [f"if (cell < {side.last}) {{", *_indented(inside), "} else {", *_indented(tail), "}"]


def _last_cell(side: _Side, index_bits: int, how: Interpolation, c_type: str) -> list[str]:
    """Write entry, rise and remainder in the last cell."""
    start, end = side.last << index_bits, int(side.entries[-1])
    beyond = f"(q - {start})" if start else "q"
    if how is Interpolation.SPLIT and side.slope and _is_whole(side, index_bits):
        return [f"entry = {number(end)} + ({number(side.slope >> index_bits)} * {beyond});", "rise = 0;", "r = 0;"]
    return [
        f"entry = {number(end, c_type)};",
        f"rise = {number(side.slope, c_type)};",
        f"r = {beyond if side.slope else '0'};",
    ]


def _payload(phi: Phi, how: Interpolation, prefix: str) -> str:
    """Write the payload of entry, rise and remainder."""
    if how is Interpolation.SPLIT:
        product = f"{prefix}_shift32(rise * r, {phi.index_bits}u)" if phi.index_bits else "(rise * r)"
        fraction = phi.shift - phi.index_bits
        return f"{prefix}_shift32(entry + {product} + {1 << (fraction - 1)}, {fraction}u)"
    c_type = "int64_t" if how is Interpolation.WIDE else "int32_t"
    p = f"(entry * {number(1 << phi.index_bits, c_type)}) + (rise * r)"
    if not phi.shift:
        return p
    return f"{prefix}_shift{c_type[3:5]}({p} + {number(phi.half, c_type)}, {phi.shift}u)"


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
