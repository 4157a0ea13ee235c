"""Post-training quantization of graphs: words of products and relays, scales of connections, and errors of random graphs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import FixedPointError, SpecError
from neuropinn_lava.base.metrics import relative_change
from neuropinn_lava.conversion import (
    Equalization,
    QuantizationScheme,
    Rounding,
    calibrate_network,
    quantize_network,
)
from neuropinn_lava.conversion.quantize.equalization import equalize_network
from neuropinn_lava.conversion.quantize.nearest import exact_weights, quantize_product
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.network.nodes import ConnectionSpec, InputSpec, OutputSpec, Polarity, PopulationSpec, ProductSpec
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.quantized_nodes import QuantizedPopulation, QuantizedProduct, Word
from neuropinn_lava.network.spec import NetworkSpec, Readout
from neuropinn_lava.network.transforms import AffineTransform

SMALL = 1e-2
"""Relative change of a graph with weights of eight bits, each wrong by up to 1/254 of its row's largest, and with loops."""
ALIKE = 1e-4
"""Changes below this are those of payload words, which no rounding of weights makes smaller."""
NO_ROUNDING = 1e-12
"""Float sums of rescaled numbers differ in the last places."""


def population(name: str, *connections: ConnectionSpec, activation: str = "tanh") -> PopulationSpec:
    """Return a population that always fires, without a leak."""
    n = connections[0].weight.shape[0]
    zeros = np.zeros(n)
    return PopulationSpec(
        name=name, connections=connections, bias=zeros, beta=zeros, theta=zeros, activation=activation,
        polarity=Polarity.BOTH,
    )  # fmt: skip


def gated(seed: int = 0) -> NetworkSpec:
    """Return V + z (U - V) of a modified multilayer perceptron: two encoders, a gate, a relay, a product, a relay."""
    rng = np.random.default_rng(seed)

    def reads(source: str, n_out: int, n_in: int) -> ConnectionSpec:
        return ConnectionSpec(source=source, weight=rng.normal(0.0, 1.0 / np.sqrt(n_in), (n_out, n_in)))

    def passes(source: str, sign: float = 1.0) -> ConnectionSpec:
        return ConnectionSpec(source=source, weight=sign * np.eye(8))

    nodes = (
        population("u", reads("x", 8, 2)),
        population("v", reads("x", 8, 2), reads("s", 8, 1)),
        population("z", reads("u", 8, 8)),
        population("difference", passes("u"), passes("v", -1.0), activation="identity"),
        ProductSpec(name="gate", left="z", right="difference", width=8),
        population("mixed", passes("gate"), passes("v"), activation="identity"),
        population("last", reads("mixed", 8, 8), activation="z_tanh_z"),
    )
    return NetworkSpec(
        name="gated",
        inputs=(InputSpec(name="x", width=2), InputSpec(name="s", width=1)),
        nodes=nodes,
        output=OutputSpec(connections=(reads("last", 1, 8), reads("mixed", 1, 8)), bias=[0.1]),
        input_transform=AffineTransform.identity(3),
        output_transform=AffineTransform.identity(1),
        lower=[-1.0, -1.0, -0.125],
        upper=[1.0, 1.0, 0.125],
    )


def change_of(result: QuantizedNetwork, points: np.ndarray) -> float:
    return relative_change(run_integer(result, points).outputs, run_float(result.source, points).outputs)


@pytest.mark.parametrize("seed", range(16))
def test_random_graphs_by_the_default_scheme(seed: int) -> None:
    """T = 1, 2, 8 and sequences, with loops but without thresholds, by which an error could grow."""
    readout = Readout.EVERY if seed % 4 == 3 else Readout.MEAN
    drawn = builders.random_graph(
        seed, n_inputs=1 + seed % 3, n_nodes=5, n_steps=(1, 2, 8, None)[seed % 4], readout=readout,
        activations=("tanh", "tanh_squared"),
    ).source  # fmt: skip
    rng = np.random.default_rng(seed)
    network = replace(drawn, nodes=tuple(real_and_firing(node, rng) for node in drawn.nodes))
    points, unseen = builders.random_points(network, 200), builders.random_points(network, 200, 1)
    result = quantize_network(network, points=points)
    nearest = quantize_network(network, QuantizationScheme(rounding=Rounding.NEAREST), points)
    assert np.isfinite(run_integer(result.network, unseen).outputs).all()
    assert change_of(result.network, unseen) < SMALL
    assert change_of(result.network, unseen) <= max(change_of(nearest.network, unseen), ALIKE)
    assert len(result.report.layers) == len(network.populations) + 1
    assert len(result.report.products) == len(network.nodes) - len(network.populations)
    assert result.report.n_saturated == 0
    assert all(layer.is_fixed_point == (network.n_steps is None) for layer in result.report.layers)


