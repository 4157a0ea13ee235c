"""Random and hand-shaped networks for the tests of every folder: `import builders`.

    random_spec(seed, ...)            float network, any activation, polarity, T, widths, read-out
    random_quantized(seed, ...)       integer network made from integers, not by conversion; its source is its exact float twin
    random_points(network, n)         points in the network's box
    with_threshold_hits(q, points)    membranes reach theta exactly, or miss it by one
    with_activity(q, points, share)   about that share of the neurons fires
    saturating_quantized(seed, ...)   input, drives, membranes, payloads and outputs all saturate
    with_zero_layer, with_negative_layer
    random_graph(seed, ...)           integer graph with skips, products, relays, delays, loops, several inputs, sequences

All of them return new records. `ACTIVATIONS`, `POLARITIES`, `N_STEPS` and `READOUTS` are what a parity test has to range over.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from neuropinn_lava.app.lookup.networks import list_models
from neuropinn_lava.base.arrays import FloatArray, IntArray
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import integer_drive, step_integer
from neuropinn_lava.engine.trace import RunTrace
from neuropinn_lava.engine.walk import NodeStep
from neuropinn_lava.geometry.fields.scalar_fields import Polynomial
from neuropinn_lava.network.activations import find_activation
from neuropinn_lava.network.integers import LEAK_BITS, IntFormat, dequantize_array
from neuropinn_lava.network.nodes import (
    ConnectionSpec,
    InputSpec,
    NodeSpec,
    OutputSpec,
    Polarity,
    PopulationSpec,
    ProductSpec,
)
from neuropinn_lava.network.phi_table import make_table
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import (
    QuantizedAffine,
    QuantizedConnection,
    QuantizedNode,
    QuantizedOutput,
    QuantizedPopulation,
    QuantizedProduct,
    Word,
)
from neuropinn_lava.network.spec import NetworkSpec, Readout
from neuropinn_lava.network.transforms import AffineTransform, Ansatz

FIELD_MODELS = tuple(name for name in list_models() if name != "rod-sensor")
"""Shipped float networks that take points; the soft sensor takes sequences, ships in integers, and has tests of its own."""
ACTIVATIONS = (
    "identity", "relu", "tanh", "sin", "z_tanh_z", "tanh_squared", "sin_turns", "silu", "hardtanh", "leaky_relu(0.2)",
)  # fmt: skip
"""Every kind of table: none, odd, even, without symmetry, periodic, of lines; tests/network/test_phi_table.py has all names."""
POLARITIES = tuple(Polarity)
N_STEPS = (1, 2, 8)
READOUTS = (Readout.MEAN, Readout.LAST)

AnyNetwork = TypeVar("AnyNetwork", NetworkSpec, QuantizedNetwork)


# Float networks.


def unit_ansatz(n_in: int, n_out: int) -> Ansatz:
    """u[k] = (k + x_0) + x_0 (1 - x_0) y[k]: fields of more than one term, different for every output."""
    powers = np.zeros((2, n_in), dtype=np.int64)
    powers[:, 0] = 1, 2
    factor = Polynomial(exponents=powers, coefficients=[1.0, -1.0])
    first = np.zeros((2, n_in), dtype=np.int64)
    first[1, 0] = 1
    return Ansatz(
        offset=tuple(Polynomial(exponents=first, coefficients=[float(k), 1.0]) for k in range(n_out)),
        factor=(factor,) * n_out,
    )


def random_layer(
    rng: np.random.Generator,
    name: str,
    n_in: int,
    n_out: int,
    *,
    source: str = "input",
    activation: str = "z_tanh_z",
    polarity: Polarity = Polarity.POSITIVE,
    theta: float | None = None,
    beta: float | None = None,
) -> PopulationSpec:
    """Draw a population with one connection; theta from [0, 0.4), beta from [0, 1] with both ends, unless they are given."""
    leaks = rng.choice([0.0, 1.0, 0.5, *rng.random(4)], n_out) if beta is None else np.full(n_out, beta)
    return PopulationSpec(
        name=name,
        connections=(ConnectionSpec(source=source, weight=rng.normal(0.0, 1.2 / np.sqrt(n_in), (n_out, n_in))),),
        bias=rng.normal(0.0, 0.3, n_out),
        beta=leaks,
        theta=rng.uniform(0.0, 0.4, n_out) if theta is None else np.full(n_out, theta),
        activation=activation,
        polarity=polarity,
    )


def random_spec(
    seed: int = 0,
    *,
    widths: tuple[int, ...] = (2, 7, 5, 1),
    n_steps: int = 2,
    activation: str = "z_tanh_z",
    polarity: Polarity = Polarity.POSITIVE,
    readout: Readout = Readout.MEAN,
    theta: float | None = None,
    beta: float | None = None,
    ansatz: bool = False,
) -> NetworkSpec:
    """Draw a float network on the box [0, 1] x [0, 2] x [0, 3] … with transforms that are not the identity."""
    rng = np.random.default_rng(seed)
    n_last, n_out = widths[-2:]
    sources = ["input", *(f"hidden{i}" for i in range(len(widths) - 2))]
    kept: dict[str, Any] = {"activation": activation, "polarity": polarity, "theta": theta, "beta": beta}
    nodes = tuple(
        random_layer(rng, f"hidden{i}", a, b, source=sources[i], **kept)
        for i, (a, b) in enumerate(pairwise(widths[:-1]))
    )
    last = ConnectionSpec(source=sources[-1], weight=rng.normal(0.0, 1.0, (n_out, n_last)))
    n_in = widths[0]
    lower, upper = np.zeros(n_in), np.arange(1.0, n_in + 1.0)
    return NetworkSpec(
        name=f"random{seed}",
        inputs=(InputSpec(width=n_in),),
        nodes=nodes,
        output=OutputSpec(connections=(last,), bias=rng.normal(0.0, 0.2, n_out)),
        n_steps=n_steps,
        readout=readout,
        input_transform=AffineTransform.to_unit_box(lower, upper),
        output_transform=AffineTransform(scale=rng.uniform(0.5, 2.0, n_out), offset=rng.normal(0.0, 0.1, n_out)),
        ansatz=unit_ansatz(n_in, n_out) if ansatz else None,
        lower=lower,
        upper=upper,
    )


def random_points(network: NetworkSpec | QuantizedNetwork, n: int, seed: int = 0) -> FloatArray:
    """Draw points uniformly from the network's box, shape (n, n_in); of sequences (n, 6, n_in), constant inputs alike."""
    source = network.source if isinstance(network, QuantizedNetwork) else network
    rng = np.random.default_rng(seed)
    unit = rng.random((n, source.n_in))
    if source.has_sequences:
        changes = np.repeat([each.is_sequence for each in source.inputs], [each.width for each in source.inputs])
        unit = np.where(changes, rng.random((n, 6, source.n_in)), unit[:, None])
    points: FloatArray = source.lower + (source.upper - source.lower) * unit
    return points


