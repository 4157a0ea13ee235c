"""Signals of a float network on given points, and the sensitivity of its outputs to each drive.

    du/dz[t]                   = du/dy * r[t]                      of the read-out; r[t] the share of step t in the output
    du/dz[t]                   = du/da[t] * phi'(z[t]) * s[t]      of a population
    du/da_source[t - delay]   += du/dz[t] W                        over every connection that reads the source
    du/da_left[t]             += du/da[t] * a_right[t]             of a product, and the other way round
    omega[t]                   = sum over outputs (du/dz[t])**2

The network is walked once, and then back, from the last step and the read-out to the first. Spikes are held as they are. du/dy
is the slope of the host's transforms: an error of the network that a built-in condition covers up does not count. Learned
rounding weights its errors by omega.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, freeze_arrays
from ...engine.recording import read_out
from ...engine.reference import FloatArithmetic, constant_inputs
from ...engine.walk import NodeStep, walk
from ...network.activations import find_activation
from ...network.nodes import PopulationSpec, ProductSpec
from ...network.spec import NetworkSpec, Readout
from .calibration import count_steps

SLOPE_STEP = 1e-4
"""Half the distance of the central difference that gives phi'; its error, 1e-8, is far below what a weight needs."""
MAX_READS = 8
"""Largest number of steps whose outputs are followed back where every step is read; they are spread evenly."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AffineSignals(ArrayRecord):
    """One sum of the network on the points, all steps stacked: rows are t * n_samples + sample."""

    drive: FloatArray
    """z, shape (n_rows, n_out)."""
    sensitivity: FloatArray
    """omega, shape (n_rows, n_out), with mean one for each neuron; zero for a neuron without effect on the output."""
    effect: FloatArray
    """Root mean square of du/da, the effect of a payload, shape (n_out,); zero for the read-out, which sends none."""

    def __post_init__(self) -> None:
        freeze_arrays(self, drive=np.float64, sensitivity=np.float64, effect=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AffineJacobian(ArrayRecord):
    """Derivatives of every output by every drive of one sum, at every point and step."""

    by_drive: FloatArray
    """du/dz, shape (n_outputs, n_steps, n_samples, n_neurons)."""
    received: FloatArray
    """What comes in over all connections, side by side, shape (n_steps, n_samples, n_in)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, by_drive=np.float64, received=np.float64)


def trace_jacobians(network: NetworkSpec, points: FloatArray) -> tuple[AffineJacobian, ...]:
    """Run the float network and return the Jacobian of every population and, last, of the read-out; memory grows with all axes.

    Args:
        network: The float network.
        points: Physical coordinates, shape (n_samples, n_in), or sequences (n_samples, n_steps, n_in).
    """
    run = _ForwardRun(network, points)
    felt: dict[str, list[FloatArray]] = defaultdict(list)
    for by_drive, _ in _backwards(run):
        for name, steps in by_drive.items():
            felt[name].append(np.stack(steps))
    return tuple(
        AffineJacobian(by_drive=np.stack(felt[node.name]), received=run.received(node.name))
        for node in run.network.affines
    )


def trace_signals(network: NetworkSpec, points: FloatArray) -> tuple[AffineSignals, ...]:
    """Run the float network and return the signals of every population and, last, of the read-out.

    Args:
        network: The float network.
        points: Physical coordinates, shape (n_samples, n_in), or sequences (n_samples, n_steps, n_in).
    """
    run = _ForwardRun(network, points)
    felt: dict[str, FloatArray] = {}
    squares = {node.name: np.zeros(node.n_out) for node in (*network.nodes, network.output)}
    for by_drive, by_payload in _backwards(run):
        for name, steps in by_drive.items():
            felt[name] = felt.get(name, 0.0) + np.square(np.concatenate(steps))
        for name, steps in by_payload.items():
            squares[name] += np.square(np.concatenate(steps)).mean(axis=0)
    return tuple(
        AffineSignals(
            drive=np.concatenate([step.drive for step in run.steps[node.name]]),
            sensitivity=_normalised(felt[node.name]),
            effect=np.sqrt(squares[node.name]),
        )
        for node in run.network.affines
    )


