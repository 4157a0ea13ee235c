"""A population of one step as thresholds over its exact sums, where a MultiThreshold node can be it.

    a = lowest + #{k : p >= t[k]}          t[k] = min{p : a(p) >= lowest + k + 1}         p = W a, before any shift

Shift, bias, clip, spike and payload are one staircase of p where the payload never falls as z grows. A neuron that does not
fire sends 0: the levels above 0 begin at theta at the earliest, and those up to 0 end above -theta at the latest, so that the
jump at theta is the same threshold several times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....base.arrays import ArrayRecord, IntArray, freeze_arrays
from ....network.integers import IntFormat
from ..integer_plan import ConnectionPlan, PopulationPlan
from .exactness import product_bound, sum_bound
from .payload_lines import PayloadLines


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Staircase(ArrayRecord):
    """Payloads of a population as a count of thresholds."""

    lowest: int
    """Payload below all thresholds."""
    thresholds: IntArray
    """Thresholds of each neuron over its sum W a, ascending, shape (n_out, n_levels)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, thresholds=np.int64)


def never_falls(node: PopulationPlan, lines: PayloadLines) -> bool:
    """Return whether the payload of a population never falls as its drive grows, over all drives that can fire."""
    if lines.period:
        return False
    cells = _reachable_cells(node, lines)
    return bool((lines.slope[cells] >= 0).all())


def make_staircase(node: PopulationPlan, lines: PayloadLines) -> Staircase:
    """Compute the thresholds of a population with one connection, whose payload never falls.

    Args:
        node: The population.
        lines: Its payload table.
    """
    (connection,) = node.affine.connections
    farthest = _farthest(node)
    lowest_drive = -farthest if node.is_two_sided else 0
    lowest, highest = (int(_payload(node, lines, np.array(z))) for z in (lowest_drive, farthest))
    level = np.arange(lowest + 1, highest + 1)
    drive = _first_drives(node, lines, level, lowest_drive, farthest)
    theta = node.theta[:, None]
    fires_at = np.where(level > 0, np.maximum(drive, theta), np.minimum(drive, 1 - theta))
    return Staircase(lowest=lowest, thresholds=_over_sums(fires_at - node.affine.bias[:, None], connection))


def _farthest(node: PopulationPlan) -> int:
    """Return the largest |z| of any words, after the clip."""
    return min(sum_bound(node.affine), IntFormat(bits=node.affine.state.bits).highest)


def _reachable_cells(node: PopulationPlan, lines: PayloadLines) -> IntArray:
    """Return the indices of the cells of every drive that can fire."""
    low, high = _cell(lines, np.array([-_farthest(node) if node.is_two_sided else 0, _farthest(node)]))
    return np.arange(low, high + 1)


def _cell(lines: PayloadLines, drive: IntArray) -> IntArray:
    return np.clip(drive >> lines.index_bits, -lines.n_below, lines.n_above - 1)


def _payload(node: PopulationPlan, lines: PayloadLines, drive: IntArray) -> IntArray:
    """Compute the payloads of drives that fire."""
    cell, highest = _cell(lines, drive), IntFormat(bits=node.sends.bits).highest
    rounded = (lines.slope[cell] * drive + lines.intercept[cell]) >> lines.shift
    return np.clip(rounded, -highest, highest)


def _first_drives(node: PopulationPlan, lines: PayloadLines, level: IntArray, low: int, high: int) -> IntArray:
    """Find the least drive from low on whose payload reaches each level, by bisection; every level is reached at high."""
    below, reaches = np.full(level.shape, low), np.full(level.shape, high)
    while (reaches - below > 1).any():
        middle = (below + reaches) >> 1
        is_reached = _payload(node, lines, middle) >= level
        below, reaches = np.where(is_reached, below, middle), np.where(is_reached, middle, reaches)
    return reaches


def _over_sums(total: IntArray, connection: ConnectionPlan) -> IntArray:
    """Find the least sum W a whose shifted value reaches each total, (n_out, n_levels); out of reach is one above all sums."""
    bound = np.array(product_bound(connection))[:, None]
    up, half, down = (each[:, None] for each in (connection.up, connection.half, connection.down))
    farthest = (bound >> down) + 2
    within = np.clip(total, -farthest, farthest)
    aligned = np.where(up > 0, -(-total >> up), (within << down) - half)
    return np.clip(aligned, -bound, bound + 1)
