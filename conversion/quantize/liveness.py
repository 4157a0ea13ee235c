"""Words so short that a node falls silent: found before anything else is done, with the length that would be enough.

A scale is always found at which a word holds its largest value; what a short word loses is everything small. A node that sends
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
"""Largest number of points on which nodes are compared."""
LONGEST = {"state_bits": 32, "payload_bits": 24, "weight_bits": 16, "input_bits": 24}
"""Words that can be made longer, in the order in which that is tried, and how long they can be."""


def check_words(network: QuantizedNetwork, scheme: QuantizationScheme, calibration: Calibration) -> None:
    """Check that no node falls silent in the word lengths of the scheme.

    Args:
        network: Rounded to the nearest by the scheme.
        scheme: The rules.
        calibration: Ranges of its source, and the points that they were seen on.

    Raises:
        FixedPointError: If there is such a node; the message names it, its words, and what would be enough.
    """
    points = calibration.points[:: -(-len(calibration.points) // MAX_POINTS)]
    dead = _silent_node(network, points)
    if dead is None:
        return
    words = words_of(network, dead)
    listed = ", ".join(f"{name} {bits}" for name, bits in words.items())
    enough = _first_enough(network, dead, words, scheme, calibration, points)
    repair = f"It needs {enough} at least." if enough else "Make all of its words longer: no single one is enough."
    raise FixedPointError(f"node {dead!r}", "have word lengths with which it still sends something", listed, repair)


def _silent_node(network: QuantizedNetwork, points: FloatArray) -> str | None:
    """Return the name of the first node that sends nothing on these points while that of its source does, or None."""
    exact, integers = run_float(network.source, points).nodes, run_integer(network, points).nodes
    for spoken, heard in zip(exact, integers, strict=True):
        if spoken.events.any() and not heard.events.any():
            return spoken.name
    return None


def words_of(network: QuantizedNetwork, name: str) -> dict[str, int]:
    """Return the word lengths that a node depends on, by their names in the scheme."""
    node = next(node for node in network.nodes if node.name == name)
    words = {"payload_bits": node.sends.bits, "input_bits": max(word.bits for word in network.input_words)}
    if isinstance(node, QuantizedPopulation):
        words = {"state_bits": node.affine.state_bits, **words, "weight_bits": node.affine.weight_bits}
    return {name: words[name] for name in LONGEST if name in words}


def _first_enough(
    network: QuantizedNetwork,
    dead: str,
    words: dict[str, int],
    scheme: QuantizationScheme,
    calibration: Calibration,
    points: FloatArray,
) -> str | None:
    """Find the command-line option with which the node sends again: the shortest length of the first word that suffices."""
    for name, shortest in words.items():
        for bits in range(shortest + 1, LONGEST[name] + 1):
            longer: dict[str, Any] = {name: bits}
            tried = quantize_with(network.source, replace(scheme, **longer), calibration)
            if _silent_node(tried, points) != dead:
                return f"--{name.replace('_', '-')} {bits}"
    return None
