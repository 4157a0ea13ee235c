"""Golden vectors: samples with the words and sums that a header must compute, by the integer engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import neuropinn_lava

from ....base.arrays import ArrayRecord, FloatArray, IntArray, freeze_arrays
from ....engine.host import encode_points
from ....engine.reference import run_integer
from ....engine.trace import RunTrace
from ....network.quantized import QuantizedNetwork
from ..integer_plan import IntegerPlan
from .code.description import INTERFACE
from .code.filling import fill
from .code.floats import real_number
from .code.memory import input_type
from .code.names import Names, digest_number
from .code.steps import sum_type
from .code.tables import table

SEED = 20260
"""Seed of the samples that are drawn."""
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


def draw_golden(network: QuantizedNetwork, n_golden: int) -> GoldenVectors:
    """Draw samples from the network's box, its lower and upper corner first, and run them in integers.

    Args:
        network: The network.
        n_golden: Number of samples, at least 2.
    """
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


def write_golden(plan: IntegerPlan, names: Names, vectors: GoldenVectors) -> str:
    """Return the text of `golden.h`.

    Args:
        plan: The integer plan of the network.
        names: Its names in C.
        vectors: The samples.
    """
    n = len(vectors.words)
    words, sums = vectors.words.reshape(n, -1), vectors.trace.readout.reshape(n, -1)
    prefix = f"{names.prefix}_golden"
    return fill(
        "golden.h",
        {
            "file": names.header,
            "macro": names.macro,
            "version": neuropinn_lava.__version__,
            "interface": str(INTERFACE),
            "digest_number": digest_number(plan.digest),
            "n_samples": str(n),
            "n_steps": str(vectors.trace.n_steps),
            "n_rows": str(words.shape[1] // plan.n_in),
            "n_sums": str(sums.shape[1]),
            "words": table(f"{prefix}_words", words, input_type(plan)).text,
            "sums": table(f"{prefix}_sums", sums, sum_type(plan)).text,
            "points": _real_table(f"{prefix}_points", vectors.points.reshape(n, -1)),
            "outputs": _real_table(f"{prefix}_outputs", vectors.trace.outputs.reshape(n, -1)),
        },
    )


def _real_table(name: str, values: FloatArray) -> str:
    """Define a constant array of floats with all their digits."""
    rows = ",\n".join(f"    {{ {', '.join(real_number(value) for value in row)} }}" for row in values.tolist())
    return f"static const double {name}[{values.shape[0]}][{values.shape[1]}] = {{\n{rows}\n}};\n"