# Integer networks, drawn as integers.


def random_affine(
    rng: np.random.Generator,
    n_in: int,
    n_out: int,
    *,
    source: str = "input",
    input_exponent: int,
    input_bits: int,
    weight_bits: int = 8,
    state_bits: int = 24,
    state_range: int = 5,
    density: float = 1.0,
) -> QuantizedAffine:
    """Draw weights of about 1 / sqrt(n_in), with scales that differ from neuron to neuron.

    Args:
        rng: Source of numbers.
        n_in: Inputs.
        n_out: Neurons.
        source: Name of what is read.
        input_exponent: Scale of the input word.
        input_bits: Length of the input word.
        weight_bits: Length of a weight.
        state_bits: Length of the state word.
        state_range: The state word spans ±2**state_range.
        density: Share of the weights that are not zero.
    """
    highest = IntFormat(bits=weight_bits).highest
    weight = rng.integers(-highest, highest + 1, (n_out, n_in)) * (rng.random((n_out, n_in)) < density)
    centre = 2 - weight_bits - round(np.log2(n_in) / 2)
    state_exponent = state_range + 1 - state_bits
    bias = np.rint(np.ldexp(rng.normal(0.0, 0.25, n_out), -state_exponent)).astype(np.int64)
    connection = QuantizedConnection(
        source=source,
        weight=weight,
        weight_bits=weight_bits,
        weight_exponent=rng.integers(centre - 1, centre + 2, n_out),
        input_exponent=input_exponent,
        input_bits=input_bits,
    )
    return QuantizedAffine(
        connections=(connection,),
        bias=np.clip(bias, -IntFormat(bits=state_bits).highest, IntFormat(bits=state_bits).highest),
        state_exponent=state_exponent,
        state_bits=state_bits,
    )


