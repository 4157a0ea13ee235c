"""Send any number of points through Lava in constant memory: block after block, each a run of its own.

Blocks come from an iterable (chunks of a file, slices of a mapped array, a generator) in whatever sizes it gives; they are cut
and joined to blocks of one size, because each run of Lava costs a fraction of a second to start. What a block gives is handed
on before the next one is run. Outputs do not depend on the size of the blocks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ...base.arrays import FloatArray
from ...base.errors import SpecError
from ...base.points import checked_points
from ...engine.trace import LavaMode, RunTrace
from ...network.quantized import Network
from .plan import MAX_PRESENTED
from .simulate import simulate_on_lava

BLOCK_SIZE = 1 << 19
"""Samples of a block: a few seconds of work beside a fifth of a second to start; 40 MB of points, words and outputs."""
FAITHFUL_BLOCK_SIZE = 1 << 12
"""Samples of a block where they go one at a time: a minute of work."""


def suitable_block(network: Network, mode: LavaMode) -> int:
    """Choose how many samples a run should have, so that it is neither short against its start nor long to lose."""
    size = BLOCK_SIZE if mode is LavaMode.BATCHED else FAITHFUL_BLOCK_SIZE
    return min(size, MAX_PRESENTED // network.n_steps)


def stream_on_lava(
    network: Network,
    points: Iterable[FloatArray],
    *,
    block_size: int | None = None,
    mode: LavaMode = LavaMode.BATCHED,
    on_progress: Callable[[int, float], None] | None = None,
    **options: Any,
) -> Iterator[RunTrace]:
    """Run blocks of points one after the other, and yield each block's trace; the outputs are in the order of the points.

    Args:
        network: Float or quantized.
        points: Arrays (n, n_in) of physical coordinates, of any lengths; `slices` makes them of one array.
        block_size: Samples of a run, None chooses; the last one may have fewer.
        mode: One sample at a time, or batches.
        on_progress: Called with the number of finished samples and the seconds since the first block was begun.
        options: Those of `simulate_on_lava`; a probe records the first samples of every block.

    Raises:
        SpecError: If a block of points is not what the network takes; the error names the first of its points.
        SimulationError: If a run fails; the blocks before it have been yielded.
    """
    start, n_done = time.perf_counter(), 0
    for block in rejoined(points, suitable_block(network, mode) if block_size is None else block_size, network.n_in):
        done = n_done

        def tell(n_in_block: int, _: int, done: int = done) -> None:
            if on_progress is not None:
                on_progress(done + n_in_block, time.perf_counter() - start)

        trace = simulate_on_lava(network, block, mode=mode, on_progress=tell, **options)
        n_done += trace.n_samples
        yield trace


def slices(points: Any, block_size: int = BLOCK_SIZE) -> Iterator[FloatArray]:
    """Cut one array into blocks; one that is mapped from a file (`np.load(path, mmap_mode="r")`) is read block by block."""
    for first in range(0, len(points), block_size):
        yield np.array(points[first : first + block_size])


def rejoined(points: Iterable[FloatArray], block_size: int, n_in: int, first: int = 0) -> Iterator[FloatArray]:
    """Cut and join arrays (n, n_in) of any lengths to blocks of one size; the last one may be shorter.

    Args:
        points: The arrays.
        block_size: Rows of a block.
        n_in: Coordinates of a point.
        first: Number of the first point, as errors count.

    Raises:
        SpecError: If the size is not positive, or if an array does not hold points.
    """
    if block_size < 1:
        raise SpecError("stream.block_size", "at least 1", block_size, "Choose a number in that range.")
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
