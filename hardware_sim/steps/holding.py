"""What is held over consecutive samples: nodes that depend on held inputs only are computed once for each of their values.

Such a node computes, and sends, at the first sample of a stretch of equal held words. At the others it sends nothing; what
receives it keeps its payloads of all T steps and replays them, and its counts are counted again. So every bit and count of a
run is that of computing it anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...base.arrays import Record
from ...engine.host import rows_of_new_values
from ...network.quantized import Network, QuantizedNetwork
from ..kernels.layout import Array
from ..runner.shared_arrays import SharedArray

FEWEST_SAMPLES = 4
"""Samples of a held value, in the mean over a run, below which holding it costs more than computing it anew."""


class Stretch(NamedTuple):
    """Consecutive samples of one held value."""

    start: int
    """Number of its first row, counted from the first of the samples that were asked for."""
    n_rows: int
    """Number of its rows among these samples."""
    value: int
    """Number of the held value in the run."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Holding(Record):
    """The held values of the samples of a run, which is known before it starts."""

    values: SharedArray
    """Number of the held value of every sample, ascending from 0, int32, shape (n_samples,)."""
    sources: frozenset[str]
    """Names of the held inputs, and of the nodes that depend on nothing else."""

    @classmethod
    def of(cls, network: Network, words: Array) -> Holding | None:
        """Build the record of a run, or None where nothing is held: no held inputs, values that change too often, or floats.

        Sums of floats depend on how many rows are multiplied at once, so that only integers give the bits of a run without it.

        Args:
            network: Float or quantized.
            words: Inputs in the network's own numbers, shape (n_samples, n_in).
        """
        if not network.held_sources or not isinstance(network, QuantizedNetwork):
            return None
        first = rows_of_new_values(network, words)
        if len(words) < FEWEST_SAMPLES * len(first):
            return None
        values = SharedArray.zeros(len(words), np.int32)
        values.values[first[1:]] = 1
        np.cumsum(values.values, out=values.values)
        return cls(values=values, sources=network.held_sources)

    def stretches(self, first: int, n_rows: int) -> Iterator[Stretch]:
        """Yield the stretches of the samples first, first + 1, …; rows are counted from `first`."""
        values = self.values.values[first : first + n_rows]
        starts = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), n_rows]
        for start, end in pairwise(starts):
            yield Stretch(start, end - start, int(values[start]))

    def is_new(self, first: int, n_rows: int) -> Array:
        """Return which of the samples first, first + 1, … bring a new value, shape (n_rows,)."""
        values = self.values.values
        before = values[first - 1 : first + n_rows - 1] if first else np.concatenate([[-1], values[: n_rows - 1]])
        found: Array = values[first : first + n_rows] != before
        return found
