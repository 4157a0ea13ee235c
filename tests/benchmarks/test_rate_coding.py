"""Integrate-and-fire neurons: a neuron counted by hand, rates that tend to ReLU like 1/T, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from _rate_coding import SMALLEST_THRESHOLD, rate_thresholds, run_rate_coded

import builders
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.network.nodes import ConnectionSpec, InputSpec, OutputSpec, Polarity, PopulationSpec
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.network.transforms import AffineTransform

RELU = builders.random_spec(
    2, widths=(2, 20, 16, 1), activation="relu", polarity=Polarity.POSITIVE, n_steps=1, theta=0.0, beta=0.0
)
POINTS = builders.random_points(RELU, 300)


def chain(weights: list[float], biases: list[float], output: float) -> NetworkSpec:
    """Make a network of one neuron a layer on [-1, 1] without transforms."""
    sources = ["input", *(f"hidden{k}" for k in range(len(weights)))]
    nodes = tuple(
        PopulationSpec(
            name=f"hidden{k}",
            connections=(ConnectionSpec(source=sources[k], weight=[[w]]),),
            bias=[b],
            beta=[0.0],
            theta=[0.0],
            activation="relu",
        )
        for k, (w, b) in enumerate(zip(weights, biases, strict=True))
    )
    unit = AffineTransform.identity(1)
    return NetworkSpec(
        name="chain",
        inputs=(InputSpec(width=1),),
        nodes=nodes,
        output=OutputSpec(connections=(ConnectionSpec(source=sources[-1], weight=[[output]]),), bias=[0.0]),
        input_transform=unit,
        output_transform=unit,
        lower=[-1.0],
        upper=[1.0],
    )


def test_one_neuron_by_hand() -> None:
    """Calibrated at x = 1: theta = 1, v[0] = 1/2. At x = 0.4, v = 0.9, 1.3 -> 0.3, 0.7, 1.1 -> 0.1: spikes at 2 and 4 of 4."""
    run = run_rate_coded(chain([1.0], [0.0], 2.0), np.array([[0.4]]), np.array([[1.0]]), 4)
    assert run.layers[1].messages.tolist() == [2]
    assert run.outputs.tolist() == [[2.0 * 2 / 4]]
    assert run.messages_per_neuron == (2.0,)
    assert run.synaptic_operations_per_sample == 1 + 2  # the input once, two spikes with one synapse each


def test_two_layers_by_hand() -> None:
    """theta = 1 and 2. x = 0.5: the first neuron, from v = 1/2, spikes at steps 1 and 3 of 4 (1.0 -> 0, 0.5, 1.0 -> 0, 0.5).

    The second, from v = 1, gets 2 at these: 3 -> 1, 1, 3 -> 1, 1. So it spikes twice, each worth theta = 2: mean 1 = relu(2 x).
    """
    run = run_rate_coded(chain([1.0, 2.0], [0.0, 0.0], 1.0), np.array([[0.5]]), np.array([[1.0]]), 4)
    assert [layer.messages.tolist() for layer in run.layers] == [[1], [2], [2]]
    assert run.outputs.tolist() == [[1.0]]


def test_a_negative_drive_never_spikes() -> None:
    run = run_rate_coded(chain([1.0], [0.0], 1.0), np.array([[-0.3]]), np.array([[1.0]]), 64)
    assert run.layers[1].messages.tolist() == [0]
    assert run.outputs.tolist() == [[0.0]]


def test_it_tends_to_the_relu_network_with_more_steps() -> None:
    truth = run_float(RELU, POINTS).outputs
    errors = [np.abs(run_rate_coded(RELU, POINTS, POINTS, T).outputs - truth).max() for T in (16, 256, 4096)]
    assert errors[1] < errors[0] / 4
    assert errors[2] < errors[1] / 4


def test_thresholds_are_the_largest_activations() -> None:
    trace = builders.random_points(RELU, 50)
    x = RELU.input_transform.apply(trace)
    first = np.maximum(x @ RELU.populations[0].weight.T + RELU.populations[0].bias, 0.0).max(axis=0)
    assert rate_thresholds(RELU, trace)[0].tolist() == np.maximum(first, SMALLEST_THRESHOLD).tolist()


def test_operations_are_messages_times_fan_out() -> None:
    run = run_rate_coded(RELU, POINTS, POINTS, 8)
    expected = 2 * 20 * len(POINTS) + 16 * run.layers[1].messages.sum() + run.layers[2].messages.sum()
    assert run.synaptic_operations_per_sample == expected / len(POINTS)


def test_what_is_no_relu_network_is_refused_layer_by_layer() -> None:
    with pytest.raises(SpecError, match="have relu, theta = 0 and T = 1; got tanh") as caught:
        run_rate_coded(builders.random_spec(activation="tanh"), POINTS, POINTS, 4)
    assert len(caught.value.violations) == 2


@pytest.mark.parametrize("n_steps", [0, 4097])
def test_steps_out_of_range_are_refused(n_steps: int) -> None:
    with pytest.raises(SpecError, match=r"run_rate_coded.n_steps must lie in \[1, 4096\]"):
        run_rate_coded(RELU, POINTS, POINTS, n_steps)


@pytest.mark.parametrize("field", ["points", "calibration"])
def test_points_of_another_dimension_are_refused(field: str) -> None:
    given = {"points": POINTS, "calibration": POINTS} | {field: POINTS[:, :1]}
    with pytest.raises(SpecError, match=rf"run_rate_coded.{field} must have the shape \(n, 2\)"):
        run_rate_coded(RELU, given["points"], given["calibration"], 4)