def random_quantized(
    seed: int = 0,
    *,
    widths: tuple[int, ...] = (2, 7, 5, 1),
    n_steps: int = 2,
    activation: str = "z_tanh_z",
    polarity: Polarity = Polarity.POSITIVE,
    readout: Readout = Readout.MEAN,
    weight_bits: int = 8,
    input_bits: int = 16,
    input_range: int = 1,
    payload_bits: int = 16,
    payload_range: int | None = None,
    state_bits: int = 24,
    state_range: int = 5,
    density: float = 1.0,
    index_size: int = 8,
    ansatz: bool = False,
) -> QuantizedNetwork:
    """Draw a network in integers; beta holds 0, 4096 and values between, theta lies in [0, 0.4) of physical units.

    Products are aligned by shifts to the right; `input_bits=8, payload_bits=8` turns them to the left.
    A word of range r spans ±2**r; the default input, ±2, does not saturate at the box's edges, ±1. None is the range of
    payloads that phi asks for.
    """
    rng = np.random.default_rng(seed)
    if payload_range is None:
        payload_range = 0 if find_activation(activation).bound else 3
    input_word = sent = (input_range + 1 - input_bits, input_bits)
    nodes: list[QuantizedPopulation] = []

    def affine(n_in: int, n_out: int) -> QuantizedAffine:
        exponent, bits = sent
        source = nodes[-1].name if nodes else "input"
        return random_affine(
            rng, n_in, n_out, source=source, input_exponent=exponent, input_bits=bits, weight_bits=weight_bits,
            state_bits=state_bits, state_range=state_range, density=density,
        )  # fmt: skip

    for index, (n_in, n_out) in enumerate(pairwise(widths[:-1])):
        made = affine(n_in, n_out)
        sent = (payload_range + 1 - payload_bits, payload_bits)
        table = make_table(
            activation,
            state_exponent=made.state_exponent,
            state_bits=state_bits,
            payload_exponent=sent[0],
            payload_bits=sent[1],
            index_size=index_size,
        )
        theta = np.ldexp(rng.uniform(0.0, 0.4, n_out), -made.state_exponent).astype(np.int64)
        nodes.append(
            QuantizedPopulation(
                name=f"hidden{index}",
                affine=made,
                beta=rng.choice([0, 1 << LEAK_BITS, 2048, *rng.integers(0, 4097, 4)], n_out),
                theta=np.minimum(theta, IntFormat(bits=state_bits).highest),
                polarity=polarity,
                table=table,
            )
        )
    output = QuantizedOutput(affine=affine(widths[-2], widths[-1]))
    like = random_spec(seed, widths=widths, n_steps=n_steps, readout=readout, ansatz=ansatz)
    return QuantizedNetwork(
        source=float_twin(like, tuple(nodes), output),
        input_words=(Word(bits=input_word[1], exponent=input_word[0]),),
        nodes=tuple(nodes),
        output=output,
    )


def random_graph(
    seed: int = 0,
    *,
    n_inputs: int = 1,
    n_nodes: int = 5,
    n_steps: int | None = 2,
    recurrent: bool = True,
    activations: tuple[str, ...] = ACTIVATIONS,
    readout: Readout = Readout.MEAN,
) -> QuantizedNetwork:
    """Draw a graph in integers: skips, products, relays, delays and, where `recurrent`, loops; its source is its float twin.

    Args:
        seed: Seed of everything.
        n_inputs: Number of inputs, of one to three columns each; with n_steps None, every other one is a sequence.
        n_nodes: Number of nodes.
        n_steps: T of the network; None for sequences.
        recurrent: Whether connections with a delay may come from the node itself or from later ones.
        activations: Activations to draw from.
        readout: Reduction of the outputs.
    """
    drawn = _Graph(np.random.default_rng(seed), n_inputs, n_steps is None, n_nodes, recurrent)
    nodes = tuple(drawn.node(i, activations) for i in range(n_nodes))
    output = drawn.output()
    source = drawn.source(seed, nodes, output, n_steps, readout)
    by_name = {node.name: node for node in nodes}
    return QuantizedNetwork(
        source=source,
        input_words=tuple(drawn.words[each.name] for each in drawn.inputs),
        nodes=tuple(by_name[node.name] for node in source.nodes),
        output=output,
    )


