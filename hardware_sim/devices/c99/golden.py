"""The text of `golden.h`: samples with the words and sums that a header must compute."""

from __future__ import annotations

import neuropinn_lava

from ....base.arrays import FloatArray
from ..golden_vectors import GoldenVectors
from ..integer_plan import IntegerPlan
from .code.description import INTERFACE
from .code.filling import fill
from .code.floats import real_number
from .code.memory import input_type
from .code.names import Names, digest_number
from .code.steps import sum_type
from .code.tables import table


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
