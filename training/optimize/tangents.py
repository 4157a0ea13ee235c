"""The tangents of a network: how its outputs at all points move with its weights, without one row of the Jacobian formed.

    z_l = W_l a_l + b_l                                      of every Linear layer, at every point and step
    D_l = dy / dz_l                                          sensitivities: one backward pass, as samples do not mix
    J J^T   = sum_l sum_(t,t') (D_l[t] D_l[t']^T) * (a_l[t] a_l[t']^T + 1)         * entry by entry: the tangent kernel
    J^T v   = for every l: sum_t (v D_l[t])^T a_l[t] for W_l, its sum over points for b_l
    J d     = sum_l sum_t rowsum(D_l[t] * (a_l[t] dW_l^T + db_l))

The slope of a spike itself is zero wherever it exists, and is zero here: no surrogate enters. Leaks and thresholds stay fixed.

Source: the kernel's factors, Novak et al., arXiv 2206.08720, section 3.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from ...base.arrays import Record
from ...network.spec import Readout
from ...problems.recipe import Surrogate
from ..network.network import VsnNetwork
from ..neuron.surrogates import firing_level, surrogate_step
from ..neuron.unrolled import VsnRule, integrate_steps, unrolled_vsn
from ..neuron.vsn import VSN

BLOCK = 128
"""Number of kernel columns computed at once: 64 to 256 stay in the cache and take half the time of all at once."""
NO_WIDTH = 1e30
"""Slope of a triangle surrogate that is zero at every membrane but the threshold itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Direction(Record):
    """A direction in the space of weights, one entry per Linear layer."""

    weights: tuple[Tensor, ...]
    """Changes dW of the weights, shape (n_out, n_in) each."""
    biases: tuple[Tensor, ...]
    """Changes db of the biases, shape (n_out,) each."""

    def scaled(self, factor: float) -> Direction:
        """Return this direction times a factor."""
        return Direction(
            weights=tuple(factor * dW for dW in self.weights), biases=tuple(factor * db for db in self.biases)
        )

    def dot(self, other: Direction) -> Tensor:
        """Compute the inner product with another direction, a scalar."""
        pairs = (*zip(self.weights, other.weights, strict=True), *zip(self.biases, other.biases, strict=True))
        return torch.stack([torch.sum(a * b) for a, b in pairs]).sum()

    def plus(self, factor: Tensor, other: Direction) -> Direction:
        """Return this direction plus a factor times another one."""
        return Direction(
            weights=tuple(a + factor * b for a, b in zip(self.weights, other.weights, strict=True)),
            biases=tuple(a + factor * b for a, b in zip(self.biases, other.biases, strict=True)),
        )


@torch.no_grad()
def move_network(network: VsnNetwork, direction: Direction, factor: float) -> None:
    """Add a factor times a direction to the weights of a network, in place."""
    for linear, weight, bias in zip(network.linear_layers, direction.weights, direction.biases, strict=True):
        linear.weight.add_(weight, alpha=factor)
        linear.bias.add_(bias, alpha=factor)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tangents(Record):
    """Inputs and sensitivities of every Linear layer; rows are output after output, point after point."""

    outputs: Tensor
    """Outputs y of the network, shape (n_points, n_out)."""
    inputs: tuple[tuple[Tensor, ...], ...]
    """Inputs a_l[t], shape (n_points, n_in of l) each; one step where a layer's input is the same at all."""
    sensitivities: tuple[tuple[Tensor, ...], ...]
    """Sensitivities D_l[t], shape (n_out n_points, n_out of l) each."""

    def _layers(self) -> Iterator[list[tuple[Tensor, Tensor]]]:
        """Iterate over (D, a) of all steps for each layer, rows of a repeated for each output."""
        n_out = self.outputs.shape[1]
        for deltas, inputs in zip(self.sensitivities, self.inputs, strict=True):
            yield [(d, a if n_out == 1 else a.repeat(n_out, 1)) for d, a in zip(deltas, inputs, strict=True)]

    def kernel_columns(self, columns: slice) -> Tensor:
        """Compute columns of J_y J_y^T, shape (n_rows, n_columns), n_rows = n_out n_points."""
        total: Tensor | None = None
        for steps in self._layers():
            for d, a in steps:
                for d_other, a_other in steps:
                    part = torch.mm(a, a_other[columns].T).add_(1.0).mul_(torch.mm(d, d_other[columns].T))
                    total = part if total is None else total.add_(part)
        assert total is not None
        return total

    def sandwiched(self, slopes: csr_matrix) -> Tensor:
        """Compute S (J_y J_y^T) S^T, shape (n, n), for S of shape (n, n_rows), without the whole of J_y J_y^T in memory."""
        n, n_rows = slopes.shape
        half = np.empty((n_rows, n))
        for start in range(0, n_rows, BLOCK):
            columns = slice(start, start + BLOCK)
            half[columns] = (slopes @ self.kernel_columns(columns).numpy()).T
        return torch.from_numpy(slopes @ half)

    def at(self, points: Tensor) -> Tangents:
        """Return the tangents at some of the points alone, given by their indices, shape (n,)."""
        n_points, n_out = self.outputs.shape
        rows = (torch.arange(n_out)[:, None] * n_points + points).reshape(-1)
        return Tangents(
            outputs=self.outputs[points],
            inputs=tuple(tuple(a[points] for a in steps) for steps in self.inputs),
            sensitivities=tuple(tuple(d[rows] for d in steps) for steps in self.sensitivities),
        )

    def pulled_back(self, v: Tensor) -> Direction:
        """Compute J^T v for v of shape (n_rows,)."""
        weights, biases = [], []
        for steps in self._layers():
            scaled = [d * v[:, None] for d, _ in steps]
            weights.append(torch.stack([s.T @ a for s, (_, a) in zip(scaled, steps, strict=True)]).sum(0))
            biases.append(torch.stack([s.sum(0) for s in scaled]).sum(0))
        return Direction(weights=tuple(weights), biases=tuple(biases))

    def pushed_forward(self, direction: Direction) -> Tensor:
        """Compute J d, shape (n_rows,)."""
        total = torch.zeros(self.outputs.numel(), dtype=self.outputs.dtype)
        for steps, weight, bias in zip(self._layers(), direction.weights, direction.biases, strict=True):
            for d, a in steps:
                total += (d * torch.addmm(bias, a, weight.T)).sum(1)
        return total