class _Graph:
    """What `random_graph` has drawn: inputs, widths and words of everything, and the factors of the products."""

    def __init__(
        self, rng: np.random.Generator, n_inputs: int, with_sequences: bool, n_nodes: int, recurrent: bool
    ) -> None:
        self.rng, self.recurrent = rng, recurrent
        self.inputs = tuple(
            InputSpec(name=f"x{i}", width=int(rng.integers(1, 4)), is_sequence=with_sequences and i % 2 == 0)
            for i in range(n_inputs)
        )
        self.widths = {each.name: each.width for each in self.inputs}
        self.words = {each.name: Word(bits=16, exponent=-14) for each in self.inputs}
        self.names = [f"n{i:02d}" for i in range(n_nodes)]
        self.factors: dict[str, tuple[str, str]] = {}
        for name in self.names:
            self._plan(name)

    def _plan(self, name: str) -> None:
        """Draw whether a node is a product, of what, and how wide it is; two inputs are not multiplied."""
        known = list(self.widths)
        pairs = [(a, b) for a in known for b in known if self.widths[a] == self.widths[b] and not (a[0] == b[0] == "x")]
        is_product = bool(pairs) and self.rng.random() < 0.25
        width = int(self.rng.choice([3, 4, 4, 6]))
        if is_product:
            self.factors[name] = pairs[int(self.rng.integers(len(pairs)))]
            width = self.widths[self.factors[name][0]]
        self.widths[name], self.words[name] = width, Word(bits=16, exponent=-12)

    def node(self, index: int, activations: tuple[str, ...]) -> QuantizedNode:
        """Draw a node that reads inputs, earlier nodes, and with a delay itself or later ones."""
        name, rng, words = self.names[index], self.rng, self.words
        if name in self.factors:
            left, right = self.factors[name]
            both = {"left_word": words[left], "right_word": words[right]}
            return QuantizedProduct(
                name=name, left=left, right=right, width=self.widths[name], sends=words[name], **both
            )
        n_out, is_relay = self.widths[name], rng.random() < 0.2
        affine = self._affine(n_out, self.names[:index], self.names[index:])
        table = make_table(
            "identity" if is_relay else str(rng.choice(activations)),
            state_exponent=affine.state_exponent,
            state_bits=24,
            payload_exponent=words[name].exponent,
            payload_bits=16,
            index_size=8,
        )
        theta = np.ldexp(rng.uniform(0.0, 0.4, n_out), -affine.state_exponent).astype(np.int64)
        return QuantizedPopulation(
            name=name,
            affine=affine,
            beta=np.zeros(n_out, np.int64) if is_relay else rng.choice([0, 1 << LEAK_BITS, 2048, 777], n_out),
            theta=0 * theta if is_relay else theta,
            polarity=Polarity.BOTH if is_relay else Polarity(str(rng.choice([each.value for each in Polarity]))),
            table=table,
        )

    def output(self) -> QuantizedOutput:
        """Draw the read-out, of one or two outputs."""
        return QuantizedOutput(affine=self._affine(int(self.rng.integers(1, 3)), self.names, []))

    def _affine(self, n_out: int, earlier: list[str], later: list[str]) -> QuantizedAffine:
        rng, known = self.rng, [*(each.name for each in self.inputs), *earlier]
        edges = {(known[int(rng.integers(len(known)))], 0)}
        edges |= {(str(rng.choice(known)), int(rng.choice([0, 0, 1, 2]))) for _ in range(2)}
        if self.recurrent and later and rng.random() < 0.5:
            edges.add((str(rng.choice(later)), int(rng.integers(1, 4))))
        drawn = [replace(self._connection(source, n_out), delay=delay) for source, delay in sorted(edges)]
        return replace(random_affine(rng, 1, n_out, input_exponent=-14, input_bits=16), connections=tuple(drawn))

    def _connection(self, source: str, n_out: int) -> QuantizedConnection:
        word = {"input_exponent": self.words[source].exponent, "input_bits": 16}
        return random_affine(self.rng, self.widths[source], n_out, source=source, **word).connections[0]

    def source(
        self,
        seed: int,
        nodes: tuple[QuantizedNode, ...],
        output: QuantizedOutput,
        n_steps: int | None,
        readout: Readout,
    ) -> NetworkSpec:
        """Return the float twin, on the box [0, 1] x [0, 2] x …"""
        n_in, n_out = sum(each.width for each in self.inputs), output.n_out
        lower, upper = np.zeros(n_in), np.arange(1.0, n_in + 1.0)
        last = OutputSpec(name=output.name, connections=float_connections(output.affine), bias=output.affine.real_bias)
        return replace(
            random_spec(seed, widths=(n_in, 1, n_out), n_steps=1),
            name="graph",
            inputs=self.inputs,
            nodes=float_nodes(nodes),
            output=last,
            n_steps=n_steps,
            readout=readout,
            lower=lower,
            upper=upper,
            input_transform=AffineTransform.to_unit_box(lower, upper),
            output_transform=AffineTransform(scale=np.full(n_out, 1.5), offset=np.full(n_out, 0.1)),
        )


