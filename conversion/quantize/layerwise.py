"""Layerwise correction: each matrix is adjusted to the integers that it really receives, before the next one is.

`adjust_network` runs through the layers; `correct_bias` and `compensation.compensate_affine` are the adjustments. They change
weights, their scales and biases, and leave word lengths, states, thresholds and tables as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...base.arrays import FloatArray, IntArray
from ...engine.host import encode_points
from ...engine.reference import IntegerLayerRun, integer_drive
from ...network.integers import IntFormat, dequantize_array, quantize_array, saturate
from ...network.nodes import OutputSpec, PopulationSpec
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import QuantizedAffine, QuantizedPopulation
from ..calibrate.sensitivity import LayerSignals, trace_signals

MAX_ROWS = 8192
"""Largest number of rows, samples times steps, that are used; more rows changed no measured result."""

Adjust = Callable[[QuantizedAffine, PopulationSpec | OutputSpec, list[IntArray], LayerSignals], QuantizedAffine]
"""Maps a quantized matrix, the float layer, the words that it receives, (n_samples, n_in) per step, and the float signals."""


def adjust_network(network: QuantizedNetwork, points: FloatArray, adjust: Adjust) -> QuantizedNetwork:
    """Adjust every matrix in order, from the first to the read-out, so that it follows the network's source.

    Args:
        network: The quantized network.
        points: Physical coordinates, shape (n_samples, n_in); thinned to `MAX_ROWS` rows.
        adjust: The function that adjusts one matrix.
    """
    kept = points[:: max(1, -(-len(points) * network.n_steps // MAX_ROWS))]
    exact = network.source
    signals = trace_signals(exact, kept)
    words, _ = encode_points(network, kept)
    received = [words] * network.n_steps
    layers: list[QuantizedPopulation] = []
    for layer, spec, signal in zip(network.populations, exact.layers, signals[:-1], strict=True):
        layers.append(replace(layer, affine=adjust(layer.affine, spec, received, signal)))
        run = IntegerLayerRun(layers[-1], len(kept))
        received = [run.step(a).payload for a in received]
    affine = adjust(network.output.affine, exact.output, received, signals[-1])
    return replace(network, layers=tuple(layers), output=replace(network.output, affine=affine))


def correct_bias(
    affine: QuantizedAffine, exact: PopulationSpec | OutputSpec, received: list[IntArray], signal: LayerSignals
) -> QuantizedAffine:
    """Add the mean rounding error of the drive to the bias of one matrix, saturated at the ends of the state word.

        b[j] += mean_n (z[n] - z_q[n])        z the float network's drive, z_q the integer one

    Source: Nagel et al. 2019, Data-free quantization through weight equalization and bias correction, section 4.2 (empirical).

    Args:
        affine: The quantized matrix.
        exact: The float layer, whose drive stands in `signal`.
        received: Integers that the layer receives, (n_samples, n_in) per step.
        signal: Signals of the float network.
    """
    drive, _ = integer_drive(affine, np.concatenate(received))
    error = signal.drive - dequantize_array(drive, affine.state_exponent)
    change = quantize_array(error.mean(axis=0), affine.state_exponent)
    bias, _ = saturate(affine.bias + change, IntFormat(bits=affine.state_bits))
    return replace(affine, bias=bias)
