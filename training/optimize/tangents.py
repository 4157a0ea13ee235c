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

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from ...base.arrays import Record
from ...base.errors import TrainingError
from ...network.spec import Readout
from ..network.module_network import ModuleNetwork, TrainedNetwork, smooth_activity
from ..neuron.unrolled import integrate_steps, unrolled_vsn
from ..neuron.vsn import VSN

BLOCK = 128
"""Number of kernel columns computed at once: 64 to 256 stay in the cache and take half the time of all at once."""
MAX_OTHERS = 512
"""Largest number of parameters outside Linear layers, each of which needs a backward pass of its own."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Direction(Record):
    """A direction in the space of weights, one entry per Linear layer."""

    weights: tuple[Tensor, ...]
    """Changes dW of the weights, shape (n_out, n_in) each."""
    biases: tuple[Tensor, ...]
    """Changes db of the biases, shape (n_out,) each; empty for a layer without one."""
    others: Tensor
    """Changes of all other parameters, such as slopes and factors, shape (n_others,)."""

    def scaled(self, factor: float) -> Direction:
        """Return this direction times a factor."""
        return Direction(
            weights=tuple(factor * dW for dW in self.weights),
            biases=tuple(factor * db for db in self.biases),
            others=factor * self.others,
        )

    def dot(self, other: Direction) -> Tensor:
        """Compute the inner product with another direction, a scalar."""
        pairs = (*zip(self.weights, other.weights, strict=True), *zip(self.biases, other.biases, strict=True))
        total = torch.stack([torch.sum(a * b) for a, b in pairs]).sum()
        return total + self.others @ other.others if len(self.others) else total

    def plus(self, factor: Tensor, other: Direction) -> Direction:
        """Return this direction plus a factor times another one."""
        return Direction(
            weights=tuple(a + factor * b for a, b in zip(self.weights, other.weights, strict=True)),
            biases=tuple(a + factor * b for a, b in zip(self.biases, other.biases, strict=True)),
            others=self.others + factor * other.others,
        )


@torch.no_grad()
def move_network(network: TrainedNetwork, direction: Direction, factor: float) -> None:
    """Add a factor times a direction to the parameters of a network, in place."""
    for linear, weight, bias in zip(network.linear_layers, direction.weights, direction.biases, strict=True):
        linear.weight.add_(weight, alpha=factor)
        if _bias(linear) is not None:
            linear.bias.add_(bias, alpha=factor)
    others = other_parameters(network)
    for parameter, change in zip(others, direction.others.split([p.numel() for p in others]), strict=True):
        parameter.add_(change.view_as(parameter), alpha=factor)


def _bias(linear: nn.Linear) -> Tensor | None:
    """Return the bias of a layer, which torch's type does not say may be missing."""
    bias: Tensor | None = linear.bias
    return bias


def other_parameters(network: TrainedNetwork) -> list[Tensor]:
    """Return the trainable parameters of no VSN layer that are not moved as weights and biases of Linear layers.

    Raises:
        TrainingError: If there are more than `MAX_OTHERS` numbers in them.
    """
    held = {id(p) for layer in (*network.linear_layers, *network.vsn_layers) for p in layer.parameters()}
    others: list[Tensor] = [p for p in network.parameters() if p.requires_grad and id(p) not in held]
    n_others = sum(p.numel() for p in others)
    if n_others > MAX_OTHERS:
        rule = f"have at most {MAX_OTHERS} parameters outside torch.nn.Linear and VSN where a phase is gauss-newton's"
        repair = "Build its affine maps as Linear layers, or train by adam, soap or l-bfgs."
        raise TrainingError("train.module", rule, n_others, repair)
    return others


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tangents(Record):
    """Inputs and sensitivities of every Linear layer; rows are output after output, point after point."""

    outputs: Tensor
    """Outputs y of the network, shape (n_points, n_out)."""
    inputs: tuple[tuple[Tensor, ...], ...]
    """Inputs a_l[t], shape (n_points, n_in of l) each; one step where a layer's input is the same at all."""
    sensitivities: tuple[tuple[Tensor, ...], ...]
    """Sensitivities D_l[t], shape (n_out n_points, n_out of l) each."""
    has_bias: tuple[bool, ...]
    """Whether each Linear layer has a bias."""
    others: Tensor
    """Columns of J that belong to all other parameters, shape (n_out n_points, n_others)."""

    def _layers(self) -> Iterator[list[tuple[Tensor, Tensor]]]:
        """Iterate over (D, a) of all steps for each layer, rows of a repeated for each output."""
        n_out = self.outputs.shape[1]
        for deltas, inputs in zip(self.sensitivities, self.inputs, strict=True):
            yield [(d, a if n_out == 1 else a.repeat(n_out, 1)) for d, a in zip(deltas, inputs, strict=True)]

    def kernel_columns(self, columns: slice) -> Tensor:
        """Compute columns of J_y J_y^T, shape (n_rows, n_columns), n_rows = n_out n_points."""
        total = torch.mm(self.others, self.others[columns].T) if self.others.shape[1] else None
        for steps, has_bias in zip(self._layers(), self.has_bias, strict=True):
            for d, a in steps:
                for d_other, a_other in steps:
                    part = torch.mm(a, a_other[columns].T)
                    part = (part.add_(1.0) if has_bias else part).mul_(torch.mm(d, d_other[columns].T))
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
            has_bias=self.has_bias,
            others=self.others[rows],
        )

    def pulled_back(self, v: Tensor) -> Direction:
        """Compute J^T v for v of shape (n_rows,)."""
        weights, biases = [], []
        for steps, has_bias in zip(self._layers(), self.has_bias, strict=True):
            scaled = [d * v[:, None] for d, _ in steps]
            weights.append(torch.stack([s.T @ a for s, (_, a) in zip(scaled, steps, strict=True)]).sum(0))
            biases.append(torch.stack([s.sum(0) for s in scaled]).sum(0) if has_bias else v.new_zeros(0))
        return Direction(weights=tuple(weights), biases=tuple(biases), others=self.others.T @ v)

    def pushed_forward(self, direction: Direction) -> Tensor:
        """Compute J d, shape (n_rows,)."""
        total = self.others @ direction.others
        for steps, weight, bias in zip(self._layers(), direction.weights, direction.biases, strict=True):
            for d, a in steps:
                total += (d * (torch.addmm(bias, a, weight.T) if len(bias) else a @ weight.T)).sum(1)
        return total


