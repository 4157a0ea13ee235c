"""An ordinary ReLU network as integrate-and-fire neurons whose rate of spikes stands for the activation: the usual conversion.

    z[t] = W (theta_in * s_in[t]) + b         the first layer receives W x + b at every step, a constant current
    v[t] = v[t-1] + z[t]                      v[0] = theta / 2
    s[t] = 1 if v[t] >= theta else 0
    v[t] = v[t] - theta  where s[t] = 1       soft reset: what is above the threshold stays
    y    = mean over t of W (theta_in * s_in[t]) + b

theta * (mean of s) tends to relu(z) for a constant z up to theta, like 1/T. So theta is each neuron's own largest activation
over calibration points, and nothing is trained. This is a baseline: literal, in float64, one loop over the steps; it does not
run on Lava. This module knows float networks only.

Source: Rueckauer et al., Front. Neurosci. 11:682 (2017), reset by subtraction and normalisation by data; Bu et al., AAAI 2022,
the initial membrane.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from _message_counts import CodedRun, MessageCounts, fan_outs

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.checks import check_range, raise_violations
from neuropinn_lava.base.errors import Violation
from neuropinn_lava.base.points import checked_points
from neuropinn_lava.network.activations import find_activation
from neuropinn_lava.network.nodes import OutputSpec, PopulationSpec
from neuropinn_lava.network.spec import MAX_STEPS, NetworkSpec

SMALLEST_THRESHOLD = 1e-9
"""Threshold of a neuron that no calibration point excites: a division by it stays finite."""


def rate_thresholds(network: NetworkSpec, points: FloatArray) -> tuple[FloatArray, ...]:
    """Give theta of every neuron: its largest activation over physical points (n, n_in), a tuple of (n_neurons,) by layer."""
    a, thresholds = network.input_transform.apply(points), []
    for layer in network.populations:
        a = find_activation(layer.activation).phi(a @ layer.weight.T + layer.bias)
        thresholds.append(np.maximum(a.max(axis=0), SMALLEST_THRESHOLD))
    return tuple(thresholds)


def run_rate_coded(network: NetworkSpec, points: FloatArray, calibration: FloatArray, n_steps: int) -> CodedRun:
    """Run a ReLU network as integrate-and-fire neurons.

    The input's operations are counted once a sample, because its current is constant.

    Args:
        network: Every layer is a plain ReLU: activation "relu" with theta = 0, one step.
        points: Physical, shape (n, n_in).
        calibration: Points that the thresholds come from, physical, shape (n_calibration, n_in).
        n_steps: T, 1 to `MAX_STEPS`.

    Raises:
        SpecError: If a layer is no plain ReLU, or the points or T are refused.
    """
    raise_violations(_violations(network, n_steps))
    reached = fan_outs(network)
    points = checked_points(points, network.n_in, "run_rate_coded.points")
    thetas = rate_thresholds(network, checked_points(calibration, network.n_in, "run_rate_coded.calibration"))
    x = network.input_transform.apply(points)
    current = x @ network.populations[0].weight.T + network.populations[0].bias
    v = [np.tile(theta / 2, (len(x), 1)) for theta in thetas]
    sent = [np.zeros(len(theta), dtype=np.int64) for theta in thetas]
    following: tuple[PopulationSpec | OutputSpec, ...] = (*network.populations[1:], network.output)
    total = np.zeros((len(x), network.n_out))
    for _ in range(n_steps):
        z = current
        for index, (theta, after) in enumerate(zip(thetas, following, strict=True)):
            v[index] += z
            s = v[index] >= theta
            v[index] -= theta * s
            sent[index] += s.sum(axis=0)
            z = (theta * s) @ after.weight.T + after.bias
        total += z
    names = ("input", *(layer.name for layer in network.populations))
    rows = zip(names, (np.count_nonzero(x, axis=0), *sent), reached, strict=True)
    return CodedRun(
        outputs=network.restored(points, total / n_steps),
        n_steps=n_steps,
        layers=tuple(MessageCounts(name=name, messages=n, fan_out=fan_out) for name, n, fan_out in rows),
    )


def _violations(network: NetworkSpec, n_steps: int) -> Iterator[Violation]:
    yield from check_range("run_rate_coded.n_steps", n_steps, 1, MAX_STEPS)
    for layer in network.populations:
        if layer.activation != "relu" or layer.theta.any() or network.n_steps != 1:
            got = f"{layer.activation}, theta up to {layer.theta.max():g}, T = {network.n_steps}"
            repair = "Rates stand for ReLU only; run other networks as they are, or as sigma-delta neurons."
            yield Violation(f"run_rate_coded: layer {layer.name!r}", "have relu, theta = 0 and T = 1", got, repair)
