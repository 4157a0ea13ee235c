"""What the host does for the chip: points into input words, sums of emitted outputs into physical units.

Every backend uses these functions, so that two runs can differ only in what the chip itself computes.
"""

from __future__ import annotations

from ..base.arrays import FloatArray, IntArray
from ..network.integers import IntFormat, dequantize_array, quantize_into
from ..network.quantized import QuantizedNetwork
from ..network.spec import NetworkSpec, Readout


def divisor(network: NetworkSpec) -> int:
    """Tell by what the read-out sum is divided: T for the mean, one for the last step."""
    return 1 if network.readout is Readout.LAST else network.n_steps


def encode_points(network: QuantizedNetwork, points: FloatArray) -> tuple[IntArray, int]:
    """Give the input words (n_samples, n_in) of physical points (n_samples, n_in), and how many saturated."""
    x = network.source.input_transform.apply(points)
    return quantize_into(x, network.input_exponent, IntFormat(bits=network.input_bits))


def decode_integers(network: QuantizedNetwork, points: FloatArray, total: IntArray) -> FloatArray:
    """Give u (n_samples, n_out) from the int64 sums of the emitted outputs: scaled and divided once."""
    mean = dequantize_array(total, network.output.affine.state_exponent) / divisor(network.source)
    return network.source.restored(points, mean)


def decode_floats(network: NetworkSpec, points: FloatArray, total: FloatArray) -> FloatArray:
    """Give u (n_samples, n_out) from the float sums of the emitted outputs."""
    return network.restored(points, total / divisor(network))
