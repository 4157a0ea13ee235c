"""Descent over the integers: its model against the integer engine, its moves against exhaustion, its end on unseen points."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import builders
from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.conversion import QuantizationScheme, Rounding, quantize_network
from neuropinn_lava.conversion.calibrate import calibration
from neuropinn_lava.conversion.calibrate.sensitivity import trace_jacobians
from neuropinn_lava.conversion.quantize import descent
from neuropinn_lava.conversion.quantize.descent import (
    FEWEST_POINTS,
    _LinearModel,
    dequantized_network,
    descend_integers,
)
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.quantized import QuantizedNetwork
from neuropinn_lava.network.spec import NetworkSpec, Readout
from neuropinn_lava.testing import assert_networks_equal

FIRST_ORDER = 0.03
"""Share of the effect of one weight's unit that is of second order, with words of 16 bits."""
DIFFERENCE = 1e-5
"""Relative; a central difference of step 1e-6 in float64."""


def change_of(chip: QuantizedNetwork, points: np.ndarray) -> float:
    return relative_l2(run_integer(chip, points).outputs, run_float(chip.source, points).outputs)


def compensated(network: NetworkSpec, weight_bits: int, points: np.ndarray, **more: object) -> QuantizedNetwork:
    scheme = QuantizationScheme(weight_bits=weight_bits, rounding=Rounding.COMPENSATED, **more)
    return quantize_network(network, scheme, points).network


@pytest.mark.parametrize("readout", builders.READOUTS)
def test_jacobians_equal_differences_of_the_output(readout: Readout) -> None:
    """du/db of every layer, summed over the steps, with beta = 0 so that no spike depends on an earlier drive."""
    network = builders.random_spec(
        3, widths=(2, 5, 4, 2), n_steps=3, readout=readout, ansatz=True, theta=0.05, beta=0.0
    )
    points = builders.random_points(network, 20)
    jacobians = trace_jacobians(network, points)
    step = 1e-6
    for index in range(2):
        bias = network.populations[index].bias
        moved = [
            run_float(builders.with_layer(network, index, bias=bias + sign * step * np.eye(len(bias))[1]), points)
            for sign in (1, -1)
        ]
        measured = (moved[0].outputs - moved[1].outputs) / (2 * step)
        found = jacobians[index].by_drive[..., 1].sum(axis=1).T
        np.testing.assert_allclose(found, measured, rtol=DIFFERENCE, atol=DIFFERENCE * np.abs(measured).max())


@pytest.mark.parametrize("n_steps", [1, 3])
def test_the_best_move_is_the_best_of_all(n_steps: int) -> None:
    """Against the effect of every weight and both signs, one after the other; biases stay (an infinite ridge)."""
    network = builders.random_spec(4, widths=(2, 5, 4, 1), n_steps=n_steps, theta=0.05)
    points = builders.random_points(network, 60)
    chip = compensated(network, 4, points)
    model = _LinearModel(chip, points)
    residual = (run_integer(chip, points).outputs - run_float(network, points).outputs).T
    move = model._best_move(residual, [affine.weight for affine in chip.affines])
    gains = {}
    for index, affine in enumerate(chip.affines):
        for neuron in range(affine.n_out):
            for entry in range(affine.n_in):
                for sign in (1, -1):
                    if abs(int(affine.weight[neuron, entry]) + sign) <= 7:
                        tried = move._replace(affine=index, neuron=neuron, entry=entry, sign=sign)
                        gains[tried] = float(np.square(residual + model._effect(tried)).sum())
    if n_steps == 1:
        assert move == min(gains, key=gains.__getitem__)
    assert gains[move] < float(
        np.square(residual).sum()
    )  # with more steps, the curvature is a bound: better, if not best


def test_effects_are_those_of_the_integer_engine() -> None:
    """Long words, so that a unit is small and roundings do not count."""
    network = builders.random_spec(5, widths=(2, 6, 5, 2), n_steps=1, theta=0.0, polarity=Polarity.BOTH, ansatz=True)
    points = builders.random_points(network, 80)
    chip = compensated(network, 12, points, payload_bits=24, state_bits=32, input_bits=24)
    model = _LinearModel(chip, points)
    move = model.choose_moves((run_integer(chip, points).outputs - run_float(network, points).outputs).T, 1e9)[0]
    before = run_integer(chip, points).outputs
    moved = model.moved(np.zeros((2, len(points))), [move], 1e15)
    effect = run_integer(moved, points).outputs - before
    np.testing.assert_allclose(effect.T, model._effect(move), atol=FIRST_ORDER * np.abs(effect).max())


@pytest.mark.parametrize("activation", sorted({*builders.ACTIVATIONS} - {"sin_turns"}))  # what sin becomes
def test_it_comes_closer_on_unseen_points(activation: str) -> None:
    network = builders.random_spec(6, widths=(2, 16, 12, 1), activation=activation, n_steps=2, theta=0.05)
    points, unseen = builders.random_points(network, 800), builders.random_points(network, 500, 7)
    start = compensated(network, 4, points)
    share = 0.95 if activation == "tanh" else 0.8  # tanh jumps by theta where a spike flips, which no slope foresees
    assert change_of(descend_integers(start, points), unseen) < share * change_of(start, unseen)


