"""Least and largest payload of a phi table over intervals of drives, for interval arithmetic in the network's own integers.

Between two corners of a table, and beyond the last one, p is a line, and rounding is monotone: the ends of an interval and the
corners between them attain both extremes, whether or not phi is monotone. The extremes over many corners are those of two
overlapping runs of 1, 2, 4 … corners.
"""

from __future__ import annotations

import numpy as np

from ..base.arrays import IntArray
from .integers import IntFormat, saturate, shift_half_up
from .phi_table import PhiTable, Side, interpolated

NEVER = 1 << 62
"""A magnitude that no p has."""


def range_over(table: PhiTable, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
    """Compute the least and the largest payload over all drives of each interval, before saturation.

    Args:
        table: The table.
        low: Least drives, any shape; what lies beyond the state word counts as its end, where it saturates.
        high: Largest drives, same shape, not below `low`.
    """
    word = IntFormat(bits=table.state_bits)
    (low, _), (high, _) = saturate(low, word), saturate(high, word)
    least, largest = (np.full(np.shape(low), unreached, dtype=np.int64) for unreached in (NEVER, -NEVER))
    above, below = table.sides
    parts = ((above, np.maximum(low, 0), high), (below, np.maximum(np.negative(high), 1), np.negative(low)))
    for side, nearest, farthest in parts:
        is_reached = nearest <= farthest
        if not is_reached.any():
            continue
        ends = _range_on_side(table, side, nearest, np.maximum(nearest, farthest))
        signed = np.sort(np.stack([side.sign * end for end in ends]), axis=0)
        least = np.where(is_reached, np.minimum(least, signed[0]), least)
        largest = np.where(is_reached, np.maximum(largest, signed[1]), largest)
    return shift_half_up(least, table.left), shift_half_up(largest, table.left)


def _range_on_side(table: PhiTable, side: Side, nearest: IntArray, farthest: IntArray) -> tuple[IntArray, IntArray]:
    """Compute the range of p, without its sign, over the q from `nearest` to `farthest`."""
    entries = side.entries
    if 0 <= table.period_mask == side.domain - 1:  # it wraps: an interval lies within two periods, or holds a whole one
        length = np.minimum(farthest - nearest, side.domain)
        nearest = nearest & table.period_mask
        farthest = nearest + length
        entries = np.append(entries, entries[1:])
    ends = [interpolated(table, side, q & table.period_mask) for q in (nearest, farthest)]
    first = -(-nearest >> table.index_bits)
    last = np.minimum(farthest >> table.index_bits, len(entries) - 1)
    corners = [corner << table.index_bits for corner in _extremes(entries, first, last)]
    has_corner = first <= last
    least = np.where(has_corner, np.minimum(corners[0], np.minimum(*ends)), np.minimum(*ends))
    largest = np.where(has_corner, np.maximum(corners[1], np.maximum(*ends)), np.maximum(*ends))
    return least, largest


def _extremes(entries: IntArray, first: IntArray, last: IntArray) -> tuple[IntArray, IntArray]:
    """Compute minimum and maximum of entries[first … last]; where first > last the result means nothing."""
    first = np.minimum(first, len(entries) - 1)
    level = np.frexp(np.maximum(last - first + 1, 1))[1] - 1  # log2 of the length, rounded down
    n_levels = int(level.max(initial=0)) + 1
    low, high = np.tile(entries, (n_levels, 1)), np.tile(entries, (n_levels, 1))
    for k in range(1, n_levels):  # row k: extremes of 2**k entries from each place on, as far as there are so many
        half, n = 1 << (k - 1), len(entries) - (1 << k) + 1
        low[k, :n] = np.minimum(low[k - 1, :n], low[k - 1, half : half + n])
        high[k, :n] = np.maximum(high[k - 1, :n], high[k - 1, half : half + n])
    second = np.maximum(last + 1 - (1 << level), 0)
    return np.minimum(low[level, first], low[level, second]), np.maximum(high[level, first], high[level, second])
