"""Sensitivities of graphs: derivatives of the output, carried back over connections, delays, loops and products."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import builders
from neuropinn_lava.conversion.calibrate.sensitivity import (
    MAX_READS,
    read_steps,
    trace_jacobians,
    trace_signals,
)
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.network.spec import NetworkSpec, Readout

STEP = 1e-6
"""Change of a bias on either side."""
DIFFERENCE = 2e-5
"""Relative to the largest derivative; a central difference in float64, and phi' by one of step 1e-4."""


def smooth_graph(seed: int, n_steps: int | None, readout: Readout = Readout.MEAN) -> NetworkSpec:
    """Draw a graph whose activations are smooth, so that only a flipped spike parts a derivative from a difference."""
    activations = ("tanh", "sin", "z_tanh_z", "tanh_squared")
    graph = builders.random_graph(
        seed, n_inputs=2, n_nodes=6, n_steps=n_steps, activations=activations, readout=readout
    )
    return graph.source


@pytest.mark.parametrize("n_steps", [1, 2, 5, None])
@pytest.mark.parametrize("seed", range(4))
def test_jacobians_of_graphs_equal_differences_of_the_output(seed: int, n_steps: int | None) -> None:
    """du/db of every sum, over all steps, on the points on which no spike flips."""
    readout = Readout.EVERY if n_steps is None else Readout.MEAN
    network = smooth_graph(seed, n_steps, readout)
    points = builders.random_points(network, 40)
    for node, jacobian in zip(network.affines, trace_jacobians(network, points), strict=True):
        change = STEP * np.eye(node.n_out)[0]
        moved = [run_float(with_bias(network, node.name, node.bias + sign * change), points) for sign in (1, -1)]
        measured = (moved[0].outputs - moved[1].outputs) / (2 * STEP)
        if readout is Readout.EVERY:
            measured = measured.reshape(len(points), -1)  # six steps, all of them followed back
        found = jacobian.by_drive[..., 0].sum(axis=1).T
        scale = np.abs(found).max() + 1e-9
        gaps = np.abs(found - measured).max(axis=1) / scale
        assert np.quantile(gaps, 0.75) < DIFFERENCE, node.name


def with_bias(network: NetworkSpec, name: str, bias: np.ndarray) -> NetworkSpec:
    if name == network.output.name:
        return replace(network, output=replace(network.output, bias=bias))
    nodes = tuple(replace(node, bias=bias) if node.name == name else node for node in network.nodes)
    return replace(network, nodes=nodes)


def test_signals_are_the_squares_of_the_jacobians() -> None:
    network = smooth_graph(2, 3)
    points = builders.random_points(network, 30)
    for signal, jacobian in zip(trace_signals(network, points), trace_jacobians(network, points), strict=True):
        squares = np.square(jacobian.by_drive).sum(axis=0).reshape(signal.sensitivity.shape)
        mean = squares.mean(axis=0)
        np.testing.assert_allclose(signal.sensitivity, squares / np.where(mean > 0, mean, 1.0), rtol=1e-12)


def test_effects_count_what_leaves_over_every_connection() -> None:
    """y = 2 a + 3 b, b = a as a relay: a payload of `a` moves y by 5 and, through the relay's, b by 3."""
    network = small_relay(2.0, 3.0)
    signals = trace_signals(network, builders.random_points(network, 20))
    np.testing.assert_allclose([signal.effect[0] for signal in signals], [5.0, 3.0, 0.0])


def small_relay(direct: float, through: float) -> NetworkSpec:
    """Return x -> a -> relay b, and a read-out of both with these weights; the units of the output are physical."""
    base = builders.random_spec(1, widths=(1, 1, 1), n_steps=1, activation="tanh", polarity=builders.Polarity.BOTH)
    first = replace(base.populations[0], name="a", theta=[0.0], beta=[0.0])
    relay = builders.PopulationSpec(
        name="b", connections=(builders.ConnectionSpec(source="a", weight=[[1.0]]),), bias=[0.0], beta=[0.0], theta=[0.0],
        activation="identity", polarity=builders.Polarity.BOTH,
    )  # fmt: skip
    read = (
        builders.ConnectionSpec(source="a", weight=[[direct]]),
        builders.ConnectionSpec(source="b", weight=[[through]]),
    )
    output = builders.OutputSpec(connections=read, bias=[0.0])
    identity = builders.AffineTransform.identity(1)
    return replace(base, nodes=(first, relay), output=output, output_transform=identity)


@pytest.mark.parametrize("n_steps", [1, 3, 8, 9, 1000])
def test_few_steps_are_all_read_and_many_are_thinned(n_steps: int) -> None:
    steps = read_steps(smooth_graph(0, None, Readout.EVERY), n_steps)
    assert steps[-1] == n_steps - 1
    assert len(steps) == len(set(steps)) == min(n_steps, MAX_READS)
