"""Words so short that a layer falls silent: found before anything else is done, with the length that would be enough.

A scale is always found at which a word holds its largest value; what a short word loses is everything small. A layer that sends
something in floating point and nothing at all in integers has lost everything.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...base.arrays import FloatArray
from ...base.errors import FixedPointError
from ...engine.reference import run_float, run_integer
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import QuantizedPopulation
from ..calibrate.calibration import Calibration
from ..scheme import QuantizationScheme
from .nearest import quantize_with

MAX_POINTS = 500
"""Largest number of points on which layers are compared."""
LONGEST = {"state_bits": 32, "payload_bits": 24, "weight_bits": 16, "input_bits": 24}
"""Words that can be made longer, in the order in which that is tried, and how long they can be."""


def check_words(network: QuantizedNetwork, scheme: QuantizationScheme, calibration: Calibration) -> None:
    """Check that no layer falls silent in the word lengths of the scheme.

    Args:
        network: Rounded to the nearest by the scheme.
        scheme: The rules.
        calibration: Ranges of its source, and the points that they were seen on.

    Raises:
        FixedPointError: If there is such a layer; the message names it, its words, and what would be enough.
    """
    points = calibration.points[:: -(-len(calibration.points) // MAX_POINTS)]
    dead = _silent_layer(network, points)
    if dead is None:
        return
    layer = network.populations[dead]
    words = words_of(network, layer)
    listed = ", ".join(f"{name} {bits}" for name, bits in words.items())
    enough = _first_enough(network, dead, words, scheme, calibration, points)
    mend = f"It needs {enough} at least." if enough else "Make all of its words longer: no single one is enough."
    raise FixedPointError(
        f"layer {layer.name!r}", "have word lengths with which it still sends something", listed, mend
    )


def _silent_layer(network: QuantizedNetwork, points: FloatArray) -> int | None:
    """Return the index of the first layer that sends nothing on these points while that of its source does, or None."""
    exact, integers = run_float(network.source, points).layers, run_integer(network, points).layers
    for index, (spoken, heard) in enumerate(zip(exact, integers, strict=True)):
        if spoken.events.any() and not heard.events.any():
            return index
    return None


def words_of(network: QuantizedNetwork, layer: QuantizedPopulation) -> dict[str, int]:
    """Return the word lengths that a layer depends on, by their names in the scheme."""
    return {
        "state_bits": layer.affine.state_bits,
        "payload_bits": layer.table.payload_bits,
        "weight_bits": layer.affine.weight_bits,
        "input_bits": network.input_bits,
    }


def _first_enough(
    network: QuantizedNetwork,
    dead: int,
    words: dict[str, int],
    scheme: QuantizationScheme,
    calibration: Calibration,
    points: FloatArray,
) -> str | None:
    """Find the command-line option with which the layer sends again: the shortest length of the first word that suffices."""
    for name, longest in LONGEST.items():
        for bits in range(words[name] + 1, longest + 1):
            longer: dict[str, Any] = {name: bits}
            tried = quantize_with(network.source, replace(scheme, **longer), calibration)
            if _silent_layer(tried, points) != dead:
                return f"--{name.replace('_', '-')} {bits}"
    return None