def real_and_firing(node: PopulationSpec | ProductSpec, rng: np.random.Generator) -> PopulationSpec | ProductSpec:
    """Return a node that always fires, with weights that are no integers of eight bits, unless it is a relay."""
    if isinstance(node, ProductSpec) or node.is_relay:
        return node
    weight = node.weight * rng.uniform(0.8, 1.2, node.weight.shape)
    changed: PopulationSpec = node.with_weight(weight, theta=0 * node.theta, polarity=Polarity.BOTH)
    return changed


@pytest.mark.parametrize("rounding", Rounding)
def test_gates_are_quantized_by_every_rounding(rounding: Rounding) -> None:
    network = gated()
    unseen = builders.random_points(network, 300, 5)
    result = quantize_network(network, QuantizationScheme(rounding=rounding))
    assert change_of(result.network, unseen) < (
        0.03 if rounding in (Rounding.NEAREST, Rounding.BIAS_CORRECTED) else 2e-3
    )
    assert all(layer.state_proved for layer in result.report.layers)
    assert [product.payload_proved for product in result.report.products] == [True]


@pytest.mark.parametrize("rounding", Rounding)
def test_relays_are_exact_and_round_once(rounding: Rounding) -> None:
    """Weights of one and minus one, no shift to the right: what a relay sends is half_up of the exact sum in its word."""
    network = gated()
    chip = quantize_network(network, QuantizationScheme(rounding=rounding)).network
    for spec, node in zip(network.nodes, chip.nodes, strict=True):
        if isinstance(spec, PopulationSpec) and spec.is_relay:
            assert isinstance(node, QuantizedPopulation)
            np.testing.assert_array_equal(node.affine.real_weight, spec.weight)
            assert all((left >= 0).all() for left in node.affine.lefts)
    layers = {layer.name: layer for layer in quantize_network(network).report.layers}
    assert layers["difference"].weight_error == layers["mixed"].weight_error == 0.0


def test_every_connection_has_scales_of_its_own() -> None:
    """Weights of one neuron a thousand times smaller over one connection keep their eight bits."""
    network = gated()
    fine = tuple(
        replace(each, weight=each.weight / 1024) if each.source == "s" else each
        for each in network.nodes[network_index(network, "v")].connections
    )
    nodes = tuple(replace(node, connections=fine) if node.name == "v" else node for node in network.nodes)
    chip = quantize_network(replace(network, nodes=nodes)).network
    affine = chip.populations[[node.name for node in chip.populations].index("v")].affine
    by_source = {each.source: each for each in affine.connections}
    assert (by_source["s"].weight_exponent < by_source["x"].weight_exponent - 5).all()
    assert np.abs(by_source["s"].weight).max() > 32


def network_index(network: NetworkSpec, name: str) -> int:
    return [node.name for node in network.nodes].index(name)


def test_every_input_has_a_word_of_its_own() -> None:
    chip = quantize_network(gated()).network
    assert [word.exponent for word in chip.input_words] == [-14, -17]  # 1 > 32767 / 2^15, 1/8 > 32767 / 2^18


def test_a_product_holds_what_was_seen_and_is_no_finer_than_its_factors() -> None:
    calibration = calibrate_network(gated())
    chip = quantize_network(gated(), QuantizationScheme(payload_bits=8)).network
    (product,) = (node for node in chip.nodes if isinstance(node, QuantizedProduct))
    peak = float(calibration.range_of("gate").payload.max())
    assert product.sends.exponent == int(np.ceil(np.log2(1.05 * peak / 127)))
    assert product.shift <= 0
    tiny = replace(gated(), lower=[-1e-3, -1e-3, -1e-3], upper=[1e-3, 1e-3, 1e-3])
    fine = quantize_network(tiny, QuantizationScheme(payload_bits=24)).network
    assert all(node.shift <= 0 for node in fine.nodes if isinstance(node, QuantizedProduct))


