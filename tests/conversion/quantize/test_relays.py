"""Joint rounding of relays: errors that cancel in the output, the bound of the feedback, and relays that stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import builders
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.conversion import QuantizationScheme, Rounding, quantize_network
from neuropinn_lava.conversion.quantize.relays import _feed_back, _unit_factor, round_relays
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.network.nodes import ConnectionSpec, OutputSpec, Polarity, PopulationSpec, ProductSpec
from neuropinn_lava.network.spec import NetworkSpec
from small_graphs import operator_network

WIDTH = 16
"""Features, of which all but a few repeat each other."""
GAIN = 5.0
"""Least factor by which joint rounding brings the output closer than rounding by itself; 7 was seen."""


def network_of(weight: np.ndarray) -> NetworkSpec:
    """Return an operator of smooth features, coefficients of `weight` (WIDTH, 3) in a relay, and their products' sum."""
    rng, zeros = np.random.default_rng(1), np.zeros(WIDTH)

    def population(name: str, source: str, matrix: np.ndarray, bias: np.ndarray, activation: str) -> PopulationSpec:
        connections = (ConnectionSpec(source=source, weight=matrix),)
        return PopulationSpec(
            name=name, connections=connections, bias=bias, beta=zeros, theta=zeros, activation=activation,
            polarity=Polarity.BOTH,
        )  # fmt: skip

    plain = operator_network(n_steps=1)
    function, point = plain.inputs
    return replace(
        plain,
        inputs=(replace(function, width=3), point),
        nodes=(
            population("trunk", "point", rng.normal(size=(WIDTH, 1)), rng.normal(size=WIDTH), "tanh"),
            population("coefficients", "function", weight, np.full(WIDTH, 0.1), "identity"),
            ProductSpec(name="terms", left="coefficients", right="trunk", width=WIDTH),
        ),
        output=OutputSpec(connections=(ConnectionSpec(source="terms", weight=np.ones((1, WIDTH))),), bias=np.zeros(1)),
        input_transform=type(plain.input_transform).identity(4),
        lower=np.full(4, -1.0),
        upper=np.full(4, 1.0),
    )


def test_errors_of_neurons_cancel_in_the_output() -> None:
    network = network_of(np.random.default_rng(0).normal(size=(WIDTH, 3)))
    points = builders.random_points(network, 1000, 0)
    bits = tuple(8 if node.name == "coefficients" else 16 for node in network.affines)
    scheme = QuantizationScheme(weight_bits=bits, rounding=Rounding.NEAREST)
    start = quantize_network(network, scheme, points).network
    unseen = builders.random_points(network, 500, 1)
    wanted = run_float(network, unseen).outputs
    before, after = (relative_l2(run_integer(n, unseen).outputs, wanted) for n in (start, round_relays(start, points)))
    assert before > 1e-3
    assert after < before / GAIN


def test_exact_relays_stay_as_they_are() -> None:
    network = network_of(np.random.default_rng(0).integers(-64, 64, size=(WIDTH, 3)) / 32.0)
    chip = quantize_network(network, QuantizationScheme(rounding=Rounding.NEAREST)).network
    assert round_relays(chip, builders.random_points(network, 200, 0)) is chip


def test_the_feedback_leaves_half_a_unit_of_every_entry() -> None:
    """|(U E V^T)[k, j]| <= s[k, j] / 2 where no integer is clipped, so that the error is at most sum D_k D_j s**2 / 4."""
    rng = np.random.default_rng(2)
    U, V = (_unit_factor(np.cov(rng.normal(size=(n, 3 * n)))) for n in (5, 4))
    wanted, unit = rng.normal(size=(5, 4)), 2.0 ** rng.integers(-6, -3, size=(5, 4))
    q = _feed_back(wanted, unit, np.full((5, 4), 2**20), U, V)
    left = U @ (wanted - q * unit) @ V.T
    assert (np.abs(left) <= unit / 2 * (1 + 1e-9)).all()
    assert (np.abs(q) <= 3).any()
    clipped = _feed_back(wanted, unit, np.full((5, 4), 3), U, V)
    assert np.abs(clipped).max() == 3
