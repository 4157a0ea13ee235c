"""Sigma-delta neurons: counted by hand, exact at q = 0, errors that do not add up, silent where nothing moves."""

from __future__ import annotations

import numpy as np
import pytest
from _sigma_delta import run_sigma_delta

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.network.nodes import ConnectionSpec, InputSpec, OutputSpec, Polarity, PopulationSpec
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.network.transforms import AffineTransform

TANH = builders.random_spec(
    3, widths=(2, 20, 16, 1), activation="tanh", polarity=Polarity.BOTH, n_steps=1, theta=0.0, beta=0.0, ansatz=True
)
POINTS = builders.random_points(TANH, 120)
ROUNDING = 1e-12
"""A hundred sums of differences of magnitude one in float64."""


def identity_neuron() -> NetworkSpec:
    """Make y = 3 a, a = x, on [-1, 1]."""
    unit = AffineTransform.identity(1)
    neuron = PopulationSpec(
        name="neuron",
        connections=(ConnectionSpec(source="input", weight=[[1.0]]),),
        bias=[0.0],
        beta=[0.0],
        theta=[0.0],
        activation="identity",
        polarity=Polarity.BOTH,
    )
    return NetworkSpec(
        name="chain",
        inputs=(InputSpec(width=1),),
        nodes=(neuron,),
        output=OutputSpec(connections=(ConnectionSpec(source="neuron", weight=[[3.0]]),), bias=[0.0]),
        input_transform=unit,
        output_transform=unit,
        lower=[-1.0],
        upper=[1.0],
    )


def test_one_neuron_by_hand() -> None:
    """q = 1/4 along x = 1/8, 1/4, 3/8, 5/8: silent, sends 1/4 (exactly q), silent (1/8 of change), sends 3/8."""
    run = run_sigma_delta(identity_neuron(), np.array([[[0.125], [0.25], [0.375], [0.625]]]), 0.25)
    assert run.layers[1].messages.tolist() == [2]
    assert run.outputs.ravel().tolist() == [0.0, 0.75, 0.75, 1.875]
    assert run.synaptic_operations_per_sample == (4 + 2) / 4


def test_without_a_threshold_it_is_the_network() -> None:
    truth = run_float(TANH, POINTS).outputs
    for shape in ((120, 1, 2), (4, 30, 2), (1, 120, 2)):
        outputs = run_sigma_delta(TANH, POINTS.reshape(shape), 0.0).outputs
        np.testing.assert_allclose(outputs, truth, rtol=0.0, atol=ROUNDING)


def test_errors_do_not_add_up_along_a_sequence() -> None:
    """The first layer is off by less than q a neuron; Lipschitz bounds of the rest give the bound on the output."""
    q = 0.02
    truth = run_float(TANH, POINTS).outputs
    bound = q * np.ones(20)
    bound = np.abs(TANH.populations[1].weight) @ bound + q
    bound = np.abs(TANH.output.weight) @ bound
    outputs = run_sigma_delta(TANH, POINTS[None], q).outputs
    d = np.abs(TANH.ansatz.evaluate(POINTS)[1])
    assert (np.abs(outputs - truth) <= d * np.abs(TANH.output_transform.scale) * bound).all()


def test_a_point_that_stays_sends_nothing_more() -> None:
    once = run_sigma_delta(TANH, POINTS[:1, None], 0.01)
    still = run_sigma_delta(TANH, np.repeat(POINTS[:1, None], 9, axis=1), 0.01)
    assert [layer.messages.tolist() for layer in still.layers] == [layer.messages.tolist() for layer in once.layers]


def test_close_points_send_less_than_far_ones() -> None:
    line = np.linspace(TANH.lower, TANH.upper, 200)
    shuffled = np.random.default_rng(0).permutation(line)
    along, across = (run_sigma_delta(TANH, points[None], 0.05) for points in (line, shuffled))
    assert along.synaptic_operations_per_sample < 0.5 * across.synaptic_operations_per_sample


def test_neurons_that_may_be_silent_are_refused() -> None:
    with pytest.raises(SpecError, match="polarity both, theta = 0 and T = 1; got polarity positive"):
        run_sigma_delta(builders.random_spec(activation="tanh"), POINTS[:, None], 0.1)


def test_points_without_sequences_are_refused() -> None:
    with pytest.raises(SpecError, match=r"\(n_sequences, n_points, n_in\); got \(120, 2\). Give single points"):
        run_sigma_delta(TANH, POINTS, 0.1)


def test_a_negative_threshold_is_refused() -> None:
    with pytest.raises(SpecError, match=r"run_sigma_delta.threshold must lie in"):
        run_sigma_delta(TANH, POINTS[:, None], -0.1)
