"""Blocks of points for runs of Lava: any number of points goes through it in constant memory, one run a block.

Blocks come from an iterable (chunks of a file, slices of a mapped array, a generator) in arrays of any lengths; they are cut
and joined to blocks of one size, because each run of Lava costs a fraction of a second to start. Outputs do not depend on the
size of the blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ...base.arrays import FloatArray
from ...base.errors import SpecError
from ...base.points import checked_points
from ...engine.trace import LavaMode
from ...network.quantized import Network
from .plan import MAX_PRESENTED

BLOCK_SIZE = 1 << 19
"""Samples of a block: a few seconds of work beside a fifth of a second to start; 40 MB of points, words and outputs."""
FAITHFUL_BLOCK_SIZE = 1 << 12
"""Samples of a block where they go one at a time: a minute of work."""


def suitable_block(network: Network, mode: LavaMode) -> int:
    """Return the number of samples of a run that is neither short against its start nor too long to lose."""
    size = BLOCK_SIZE if mode is LavaMode.BATCHED else FAITHFUL_BLOCK_SIZE
    return min(size, MAX_PRESENTED // network.n_steps)


def slices(points: Any, block_size: int = BLOCK_SIZE) -> Iterator[FloatArray]:
    """Cut one array into blocks; one that is mapped from a file (`np.load(path, mmap_mode="r")`) is read block by block."""
    for first in range(0, len(points), block_size):
        yield np.array(points[first : first + block_size])


def rejoined(points: Iterable[FloatArray], block_size: int, n_in: int, first: int = 0) -> Iterator[FloatArray]:
    """Cut and join arrays (n, n_in) of any lengths to blocks of one size; the last one may be shorter.

    Args:
        points: Arrays of physical coordinates, each of shape (n, n_in).
        block_size: Number of points of a block, at least 1.
        n_in: Number of coordinates of a point.
        first: Number of the first point, from which errors count.

    Raises:
        SpecError: If the size is not positive, or if an array does not hold points.
    """
    if block_size < 1:
        raise SpecError("stream.block_size", "be at least 1", block_size, "Choose a number in that range.")
    held: list[FloatArray] = []
    n_held, n_seen = 0, first
    for array in points:
        if not len(array):
            continue
        checked = checked_points(array, n_in, f"stream: block of points from number {n_seen} on")
        n_seen += len(checked)
        held.append(checked)
        n_held += len(checked)
        if n_held >= block_size:
            joined = np.concatenate(held)
            n_whole = n_held // block_size * block_size
            yield from np.split(joined[:n_whole], n_whole // block_size)
            held, n_held = [joined[n_whole:].copy()], n_held - n_whole
    if n_held:
        yield np.concatenate(held)
