"""Small graphs made from chains: `with_connection(chain, "hidden0", source="hidden2", delay=1)` closes a loop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import builders
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import QuantizedPopulation


def with_connection(
    network: QuantizedNetwork, target: str, *, source: str, delay: int = 0, seed: int = 0
) -> QuantizedNetwork:
    """Add a connection of random weights to a population; the float twin follows."""
    rng, word = np.random.default_rng(seed), network.words[source]
    n_source = network.source.source_widths[source]
    nodes = []
    for node in network.nodes:
        if node.name == target:
            assert isinstance(node, QuantizedPopulation)
            made = builders.random_affine(
                rng, n_source, node.n_out, source=source, input_exponent=word.exponent, input_bits=word.bits
            )
            added = replace(made.connections[0], delay=delay)
            node = replace(node, affine=replace(node.affine, connections=(*node.affine.connections, added)))
        nodes.append(node)
    source_network = builders.float_twin(network.source, tuple(nodes), network.output)
    return replace(network, source=source_network, nodes=tuple(nodes))
