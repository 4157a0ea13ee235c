"""Networks of sines with their arguments in turns: the same neurons fire, and send the same to rounding."""

from __future__ import annotations

import numpy as np
import pytest

import builders
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.turns import network_in_turns

ROUNDING = 1e-12
"""Of max|u|: the factor 1 / (2 pi) is rounded once in every weight."""


@pytest.mark.parametrize("polarity", builders.POLARITIES)
def test_outputs_stay(polarity: Polarity) -> None:
    network = builders.random_spec(4, activation="sin", polarity=polarity, n_steps=3)
    turned = network_in_turns(network)
    assert {node.activation for node in turned.populations} == {"sin_turns"}
    points = builders.random_points(network, 2000)
    expected = run_float(network, points).outputs
    assert np.abs(run_float(turned, points).outputs - expected).max() <= ROUNDING * np.abs(expected).max()


def test_every_connection_is_scaled() -> None:
    network = builders.random_graph(11, n_inputs=2, n_nodes=8, activations=("sin", "tanh")).source
    turned = network_in_turns(network)
    points = builders.random_points(network, 300)
    expected = run_float(network, points).outputs
    assert np.abs(run_float(turned, points).outputs - expected).max() <= ROUNDING * np.abs(expected).max()
    assert [node.activation.replace("sin_turns", "sin") for node in turned.populations] == [
        node.activation for node in network.populations
    ]
    assert {node.activation for node in turned.populations} > {"sin_turns"}  # others stay


def test_a_network_without_sines_is_returned() -> None:
    network = builders.random_spec(0, activation="tanh")
    assert network_in_turns(network) is network
