"""Integer networks as records: every rule broken once; bounds and alignment by hand."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import FixedPointError, SpecError
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.phi_table import make_table
from neuropinn_lava.network.quantized_nodes import QuantizedAffine
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


def make_affine(**changes: object) -> QuantizedAffine:
    return QuantizedAffine(**{**GOOD, **changes})  # type: ignore[arg-type]


def test_alignment_and_bound_by_hand() -> None:
    affine = make_affine()
    assert (affine.n_in, affine.n_out) == (3, 2)
    assert affine.left.tolist() == [-7 - 15 + 18, -9 - 15 + 18]
    assert affine.product_bound().tolist() == [255 * 32767, 7 * 32767]


def test_what_integers_stand_for_by_hand() -> None:
    affine = make_affine()
    assert affine.real_weight.tolist() == [[127 / 128, -127 / 128, 1 / 128], [0.0, 3 / 512, -4 / 512]]
    assert affine.real_bias.tolist() == [5 / 2**18, -6 / 2**18]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight": [1, 2]}, r"QuantizedAffine.weight must have the shape \(n_out, n_in\) = \(any, any\); got \(2,\)"),
        ({"bias": [1]}, r"QuantizedAffine.bias must have the shape \(n_out,\) = \(2\); got \(1,\)"),
        ({"weight_exponent": [1]}, r"QuantizedAffine.weight_exponent must have the shape"),
        (
            {"weight": [[0.5, 1.0, 2.0]] * 2},
            r"QuantizedAffine.weight must be an array that fits int64; got .*nothing is rounded",
        ),
        ({"weight_bits": 8.0}, r"QuantizedAffine.weight_bits must be a whole number; got 8.0"),
        ({"input_exponent": -1.5}, r"QuantizedAffine.input_exponent must be a whole number; got -1.5"),
    ],
)
def test_affine_refuses_what_is_no_integer_matrix(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make_affine(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight_bits": 1}, r"QuantizedAffine.weight_bits must lie in \[2, 16\]; got 1"),
        ({"weight_bits": 17}, r"QuantizedAffine.weight_bits"),
        ({"input_bits": 25}, r"QuantizedAffine.input_bits must lie in \[2, 24\]; got 25"),
        ({"state_bits": 3}, r"QuantizedAffine.state_bits must lie in \[4, 32\]; got 3"),
        ({"weight_exponent": [0, -65]}, r"QuantizedAffine.weight_exponent must lie in \[-64, 64\]; got -65"),
        ({"state_exponent": 65}, r"QuantizedAffine.state_exponent must lie in \[-64, 64\]"),
        ({"weight": [[128, 0, 0], [0, 0, 0]]}, r"QuantizedAffine.weight must lie in \[-127, 127\]; got 128"),
        ({"weight": [[-128, 0, 0], [0, 0, 0]]}, r"QuantizedAffine.weight must .*; got -128"),  # words are symmetric
        ({"bias": [2**23, 0]}, r"QuantizedAffine.bias must lie in .*; got 8388608"),
        (
            {"state_exponent": -62},
            r"QuantizedAffine.left must keep shifted products below 2\*\*62; got .*coarser state",
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


def test_affine_lists_all_that_is_wrong() -> None:
    with pytest.raises(FixedPointError) as caught:
        make_affine(weight_bits=1, input_bits=30, state_bits=40)
    assert len(caught.value.violations) == 3
    with pytest.raises(FixedPointError) as caught:
        make_affine(weight=[[999, 0, 0], [0, 0, 0]], bias=[2**30, 0])
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
        ({"layers": ()}, r"QuantizedNetwork 'random0'.layers must hold at least one spiking layer; got 0"),
        (
            {"layers": NETWORK.populations[:1]},
            r"QuantizedNetwork 'random0'.layers must have widths as in the source, \(2, 7, 5, 1\)",
        ),
        ({"layers": NETWORK.populations[:1]}, r"QuantizedNetwork 'random0': 'output' must have n_in = 7; got 5"),
        ({"input_bits": 12}, r"'random0': 'hidden0' must have input \(exponent, bits\) = \(-14, 12\); got \(-14, 16\)"),
        ({"input_exponent": -13}, r"'random0': 'hidden0' must have input \(exponent, bits\) = \(-13, 16\)"),
        ({"output": replace(NETWORK.output, name="last")}, r"names as in the source, .*'output'\); got .*'last'\)"),
        ({"source": builders.random_spec(0, widths=(2, 7, 4, 1))}, r"widths as in the source, \(2, 7, 4, 1\); got"),
    ],
)
def test_network_refuses(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(NETWORK, **changes)  # type: ignore[arg-type]


def test_a_layer_must_receive_the_word_that_is_sent() -> None:
    layer = NETWORK.populations[1]
    other = replace(layer, affine=replace(layer.affine, input_exponent=layer.affine.input_exponent + 1))
    with pytest.raises(
        SpecError, match=r"'hidden1' must have input \(exponent, bits\) = .* Give each layer the word that the one"
    ):
        replace(NETWORK, layers=(NETWORK.populations[0], other))


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
    for array in (LAYER.affine.weight, LAYER.beta, LAYER.theta, LAYER.table.entries):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
