"""Conversions on the host computer: points to input integers, and sums of emitted outputs to physical units.

Every backend uses these functions, so that two runs can differ only in what the chip itself computes.
"""

from __future__ import annotations

from ..base.arrays import FloatArray, IntArray
from ..network.integers import IntFormat, dequantize_array, quantize_into
from ..network.quantized import QuantizedNetwork
from ..network.spec import NetworkSpec, Readout


def divisor(network: NetworkSpec) -> int:
    """Return the number that the read-out sum is divided by: T for the mean, 1 for the last step."""
    return 1 if network.readout is Readout.LAST else network.n_steps


def encode_points(network: QuantizedNetwork, points: FloatArray) -> tuple[IntArray, int]:
    """Convert physical points (n_samples, n_in) to input integers of the same shape; return them and the number saturated."""
    x = network.source.input_transform.apply(points)
    return quantize_into(x, network.input_exponent, IntFormat(bits=network.input_bits))


def decode_integers(network: QuantizedNetwork, points: FloatArray, total: IntArray) -> FloatArray:
    """Compute u (n_samples, n_out) from the int64 sums of the emitted outputs, scaled and divided once."""
    mean = dequantize_array(total, network.output.affine.state_exponent) / divisor(network.source)
    return network.source.restored(points, mean)


def decode_floats(network: NetworkSpec, points: FloatArray, total: FloatArray) -> FloatArray:
    """Compute u (n_samples, n_out) from the float sums of the emitted outputs."""
    return network.restored(points, total / divisor(network))
