"""The builder of graphs: sums, products and states written down by hand."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.conversion.formats.affine_values import AffineValue, joined_values
from neuropinn_lava.conversion.formats.graph_builder import GraphBuilder
from neuropinn_lava.network.nodes import PopulationSpec, ProductSpec


def begun() -> tuple[GraphBuilder, AffineValue, AffineValue]:
    """A builder, and two populations of two neurons each, of the input's two columns."""
    builder = GraphBuilder("module M")
    x = builder.input("x", 2)
    return builder, builder.activate("tanh", x), builder.activate("sin", x.mapped(np.array([[2.0, 0.0], [1.0, 1.0]])))


def test_factors_and_summands_of_operands_need_no_relay() -> None:
    """(1 + 2 a)(3 - b) = 3 + 6 a - b - 2 a b."""
    builder, a, b = begun()
    product = builder.multiply(a.mapped(np.full(2, 2.0), 1.0), b.mapped(np.full(2, -1.0), 3.0))
    nodes, output = builder.finish(product)
    assert [node.name for node in nodes] == ["hidden1", "hidden2", "product1"]
    assert output.bias.tolist() == [3.0, 3.0]
    factors = {each.source: each.weight.tolist() for each in output.connections}
    assert factors == {
        "hidden1": [[6.0, 0.0], [0.0, 6.0]],
        "hidden2": [[-1.0, 0.0], [0.0, -1.0]],
        "product1": [[-2.0, 0.0], [0.0, -2.0]],
    }


def test_sums_are_operands_through_a_relay_which_is_made_once() -> None:
    builder, a, b = begun()
    total = a.plus(b)
    nodes, _ = builder.finish(builder.multiply(total, total))
    relay, product = (next(node for node in nodes if node.name == name) for name in ("relay1", "product1"))
    assert isinstance(relay, PopulationSpec)
    assert relay.is_relay
    assert isinstance(product, ProductSpec)
    assert (product.left, product.right) == ("relay1", "relay1")


def test_sigmoid_is_centred_and_a_half_is_folded() -> None:
    """W (psi + 1/2) + b: the row sums of W, halved, are in the bias; so they are in a product."""
    builder, a, b = begun()
    gate = builder.activate("sigmoid", a)
    _, output = builder.finish(gate.mapped(np.array([[1.0, 2.0]]), 0.25))
    assert output.bias.tolist() == [1.75]
    _, output = builder.finish(builder.multiply(gate, b))
    assert {each.source: each.weight[0, 0] for each in output.connections} == {"hidden2": 0.5, "product1": 1.0}


def test_a_state_that_leaks_is_a_relay_that_reads_itself() -> None:
    """s[t] = s[t-1] / 2 + a[t]; it begins with zero."""
    builder, a, _ = begun()
    state = builder.state("s", 2).mapped(np.full(2, 0.5)).plus(a)
    builder.set_state("s", state)
    nodes, output = builder.finish(state)
    (relay,) = (node for node in nodes if node.name == "relay1")
    assert relay.edges == (("hidden1", 0), ("relay1", 1))
    assert output.edges == (("hidden1", 0), ("relay1", 1))


def test_unused_nodes_are_left_out_and_components_are_selected_across_sources() -> None:
    builder, a, b = begun()
    builder.relay(a.plus(b))
    value = joined_values([a, b]).selected(np.array([3, 0]))
    nodes, output = builder.finish(value.selected(np.array([1])))
    assert [node.name for node in nodes] == ["hidden1"]
    assert output.weight.tolist() == [[1.0, 0.0]]


def test_an_output_without_a_population_is_refused() -> None:
    builder = GraphBuilder("module M")
    with pytest.raises(SpecError, match="module M must have at least one activation or VSN; got none"):
        builder.finish(builder.input("x", 2))
