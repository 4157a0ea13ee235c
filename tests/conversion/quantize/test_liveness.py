"""Words in which a layer falls silent are refused with its name and a length that is enough; a shorter one is not."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.base.errors import FixedPointError
from neuropinn_lava.conversion import QuantizationScheme, quantize_network
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.network.spec import NetworkSpec


def one_whisper() -> NetworkSpec:
    """A first layer with a neuron far below its threshold, which sets the scale, and one that fires at 0.4 at most."""
    network = builders.random_spec(3, widths=(2, 3, 4, 1), activation="tanh_squared", theta=0.02)
    weight = np.array([[0.0, 0.0], [0.2, 0.2], [0.0, 0.0]])
    return builders.with_layer(network, 0, weight=weight, bias=np.array([-40.0, 0.0, -1.0]))


def refusal(network: NetworkSpec, scheme: QuantizationScheme) -> str:
    with pytest.raises(FixedPointError, match="have word lengths with which it still sends something") as caught:
        quantize_network(network, scheme)
    return str(caught.value)


def test_a_short_state_names_layer_and_length() -> None:
    network, short = one_whisper(), QuantizationScheme(state_bits=5, rounding="nearest")
    message = refusal(network, short)
    found = re.match(r"node 'hidden0' must .*got state_bits 5, .*It needs --state-bits (\d+) at least", message)
    assert found is not None, message
    enough = int(found[1])
    assert 7 <= enough <= 9  # 40 with a bit to spare, halved until 0.4 counts
    quantize_network(network, replace(short, state_bits=enough))
    assert f"--state-bits {enough}" in refusal(network, replace(short, state_bits=enough - 1))


def test_what_is_silent_in_floating_point_may_be_silent() -> None:
    network = one_whisper()
    deaf = builders.with_layer(network, 0, theta=np.full(3, 50.0))
    quantized = quantize_network(deaf, QuantizationScheme(state_bits=5, rounding="nearest")).network
    points = builders.random_points(deaf, 50)
    assert run_float(deaf, points).nodes[0].fired.sum() == 0
    assert run_integer(quantized, points).nodes[0].fired.sum() == 0