def read_steps(network: NetworkSpec, n_steps: int) -> list[int]:
    """Return the steps whose outputs are followed back where every step is read."""
    return sorted({n_steps - 1 - k * n_steps // MAX_READS for k in range(MAX_READS)})


def output_slope(network: NetworkSpec, points: FloatArray, outputs: FloatArray) -> FloatArray:
    """Compute du/dy at the network's outputs y (n_samples, …, n_out), by a central difference of the host's transforms."""
    above, below = (network.restored(points, outputs + sign * SLOPE_STEP) for sign in (1.0, -1.0))
    slope: FloatArray = (above - below) / (2 * SLOPE_STEP)
    return slope


class _ForwardRun:
    """Values of a forward run that the backward pass needs."""

    def __init__(self, network: NetworkSpec, points: FloatArray) -> None:
        self.network, self.n_steps = network, count_steps(network, points)
        self.steps: dict[str, list[NodeStep]] = defaultdict(list)
        x = network.input_transform.apply(points)
        inputs, arithmetic = constant_inputs(network, x), FloatArithmetic(len(x))
        walk(network, inputs, self.n_steps, arithmetic, lambda t, node, step: self.steps[node.name].append(step))
        emitted = read_out([step.drive for step in self.steps[network.output.name]], network.readout)
        y = emitted / (self.n_steps if network.readout is Readout.MEAN else 1)
        self.slope = output_slope(network, points, y)
        self.gains = {node.name: [_gain(node, step) for step in self.steps[node.name]] for node in network.populations}

    def received(self, name: str) -> FloatArray:
        """Return what a node received over all connections, shape (n_steps, n_samples, n_in)."""
        return np.stack([np.hstack(step.received) for step in self.steps[name]])

    def reads(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield, for each output that is followed back, the shares of the steps and du/dy (n_samples, n_out)."""
        if self.network.readout is Readout.EVERY:
            for t in read_steps(self.network, self.n_steps):
                yield np.eye(self.n_steps)[t], self.slope[:, t]
        elif self.network.readout is Readout.LAST:
            yield np.eye(self.n_steps)[-1], self.slope
        else:
            yield np.full(self.n_steps, 1.0 / self.n_steps), self.slope


def _gain(node: PopulationSpec, step: NodeStep) -> FloatArray:
    """Compute phi'(z) * s of one step by a central difference, shape (n_samples, n_neurons)."""
    phi = find_activation(node.activation).phi
    slope: FloatArray = (phi(step.drive + SLOPE_STEP) - phi(step.drive - SLOPE_STEP)) / (2 * SLOPE_STEP)
    return slope * step.fired


_ByStep = dict[str, list[FloatArray]]
"""Derivatives of one output by the values of each node, one array (n_samples, n) for each step."""


def _backwards(run: _ForwardRun) -> Iterator[tuple[_ByStep, _ByStep]]:
    """Walk back for every output in turn; yield du/dz of populations and read-out, and du/da of all nodes."""
    for shares, slope in run.reads():
        for k in range(run.network.n_out):
            by_output = [np.zeros_like(slope) for _ in shares]
            for t, share in enumerate(shares):
                by_output[t][:, k] = share * slope[:, k]
            yield _walk_back(run, by_output)


def _walk_back(run: _ForwardRun, by_output: list[FloatArray]) -> tuple[_ByStep, _ByStep]:
    """Carry the derivatives by the read-out's drives, one (n_samples, n_out) for each step, back to all others."""
    network = run.network
    felt = {node.name: [np.zeros_like(step.payload) for step in run.steps[node.name]] for node in network.nodes}
    by_drive = {node.name: list(by_output) for node in network.affines}
    for t in reversed(range(run.n_steps)):
        for node in (network.output, *reversed(network.nodes)):
            if isinstance(node, ProductSpec):
                left, right = run.steps[node.name][t].received
                changes = [(node.left, t, felt[node.name][t] * right), (node.right, t, felt[node.name][t] * left)]
            else:
                if isinstance(node, PopulationSpec):
                    by_drive[node.name][t] = felt[node.name][t] * run.gains[node.name][t]
                after = by_drive[node.name][t]
                read = [each for each in node.connections if each.delay <= t and each.source in felt]
                changes = [(each.source, t - each.delay, after @ each.weight) for each in read]
            for source, then, change in changes:
                if source in felt:
                    felt[source][then] = felt[source][then] + change
    return by_drive, felt


def _normalised(omega: FloatArray) -> FloatArray:
    mean = omega.mean(axis=0)
    normal: FloatArray = omega / np.where(mean > 0, mean, 1.0)
    return normal
