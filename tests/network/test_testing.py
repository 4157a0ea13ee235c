"""`assert_networks_equal` says everything that differs: the field, the first index, both values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.spec import Provenance
from neuropinn_lava.testing import assert_networks_equal

SPEC = builders.random_spec(0, widths=(2, 3, 2, 1))
CHIP = builders.random_quantized(0, widths=(2, 3, 2, 1), index_size=3)


def message_of(a: object, b: object) -> list[str]:
    with pytest.raises(AssertionError) as caught:
        assert_networks_equal(a, b)  # type: ignore[arg-type]
    first, *lines = str(caught.value).splitlines()
    assert first == f"the networks differ in {len(lines)} fields:"
    return [line.strip() for line in lines]


def test_equal_networks() -> None:
    assert_networks_equal(SPEC, builders.random_spec(0, widths=(2, 3, 2, 1)))
    assert_networks_equal(CHIP, builders.random_quantized(0, widths=(2, 3, 2, 1), index_size=3))


def test_provenance_does_not_count() -> None:
    assert_networks_equal(SPEC, replace(SPEC, provenance=Provenance(seed=1)))


def test_one_entry() -> None:
    theta = SPEC.populations[1].theta.copy()
    theta[1] = 0.25
    lines = message_of(SPEC, builders.with_layer(SPEC, 1, theta=theta))
    assert lines == [f"nodes[1].theta[1]: {float(SPEC.populations[1].theta[1])!r} != 0.25"]


def test_one_bit_of_one_weight() -> None:
    weight = CHIP.populations[0].affine.weight.copy()
    weight[2, 1] ^= 1
    old = int(CHIP.populations[0].affine.weight[2, 1])
    lines = message_of(CHIP, builders.with_layer(CHIP, 0, weight=weight))
    assert lines == [f"nodes[0].affine.connections[0].weight[2, 1]: {old} != {old ^ 1}"]


def test_all_of_them_at_once() -> None:
    other = builders.with_layer(SPEC, 0, weight=SPEC.populations[0].weight + 1.0, polarity=Polarity.BOTH)
    other = replace(other, name="b", n_steps=3, ansatz=builders.unit_ansatz(2, 1))
    lines = message_of(SPEC, other)
    assert [line.split(":")[0] for line in lines] == [
        "name",
        "nodes[0].connections[0].weight[0, 0]",
        "nodes[0].polarity",
        "n_steps",
        "ansatz",
    ]
    assert lines[0] == "name: 'random0' != 'b'"
    assert lines[1].endswith("(first of 6)")
    assert lines[4] == "ansatz: None != 'Ansatz'"


def test_shapes() -> None:
    lines = message_of(SPEC, builders.random_spec(0, widths=(2, 4, 2, 1)))
    assert "nodes[0].connections[0].weight.shape: (3, 2) != (4, 2)" in lines


def test_numbers_of_layers() -> None:
    lines = message_of(SPEC, builders.random_spec(0, widths=(2, 3, 1)))
    assert "len(nodes): 2 != 1" in lines


def test_kinds_of_networks() -> None:
    assert message_of(SPEC, CHIP) == ["type: 'NetworkSpec' != 'QuantizedNetwork'"]


def test_zero_and_negative_zero_differ_as_their_digests_do() -> None:
    plus = builders.with_layer(SPEC, 0, bias=np.zeros(3))
    minus = builders.with_layer(SPEC, 0, bias=[0.0, 0.0, -0.0])
    assert plus.digest() != minus.digest()
    assert message_of(plus, minus) == ["nodes[0].bias[2]: 0.0 != -0.0"]
