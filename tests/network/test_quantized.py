"""Integer networks as records: every rule broken once; bounds and alignment by hand."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import FixedPointError, SpecError
from neuropinn_lava.network.nodes import ConnectionSpec, Polarity
from neuropinn_lava.network.phi_table import make_table
from neuropinn_lava.network.quantized_nodes import QuantizedAffine, QuantizedConnection, QuantizedProduct, Word
from neuropinn_lava.network.spec import Readout

GOOD = {
    "weight": [[127, -127, 1], [0, 3, -4]],
    "weight_bits": 8,
    "weight_exponent": [-7, -9],
    "bias": [5, -6],
    "input_exponent": -15,
    "input_bits": 16,
    "state_exponent": -18,
    "state_bits": 24,
}


OF_AFFINE = ("bias", "state_exponent", "state_bits")


def make_affine(**changes: object) -> QuantizedAffine:
    values: dict[str, Any] = {**GOOD, **changes}
    own = {name: values.pop(name) for name in OF_AFFINE}
    return QuantizedAffine(connections=(QuantizedConnection(source="x", **values),), **own)


def test_alignment_and_bound_by_hand() -> None:
    affine = make_affine()
    assert (affine.n_in, affine.n_out) == (3, 2)
    assert affine.lefts[0].tolist() == [-7 - 15 + 18, -9 - 15 + 18]
    assert affine.connections[0].product_bound().tolist() == [255 * 32767, 7 * 32767]
    assert affine.sum_bound().tolist() == [255 * 32767 + 5, 7 * 32767 + 6]


def test_what_integers_stand_for_by_hand() -> None:
    affine = make_affine()
    assert affine.real_weight.tolist() == [[127 / 128, -127 / 128, 1 / 128], [0.0, 3 / 512, -4 / 512]]
    assert affine.real_bias.tolist() == [5 / 2**18, -6 / 2**18]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"weight": [1, 2]},
            r"QuantizedConnection from 'x'.weight must have the shape \(n_out, n_source\) = \(any, any\); got \(2,\)",
        ),
        ({"bias": [1]}, r"weight of the connection from 'x' must have n_out = 1 rows; got 2"),
        ({"weight_exponent": [1]}, r"QuantizedConnection from 'x'.weight_exponent must have the shape"),
        (
            {"weight": [[0.5, 1.0, 2.0]] * 2},
            r"QuantizedConnection.weight must be an array that fits int64; got .*nothing is rounded",
        ),
        ({"weight_bits": 8.0}, r"QuantizedConnection from 'x'.weight_bits must be a whole number; got 8.0"),
        ({"input_exponent": -1.5}, r"QuantizedConnection from 'x'.input_exponent must be a whole number; got -1.5"),
    ],
)
def test_affine_refuses_what_is_no_integer_matrix(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make_affine(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight_bits": 1}, r"QuantizedConnection from 'x'.weight_bits must lie in \[2, 16\]; got 1"),
        ({"weight_bits": 17}, r"QuantizedConnection from 'x'.weight_bits"),
        ({"input_bits": 25}, r"QuantizedConnection from 'x'.input_bits must lie in \[2, 24\]; got 25"),
        ({"state_bits": 3}, r"QuantizedAffine.state_bits must lie in \[4, 32\]; got 3"),
        (
            {"weight_exponent": [0, -65]},
            r"QuantizedConnection from 'x'.weight_exponent must lie in \[-64, 64\]; got -65",
        ),
        ({"state_exponent": 65}, r"QuantizedAffine.state_exponent must lie in \[-64, 64\]"),
        (
            {"weight": [[128, 0, 0], [0, 0, 0]]},
            r"QuantizedConnection from 'x'.weight must lie in \[-127, 127\]; got 128",
        ),
        ({"weight": [[-128, 0, 0], [0, 0, 0]]}, r"from 'x'.weight must .*; got -128"),  # words are symmetric
        ({"bias": [2**23, 0]}, r"QuantizedAffine.bias must lie in .*; got 8388608"),
        (
            {"state_exponent": -62},
            r"QuantizedAffine.left must keep the sum of shifted products below 2\*\*62; got .*coarser state",
        ),
        ({"weight_exponent": [-64, 0], "state_exponent": 0}, r"left must lie in \[-62, 62\]; got -79"),
        (
            {"weight": [[0] * 3] * 2, "weight_exponent": [64, 0], "state_exponent": -64},
            r"left must lie in \[-62, 62\]; got 113",
        ),
    ],
)
def test_affine_refuses_what_its_words_cannot_hold(changes: dict[str, object], message: str) -> None:
    with pytest.raises(FixedPointError, match=message):
        make_affine(**changes)


def test_weights_of_a_sum_share_one_word() -> None:
    affine = make_affine()
    assert affine.weight_bits == affine.connections[0].weight_bits == 8
    longer = replace(affine.connections[0], source="y", weight_bits=9)
    with pytest.raises(FixedPointError, match=r"connections must have weights of one word length; got \[8, 9\]"):
        replace(affine, connections=(*affine.connections, longer))


def test_affine_lists_all_that_is_wrong() -> None:
    with pytest.raises(FixedPointError) as caught:
        make_affine(weight_bits=1, input_bits=30)
    assert len(caught.value.violations) == 2
    with pytest.raises(FixedPointError) as caught:
        make_affine(state_exponent=99, state_bits=40)
    assert len(caught.value.violations) == 2


NETWORK = builders.random_quantized(0)
LAYER = NETWORK.populations[0]
HIGHEST = 2**23 - 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beta": np.full(7, 4097)}, r"QuantizedPopulation 'hidden0'.beta must lie in \[0, 4096\]; got 4097"),
        ({"beta": np.full(7, -1)}, r"QuantizedPopulation 'hidden0'.beta"),
        ({"beta": [1]}, r"QuantizedPopulation 'hidden0'.beta must have the shape \(n_out,\) = \(7\); got \(1,\)"),
        ({"theta": np.full(7, -1)}, r"QuantizedPopulation 'hidden0'.theta must lie in \[0, .*; got -1"),
        ({"theta": np.full(7, HIGHEST + 1)}, r"QuantizedPopulation 'hidden0'.theta must lie in"),
        ({"theta": np.zeros(6, dtype=int)}, r"QuantizedPopulation 'hidden0'.theta must have the shape"),
        ({"polarity": "up"}, r"QuantizedPopulation 'hidden0'.polarity must be one of both, positive; got 'up'"),
        (
            {"table": make_table("tanh", state_exponent=-17, state_bits=24, payload_exponent=-12, payload_bits=16)},
            r"QuantizedPopulation 'hidden0'.table must have state \(exponent, bits\) = \(-18, 24\); got \(-17, 24\). Build",
        ),
    ],
)
def test_layer_refuses(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(LAYER, **changes)  # type: ignore[arg-type]


def test_polarity_may_be_named() -> None:
    assert replace(LAYER, polarity="both").polarity is Polarity.BOTH  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"nodes": ()},
            r"QuantizedNetwork 'random0'.nodes must have the names, kinds, widths, sources .*; got \('output'",
        ),
        (
            {"nodes": NETWORK.nodes[:1]},
            r"'random0'.nodes must have the names, kinds, widths, .*; got \('output', 'sum', 1",
        ),
        ({"input_words": ()}, r"QuantizedNetwork 'random0'.input_words must be 1 words; got 0"),
        (
            {"input_words": (Word(bits=12, exponent=-14),)},
            r"'random0': 'hidden0' from 'input' must receive words \(bits, exponent\) = \(12, -14\); got \(16, -14\)",
        ),
        ({"input_words": (Word(bits=25, exponent=-14),)}, r"'random0'.input_words must lie in \[2, 24\]; got 25"),
        ({"output": replace(NETWORK.output, name="last")}, r"the source's nodes; got \('last', 'sum', 1"),
        ({"source": builders.random_spec(0, widths=(2, 7, 4, 1))}, r"the source's nodes; got \('hidden1', 'sum', 5"),
    ],
)
def test_network_refuses(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(NETWORK, **changes)  # type: ignore[arg-type]


def test_a_connection_must_receive_the_word_that_is_sent() -> None:
    (only,) = NETWORK.populations[1].affine.connections
    message = r"'hidden1' from 'hidden0' must receive words .* Give it the word that 'hidden0' sends"
    with pytest.raises(SpecError, match=message):
        builders.with_layer(NETWORK, 1, input_exponent=only.input_exponent + 1)


def test_a_connection_must_be_as_wide_as_its_source() -> None:
    (only,) = LAYER.affine.connections
    wide = np.zeros((7, only.n_source + 1), dtype=np.int64)
    with pytest.raises(SpecError, match=r"the source's nodes; got \('hidden0', 'sum', 7, .*, \(3,\)\)"):
        builders.with_layer(NETWORK, 0, weight=wide)


def test_a_product_in_the_place_of_a_population_is_refused() -> None:
    network = builders.random_quantized(widths=(2, 2, 2, 1))
    both = tuple(ConnectionSpec(source=name, weight=np.eye(2)) for name in ("hidden0", "input"))
    first, second = network.source.populations
    words = {"left_word": network.words["hidden0"], "right_word": network.words["input"]}
    product = QuantizedProduct(
        name="hidden1", left="hidden0", right="input", width=2, sends=network.words["hidden1"], **words
    )
    source = replace(network.source, nodes=(first, replace(second, connections=both)))
    with pytest.raises(SpecError, match=r"kinds, .* of the source's nodes; got \('hidden1', 'product', 2"):
        replace(network, source=source, nodes=(network.nodes[0], product))


PRODUCT: dict[str, Any] = {
    "name": "p",
    "left": "a",
    "right": "b",
    "width": 3,
    "left_word": Word(bits=16, exponent=-12),
    "right_word": Word(bits=12, exponent=-8),
    "sends": Word(bits=16, exponent=-13),
}


def test_a_product_is_shifted_once() -> None:
    assert QuantizedProduct(**PRODUCT).shift == -12 - 8 + 13


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sends": Word(bits=30, exponent=0)}, r"QuantizedProduct 'p'.sends.bits must lie in \[2, 24\]; got 30"),
        ({"left_word": Word(bits=16, exponent=70)}, r"'p'.left_word.exponent must lie in \[-64, 64\]; got 70"),
        ({"sends": Word(bits=16, exponent=-60)}, r"'p'.sends must keep the shifted product below 2\*\*62; got 40"),
    ],
)
def test_a_product_refuses(changes: dict[str, object], message: str) -> None:
    with pytest.raises(FixedPointError, match=message):
        QuantizedProduct(**{**PRODUCT, **changes})


def test_what_is_the_sources_is_the_networks() -> None:
    network = builders.random_quantized(3, widths=(2, 4, 3), n_steps=5, readout=Readout.LAST)
    assert (network.n_in, network.n_out, network.widths) == (2, 3, (2, 4, 3))
    assert (network.n_steps, network.readout, network.name) == (5, Readout.LAST, "random3")
    assert [affine.n_out for affine in network.affines] == [4, 3]


def test_digest() -> None:
    assert builders.random_quantized(0).digest() == NETWORK.digest()
    assert pickle.loads(pickle.dumps(NETWORK)).digest() == NETWORK.digest()
    theta = LAYER.theta.copy()
    theta[0] += 1
    assert builders.with_layer(NETWORK, 0, theta=theta).digest() != NETWORK.digest()
    assert replace(NETWORK, source=replace(NETWORK.source, n_steps=3)).digest() != NETWORK.digest()


def test_integers_do_not_change() -> None:
    for array in (LAYER.affine.weight, LAYER.affine.bias, LAYER.beta, LAYER.theta, LAYER.table.entries):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_columns_of_all_inputs_are_split_by_name() -> None:
    network = builders.random_graph(4, n_inputs=3, n_steps=None)
    columns = np.arange(network.n_in)
    for held in (network, network.source):
        parts = held.split_inputs(np.broadcast_to(columns, (2, 5, network.n_in)))
        assert [*parts] == [each.name for each in network.inputs]
        assert [part.shape for part in parts.values()] == [(2, 5, each.width) for each in network.inputs]
        assert np.array_equal(np.concatenate([part[1, 4] for part in parts.values()]), columns)