def test_words_that_a_product_cannot_hold_are_refused() -> None:
    words = {"a": Word(bits=24, exponent=0), "b": Word(bits=24, exponent=0), "p": Word(bits=8, exponent=-40)}
    with pytest.raises(
        FixedPointError, match=r"QuantizedProduct 'p'.sends must keep the shifted product below 2\*\*62"
    ):
        quantize_product(ProductSpec(name="p", left="a", right="b", width=1), words)


def test_word_lengths_by_population_and_by_sender() -> None:
    network = gated()
    scheme = QuantizationScheme(weight_bits=(8, 7, 6, 5, 4, 8, 10), payload_bits=(8, 9, 10, 11, 12, 13, 14))
    chip = quantize_network(network, replace(scheme, rounding=Rounding.NEAREST)).network
    for affine, bits in zip(chip.affines, (8, 7, 6, 5, 4, 8, 10), strict=True):
        assert {each.weight_bits for each in affine.connections} == {bits}
    assert [node.sends.bits for node in chip.nodes] == [8, 9, 10, 11, 12, 13, 14]


def test_exact_weights_by_hand() -> None:
    weight, exponent = exact_weights(np.array([[1.0, -1.0], [0.5, 3.0], [0.0, 0.0]]), 4)
    assert weight.tolist() == [[1, -1], [1, 6], [0, 0]]
    assert exponent.tolist() == [0, -1, 0]
    assert exact_weights(np.array([[0.1]]), 8) is None
    assert exact_weights(np.array([[1.0, 8.0]]), 4) is None  # 8 > 7


def test_equalization_leaves_a_graph_the_same_function() -> None:
    """relu populations with a skip, a self-loop and a product: the product's factors stay, all readers of the others follow."""
    loop = builders.random_graph(5, n_nodes=7, n_steps=3, activations=("relu", "identity"))
    network = loop.source
    points = builders.random_points(network, 50)
    equal = equalize_network(network, calibrate_network(network, points))
    wanted = run_float(network, points).outputs
    np.testing.assert_allclose(
        run_float(equal, points).outputs, wanted, rtol=0, atol=NO_ROUNDING * np.abs(wanted).max()
    )
    assert equal.digest() != network.digest()
    result = quantize_network(network, QuantizationScheme(equalization=Equalization.ACROSS_LAYERS), points)
    assert result.network.source.digest() == equal.digest()


def test_sequences_must_be_given() -> None:
    network = builders.random_graph(3, n_steps=None).source
    with pytest.raises(
        SpecError, match=r"points of network 'graph' must be given where an input is a sequence; got None"
    ):
        quantize_network(network)
    with pytest.raises(SpecError, match=r"have the shape \(n, n_steps, \d\)"):
        quantize_network(network, points=builders.random_points(network, 5)[:, 0])


def test_points_may_come_by_the_names_of_the_inputs() -> None:
    network = gated()
    points = builders.random_points(network, 100)
    named = {"x": points[:, :2], "s": points[:, 2:]}
    both = [quantize_network(network, points=given).network.digest() for given in (points, named)]  # type: ignore[arg-type]
    assert both[0] == both[1]
    with pytest.raises(SpecError, match="hold every input of x, s; got none for s"):
        quantize_network(network, points={"x": points[:, :2]})  # type: ignore[arg-type]


def test_a_product_that_falls_silent_is_named() -> None:
    """(x, 0.003 x) times (0, x): 0.003 is less than half a unit of 1/127, so that the first factor loses it."""
    column = ConnectionSpec(source="x", weight=[[1.0], [0.003]])
    nodes = (
        population("left", column, activation="identity"),
        population("right", replace(column, weight=[[0.0], [1.0]]), activation="identity"),
        ProductSpec(name="gate", left="left", right="right", width=2),
        population("last", ConnectionSpec(source="gate", weight=np.eye(2))),
    )
    network = replace(
        gated(),
        inputs=(InputSpec(name="x", width=1),),
        nodes=nodes,
        output=OutputSpec(connections=(ConnectionSpec(source="last", weight=np.ones((1, 2))),), bias=[0.0]),
        input_transform=AffineTransform.identity(1),
        lower=[-1.0],
        upper=[1.0],
    )
    with pytest.raises(
        FixedPointError, match=r"node 'gate' must have word lengths .*; got payload_bits 7, input_bits 16"
    ):
        quantize_network(network, QuantizationScheme(payload_bits=7))
    quantize_network(network, QuantizationScheme(payload_bits=12))
