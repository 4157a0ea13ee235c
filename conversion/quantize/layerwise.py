"""Layer after layer through a quantized network: each matrix is adjusted to what it really receives, before the next one is.

`adjust_network` carries the loop; what is done to a matrix is the caller's (`compensation.py`, `bias_correction.py`). It
changes weights, their scales and biases; words, states, thresholds and tables stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...base.arrays import FloatArray, IntArray
from ...engine.host import encode_points
from ...engine.reference import IntegerLayerRun
from ...network.quantized import QuantizedAffine, QuantizedLayer, QuantizedNetwork
from ...network.spec import LayerSpec, OutputSpec
from ..calibrate.sensitivity import LayerSignals, trace_signals

MAX_ROWS = 8192
"""Samples times steps that enter; more change nothing that was measured."""

Adjust = Callable[[QuantizedAffine, LayerSpec | OutputSpec, list[IntArray], LayerSignals], QuantizedAffine]
"""Maps a quantized matrix, the float layer, the words that it receives, (n_samples, n_in) per step, and the float signals."""


def adjust_network(network: QuantizedNetwork, points: FloatArray, adjust: Adjust) -> QuantizedNetwork:
    """Adjust every matrix in turn, the first one first, so that it follows the network's source.

    Args:
        network: The quantized network.
        points: Physical coordinates, shape (n_samples, n_in); thinned to `MAX_ROWS` rows.
        adjust: What to do to one matrix.
    """
    kept = points[:: max(1, -(-len(points) * network.n_steps // MAX_ROWS))]
    exact = network.source
    signals = trace_signals(exact, kept)
    words, _ = encode_points(network, kept)
    received = [words] * network.n_steps
    layers: list[QuantizedLayer] = []
    for layer, spec, signal in zip(network.layers, exact.layers, signals[:-1], strict=True):
        layers.append(replace(layer, affine=adjust(layer.affine, spec, received, signal)))
        run = IntegerLayerRun(layers[-1], len(kept))
        received = [run.step(a).payload for a in received]
    affine = adjust(network.output.affine, exact.output, received, signals[-1])
    return replace(network, layers=tuple(layers), output=replace(network.output, affine=affine))