def float_connections(affine: QuantizedAffine) -> tuple[ConnectionSpec, ...]:
    """Return the connections that the integers of a sum stand for."""
    return tuple(
        ConnectionSpec(source=each.source, delay=each.delay, weight=each.real_weight) for each in affine.connections
    )


def float_twin(like: NetworkSpec, nodes: tuple[QuantizedNode, ...], output: QuantizedOutput) -> NetworkSpec:
    """Return `like` with the floats that the integers stand for: quantizing it adds no error of weights, theta or beta."""
    last = OutputSpec(name=output.name, connections=float_connections(output.affine), bias=output.affine.real_bias)
    return replace(like, nodes=float_nodes(nodes), output=last)


def float_nodes(nodes: tuple[QuantizedNode, ...]) -> tuple[NodeSpec, ...]:
    """Return the nodes that the integers stand for."""
    return tuple(
        ProductSpec(name=node.name, left=node.left, right=node.right, width=node.width)
        if isinstance(node, QuantizedProduct)
        else PopulationSpec(
            name=node.name,
            connections=float_connections(node.affine),
            bias=node.affine.real_bias,
            beta=dequantize_array(node.beta, -LEAK_BITS),
            theta=dequantize_array(node.theta, node.affine.state_exponent),
            activation=node.table.activation,
            polarity=node.polarity,
        )
        for node in nodes
    )