class ExactRun(NamedTuple):
    """A forward pass whose backward pass treats every spike as a constant, which it is between its jumps."""

    output: Tensor
    """Outputs y, shape (n_points, n_out)."""
    inputs: tuple[Tensor, ...]
    """Inputs a_l of every Linear layer."""
    drives: tuple[Tensor, ...]
    """Outputs z_l of every Linear layer."""
    activity: Tensor
    """Share of neurons and steps that fire, a scalar."""
    smooth_activity: Tensor
    """k times the mean of H(m - theta) (`surrogate_step`), a scalar that changes as the activity does and has a gradient."""


def run_exactly(network: VsnNetwork, inputs: Tensor) -> ExactRun:
    """Run a network on points, shape (n_points, n_in), with spikes as constants in the backward pass."""
    signal, seen, drives, activities, smooth = inputs, [], [], [], []
    for layer in network.layers:
        if isinstance(layer, VSN):
            smooth.append(_smooth_activity(layer, signal, network.n_steps))
            signal, activity = unrolled_vsn(signal, layer.beta, layer.theta, _exact(layer.rule), network.n_steps)
            activities.append(activity)
        else:
            seen.append(signal.detach())
            signal = layer(signal)
            drives.append(signal)
    output = signal[-1] if network.readout is Readout.LAST else signal.mean(0)
    return ExactRun(
        output=output,
        inputs=tuple(seen),
        drives=tuple(drives),
        activity=network.mean_activity(activities),
        smooth_activity=network.mean_activity(smooth),
    )


@contextlib.contextmanager
def constant_spikes(network: VsnNetwork) -> Iterator[None]:
    """Treat every spike as a constant in all backward passes of a network within the block."""
    former = [layer.rule for layer in network.vsn_layers]
    for layer in network.vsn_layers:
        layer.rule = _exact(layer.rule)
    try:
        yield
    finally:
        for layer, rule in zip(network.vsn_layers, former, strict=True):
            layer.rule = rule


def _exact(rule: VsnRule) -> VsnRule:
    """Return a rule with the slope of the step itself, which is zero."""
    return dataclasses.replace(rule, surrogate=Surrogate.TRIANGLE, surrogate_slope=NO_WIDTH)


def _smooth_activity(layer: VSN, drive: Tensor, n_steps: int) -> Tensor:
    """Compute k mean H(m - theta) of a layer; what a membrane keeps from earlier steps counts as a constant."""
    rule, theta = layer.rule, layer.theta.detach()
    with torch.no_grad():
        kept = integrate_steps(drive, layer.beta, theta, rule.polarity, n_steps)[0] - drive
    membranes = drive + kept
    distance = firing_level(membranes, rule.polarity) - theta
    return surrogate_step(distance, rule.surrogate, rule.surrogate_slope).mean() * rule.surrogate_slope


def find_tangents(run: ExactRun) -> Tangents:
    """Compute the tangents of a run, by one backward pass for each output; the graph of the run is kept."""
    slopes = [torch.autograd.grad(column.sum(), run.drives, retain_graph=True) for column in run.output.unbind(1)]
    by_layer = [torch.cat(parts, dim=-2) for parts in zip(*slopes, strict=True)]
    return Tangents(
        outputs=run.output.detach(), inputs=tuple(map(_steps, run.inputs)), sensitivities=tuple(map(_steps, by_layer))
    )


def activity_gradient(network: VsnNetwork, run: ExactRun) -> Direction:
    """Compute the gradient of the smooth activity by the weights of all layers, zero for the read-out; the graph is kept."""
    linears, last = network.linear_layers[:-1], network.linear_layers[-1]
    held = [parameter for linear in linears for parameter in (linear.weight, linear.bias)]
    slopes = torch.autograd.grad(run.smooth_activity, held, retain_graph=True)
    return Direction(
        weights=(*slopes[0::2], torch.zeros_like(last.weight)), biases=(*slopes[1::2], torch.zeros_like(last.bias))
    )


def _steps(values: Tensor) -> tuple[Tensor, ...]:
    """Split a tensor (n_steps, n, width) into its steps; one without that axis is the same at every step."""
    return (values,) if values.dim() == 2 else values.unbind(0)
