"""Constants of a network as C: the narrowest integer type that holds them, numbers, and arrays of them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np

from .....base.arrays import Record

WIDTH = 120
"""Length of a line of numbers."""
SIZES = {"int8_t": 1, "uint8_t": 1, "int16_t": 2, "uint16_t": 2, "int32_t": 4, "uint32_t": 4, "int64_t": 8}
"""Bytes of the types that are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CTable(Record):
    """A constant array in C."""

    text: str
    """Definition of the array, as it stands in the header."""
    n_bytes: int
    """Bytes that it takes."""


def signed_type(bits: int) -> str:
    """Return the narrowest type for a word of so many bits, its sign included."""
    return next(
        name for size, name in ((8, "int8_t"), (16, "int16_t"), (32, "int32_t"), (64, "int64_t")) if bits <= size
    )


def narrowest_type(values: Any) -> str:
    """Return the narrowest type that holds all values of an array; one without a sign converts to int32_t silently."""
    lowest, highest = int(np.min(values)), int(np.max(values))
    if lowest >= 0 and highest <= 0xFFFF:
        return "uint8_t" if highest <= 0xFF else "uint16_t"
    return signed_type(max(highest, -lowest - 1).bit_length() + 1)


def number(value: int, c_type: str = "int32_t") -> str:
    """Write an integer as a constant expression of a type, in brackets where it is negative."""
    text = _literal(value, c_type)
    return f"({text})" if value < 0 else text


def _literal(value: int, c_type: str) -> str:
    if c_type.startswith("uint"):
        return f"{value}u"
    if c_type == "int64_t":
        return f"{'-' if value < 0 else ''}INT64_C({abs(value)})"
    return str(value)


def table(name: str, values: Any, c_type: str | None = None) -> CTable:
    """Define a constant array of one or two axes in the narrowest type, or in a given one."""
    array = np.asarray(values)
    c_type = c_type or narrowest_type(array)
    shape = "".join(f"[{n}]" for n in array.shape)
    if array.ndim == 1:
        body = _row(array, c_type, 4)
    else:
        body = ",\n".join(f"    {{\n{_row(row, c_type, 8)}\n    }}" for row in array)
    return CTable(
        text=f"static const {c_type} {name}{shape} = {{\n{body}\n}};\n", n_bytes=int(array.size) * SIZES[c_type]
    )


def _row(values: Any, c_type: str, indent: int) -> str:
    text = ", ".join(_literal(int(value), c_type) for value in values)
    blanks = " " * indent
    return textwrap.fill(text, WIDTH, initial_indent=blanks, subsequent_indent=blanks, break_on_hyphens=False)
