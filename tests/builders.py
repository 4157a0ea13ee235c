"""Random and hand-shaped networks for the tests of every folder: `import builders`.

    random_spec(seed, ...)            float network, any activation, polarity, T, widths, read-out
    random_quantized(seed, ...)       integer network made from integers, not by conversion; its source is its exact float twin
    random_points(network, n)         points in the network's box
    with_threshold_hits(q, points)    membranes reach theta exactly, or miss it by one
    with_activity(q, points, share)   about that share of the neurons fires
    saturating_quantized(seed, ...)   input, drives, membranes, payloads and outputs all saturate
    with_zero_layer, with_negative_layer

All of them return new records. `ACTIVATIONS`, `POLARITIES` and `N_STEPS` are what a parity test has to range over.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from neuropinn_lava.base.arrays import FloatArray, IntArray
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import IntegerLayerRun, integer_drive
from neuropinn_lava.geometry.scalar_fields import Polynomial
from neuropinn_lava.network.activations import ACTIVATIONS as RULES
from neuropinn_lava.network.integers import LEAK_BITS, IntFormat, dequantize_array
from neuropinn_lava.network.phi_table import make_table
from neuropinn_lava.network.quantized import QuantizedAffine, QuantizedLayer, QuantizedNetwork, QuantizedOutput
from neuropinn_lava.network.spec import LayerSpec, NetworkSpec, OutputSpec, Polarity, Readout
from neuropinn_lava.network.transforms import AffineTransform, Ansatz

ACTIVATIONS = tuple(RULES)
POLARITIES = tuple(Polarity)
N_STEPS = (1, 2, 8)

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
    activation: str = "z_tanh_z",
    polarity: Polarity = Polarity.POSITIVE,
    theta: float | None = None,
    beta: float | None = None,
) -> LayerSpec:
    """Draw a layer; theta from [0, 0.4) and beta from [0, 1] with both ends, unless they are given."""
    leaks = rng.choice([0.0, 1.0, 0.5, *rng.random(4)], n_out) if beta is None else np.full(n_out, beta)
    return LayerSpec(
        name=name,
        weight=rng.normal(0.0, 1.2 / np.sqrt(n_in), (n_out, n_in)),
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
    layers = tuple(
        random_layer(rng, f"hidden{i}", a, b, activation=activation, polarity=polarity, theta=theta, beta=beta)
        for i, (a, b) in enumerate(pairwise(widths[:-1]))
    )
    n_in = widths[0]
    lower, upper = np.zeros(n_in), np.arange(1.0, n_in + 1.0)
    return NetworkSpec(
        name=f"random{seed}",
        layers=layers,
        output=OutputSpec(weight=rng.normal(0.0, 1.0, (n_out, n_last)), bias=rng.normal(0.0, 0.2, n_out)),
        n_steps=n_steps,
        readout=readout,
        input_transform=AffineTransform.to_unit_box(lower, upper),
        output_transform=AffineTransform(scale=rng.uniform(0.5, 2.0, n_out), offset=rng.normal(0.0, 0.1, n_out)),
        ansatz=unit_ansatz(n_in, n_out) if ansatz else None,
        lower=lower,
        upper=upper,
    )


def random_points(network: NetworkSpec | QuantizedNetwork, n: int, seed: int = 0) -> FloatArray:
    """Draw points uniformly from the network's box, shape (n, n_in)."""
    source = network.source if isinstance(network, QuantizedNetwork) else network
    unit = np.random.default_rng(seed).random((n, source.n_in))
    points: FloatArray = source.lower + (source.upper - source.lower) * unit
    return points


# Integer networks, drawn as integers.


