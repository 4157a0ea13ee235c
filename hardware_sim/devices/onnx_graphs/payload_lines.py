"""The payload table as lines over the signed drive, for graphs that look a line up and evaluate it.

    cell = clip(floor(z / 2**index_bits), -n_below, n_above - 1)
    a    = floor((slope[cell] * z + intercept[cell]) / 2**shift)                    the half that rounds is in the intercept

The cells of z >= 0 come first and those of z < 0 last, the one next to zero at the very end: an index from -n_below to
n_above - 1 that counts from the end where it is negative, as numpy's and ONNX's do, finds each. At a corner two lines meet, so
that it does not matter which of them is taken: floor puts a corner of z < 0 into the cell nearer to zero, |z| >> index_bits
into the other one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....base.arrays import ArrayRecord, IntArray, freeze_arrays
from ...kernels.layout import Phi


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PayloadLines(ArrayRecord):
    """A payload table as lines."""

    slope: IntArray
    """Slope of each line, shape (n_above + n_below,)."""
    intercept: IntArray
    """Value of each line at z = 0 with the half that rounds, same shape."""
    n_above: int
    """Number of cells of z >= 0; 1 where one line holds for every z."""
    n_below: int
    """Number of cells of z < 0; 0 where one line holds for every z."""
    index_bits: int
    """log2 of a cell's width."""
    period: int
    """Period of z, which is taken modulo it toward zero; 0 without one."""
    shift: int
    """Last shift to the right."""
    value_bits: int
    """Bits that hold slope * z, the intercept and their sum over every z of the state word, sign included."""

    def __post_init__(self) -> None:
        freeze_arrays(self, slope=np.int64, intercept=np.int64)


def draw_lines(phi: Phi, state_bits: int) -> PayloadLines:
    """Draw the lines of a payload table.

    Args:
        phi: The table.
        state_bits: Length of the word of z.
    """
    above = _cells(phi, 0, phi.last, sign=1, side=1)
    below = _cells(phi, phi.first_below, phi.last_below, sign=phi.sign_below, side=-1)
    lines = np.concatenate([above, below[::-1]])
    n_above, n_below = len(above), len(below)
    if (lines == lines[0]).all():
        lines, n_above, n_below = lines[:1], 1, 0
    lines = lines + np.array([0, phi.half])
    farthest = phi.mask if phi.mask >= 0 else (1 << (state_bits - 1)) - 1
    return PayloadLines(
        slope=lines[:, 0],
        intercept=lines[:, 1],
        n_above=n_above,
        n_below=n_below,
        index_bits=phi.index_bits,
        period=phi.mask + 1,
        shift=phi.shift,
        value_bits=_count_bits(lines, n_above, n_below, phi.index_bits, farthest),
    )


def _cells(phi: Phi, first: int, last: int, *, sign: int, side: int) -> IntArray:
    """Return slope and intercept of the cells of one side from zero on, shape (last + 1, 2)."""
    entry, rise = phi.cells[first : first + last + 1].astype(np.int64).T
    start = np.arange(last + 1, dtype=np.int64) << phi.index_bits
    return np.stack([side * sign * rise, sign * ((entry << phi.index_bits) - rise * start)], axis=1)


def _count_bits(lines: IntArray, n_above: int, n_below: int, index_bits: int, farthest: int) -> int:
    """Count the bits of the largest |slope| * |z| + |intercept| of any cell."""
    worst = 0
    for k, (slope, intercept) in enumerate(lines.tolist()):
        number = k if k < n_above else n_above + n_below - 1 - k
        is_last = number == (n_above if k < n_above else n_below) - 1
        end = farthest if is_last else min((number + 1) << index_bits, farthest)
        worst = max(worst, abs(slope) * end + abs(intercept))
    return worst.bit_length() + 1
