"""Layerwise correction: each sum is adjusted to the integers that it really receives, before the next one is.

`adjust_network` goes through the populations in order; `correct_bias` and `compensation.compensate_affine` are the adjustments.
They change weights, their scales and biases, and leave word lengths, states, thresholds and tables as they are. What a node
receives late, from itself or from nodes after it, comes from those as they are so far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ...base.arrays import FloatArray, IntArray
from ...engine.host import encode_points
from ...engine.reference import IntegerArithmetic, integer_drive
from ...network.integers import IntFormat, dequantize_array, quantize_array, saturate
from ...network.nodes import OutputSpec, PopulationSpec
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import QuantizedAffine, QuantizedPopulation
from ..calibrate.calibration import count_steps, trace_received
from ..calibrate.sensitivity import AffineSignals, trace_signals

MAX_ROWS = 8192
"""Largest number of rows, samples times steps, that are used; more rows changed no measured result."""

Adjust = Callable[[QuantizedAffine, PopulationSpec | OutputSpec, Sequence[IntArray], AffineSignals], QuantizedAffine]
"""Maps a sum, its float node, the words of each connection, all steps stacked, (n_rows, n_source), and the signals."""


def adjust_network(network: QuantizedNetwork, points: FloatArray, adjust: Adjust) -> QuantizedNetwork:
    """Adjust every sum in order, from the first population to the read-out, so that it follows the network's source.

    Args:
        network: The quantized network.
        points: Physical coordinates, shape (n_samples, n_in), or sequences (n_samples, n_steps, n_in); thinned to `MAX_ROWS`
            rows.
        adjust: The function that adjusts one sum.
    """
    kept = thinned(network, points)
    signals = trace_signals(network.source, kept)
    words, _ = encode_points(network, kept)
    for index, (spec, signal) in enumerate(zip(network.source.affines, signals, strict=True)):
        received = trace_received(network, words, IntegerArithmetic(len(words)), spec.name)
        adjusted = adjust(network.affines[index], spec, received, signal)
        network = with_affines(network, {spec.name: adjusted})
    return network


def thinned(network: QuantizedNetwork, points: FloatArray) -> FloatArray:
    """Return every so many-th point, so that points times steps are `MAX_ROWS` at most."""
    return points[:: max(1, -(-len(points) * count_steps(network, points) // MAX_ROWS))]


def with_affines(network: QuantizedNetwork, affines: dict[str, QuantizedAffine]) -> QuantizedNetwork:
    """Return a network in which the populations and the read-out of these names have other sums."""
    nodes = tuple(
        replace(node, affine=affines.get(node.name, node.affine)) if isinstance(node, QuantizedPopulation) else node
        for node in network.nodes
    )
    output = replace(network.output, affine=affines.get(network.output.name, network.output.affine))
    return replace(network, nodes=nodes, output=output)


def correct_bias(
    affine: QuantizedAffine, exact: PopulationSpec | OutputSpec, received: Sequence[IntArray], signal: AffineSignals
) -> QuantizedAffine:
    """Add the mean rounding error of the drive to the bias of one sum, saturated at the ends of the state word.

        b[j] += mean_n (z[n] - z_q[n])        z the float network's drive, z_q the integer one

    Source: Nagel et al. 2019, Data-free quantization through weight equalization and bias correction, section 4.2 (empirical).

    Args:
        affine: The quantized sum.
        exact: The float node, whose drive stands in `signal`.
        received: Integers that come in over each connection, (n_rows, n_source) each.
        signal: Signals of the float network.
    """
    drive, _ = integer_drive(affine, received)
    error = signal.drive - dequantize_array(drive, affine.state_exponent)
    change = quantize_array(error.mean(axis=0), affine.state_exponent)
    bias, _ = saturate(affine.bias + change, IntFormat(bits=affine.state_bits))
    return replace(affine, bias=bias)
