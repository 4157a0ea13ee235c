"""Equalization across layers: neurons are scaled by powers of two so that those of a layer have equal ranges.

    c * phi(z / c) = phi(z)  for every c > 0             identity and relu, no others
    W[j], b[j], theta[j]  become  W[j] / c[j], ...       the payload a[j] becomes a[j] / c[j]
    W_next[:, j]          becomes W_next[:, j] * c[j]    and the output stays what it was, to the last bit
    c[j] = 2**round(log2(sqrt(r[j] / w[j])))             r[j] = max |a[j]|, w[j] = max |W_next[:, j]|

Source: Nagel et al. 2019, Data-free quantization through weight equalization and bias correction, section 4.1, with the
payload's range in place of the weights', which have a scale per neuron here. A quantized network embeds the equalised float
network as its source, so that its layers can be compared one by one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...base.arrays import IntArray
from ...network.nodes import OutputSpec, PopulationSpec
from ...network.spec import NetworkSpec
from ..calibrate.calibration import Calibration, LayerRange

HOMOGENEOUS = ("identity", "relu")
"""Activations with phi(c z) = c phi(z) for c > 0."""


def equalize_network(network: NetworkSpec, calibration: Calibration) -> NetworkSpec:
    """Scale the neurons of every layer whose phi allows it; the outputs stay the same numbers."""
    layers: list[PopulationSpec] = list(network.populations)
    output = network.output
    for index, seen in enumerate(calibration.layers[:-1]):
        if layers[index].activation not in HOMOGENEOUS:
            continue
        after: PopulationSpec | OutputSpec = layers[index + 1] if index + 1 < len(layers) else output
        exponents = _balance(seen, after)
        layers[index] = _scaled_rows(layers[index], exponents)
        scaled = replace(after, weight=np.ldexp(after.weight, exponents))
        if isinstance(scaled, PopulationSpec):
            layers[index + 1] = scaled
        else:
            output = scaled
    return replace(network, layers=tuple(layers), output=output)


def _balance(seen: LayerRange, after: PopulationSpec | OutputSpec) -> IntArray:
    """Compute log2 c, shape (n_neurons,); zero for neurons that never fire or have no outgoing weight."""
    heard = np.abs(after.weight).max(axis=0)
    alive = (seen.payload > 0) & (heard > 0)
    ratio = np.where(alive, seen.payload, 1.0) / np.where(alive, heard, 1.0)
    exponents: IntArray = np.rint(np.log2(ratio) / 2).astype(np.int64)
    return exponents


def _scaled_rows(layer: PopulationSpec, exponents: IntArray) -> PopulationSpec:
    return replace(
        layer,
        weight=np.ldexp(layer.weight, -exponents[:, None]),
        bias=np.ldexp(layer.bias, -exponents),
        theta=np.ldexp(layer.theta, -exponents),
    )
