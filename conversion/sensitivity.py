"""What a float network sends on given points, and how much its output feels each drive there.

    dy/da[t] of the last layer   = d(x) * W_out / T                 or at the last step alone
    dy/dz[t]                     = dy/da[t] * phi'(z[t]) * s[t]
    dy/da[t] of the layer before = dy/dz[t] W
    omega[t]                     = sum over outputs (dy/dz[t])**2

Spikes are held as they are. d is the factor of the ansatz: an error of the network that the boundary conditions cover up does
not count. Learned rounding weights its errors by omega. This module knows the float engine; it does not know integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..activations import find_activation
from ..arrays import FloatArray, freeze_arrays
from ..network import NetworkSpec, Readout
from ..reference import FloatLayerRun

SLOPE_STEP = 1e-4
"""Half the distance of the central difference that gives phi'; its error, 1e-8, is far below what a weight needs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerSignals:
    """One matrix of the network on the points, all steps stacked: rows are t * n_samples + sample."""

    received: FloatArray
    """a_in, shape (n_rows, n_in)."""
    drive: FloatArray
    """z, shape (n_rows, n_out)."""
    sensitivity: FloatArray
    """omega, shape (n_rows, n_out), with mean one for each neuron; zero for a neuron that the output does not feel."""

    def __post_init__(self) -> None:
        freeze_arrays(self, received=np.float64, drive=np.float64, sensitivity=np.float64)


def trace_signals(network: NetworkSpec, points: FloatArray) -> tuple[LayerSignals, ...]:
    """Run the float network and give the signals of every matrix, the read-out's last.

    Args:
        network: The float network.
        points: Physical coordinates, shape (n_samples, n_in).
    """
    x = network.input_transform.apply(points)
    runs = [FloatLayerRun(layer, len(x)) for layer in network.layers]
    received: list[list[FloatArray]] = [[] for _ in range(len(runs) + 1)]
    drives: list[list[FloatArray]] = [[] for _ in range(len(runs) + 1)]
    fired: list[list[FloatArray]] = [[] for _ in runs]
    for _ in range(network.n_steps):
        a = x
        for index, run in enumerate(runs):
            received[index].append(a)
            drives[index].append(a @ run.layer.weight.T + run.layer.bias)
            s, a = run.step(a)
            fired[index].append(s)
        received[-1].append(a)
        drives[-1].append(a @ network.output.weight.T + network.output.bias)
    stacked = [np.concatenate(steps) for steps in drives]
    gains = [
        phi_slope(layer.activation, z) * np.concatenate(s)
        for layer, z, s in zip(network.layers, stacked[:-1], fired, strict=True)
    ]
    felt = _sensitivities(network, points, gains)
    return tuple(
        LayerSignals(received=np.concatenate(a), drive=z, sensitivity=_normalised(omega))
        for a, z, omega in zip(received, stacked, felt, strict=True)
    )


def phi_slope(activation: str, drive: FloatArray) -> FloatArray:
    """Give phi'(z) by a central difference, any shape."""
    phi = find_activation(activation).phi
    slope: FloatArray = (phi(drive + SLOPE_STEP) - phi(drive - SLOPE_STEP)) / (2 * SLOPE_STEP)
    return slope


def _sensitivities(network: NetworkSpec, points: FloatArray, gains: list[FloatArray]) -> list[FloatArray]:
    """Go back from every output in turn and add the squares; `gains` are phi' * s, rows as in `LayerSignals`."""
    n_samples, n_steps = len(points), network.n_steps
    factor = network.ansatz.evaluate(points)[1] if network.ansatz else np.ones((n_samples, network.n_out))
    factor = factor * network.output_transform.scale
    weights = [*(layer.weight for layer in network.layers), network.output.weight]
    totals = [np.zeros((n_samples * n_steps, weight.shape[0])) for weight in weights]
    read = np.ones(n_steps) if network.readout is Readout.MEAN else np.eye(n_steps)[-1]
    for k in range(network.n_out):
        by_output = np.outer(read, factor[:, k]).ravel()
        totals[-1][:, k] += by_output**2
        by_payload = by_output[:, None] * network.output.weight[k]
        for index in reversed(range(len(gains))):
            by_drive = by_payload * gains[index]
            totals[index] += by_drive**2
            by_payload = by_drive @ weights[index]
    return totals


def _normalised(omega: FloatArray) -> FloatArray:
    mean = omega.mean(axis=0)
    normal: FloatArray = omega / np.where(mean > 0, mean, 1.0)
    return normal