def saturating_quantized(
    seed: int = 0,
    *,
    widths: tuple[int, ...] = (2, 7, 5, 1),
    n_steps: int = 2,
    activation: str = "identity",
    polarity: Polarity = Polarity.BOTH,
) -> QuantizedNetwork:
    """Draw a network whose words are all too short; a state of ±1/4, an input of ±1/2, payloads beyond their word.

    Every other neuron has the highest threshold and no leak, so that its membrane grows until it saturates.
    """
    network = random_quantized(
        seed,
        widths=widths,
        n_steps=n_steps,
        activation=activation,
        polarity=polarity,
        state_bits=16,
        state_range=-2,
        input_range=-1,
        payload_range=-6,
    )
    for index, layer in enumerate(network.populations):
        theta = np.where(np.arange(layer.n_out) % 2, IntFormat(bits=16).highest, layer.theta // 8)
        network = with_layer(network, index, theta=theta, beta=np.full(layer.n_out, 1 << LEAK_BITS))
    (last,) = network.output.affine.connections
    strong = replace(last, weight_exponent=last.weight_exponent + 7)
    output = replace(network.output, affine=replace(network.output.affine, connections=(strong,)))
    return replace(network, source=float_twin(network.source, network.nodes, output), output=output)


# Changes of a given network.


def with_layer(network: AnyNetwork, index: int, **changes: Any) -> AnyNetwork:
    """Replace fields of one population; those of its sum and of its only connection too, in a quantized network."""
    nodes: list[Any] = list(network.nodes)
    node = nodes[index]
    if isinstance(network, QuantizedNetwork):
        own = {name: changes.pop(name) for name in list(changes) if name in QuantizedAffine.__dataclass_fields__}
        inner = {name: changes.pop(name) for name in list(changes) if name in QuantizedConnection.__dataclass_fields__}
        if inner:
            (only,) = node.affine.connections
            own["connections"] = (replace(only, **inner),)
        nodes[index] = replace(node, affine=replace(node.affine, **own), **changes)
    else:
        weight = changes.pop("weight", node.weight)
        nodes[index] = node.with_weight(weight, **changes)
    return replace(network, nodes=tuple(nodes))


def with_zero_layer(network: AnyNetwork, index: int = 0) -> AnyNetwork:
    """Set all weights and biases of a layer to zero."""
    layer: Any = network.populations[index]
    holder = layer.affine if isinstance(network, QuantizedNetwork) else layer
    return with_layer(network, index, weight=np.zeros_like(holder.weight), bias=np.zeros_like(holder.bias))


def with_negative_layer(network: AnyNetwork, index: int = 0) -> AnyNetwork:
    """Set all weights and biases of a layer to negative values: with polarity "positive" and positive inputs it is silent."""
    layer: Any = network.populations[index]
    holder = layer.affine if isinstance(network, QuantizedNetwork) else layer
    smallest = 1 if isinstance(network, QuantizedNetwork) else 1e-3
    weight = -np.maximum(np.abs(holder.weight), smallest)
    return with_layer(network, index, weight=weight, bias=-np.maximum(np.abs(holder.bias), smallest))


def _reached(membrane: IntArray, polarity: Polarity) -> IntArray:
    return np.abs(membrane) if polarity is Polarity.BOTH else membrane


def _free_membranes(layer: QuantizedPopulation, inputs: list[IntArray]) -> IntArray:
    """Compute the membranes of a population that never fires, shape (n_steps, n_samples, n_out)."""
    highest = IntFormat(bits=layer.affine.state_bits).highest
    unreachable = replace(layer, polarity=Polarity.POSITIVE, theta=np.full(layer.n_out, highest))
    return np.stack([step.carried for step in _steps(unreachable, inputs)])


def _steps(layer: QuantizedPopulation, inputs: list[IntArray]) -> list[NodeStep]:
    """Compute the steps of a population with one connection, from its inputs at every step."""
    steps: list[NodeStep] = []
    for a in inputs:
        membrane = steps[-1].carried if steps else np.zeros((len(a), layer.n_out), dtype=np.int64)
        steps.append(step_integer(layer, membrane, [a]))
    return steps


def _rebuilt(network: QuantizedNetwork, points: FloatArray, change: Any) -> QuantizedNetwork:
    """Change population after population of a chain by `change(it, its inputs at every step)`, which sees the changed ones."""
    x, _ = encode_points(network, points)
    assert network.n_steps is not None
    inputs, nodes = [x] * network.n_steps, []
    for layer in network.populations:
        nodes.append(change(layer, inputs))
        inputs = [step.payload for step in _steps(nodes[-1], inputs)]
    return replace(network, nodes=tuple(nodes))


def sent_payloads(network: QuantizedNetwork, trace: RunTrace, points: np.ndarray) -> dict[str, Any]:
    """Give everything that inputs and nodes sent in a fully probed run, as lists [sample][step][component], by name."""
    x, _ = encode_points(network, points)
    if x.ndim == 2:
        x = np.repeat(x[:, None, :], trace.n_steps, axis=1)
    sent, first = {}, 0
    for each in network.inputs:
        sent[each.name] = x[:, :, first : first + each.width].tolist()
        first += each.width
    assert trace.probe is not None
    return sent | {node.name: node.payload.tolist() for node in trace.probe.nodes}


def with_threshold_hits(network: QuantizedNetwork, points: FloatArray) -> QuantizedNetwork:
    """Choose thresholds so that two of three neurons reach theta exactly on some of these points, the third misses by one.

    Neuron j takes sample j mod n: theta is the largest membrane that this sample makes in T steps without firing, so that
    the first spike comes at m = theta itself; every third neuron gets theta + 1.
    """

    def change(layer: QuantizedPopulation, inputs: list[IntArray]) -> QuantizedPopulation:
        peaks = _reached(_free_membranes(layer, inputs), layer.polarity).max(axis=0)
        j = np.arange(layer.n_out)
        highest = IntFormat(bits=layer.affine.state_bits).highest
        return replace(layer, theta=np.clip(peaks[j % len(peaks), j] + (j % 3 == 2), 0, highest))

    return _rebuilt(network, points, change)


def with_activity(network: QuantizedNetwork, points: FloatArray, share: float) -> QuantizedNetwork:
    """Shift biases (polarity "positive") or thresholds ("both") so that about `share` of the neurons fires at step one."""

    def change(layer: QuantizedPopulation, inputs: list[IntArray]) -> QuantizedPopulation:
        z, _ = integer_drive(layer.affine, [inputs[0]])
        quantile = np.quantile(_reached(z, layer.polarity), 1.0 - share, axis=0).astype(np.int64)
        if layer.polarity is Polarity.BOTH:
            return replace(layer, theta=quantile)
        highest = IntFormat(bits=layer.affine.state_bits).highest
        bias = np.clip(layer.affine.bias + layer.theta - quantile, -highest, highest)
        return replace(layer, affine=replace(layer.affine, bias=bias))

    return _rebuilt(network, points, change)