def random_affine(
    rng: np.random.Generator,
    n_in: int,
    n_out: int,
    *,
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
    return QuantizedAffine(
        weight=weight,
        weight_bits=weight_bits,
        weight_exponent=rng.integers(centre - 1, centre + 2, n_out),
        bias=np.clip(bias, -IntFormat(bits=state_bits).highest, IntFormat(bits=state_bits).highest),
        input_exponent=input_exponent,
        input_bits=input_bits,
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
        payload_range = 0 if RULES[activation].bound else 3
    input_word = sent = (input_range + 1 - input_bits, input_bits)
    layers = []

    def affine(n_in: int, n_out: int) -> QuantizedAffine:
        exponent, bits = sent
        return random_affine(
            rng, n_in, n_out, input_exponent=exponent, input_bits=bits, weight_bits=weight_bits,
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
        layers.append(
            QuantizedLayer(
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
        source=float_twin(like, tuple(layers), output),
        input_exponent=input_word[0],
        input_bits=input_word[1],
        layers=tuple(layers),
        output=output,
    )


def float_twin(like: NetworkSpec, layers: tuple[QuantizedLayer, ...], output: QuantizedOutput) -> NetworkSpec:
    """Return `like` with the floats that the integers stand for: quantizing it adds no error of weights, theta or beta."""
    specs = tuple(
        LayerSpec(
            name=layer.name,
            weight=dequantize_array(layer.affine.weight, layer.affine.weight_exponent[:, None]),
            bias=dequantize_array(layer.affine.bias, layer.affine.state_exponent),
            beta=dequantize_array(layer.beta, -LEAK_BITS),
            theta=dequantize_array(layer.theta, layer.affine.state_exponent),
            activation=layer.table.activation,
            polarity=layer.polarity,
        )
        for layer in layers
    )
    weight = dequantize_array(output.affine.weight, output.affine.weight_exponent[:, None])
    bias = dequantize_array(output.affine.bias, output.affine.state_exponent)
    return replace(like, layers=specs, output=OutputSpec(name=output.name, weight=weight, bias=bias))


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
    for index, layer in enumerate(network.layers):
        theta = np.where(np.arange(layer.n_out) % 2, IntFormat(bits=16).highest, layer.theta // 8)
        network = with_layer(network, index, theta=theta, beta=np.full(layer.n_out, 1 << LEAK_BITS))
    strong = network.output.affine.weight_exponent + 7
    output = replace(network.output, affine=replace(network.output.affine, weight_exponent=strong))
    return replace(network, source=float_twin(network.source, network.layers, output), output=output)


# Changes of a given network.


def with_layer(network: AnyNetwork, index: int, **changes: Any) -> AnyNetwork:
    """Replace fields of one spiking layer; those of its affine part too, in a quantized network."""
    layer: Any = network.layers[index]
    if isinstance(network, QuantizedNetwork):
        own = {name: changes.pop(name) for name in list(changes) if name in QuantizedAffine.__dataclass_fields__}
        changes["affine"] = replace(layer.affine, **own)
    layers = list(network.layers)
    layers[index] = replace(layer, **changes)
    return replace(network, layers=tuple(layers))


def with_zero_layer(network: AnyNetwork, index: int = 0) -> AnyNetwork:
    """Set all weights and biases of a layer to zero."""
    layer: Any = network.layers[index]
    holder = layer.affine if isinstance(network, QuantizedNetwork) else layer
    return with_layer(network, index, weight=np.zeros_like(holder.weight), bias=np.zeros_like(holder.bias))


def with_negative_layer(network: AnyNetwork, index: int = 0) -> AnyNetwork:
    """Set all weights and biases of a layer to negative values: with polarity "positive" and positive inputs it is silent."""
    layer: Any = network.layers[index]
    holder = layer.affine if isinstance(network, QuantizedNetwork) else layer
    smallest = 1 if isinstance(network, QuantizedNetwork) else 1e-3
    weight = -np.maximum(np.abs(holder.weight), smallest)
    return with_layer(network, index, weight=weight, bias=-np.maximum(np.abs(holder.bias), smallest))


def _reached(membrane: IntArray, polarity: Polarity) -> IntArray:
    return np.abs(membrane) if polarity is Polarity.BOTH else membrane


def _free_membranes(layer: QuantizedLayer, inputs: list[IntArray]) -> IntArray:
    """Compute the membranes of a layer that never fires, shape (n_steps, n_samples, n_out)."""
    highest = IntFormat(bits=layer.affine.state_bits).highest
    unreachable = replace(layer, polarity=Polarity.POSITIVE, theta=np.full(layer.n_out, highest))
    run = IntegerLayerRun(unreachable, len(inputs[0]))
    steps = []
    for a in inputs:
        run.step(a)
        steps.append(run.membrane)
    return np.stack(steps)


def _rebuilt(network: QuantizedNetwork, points: FloatArray, change: Any) -> QuantizedNetwork:
    """Change layer after layer by `change(layer, its inputs at every step)`, each seeing what the changed ones send."""
    x, _ = encode_points(network, points)
    inputs = [x] * network.n_steps
    layers = []
    for layer in network.layers:
        layers.append(change(layer, inputs))
        run = IntegerLayerRun(layers[-1], len(x))
        inputs = [run.step(a).payload for a in inputs]
    return replace(network, layers=tuple(layers))


def with_threshold_hits(network: QuantizedNetwork, points: FloatArray) -> QuantizedNetwork:
    """Choose thresholds so that two of three neurons reach theta exactly on some of these points, the third misses by one.

    Neuron j takes sample j mod n: theta is the largest membrane that this sample makes in T steps without firing, so that
    the first spike comes at m = theta itself; every third neuron gets theta + 1.
    """

    def change(layer: QuantizedLayer, inputs: list[IntArray]) -> QuantizedLayer:
        peaks = _reached(_free_membranes(layer, inputs), layer.polarity).max(axis=0)
        j = np.arange(layer.n_out)
        highest = IntFormat(bits=layer.affine.state_bits).highest
        return replace(layer, theta=np.clip(peaks[j % len(peaks), j] + (j % 3 == 2), 0, highest))

    return _rebuilt(network, points, change)


def with_activity(network: QuantizedNetwork, points: FloatArray, share: float) -> QuantizedNetwork:
    """Shift biases (polarity "positive") or thresholds ("both") so that about `share` of the neurons fires at step one."""

    def change(layer: QuantizedLayer, inputs: list[IntArray]) -> QuantizedLayer:
        z, _ = integer_drive(layer.affine, inputs[0])
        quantile = np.quantile(_reached(z, layer.polarity), 1.0 - share, axis=0).astype(np.int64)
        if layer.polarity is Polarity.BOTH:
            return replace(layer, theta=quantile)
        highest = IntFormat(bits=layer.affine.state_bits).highest
        bias = np.clip(layer.affine.bias + layer.theta - quantile, -highest, highest)
        return replace(layer, affine=replace(layer.affine, bias=bias))

    return _rebuilt(network, points, change)
