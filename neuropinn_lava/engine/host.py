"""Conversions on the host computer: points to input integers, and sums of emitted outputs to physical units.

Every backend uses these functions, so that two runs can differ only in what the chip itself computes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.arrays import FloatArray, IntArray
from ..network.integers import IntFormat, dequantize_array, quantize_into
from ..network.quantized import Network, QuantizedNetwork
from ..network.spec import NetworkSpec, Readout


def divisor(network: NetworkSpec, n_steps: int | None = None) -> int:
    """Return the number that the read-out sum is divided by: T for the mean, 1 for the last step or every one.

    Args:
        network: The float network.
        n_steps: Number of steps of the run, needed where an input is a sequence.
    """
    if network.readout is not Readout.MEAN:
        return 1
    steps = network.n_steps or n_steps
    assert steps is not None, "a sequence brings its number of steps"
    return steps


def encode_points(network: QuantizedNetwork, points: FloatArray) -> tuple[IntArray, int]:
    """Convert physical points (…, n_in) to input integers of the same shape; return them and the number saturated."""
    x = network.source.input_transform.apply(points)
    parts = [
        quantize_into(part, word.exponent, IntFormat(bits=word.bits))
        for part, word in zip(network.split_inputs(x).values(), network.input_words, strict=True)
    ]
    return np.concatenate([integers for integers, _ in parts], axis=-1), sum(n for _, n in parts)


def held_rows(network: Network, points: FloatArray) -> IntArray:
    """Return the numbers of the samples that bring a new value of the held inputs, ascending; none where no input is held.

    Consecutive samples share a held value if their words are equal: integers of a quantized network, floats of a float one.

    Args:
        network: Float or quantized.
        points: Physical points, shape (n_samples, n_in).
    """
    if not any(each.is_held for each in network.inputs):
        return np.empty(0, dtype=np.int64)
    if isinstance(network, QuantizedNetwork):
        return rows_of_new_values(network, encode_points(network, points)[0])
    return rows_of_new_values(network, network.input_transform.apply(points))


def rows_of_new_values(network: Network, words: NDArray[Any]) -> IntArray:
    """Return the numbers of the samples that bring new words of the held inputs, of which there are some, ascending.

    Args:
        network: Float or quantized.
        words: Inputs in the network's own numbers, shape (n_samples, n_in).
    """
    parts = network.split_inputs(words)
    held = np.hstack([parts[each.name] for each in network.inputs if each.is_held])
    is_new = np.ones(len(held), dtype=np.bool_)
    is_new[1:] = (held[1:] != held[:-1]).any(axis=1)
    return np.flatnonzero(is_new)


def decode_integers(network: QuantizedNetwork, points: FloatArray, total: IntArray) -> FloatArray:
    """Compute u (n_samples, n_out) at points (n_samples, …, n_in) from int64 sums of the outputs, scaled and divided once."""
    scaled = dequantize_array(total, network.output.affine.state_exponent)
    mean = scaled / divisor(network.source, points.shape[1])
    return network.source.restored(points, mean)


def decode_floats(network: NetworkSpec, points: FloatArray, total: FloatArray) -> FloatArray:
    """Compute u (n_samples, n_out) at points (n_samples, …, n_in) from the float sums of the emitted outputs."""
    return network.restored(points, total / divisor(network, points.shape[1]))
