"""Small graphs made from chains: `with_connection(chain, "hidden0", source="hidden2", delay=1)` closes a loop.

`with_product`, `with_relay` and `with_held` do what their names say; `gated_network` has one of each of the first two,
`operator_network` a held input.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import builders
from neuropinn_lava.network.nodes import (
    ConnectionSpec,
    InputSpec,
    OutputSpec,
    Polarity,
    PopulationSpec,
    ProductSpec,
)
from neuropinn_lava.network.phi_table import make_table
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import QuantizedNode, QuantizedPopulation, QuantizedProduct
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.network.transforms import AffineTransform


def with_connection(
    network: QuantizedNetwork, target: str, *, source: str, delay: int = 0, seed: int = 0
) -> QuantizedNetwork:
    """Add a connection of random weights to a population; the float twin follows."""
    rng, word = np.random.default_rng(seed), network.words[source]
    n_source = network.source.source_widths[source]
    nodes: list[QuantizedNode] = []
    for node in network.nodes:
        if node.name == target:
            assert isinstance(node, QuantizedPopulation)
            made = builders.random_affine(
                rng, n_source, node.n_out, source=source, input_exponent=word.exponent, input_bits=word.bits
            )
            added = replace(made.connections[0], delay=delay)
            node = replace(node, affine=replace(node.affine, connections=(*node.affine.connections, added)))
        nodes.append(node)
    return _with_nodes(network, nodes)


def _with_nodes(network: QuantizedNetwork, nodes: list[QuantizedNode]) -> QuantizedNetwork:
    """Return the network with other nodes, in the order that their connections ask for; the float twin follows."""
    source = builders.float_twin(network.source, tuple(nodes), network.output)
    by_name = {node.name: node for node in nodes}
    return replace(network, source=source, nodes=tuple(by_name[node.name] for node in source.nodes))


def with_product(network: QuantizedNetwork, name: str, left: str, right: str) -> QuantizedNetwork:
    """Add a product of two sources; `with_connection` lets a population read it."""
    words = network.words
    made = QuantizedProduct(
        name=name,
        left=left,
        right=right,
        width=network.source.source_widths[left],
        left_word=words[left],
        right_word=words[right],
        sends=words[left],
    )
    return _with_nodes(network, [*network.nodes, made])


def with_relay(network: QuantizedNetwork, name: str) -> QuantizedNetwork:
    """Make a population of the network a relay: identity, no leak, no threshold, both signs."""
    nodes: list[QuantizedNode] = []
    for node in network.nodes:
        if node.name == name:
            assert isinstance(node, QuantizedPopulation)
            zeros, table = np.zeros(node.n_out, np.int64), node.table
            linear = make_table(
                "identity",
                state_exponent=table.state_exponent,
                state_bits=table.state_bits,
                payload_exponent=table.payload_exponent,
                payload_bits=table.payload_bits,
            )
            node = replace(node, beta=zeros, theta=zeros, polarity=Polarity.BOTH, table=linear)
        nodes.append(node)
    return _with_nodes(network, nodes)


def with_held(network: QuantizedNetwork, *names: str) -> QuantizedNetwork:
    """Hold the inputs of these names."""
    inputs = tuple(replace(each, is_held=each.name in names) for each in network.inputs)
    return replace(network, source=replace(network.source, inputs=inputs))


def gated_network(n_steps: int = 3) -> QuantizedNetwork:
    """Return hidden0 -> hidden1, a relay; gate = hidden0 * hidden1; hidden2 reads gate, hidden1 and, a step later, hidden0."""
    network = with_relay(builders.random_quantized(13, widths=(2, 6, 6, 6, 1), n_steps=n_steps), "hidden1")
    network = with_product(network, "gate", "hidden0", "hidden1")
    network = with_connection(network, "hidden2", source="gate")
    return with_connection(network, "hidden2", source="hidden0", delay=1, seed=1)


def with_hermit(network: QuantizedNetwork, name: str) -> QuantizedNetwork:
    """Add a population of two neurons that reads nothing but itself, a step before, and that nobody reads."""
    like = network.populations[-1]
    affine = builders.random_affine(
        np.random.default_rng(0), 2, 2, source=name, input_exponent=like.sends.exponent, input_bits=like.sends.bits
    )
    looped = replace(affine, connections=(replace(affine.connections[0], delay=1),))
    table = make_table(
        "tanh",
        state_exponent=affine.state_exponent,
        state_bits=affine.state_bits,
        payload_exponent=like.sends.exponent,
        payload_bits=like.sends.bits,
    )
    zeros = np.zeros(2, np.int64)
    hermit = QuantizedPopulation(name=name, affine=looped, beta=zeros, theta=zeros, polarity=Polarity.BOTH, table=table)
    return _with_nodes(network, [*network.nodes, hermit])


def operator_network(n_steps: int = 2) -> NetworkSpec:
    """Return a DeepONet of two neurons a branch; its input `function` is held, its input `point` varies.

    branch = relu(f, f - 0.75), trunk = relu(x, -x), p = branch * trunk, output = p0 + p1 + branch0 + branch1.
    """

    def neurons(name: str, source: str, weight: list[list[float]], bias: list[float]) -> PopulationSpec:
        connections = (ConnectionSpec(source=source, weight=weight),)  # type: ignore[arg-type]
        zeros = np.zeros(2)
        return PopulationSpec(
            name=name, connections=connections, bias=bias, beta=zeros, theta=zeros, activation="relu"  # type: ignore[arg-type]
        )  # fmt: skip

    ones = np.ones((1, 2))
    return NetworkSpec(
        name="operator",
        inputs=(InputSpec(name="function", width=1, is_held=True), InputSpec(name="point", width=1)),
        nodes=(
            neurons("branch", "function", [[1.0], [1.0]], [0.0, -0.75]),
            neurons("trunk", "point", [[1.0], [-1.0]], [0.0, 0.0]),
            ProductSpec(name="p", left="branch", right="trunk", width=2),
        ),
        output=OutputSpec(
            connections=(ConnectionSpec(source="p", weight=ones), ConnectionSpec(source="branch", weight=ones)),
            bias=np.zeros(1),
        ),
        n_steps=n_steps,
        input_transform=AffineTransform.identity(2),
        output_transform=AffineTransform.identity(1),
        lower=np.array([-1.0, -1.0]),
        upper=np.array([1.0, 1.0]),
    )
