"""Signals of a float network on given points, and the sensitivity of its output to each drive.

    du/da[t] of the last layer   = du/dy * W_out                    at every step, or at the last alone
    du/dz[t]                     = du/da[t] * phi'(z[t]) * s[t]
    du/da[t] of the layer before = du/dz[t] W
    omega[t]                     = sum over outputs (du/dz[t])**2

Spikes are held as they are. du/dy is the slope of the host's transforms: an error of the network that a built-in condition
covers up does not count. Learned rounding weights its errors by omega.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...base.arrays import ArrayRecord, BoolArray, FloatArray, freeze_arrays
from ...engine.reference import FloatLayerRun
from ...network.activations import find_activation
from ...network.spec import NetworkSpec, Readout

SLOPE_STEP = 1e-4
"""Half the distance of the central difference that gives phi'; its error, 1e-8, is far below what a weight needs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerSignals(ArrayRecord):
    """One matrix of the network on the points, all steps stacked: rows are t * n_samples + sample."""

    received: FloatArray
    """a_in, shape (n_rows, n_in)."""
    drive: FloatArray
    """z, shape (n_rows, n_out)."""
    sensitivity: FloatArray
    """omega, shape (n_rows, n_out), with mean one for each neuron; zero for a neuron without effect on the output."""

    def __post_init__(self) -> None:
        freeze_arrays(self, received=np.float64, drive=np.float64, sensitivity=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerJacobian(ArrayRecord):
    """Derivatives of every output by every drive of one matrix, at every point and step."""

    by_drive: FloatArray
    """du/dz, shape (n_outputs, n_steps, n_samples, n_neurons)."""
    received: FloatArray
    """a_in, shape (n_steps, n_samples, n_in)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, by_drive=np.float64, received=np.float64)


def trace_jacobians(network: NetworkSpec, points: FloatArray) -> tuple[LayerJacobian, ...]:
    """Run the float network and return the Jacobian of every matrix, the read-out's last; memory grows with all three axes.

    Args:
        network: The float network.
        points: Physical coordinates, shape (n_samples, n_in).
    """
    run = _run_forwards(network, points)
    by_steps = (network.n_steps, len(points), -1)
    felt: list[list[FloatArray]] = [[] for _ in run.drives]
    for index, _, by_drive in _backwards(network, run):
        felt[index].append(by_drive.reshape(by_steps))
    return tuple(
        LayerJacobian(by_drive=np.stack(outputs), received=a.reshape(by_steps))
        for outputs, a in zip(felt, run.received, strict=True)
    )


def trace_signals(network: NetworkSpec, points: FloatArray) -> tuple[LayerSignals, ...]:
    """Run the float network and return the signals of every matrix, the read-out's last.

    Args:
        network: The float network.
        points: Physical coordinates, shape (n_samples, n_in).
    """
    run = _run_forwards(network, points)
    felt = [np.zeros_like(drive) for drive in run.drives]
    for index, _, by_drive in _backwards(network, run):
        felt[index] += np.square(by_drive)
    return tuple(
        LayerSignals(received=a, drive=z, sensitivity=_normalised(omega))
        for a, z, omega in zip(run.received, run.drives, felt, strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _ForwardRun:
    """Values of a forward run that the backward pass needs; rows as in `LayerSignals`."""

    slope: FloatArray
    """du/dy, shape (n_samples, n_out)."""
    gains: list[FloatArray]
    """phi' * s of every spiking layer, shape (n_rows, n_neurons)."""
    received: list[FloatArray]
    """a_in of every matrix, the read-out's last, shape (n_rows, n_in)."""
    drives: list[FloatArray]
    """z of every matrix, shape (n_rows, n_out)."""


def _run_forwards(network: NetworkSpec, points: FloatArray) -> _ForwardRun:
    x = network.input_transform.apply(points)
    runs = [FloatLayerRun(layer, len(x)) for layer in network.populations]
    received: list[list[FloatArray]] = [[] for _ in range(len(runs) + 1)]
    drives: list[list[FloatArray]] = [[] for _ in range(len(runs) + 1)]
    fired: list[list[BoolArray]] = [[] for _ in runs]
    for _ in range(network.n_steps):
        a = x
        for index, run in enumerate(runs):
            received[index].append(a)
            now = run.step(a)
            a = now.payload
            drives[index].append(now.drive)
            fired[index].append(now.fired)
        received[-1].append(a)
        drives[-1].append(a @ network.output.weight.T + network.output.bias)
    stacked = [np.concatenate(steps) for steps in drives]
    gains = [
        _phi_slope(layer.activation, z) * np.concatenate(s)
        for layer, z, s in zip(network.populations, stacked[:-1], fired, strict=True)
    ]
    slope = output_slope(network, points, _read_out_mean(network, stacked[-1]))
    joined = [np.concatenate(steps) for steps in received]
    return _ForwardRun(slope=slope, gains=gains, received=joined, drives=stacked)


def _phi_slope(activation: str, drive: FloatArray) -> FloatArray:
    """Compute phi'(z) by a central difference, any shape."""
    phi = find_activation(activation).phi
    slope: FloatArray = (phi(drive + SLOPE_STEP) - phi(drive - SLOPE_STEP)) / (2 * SLOPE_STEP)
    return slope


def _read_out_mean(network: NetworkSpec, emitted: FloatArray) -> FloatArray:
    """Compute the output y (n_samples, n_out) for what was emitted at all steps, stacked (n_steps * n_samples, n_out)."""
    steps = emitted.reshape(network.n_steps, -1, network.n_out)
    y: FloatArray = steps[-1] if network.readout is Readout.LAST else steps.mean(axis=0)
    return y


def output_slope(network: NetworkSpec, points: FloatArray, outputs: FloatArray) -> FloatArray:
    """Compute du/dy at the network's outputs y (n_samples, n_out), by a central difference of the host's transforms."""
    above, below = (network.restored(points, outputs + sign * SLOPE_STEP) for sign in (1.0, -1.0))
    slope: FloatArray = (above - below) / (2 * SLOPE_STEP)
    return slope


def payload_effects(network: NetworkSpec, points: FloatArray) -> tuple[FloatArray, ...]:
    """Compute the root mean square of du/da of every spiking layer, each (n_neurons,): the effect of a payload.

    Args:
        network: The float network.
        points: Physical coordinates, shape (n_samples, n_in).
    """
    totals = [np.zeros(layer.n_out) for layer in network.populations]
    for index, by_payload, _ in _backwards(network, _run_forwards(network, points)):
        if index < len(totals):
            totals[index] += np.square(by_payload).mean(axis=0)
    return tuple(np.sqrt(total) for total in totals)


def _backwards(network: NetworkSpec, run: _ForwardRun) -> Iterator[tuple[int, FloatArray, FloatArray]]:
    """Run the backward pass of every output in turn; yield (matrix, du/da, du/dz), rows as in `LayerSignals`.

    Of the read-out, the last matrix, du/da stands for du/dz.
    """
    slope, n_layers = run.slope, len(run.gains)
    read = np.full(network.n_steps, 1.0 / network.n_steps)
    if network.readout is Readout.LAST:
        read = np.eye(network.n_steps)[-1]
    for k in range(network.n_out):
        by_output = np.zeros((len(slope) * network.n_steps, network.n_out))
        by_output[:, k] = np.outer(read, slope[:, k]).ravel()
        yield n_layers, by_output, by_output
        by_payload = by_output @ network.output.weight
        for index in reversed(range(n_layers)):
            by_drive = by_payload * run.gains[index]
            yield index, by_payload, by_drive
            by_payload = by_drive @ network.populations[index].weight


def _normalised(omega: FloatArray) -> FloatArray:
    mean = omega.mean(axis=0)
    normal: FloatArray = omega / np.where(mean > 0, mean, 1.0)
    return normal