class ExactRun(NamedTuple):
    """A forward pass whose backward pass treats every spike as a constant, which it is between its jumps."""

    output: Tensor
    """Outputs y, shape (n_points, n_out)."""
    inputs: tuple[tuple[Tensor, ...], ...]
    """Inputs a_l of every Linear layer, for each of its calls; a call may hold all steps, (n_steps, n_points, n_in)."""
    drives: tuple[tuple[Tensor, ...], ...]
    """Outputs z_l of every Linear layer, for each of its calls."""
    activity: Tensor
    """Share of neurons and steps that fire, a scalar."""
    smooth_activity: Tensor
    """k times the mean of H(m - theta) (`surrogate_step`), a scalar that changes as the activity does and has a gradient."""


def run_exactly(network: TrainedNetwork, inputs: Tensor) -> ExactRun:
    """Run a network on points, shape (n_points, n_in), with spikes as constants in the backward pass."""
    if isinstance(network, ModuleNetwork):
        run = network.watch(inputs, exact=True)
        return ExactRun(
            output=run.output,
            inputs=run.inputs,
            drives=run.drives,
            activity=network.mean_activity(run.activities),
            smooth_activity=network.mean_activity(run.smooth_activities),
        )
    signal, seen, drives, activities, smooth = inputs, [], [], [], []
    for layer in network.layers:
        if isinstance(layer, VSN):
            with torch.no_grad():
                membranes = integrate_steps(signal, layer.beta, layer.theta, layer.rule.polarity, network.n_steps)[0]
            smooth.append(smooth_activity(signal, membranes, layer.theta, layer.rule))
            signal, activity = unrolled_vsn(signal, layer.beta, layer.theta, layer.rule.exact(), network.n_steps)
            activities.append(activity)
        else:
            seen.append((signal.detach(),))
            signal = layer(signal)
            drives.append((signal,))
    output = signal[-1] if network.readout is Readout.LAST else signal.mean(0)
    return ExactRun(
        output=output,
        inputs=tuple(seen),
        drives=tuple(drives),
        activity=network.mean_activity(activities),
        smooth_activity=network.mean_activity(smooth),
    )


def find_tangents(network: TrainedNetwork, run: ExactRun) -> Tangents:
    """Compute the tangents of a run, by one backward pass for each output; the graph of the run is kept."""
    flat = [drive for calls in run.drives for drive in calls]
    slopes = [
        torch.autograd.grad(column.sum(), flat, retain_graph=True, materialize_grads=True) if flat else ()
        for column in run.output.unbind(1)
    ]
    joined = iter([torch.cat(parts, dim=-2) for parts in zip(*slopes, strict=True)])
    by_layer = tuple(tuple(step for _ in calls for step in _steps(next(joined))) for calls in run.drives)
    return Tangents(
        outputs=run.output.detach(),
        inputs=tuple(tuple(step for call in calls for step in _steps(call)) for calls in run.inputs),
        sensitivities=by_layer,
        has_bias=tuple(_bias(linear) is not None for linear in network.linear_layers),
        others=_other_columns(run.output, other_parameters(network)),
    )


def _other_columns(output: Tensor, others: list[Tensor]) -> Tensor:
    """Compute the columns of J of single parameters, (n_out n_points, n_others), by differentiating J^T v by v."""
    rows = output.new_zeros((output.numel(), 0))
    if not others:
        return rows
    v = torch.zeros_like(output, requires_grad=True)
    pulled = torch.autograd.grad(output, others, v, create_graph=True, materialize_grads=True)
    entries = torch.cat([part.reshape(-1) for part in pulled]).unbind(0)
    columns = [
        torch.autograd.grad(entry, v, retain_graph=True, materialize_grads=True)[0] if entry.requires_grad else v * 0
        for entry in entries
    ]
    return torch.stack([column.detach().T.reshape(-1) for column in columns], dim=1)


def activity_gradient(network: TrainedNetwork, run: ExactRun) -> Direction:
    """Compute the gradient of the smooth activity by all parameters; the graph is kept."""
    others = other_parameters(network)
    linears = network.linear_layers
    biases = [bias for linear in linears if (bias := _bias(linear)) is not None]
    held = [*(linear.weight for linear in linears), *biases, *others]
    if not run.smooth_activity.requires_grad:
        slopes = [torch.zeros_like(parameter) for parameter in held]
    else:
        slopes = list(torch.autograd.grad(run.smooth_activity, held, retain_graph=True, materialize_grads=True))
    by_bias = iter(slopes[len(linears) : len(linears) + len(biases)])
    empty = run.output.new_zeros(0)
    return Direction(
        weights=tuple(slopes[: len(linears)]),
        biases=tuple(empty if _bias(linear) is None else next(by_bias) for linear in linears),
        others=torch.cat([empty, *(slope.reshape(-1) for slope in slopes[len(linears) + len(biases) :])]),
    )


def _steps(values: Tensor) -> tuple[Tensor, ...]:
    """Split a tensor (n_steps, n, width) into its steps; one without that axis is the same at every step."""
    return (values,) if values.dim() == 2 else values.unbind(0)
