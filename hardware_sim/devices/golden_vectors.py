"""Golden vectors: samples of a network with what the integer engine computes for them, which exports carry as their proof."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, IntArray, freeze_arrays
from ...base.checks import check_range, check_whole, raise_violations
from ...engine.host import encode_points
from ...engine.reference import run_integer
from ...engine.trace import RunTrace
from ...network.quantized import QuantizedNetwork

SEED = 20260
"""Seed of the samples that are drawn."""
MIN_GOLDEN, MAX_GOLDEN = 2, 10_000
"""Range of the number of samples: the corners of the box are two of them."""
SEQUENCE_STEPS = 8
"""Steps of a drawn sequence."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GoldenVectors(ArrayRecord):
    """Samples of a network, and what it computes for them."""

    points: FloatArray
    """Physical coordinates, shape (n_samples, n_in), or (n_samples, n_steps, n_in)."""
    words: IntArray
    """Input words, of the same shape."""
    trace: RunTrace
    """Run of the integer engine on the points."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points=np.float64, words=np.int64)


def draw_golden(network: QuantizedNetwork, n_golden: int, where: str) -> GoldenVectors:
    """Draw samples from the network's box, its lower and upper corner first, and run them in integers.

    Args:
        network: The network.
        n_golden: Number of samples, 2 to 10 000.
        where: The argument, for errors.

    Raises:
        SpecError: If the number is out of range.
    """
    raise_violations([*check_whole(where, n_golden)] or check_range(where, n_golden, MIN_GOLDEN, MAX_GOLDEN))
    source, rng = network.source, np.random.default_rng(SEED)
    unit = rng.random((n_golden, source.n_in))
    unit[0], unit[1] = 0.0, 1.0
    if source.has_sequences:
        changes = np.repeat([each.is_sequence for each in source.inputs], [each.width for each in source.inputs])
        steps = rng.random((n_golden, SEQUENCE_STEPS, source.n_in))
        unit = np.where(changes, steps, unit[:, None])
    points = source.lower + (source.upper - source.lower) * unit
    words, _ = encode_points(network, points)
    return GoldenVectors(points=points, words=words, trace=run_integer(network, points))
