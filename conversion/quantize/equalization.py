"""Equalization across layers: each neuron is scaled by a power of two, so that its payload and what reads it have equal ranges.

    c * phi(z / c) = phi(z)  for every c > 0             identity and relu; leaky_relu too, which is left alone
    W[j], b[j], theta[j]  become  W[j] / c[j], ...       the payload a[j] becomes a[j] / c[j]
    W_after[:, j]         becomes W_after[:, j] * c[j]   of every connection that reads it; the output stays, to the last bit
    c[j] = 2**round(log2(sqrt(r[j] / w[j])))             r[j] = max |a[j]|, w[j] = max |W_after[:, j]|; both become sqrt(r w)

A factor of a product is left alone. Source: Nagel et al. 2019, Data-free quantization through weight equalization and bias
correction, section 4.1, with the payload's range in place of the weights', which have a scale per neuron here. A quantized
network embeds the equalised float network as its source, so that its nodes can be compared one by one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...base.arrays import FloatArray, IntArray
from ...network.nodes import ConnectionSpec, NodeSpec, OutputSpec, PopulationSpec, ProductSpec
from ...network.spec import NetworkSpec
from ..calibrate.calibration import Calibration

HOMOGENEOUS = ("identity", "relu")
"""Activations with phi(c z) = c phi(z) for c > 0 whose neurons are scaled."""


def equalize_network(network: NetworkSpec, calibration: Calibration) -> NetworkSpec:
    """Scale the neurons of every population whose phi allows it; the outputs stay the same numbers."""
    nodes: dict[str, Any] = {node.name: node for node in (*network.nodes, network.output)}
    factors = {source for node in network.nodes if isinstance(node, ProductSpec) for source, _ in node.edges}
    for name in [node.name for node in network.populations]:
        node: PopulationSpec = nodes[name]
        if node.activation not in HOMOGENEOUS or name in factors:
            continue
        weights = [each.weight for other in nodes.values() for each in _reads(other, name)]
        exponents = _balance(calibration.range_of(name).payload, weights)
        nodes[name] = _scaled_rows(node, exponents)
        nodes = {key: _scaled_columns(other, name, exponents) for key, other in nodes.items()}
    output = nodes.pop(network.output.name)
    return replace(network, nodes=tuple(nodes.values()), output=output)


def _reads(node: NodeSpec | OutputSpec, source: str) -> list[ConnectionSpec]:
    """Return the connections with which a node reads a source."""
    return [] if isinstance(node, ProductSpec) else [each for each in node.connections if each.source == source]


def _balance(payload: FloatArray, weights: list[FloatArray]) -> IntArray:
    """Compute log2 c, shape (n_neurons,); zero for neurons that never fire or have no outgoing weight."""
    heard = np.max([np.abs(weight).max(axis=0) for weight in weights], axis=0, initial=0.0)
    alive = (payload > 0) & (heard > 0)
    ratio = np.where(alive, payload, 1.0) / np.where(alive, heard, 1.0)
    exponents: IntArray = np.rint(np.log2(ratio) / 2).astype(np.int64)
    return exponents


def _scaled_rows(node: PopulationSpec, exponents: IntArray) -> PopulationSpec:
    scaled: PopulationSpec = node.with_weight(
        np.ldexp(node.weight, -exponents[:, None]),
        bias=np.ldexp(node.bias, -exponents),
        theta=np.ldexp(node.theta, -exponents),
    )
    return scaled


def _scaled_columns(node: NodeSpec | OutputSpec, source: str, exponents: IntArray) -> NodeSpec | OutputSpec:
    """Scale the weights with which a node reads a source."""
    read = _reads(node, source)
    if isinstance(node, ProductSpec) or not read:
        return node
    connections = tuple(
        replace(each, weight=np.ldexp(each.weight, exponents)) if each in read else each for each in node.connections
    )
    return replace(node, connections=connections)
