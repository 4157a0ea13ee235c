"""sin with its argument in turns, so that its period is a power of two in integers and its table wraps.

    sin(z) = sin_turns(z / (2 pi)),      sin_turns(z) = sin(2 pi z)

The factor goes into weights, bias and threshold of the population, whose membrane is then in turns as well: the same neurons
fire, and what they send is the same to rounding.
"""

from __future__ import annotations

import math
from dataclasses import replace

from .nodes import PopulationSpec
from .spec import NetworkSpec


def network_in_turns(network: NetworkSpec) -> NetworkSpec:
    """Return a network in which every population with phi = sin has phi = sin_turns instead, and computes the same."""
    nodes = tuple(_in_turns(node) if isinstance(node, PopulationSpec) else node for node in network.nodes)
    return network if nodes == network.nodes else replace(network, nodes=nodes)


def _in_turns(node: PopulationSpec) -> PopulationSpec:
    if node.activation != "sin":
        return node
    turn = 1 / (2 * math.pi)
    scaled: PopulationSpec = node.with_weight(node.weight * turn, bias=node.bias * turn, theta=node.theta * turn)
    return replace(scaled, activation="sin_turns")
