"""The payload tables in C: entries in flash, and the interpolation in 32 bits where it is proved to fit.

    p = (entry << index_bits) + rise * r          r = q - (cell << index_bits)
    a = p + half >> shift

p often needs 34 bits. With shift = index_bits + f and f >= 1 the same a comes out of 32 bits, because floors nest:

    a = (entry + (rise * r >> index_bits) + 2**(f - 1)) >> f                wherever |rise * r| < 2**31

Only where neither fits, in short tables or long payloads, 64 bits are used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....base.arrays import IntArray, Record
from ....kernels.layout import Phi
from .names import Names
from .tables import CTable, number, signed_type, table

NARROW = 1 << 31
"""Magnitudes below this fit into int32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhiCode(Record):
    """A payload table in C."""

    tables: tuple[CTable, ...]
    """Arrays of entries, one for each side of zero that has more than one cell and is not the other's."""
    body: str
    """Statements that compute the payload of z, not yet saturated."""
    result_type: str
    """Type of what they return."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Side:
    """Cells of one sign of z: entries at the corners, and the rise of the last cell, which has no end."""

    entries: IntArray
    slope: int
    array: str


def phi_code(phi: Phi, phi_bits: int, state_highest: int, names: Names, k: int) -> PhiCode:
    """Write a payload table.

    Args:
        phi: The cells.
        phi_bits: Bits that hold p and the half.
        state_highest: Largest |z|.
        names: Names of the network.
        k: Number of the table.
    """
    name = f"{names.prefix}_phi{k}"
    sides = [_side(phi.cells[: phi.last + 1], f"{name}_entries")]
    if phi.first_below:
        sides.append(_side(phi.cells[phi.first_below :], f"{name}_entries_below"))
    highest = min(state_highest, phi.mask) if phi.mask >= 0 else state_highest
    result = signed_type(max(phi_bits - phi.shift, 32))
    interpolation = _interpolation(phi, phi_bits, sides, highest, names.prefix)
    wide = interpolation[0] == "int64_t"
    lines = [
        f"const int32_t q = {'((z < 0) ? -z : z)'}{f' & {phi.mask}' if phi.mask >= 0 else ''};",
        *([f"const int32_t cell = q >> {phi.index_bits};"] if any(len(side.entries) > 1 for side in sides) else []),
        f"{interpolation[0]} entry;",
        f"{interpolation[0]} rise;",
        "int32_t r;",
    ]
    if len(sides) == 1:
        lines += _lookup(sides[0], phi, wide)
    else:
        lines += ["if (z >= 0) {", *_indented(_lookup(sides[0], phi, wide)), "} else {"]
        lines += [*_indented(_lookup(sides[1], phi, wide)), "}"]
    if phi.sign_below < 0:
        lines += ["if (z < 0) {", "    entry = -entry;", "    rise = -rise;", "}"]
    value = interpolation[1]
    lines.append(f"return {value};" if result == interpolation[0] else f"return ({result})({value});")
    arrays = tuple(table(side.array, side.entries) for side in sides if len(side.entries) > 1)
    return PhiCode(tables=arrays, body="\n".join(_indented(lines)), result_type=result)


def _side(cells: IntArray, array: str) -> _Side:
    entries, rises = cells[:, 0], cells[:, 1]
    assert np.array_equal(np.diff(entries), rises[:-1]), "cells of a table join"
    return _Side(entries=entries, slope=int(rises[-1]), array=array)


def _lookup(side: _Side, phi: Phi, wide: bool) -> list[str]:
    """Find entry, rise and remainder of q on one side."""
    last = len(side.entries) - 1
    start = last << phi.index_bits
    c_type = "int64_t" if wide else "int32_t"
    tail = [
        f"entry = {number(int(side.entries[-1]), c_type)};",
        f"rise = {number(side.slope, c_type)};",
        f"r = q - {start};" if start else "r = q;",
    ]
    if not last:
        return tail
    remainder = f"q & {(1 << phi.index_bits) - 1}" if phi.index_bits else "0"
    inside = [
        f"entry = {side.array}[cell];",
        f"rise = ({c_type}){side.array}[cell + 1] - entry;",
        f"r = {remainder};",
    ]
    return [f"if (cell < {last}) {{", *_indented(inside), "} else {", *_indented(tail), "}"]


def _interpolation(phi: Phi, phi_bits: int, sides: list[_Side], highest: int, prefix: str) -> tuple[str, str]:
    """Return the type of entry and rise, and the expression of the payload."""
    worst = 0
    for side in sides:
        last = len(side.entries) - 1
        tail = abs(side.slope) * max(highest - (last << phi.index_bits), 0)
        inside = int(np.abs(np.diff(side.entries)).max(initial=0)) << phi.index_bits
        worst = max(worst, tail, inside)
    largest = max(int(np.abs(side.entries).max()) for side in sides)
    if phi_bits <= 32:
        return "int32_t", _shifted(f"(entry * {1 << phi.index_bits}) + (rise * r)", phi.half, phi.shift, "32", prefix)
    fraction = phi.shift - phi.index_bits
    rest = largest + (worst >> phi.index_bits) + 1 + ((1 << (fraction - 1)) if fraction > 0 else 0)
    if fraction >= 1 and worst < NARROW and rest < NARROW:
        inner = f"{prefix}_shift32(rise * r, {phi.index_bits}u)" if phi.index_bits else "(rise * r)"
        return "int32_t", _shifted(f"entry + {inner}", 1 << (fraction - 1), fraction, "32", prefix)
    return "int64_t", _shifted(
        f"(entry * INT64_C({1 << phi.index_bits})) + (rise * r)", phi.half, phi.shift, "64", prefix
    )


def _shifted(value: str, half: int, shift: int, size: str, prefix: str) -> str:
    if not shift:
        return value
    return f"{prefix}_shift{size}({value} + {number(half, f'int{size}_t')}, {shift}u)"


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
