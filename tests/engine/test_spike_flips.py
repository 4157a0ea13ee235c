"""Samples at risk: torch and the float engine agree wherever rounding cannot flip a spike."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

import builders
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.engine.spike_flips import samples_at_risk
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.training.network.trace import run_torch

TOLERANCE = {torch.float64: 2e-15, torch.float32: 8e-7}
"""Of max|u|: sums of 30 terms through three layers, at 1e-16 and 6e-8 a rounding; 1.1e-15 and 4.8e-7 were measured."""
TOLERANCE_OF_TURNS = {torch.float64: 8e-15, torch.float32: 4e-6}
"""The same for sin_turns, whose slope of 2 pi stretches the errors of the layer before; 4.3e-15 and 3.1e-6 were measured."""
N_POINTS = 4000


@pytest.mark.parametrize("activation", builders.ACTIVATIONS)
@pytest.mark.parametrize("polarity", builders.POLARITIES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_torch_equals_the_float_engine_away_from_thresholds(activation, polarity, dtype):
    network = builders.random_spec(3, widths=(2, 30, 30, 1), activation=activation, polarity=polarity, n_steps=2)
    points = builders.random_points(network, N_POINTS)
    expected = run_float(network, points).outputs
    error = np.abs(run_torch(network, points, dtype=dtype).outputs - expected).max(axis=1) / np.abs(expected).max()
    at_risk = samples_at_risk(network, points, np.float32 if dtype is torch.float32 else np.float64)
    tolerance = TOLERANCE_OF_TURNS if activation == "sin_turns" else TOLERANCE
    assert error[~at_risk].max() <= tolerance[dtype]
    assert at_risk.mean() < 0.02


def test_a_membrane_exactly_at_its_threshold_is_at_risk():
    # one neuron, z = x, theta = 0.25: the sample x = 0.25 sits on the threshold, x = 0.5 is far away
    network = builders.random_spec(0, widths=(1, 1, 1), n_steps=1)
    network = builders.with_layer(network, 0, weight=np.array([[1.0]]), bias=np.zeros(1), theta=np.array([0.25]))
    identity = dataclasses.replace(network.input_transform, scale=np.ones(1), offset=np.zeros(1))
    network = dataclasses.replace(network, input_transform=identity)
    assert samples_at_risk(network, np.array([[0.25], [0.5]]), np.float64).tolist() == [True, False]


def test_nothing_is_at_risk_where_every_membrane_fires():
    network = builders.random_spec(1, widths=(2, 8, 1), polarity=Polarity.BOTH, theta=0.0)
    assert not samples_at_risk(network, builders.random_points(network, 500), np.float32).any()
