"""Schemes: ranges of every word, one length or a list of them, and names of granularities."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.base.arrays import record_digest
from neuropinn_lava.base.errors import FixedPointError, SpecError
from neuropinn_lava.conversion import Granularity, QuantizationScheme

LIMITS = {
    "weight_bits": (2, 16),
    "payload_bits": (2, 24),
    "input_bits": (2, 24),
    "state_bits": (4, 32),
    "index_size": (1, 16),
    "payload_headroom": (1.0, 1024.0),
    "state_headroom": (1.0, 1024.0),
}


def test_default() -> None:
    scheme = QuantizationScheme()
    assert (scheme.weight_bits, scheme.payload_bits, scheme.input_bits, scheme.state_bits) == (8, 16, 16, 24)
    assert scheme.granularity is Granularity.PER_NEURON


@pytest.mark.parametrize(("name", "low", "high"), [(name, *limits) for name, limits in LIMITS.items()])
def test_limits(name: str, low: float, high: float) -> None:
    for value in (low, high):
        assert getattr(QuantizationScheme(**{name: value}), name) == value
    for value in (low - 1, high + 1, -8):
        with pytest.raises(FixedPointError, match=rf"QuantizationScheme.{name} must lie in \[.*\]; got {value}"):
            QuantizationScheme(**{name: value})


def test_all_that_is_wrong_is_listed() -> None:
    with pytest.raises(FixedPointError) as caught:
        QuantizationScheme(weight_bits=(8, 1), payload_bits=40, state_bits=2, state_headroom=0.5)
    assert len(caught.value.violations) == 4


@pytest.mark.parametrize("name", [name for name in LIMITS if "headroom" not in name])
@pytest.mark.parametrize("value", [8.5, "8", None])
def test_words_have_whole_lengths(name: str, value: object) -> None:
    with pytest.raises(SpecError, match=rf"QuantizationScheme.{name} must be a whole number; got {value!r}"):
        QuantizationScheme(**{name: value})  # type: ignore[arg-type]


def test_one_length_for_all_or_one_each() -> None:
    assert QuantizationScheme().weight_bits_of(3) == (8, 8, 8, 8)
    assert QuantizationScheme(weight_bits=(8, 6, 4)).weight_bits_of(2) == (8, 6, 4)
    assert QuantizationScheme(payload_bits=[12, 10]).payload_bits_of(2) == (12, 10)  # type: ignore[arg-type]


def test_lists_of_another_length() -> None:
    scheme = QuantizationScheme(weight_bits=(8, 6), payload_bits=(12,))
    with pytest.raises(
        SpecError,
        match=r"QuantizationScheme.weight_bits must hold one word length per population.*: 3; got 2. Give one",
    ):
        scheme.weight_bits_of(2)
    with pytest.raises(
        SpecError,
        match=r"QuantizationScheme.payload_bits must hold one word length per population and product: 2; got 1",
    ):
        scheme.payload_bits_of(2)


def test_granularity_by_name() -> None:
    assert QuantizationScheme(granularity="per-tensor").granularity is Granularity.PER_TENSOR  # type: ignore[arg-type]
    with pytest.raises(
        SpecError, match=r"QuantizationScheme.granularity must be one of per-neuron, per-tensor; got 'tensor'"
    ):
        QuantizationScheme(granularity="tensor")  # type: ignore[arg-type]


def test_a_list_of_word_lengths_is_a_tuple() -> None:
    listed = QuantizationScheme(weight_bits=[8, 6, 4], payload_bits=np.array([12, 10]))  # type: ignore[arg-type]
    assert listed == QuantizationScheme(weight_bits=(8, 6, 4), payload_bits=(12, 10))
    assert len(record_digest(listed)) == 64