def test_scales_words_thresholds_and_tables_stay() -> None:
    network = builders.random_spec(8, widths=(2, 12, 10, 1), n_steps=1)
    points = builders.random_points(network, 400)
    start = compensated(network, 4, points)
    end = descend_integers(start, points)
    assert end.digest() != start.digest()
    for affine, former in zip(end.affines, start.affines, strict=True):
        np.testing.assert_array_equal(affine.connections[0].weight_exponent, former.connections[0].weight_exponent)
        assert affine.connections[0].weight_bits == former.connections[0].weight_bits
        assert np.abs(affine.weight).max() <= 7
    for layer, other in zip(end.populations, start.populations, strict=True):
        np.testing.assert_array_equal(layer.theta, other.theta)
        np.testing.assert_array_equal(layer.table.entries, other.table.entries)


def test_few_points_and_silent_networks_are_left_alone() -> None:
    network = builders.random_spec(9)
    few = builders.random_points(network, FEWEST_POINTS - 1)
    start = compensated(network, 4, few)
    assert descend_integers(start, few) is start
    silent = builders.with_zero_layer(builders.with_zero_layer(network, 0), 1)
    points = builders.random_points(silent, 200)
    start = compensated(silent, 4, points)
    assert descend_integers(start, points) is start


def test_integers_of_which_no_weight_may_move_are_left_alone() -> None:
    """A network whose weights were all pruned, in words of few bits."""
    network = builders.random_spec(9)
    for index in range(len(network.populations)):
        network = builders.with_zero_layer(network, index)
    network = replace(network, output=network.output.with_weight(0.0 * network.output.weight))
    start = quantize_network(network, QuantizationScheme(weight_bits=4, rounding=Rounding.NEAREST)).network
    assert descend_integers(start, builders.random_points(network, 200)) is start


def test_the_twin_says_what_the_integers_stand_for() -> None:
    chip = builders.random_quantized(10, n_steps=2)
    twin = dequantized_network(chip)
    for layer, spec in zip(twin.populations, chip.source.populations, strict=True):
        np.testing.assert_array_equal(layer.weight, spec.weight)
        np.testing.assert_array_equal(layer.theta, spec.theta)
        np.testing.assert_array_equal(layer.beta, spec.beta)


def test_the_same_integers_every_time() -> None:
    network = builders.random_spec(11)
    digests = {quantize_network(network, QuantizationScheme(weight_bits=4)).network.digest() for _ in range(2)}
    assert len(digests) == 1


PEAK_SCRIPT = """
import sys, tracemalloc
from dataclasses import replace
import builders
from neuropinn_lava.conversion import quantize_network
from neuropinn_lava.conversion.quantize import descent
descent.MAX_ROUNDS = 1
network = replace(builders.random_spec(0, widths=(2, 24, 24, 1)), n_steps=int(sys.argv[1]))
tracemalloc.start()
quantize_network(network)
print(tracemalloc.get_traced_memory()[1])
"""
LARGEST_GROWTH = 3
"""Peak memory at 64 steps over that at one. It was 7.6 when everything was in memory, and is 1.7."""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_steps() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(builders.__file__).parent)}

    def peak(n_steps: int) -> int:
        command = [sys.executable, "-c", PEAK_SCRIPT, str(n_steps)]
        return int(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)

    assert peak(64) < LARGEST_GROWTH * peak(1)


def test_a_shipped_network_gets_the_integers_of_all_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thinning for the sake of memory begins beyond the steps of shipped networks."""
    monkeypatch.setattr(descent, "MAX_ROUNDS", 2)
    source = find_network("poisson")
    bounded = quantize_network(source).network
    monkeypatch.setattr(descent, "MAX_ROWS", 1 << 40)
    monkeypatch.setattr(calibration, "LONGEST_SAMPLE", 1 << 40)
    assert_networks_equal(bounded, quantize_network(source).network)


def test_a_sample_of_payloads_ends_at_its_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample is every so many-th payload of all, counted through the steps."""
    monkeypatch.setattr(calibration, "LONGEST_SAMPLE", 100)
    monkeypatch.setattr(calibration, "MAX_SAMPLE", 100)
    network = replace(builders.random_spec(0, widths=(2, 24, 1)), n_steps=7)
    points = calibration.sample_box(network, 50)
    thinned = calibration.calibrate_network(network, points).nodes[0].payload_sample
    monkeypatch.undo()
    everything = calibration.calibrate_network(network, points).nodes[0].payload_sample
    stride = -(-len(everything) // len(thinned))
    assert len(thinned) <= 100 < len(everything)
    assert np.array_equal(thinned, everything[::stride])
