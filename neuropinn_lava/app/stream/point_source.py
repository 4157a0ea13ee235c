"""Points of a stream from anywhere, cut and joined to blocks of one size: each block is a run of its own.

Points come in arrays of whatever lengths (chunks of a file, slices of an array, a generator's arrays); a run of Lava costs a
fraction of a second to start. Integers do not depend on the size of the blocks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ...base.arrays import FloatArray, Record
from ...base.errors import SpecError
from ...base.points import without_graph
from ...engine.trace import LavaMode
from ...network.given_points import MAX_SEQUENCE, checked_samples
from ...network.quantized import Network
from .arrays_io import PointFile, open_points

Points = str | Path | PointFile | FloatArray | Iterable[FloatArray]
"""A file, by its path or opened, an array (n, n_in) or of sequences, or arrays of any lengths, as a generator gives them."""
BLOCK_SIZE = 1 << 19
"""Samples of a block: a few seconds of work beside a fifth of a second to start; 40 MB of points, payloads and outputs."""
FAITHFUL_BLOCK_SIZE = 1 << 12
"""Samples of a block where they go one at a time: a minute of work."""


def suitable_block(network: Network, mode: LavaMode) -> int:
    """Choose the number of samples of a run, so that it is neither short against its start nor long to lose."""
    from ...hardware_sim.lava.plan import MAX_PRESENTED

    size = BLOCK_SIZE if mode is LavaMode.BATCHED else FAITHFUL_BLOCK_SIZE
    return min(size, MAX_PRESENTED // (network.n_steps or MAX_SEQUENCE))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointSource(Record):
    """The origin of a stream's points."""

    n_points: int | None
    """Number of points, None where only the end will show it."""
    fingerprint: str | None
    """Digest by which the same points are known again, None where they are not kept anywhere."""
    arrays: Callable[[int], Iterator[FloatArray]]
    """Function that returns the points from a number on, in arrays (n, n_in) of any lengths."""
    axes: tuple[int, ...] = ()
    """Lengths of the axes along which the outputs lie, functions x points, whose functions were checked; empty for rows."""

    @classmethod
    def of(cls, points: Points | PointSource) -> PointSource:
        """Build the source of a file, of an array, or of an iterable, which is not read yet.

        Raises:
            SpecError: If a file's ending is unknown.
            FileFormatError: If a file of points cannot be read.
        """
        points = without_graph(points)
        if isinstance(points, PointSource):
            return points
        if isinstance(points, (str, Path, PointFile)):
            file = open_points(points)
            return cls(n_points=file.n_points, fingerprint=file.fingerprint, arrays=file.blocks)
        if isinstance(points, np.ndarray):
            digest = hashlib.sha256(np.ascontiguousarray(points).data).hexdigest()
            return cls(n_points=len(points), fingerprint=f"sha256 {digest}", arrays=partial(slice_array, points))
        return cls(n_points=None, fingerprint=None, arrays=partial(_skip_rows, points))

    def blocks(self, first: int, block_size: int, network: Network) -> Iterator[FloatArray]:
        """Return the points from number `first` on, in blocks of one size; the last one may be shorter.

        Raises:
            SpecError: If the size is not positive, or if an array does not hold points.
        """
        return rejoin(self.arrays(first), block_size, network, first)


def slice_array(points: FloatArray, first: int = 0, size: int = BLOCK_SIZE) -> Iterator[FloatArray]:
    """Yield copies of consecutive slices of an array, which may be mapped from a file."""
    for start in range(first, len(points), size):
        yield np.array(points[start : start + size])


def _skip_rows(arrays: Iterable[FloatArray], n_rows: int) -> Iterator[FloatArray]:
    """Leave out the first rows of consecutive arrays."""
    for array in arrays:
        yield array[n_rows:] if n_rows else array
        n_rows = max(0, n_rows - len(array))


def rejoin(arrays: Iterable[FloatArray], block_size: int, network: Network, first: int = 0) -> Iterator[FloatArray]:
    """Cut and join arrays of any lengths, as a network takes them, to blocks of one size; the last one may be shorter.

    Args:
        arrays: The arrays.
        block_size: Rows of a block.
        network: Float or quantized.
        first: Number of the first point, as errors count.

    Raises:
        SpecError: If the size is not positive, if an array does not hold points, or if sequences differ in length.
    """
    if block_size < 1:
        raise SpecError("stream.block_size", "be at least 1", block_size, "Choose a number in that range.")
    held: list[FloatArray] = []
    n_held, n_seen = 0, first
    for array in arrays:
        if not len(array):
            continue
        checked = checked_samples(array, network, f"stream.points: block of points from number {n_seen} on")
        if held and checked.shape[1:] != held[0].shape[1:]:
            where = f"stream.points: block of sequences from number {n_seen} on"
            repair = "Stream sequences of each length into a file of their own."
            raise SpecError(where, f"have {held[0].shape[1]} steps, as those before", checked.shape[1], repair)
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
