"""Unrolled graphs compute the integers of the reference: by the interpreter of the tests, without onnx.

What is built around them is tested in `test_run_onnx.py`, where onnx is.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

import builders
from graph_interpreter import compute
from neuropinn_lava.base.errors import HardwareRuleError, SpecError
from neuropinn_lava.engine.host import encode_points
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.engine.state import RunState
from neuropinn_lava.hardware_sim.devices.integer_plan import plan_integers
from neuropinn_lava.hardware_sim.devices.onnx_graphs.payload_lines import draw_lines
from neuropinn_lava.hardware_sim.devices.onnx_graphs.run_onnx import graph_inputs
from neuropinn_lava.hardware_sim.devices.onnx_graphs.unroll import unroll_plan
from neuropinn_lava.hardware_sim.kernels.layout import lay_out_phi
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.phi_table import look_up, make_table
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import Readout
from small_graphs import gated_network, with_hermit

WIDE = 10
"""Factor by which points leave the box: input words saturate at both ends."""


def computed(network: QuantizedNetwork, points: np.ndarray) -> np.ndarray:
    """Return the read-out that the graph computes."""
    plan = plan_integers(network)
    graph = unroll_plan(plan, None if network.n_steps else points.shape[1]).graph
    return compute(graph, graph_inputs(plan, network, encode_points(network, points)[0]))[network.output.name]


def assert_equal(network: QuantizedNetwork, n: int = 20) -> None:
    points = builders.random_points(network, n)
    for moved in (points, WIDE * (points - points.mean(axis=0))):
        np.testing.assert_array_equal(computed(network, moved), run_integer(network, moved).readout)


@pytest.mark.parametrize("n_steps", [1, 2, 8, None])
@pytest.mark.parametrize("seed", range(6))
def test_graphs(seed: int, n_steps: int | None) -> None:
    readouts = (Readout.MEAN, Readout.LAST, Readout.EVERY)
    readout = readouts[seed % 3] if n_steps is None else readouts[seed % 2]
    assert_equal(builders.random_graph(seed, n_inputs=1 + seed % 3, n_steps=n_steps, readout=readout))


@pytest.mark.parametrize("activation", [*builders.ACTIVATIONS, "gelu", "elu", "selu", "softplus", "exp", "square"])
@pytest.mark.parametrize("polarity", list(Polarity))
def test_every_table(activation: str, polarity: Polarity) -> None:
    assert_equal(builders.random_quantized(3, activation=activation, polarity=polarity))


@pytest.mark.parametrize("n_steps", [1, 2, 8])
@pytest.mark.parametrize("activation", ["identity", "relu", "tanh"])
def test_words_that_saturate(n_steps: int, activation: str) -> None:
    network = builders.saturating_quantized(n_steps, n_steps=n_steps, activation=activation)
    assert run_integer(network, builders.random_points(network, 20)).n_saturated > 100
    assert_equal(network)


def test_products_relays_delays_and_a_node_that_nobody_reads() -> None:
    assert_equal(gated_network())
    assert_equal(with_hermit(builders.random_quantized(1, n_steps=4), "alone"))


@pytest.mark.parametrize("activation", [*builders.ACTIVATIONS, "gelu", "elu", "selu", "softplus", "exp", "square"])
def test_lines_are_the_table_at_every_drive(activation: str) -> None:
    table = make_table(activation, state_exponent=-8, state_bits=14, payload_exponent=-7, payload_bits=10, index_size=5)
    lines = draw_lines(lay_out_phi(table), 14)
    z = np.arange(1 - (1 << 13), 1 << 13)
    taken = np.fmod(z, lines.period) if lines.period else z
    cell = np.clip(taken >> lines.index_bits, -lines.n_below, lines.n_above - 1)
    value = lines.slope[cell] * taken + lines.intercept[cell]
    np.testing.assert_array_equal(np.clip(value >> lines.shift, -511, 511), look_up(table, z)[0])
    largest = np.abs(lines.slope[cell] * taken) + np.abs(lines.intercept[cell])
    assert int(largest.max()).bit_length() + 1 <= lines.value_bits


def test_constant_drives_are_computed_once() -> None:
    once, often = (
        sum(node.op in ("Gemm", "MatMul") for node in unroll_plan(plan_integers(network)).graph.nodes)
        for network in (builders.random_quantized(0, n_steps=1), builders.random_quantized(0, n_steps=8))
    )
    assert once == 3  # two layers and the read-out
    assert often == 1 + 8 + 8  # the first layer's input is the same at every step


def test_the_traced_graph_has_the_nodes_of_the_graph() -> None:
    unrolled = unroll_plan(plan_integers(gated_network()))
    assert set(unrolled.graph.nodes) <= set(unrolled.traced.nodes)
    assert unrolled.graph.outputs == unrolled.traced.outputs[:1]


def test_a_state_continues_a_run() -> None:
    """A graph that continues gives the second half of a run of all steps, membranes and lines included."""
    whole = builders.random_graph(5, n_steps=None, n_inputs=2, readout=Readout.EVERY)
    assert any(delay > 1 for delay in plan_integers(whole).lines.values())
    points, plan = builders.random_points(whole, 10), plan_integers(whole)
    x, expected = encode_points(whole, points)[0], run_integer(whole, points)
    for cut in (1, 4):
        first = run_integer(whole, points[:, :cut], state=RunState.begin(whole, 10))
        graph = unroll_plan(plan, points.shape[1] - cut, continues=True).graph
        inputs = graph_inputs(plan, whole, x[:, cut:], first.state.walked(slice(None)))
        np.testing.assert_array_equal(compute(graph, inputs)[whole.output.name], expected.readout[:, cut:])


def test_names_that_nodes_share_with_tensors() -> None:
    """Nodes may be called as tensors are: every tensor keeps a name of its own."""
    network = builders.random_quantized(2)
    names = iter(["hidden1/drive/0", "number/0.5"])
    renamed = [replace(node, name=next(names)) for node in network.nodes]
    follows = {old.name: new.name for old, new in zip(network.nodes, renamed, strict=True)}

    def rewired(affine):
        connections = tuple(replace(each, source=follows.get(each.source, each.source)) for each in affine.connections)
        return replace(affine, connections=connections)

    nodes = tuple(replace(node, affine=rewired(node.affine)) for node in renamed)
    output = replace(network.output, affine=rewired(network.output.affine))
    assert_equal(
        QuantizedNetwork(
            source=builders.float_twin(network.source, nodes, output),
            input_words=network.input_words, nodes=nodes, output=output,
        )
    )  # fmt: skip


class TestRefusals:
    def test_sequences_without_a_length(self) -> None:
        plan = plan_integers(builders.random_graph(0, n_steps=None))
        with pytest.raises(SpecError, match=r"n_steps must be the length of the sequences.*None"):
            unroll_plan(plan)

    @pytest.mark.parametrize("n_steps", [0, 4097, 2.5])
    def test_lengths_that_are_none(self, n_steps: float) -> None:
        with pytest.raises(SpecError, match="n_steps must"):
            unroll_plan(plan_integers(builders.random_graph(0, n_steps=None)), n_steps)  # type: ignore[arg-type]

    def test_another_number_of_steps_than_the_networks(self) -> None:
        with pytest.raises(SpecError, match=r"be the network's own number of steps, 2; got 3"):
            unroll_plan(plan_integers(builders.random_graph(0, n_steps=2)), 3)

    def test_sums_beyond_float64_name_the_node_and_its_bits(self) -> None:
        plan = plan_integers(builders.random_quantized(0, n_steps=1))
        node = plan.populations[1]
        (connection,) = node.affine.connections
        long = replace(connection, up=connection.up + 30)
        affine = replace(node.affine, connections=(long,), sum_bits=55)
        plan = replace(plan, nodes=(plan.nodes[0], replace(node, affine=affine)))
        with pytest.raises(HardwareRuleError, match=r"'hidden1' must need at most 54 bits in its sums.*got 55"):
            unroll_plan(plan)

    def test_tables_and_products_beyond_float64(self) -> None:
        """A payload word 31 bits finer than the state: its lines rise by 2**31 a unit."""
        network = gated_network()
        plan = plan_integers(network)
        gate = next(node for node in plan.nodes if node.name == "gate")
        nodes = tuple(replace(node, product_bits=60) if node is gate else node for node in plan.nodes)
        steep = plan.tables[0]._replace(cells=plan.tables[0].cells.astype(np.int64) << 30)
        tables = (steep, *plan.tables[1:])
        with pytest.raises(HardwareRuleError) as caught:
            unroll_plan(replace(plan, nodes=nodes, tables=tables))
        text = str(caught.value)
        assert "node 'gate' must need at most 54 bits in its products" in text
        assert "in its payloads before rounding" in text


def test_bits_at_the_edge_are_exact() -> None:
    """54 bits with the sign are 2**53 - 1 at most, which float64 tells from its neighbours; it has no number 2**53 + 1."""
    edge = 2**53 - 1
    assert [float(edge + k) == edge + k for k in (-1, 0, 1, 2)] == [True, True, True, False]
    assert next(n for n in count(1) if float(2**n + 1) != 2**n + 1) == 53
