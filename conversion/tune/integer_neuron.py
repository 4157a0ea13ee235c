"""All T steps of an integer layer of Variable Spiking Neurons in torch: forwards the integer engine, backwards the neuron.

    forwards, t = 1 … T, all integers              backwards, t = T … 1, given A[t] = dL/da[t]
    m[t] = clip(trunc(r[t-1] * beta / 2**12) + z[t])
    s[t] = m[t] >= theta                           S[t] = A[t] * table(z[t])
    a[t] = clip(table(z[t])) * s[t]                M[t] = S[t] * h(m[t] - theta) + (1 - s[t]) * beta / 2**12 * M[t+1]
    r[t] = m[t] * (1 - s[t])                       dL/dz[t] = A[t] * phi'(z[t]) * s[t] + M[t]

Roundings and saturations of m pass gradients unchanged; a saturated payload passes none. The reset is detached, h is the
surrogate of training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...base.arrays import Record
from ...network.integers import LEAK_BITS, IntFormat
from ...network.nodes import Polarity
from ...problems.recipe import Surrogate
from ...training.neuron.surrogates import fired_mask, fired_slope
from .table_gradient import TableWithGradient

LEAK_UNIT = 2.0**-LEAK_BITS
"""Real value of one unit of an integer leak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerNeuronRule(Record):
    """The kind of neuron of an integer layer: everything except its trainable parameters."""

    table: TableWithGradient
    """The table of the activation phi."""
    polarity: Polarity
    """The signs of membrane that fire."""
    surrogate: Surrogate = Surrogate.FAST_SIGMOID
    """Shape of the spike's backward slope."""
    surrogate_slope: float = 10.0
    """k of the surrogate, per unit of membrane (physical)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntegerStep(Record):
    """The values of a layer at one time step, each of shape (n_samples, n_neurons)."""

    integrated: Tensor
    """Membrane m[t] before the reset, in state units."""
    fired: Tensor
    """Spikes s[t], 0.0 or 1.0."""
    membrane: Tensor
    """Membrane r[t] after the reset, in state units."""
    payload: Tensor
    """Payload a[t], in payload units."""


def _at_step(values: Tensor, t: int) -> Tensor:
    """Return the values of step t; an array without an axis of steps holds for every step."""
    return values if values.dim() == 2 else values[t]


def integer_steps(
    drive: Tensor, beta: Tensor, theta: Tensor, rule: IntegerNeuronRule, n_steps: int, looked_up: Tensor | None = None
) -> Iterator[IntegerStep]:
    """Run a layer from rest in integers and yield its values step by step.

    Args:
        drive: z in state units, shape (n_steps, n_samples, n_neurons), or (n_samples, n_neurons) where it is constant.
        beta: Leak in units of 2**-12, shape (n_neurons,).
        theta: Threshold in state units, shape (n_neurons,).
        rule: The kind of neuron.
        n_steps: T.
        looked_up: table(z), not yet saturated, if it is known.
    """
    table = rule.table
    highest = IntFormat(bits=table.table.state_bits).highest
    sent = table.look_up(drive) if looked_up is None else looked_up
    sent = torch.clamp(sent, -table.highest, table.highest)
    rest: Tensor | None = None
    for t in range(n_steps):
        z = _at_step(drive, t)
        m = z if rest is None else torch.clamp(torch.trunc(rest * (beta * LEAK_UNIT)) + z, -highest, highest)
        s = fired_mask(m, theta, rule.polarity)
        rest = m * (1.0 - s)
        yield IntegerStep(integrated=m, fired=s, membrane=rest, payload=_at_step(sent, t) * s)


def _spike_slope(membrane: Tensor, theta: Tensor, rule: IntegerNeuronRule) -> tuple[Tensor, Tensor]:
    """Compute (ds/dm, -ds/dtheta) of the surrogate per state unit; |m| >= 0 holds for every membrane and has no slope."""
    unit = rule.table.state_unit
    to_m, to_theta = fired_slope(membrane * unit, theta * unit, rule.polarity, rule.surrogate, rule.surrogate_slope)
    felt = torch.gt(theta, 0.0) * unit if rule.polarity is Polarity.BOTH else unit
    return to_m * felt, to_theta * felt


class _IntegerVsn(torch.autograd.Function):
    """The forward and backward equations of the module's docstring."""

    @staticmethod
    def forward(ctx: Any, drive: Tensor, beta: Tensor, theta: Tensor, rule: IntegerNeuronRule, n_steps: int) -> Tensor:
        sent = rule.table.look_up(drive)
        steps = list(integer_steps(drive, beta, theta, rule, n_steps, sent))
        ctx.save_for_backward(
            drive, beta, theta, sent, *(step.integrated for step in steps), *(step.fired for step in steps)
        )
        ctx.rule, ctx.n_steps = rule, n_steps
        return torch.stack([step.payload for step in steps])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        drive, beta, theta, sent, *states = ctx.saved_tensors
        membranes, fired = states[: ctx.n_steps], states[ctx.n_steps :]
        rule: IntegerNeuronRule = ctx.rule
        slope = rule.table.slope(drive) * (torch.abs(sent) <= rule.table.highest)
        by_drive, by_beta, by_theta = torch.empty_like(gradients[0]), torch.zeros_like(beta), torch.zeros_like(theta)
        later: Tensor | None = None
        for t in reversed(range(ctx.n_steps)):
            m, s, by_payload = membranes[t], fired[t], gradients[0][t]
            to_m, to_theta = _spike_slope(m, theta, rule)
            by_spike = by_payload * _at_step(sent, t)
            by_theta -= (by_spike * to_theta).sum(0)
            by_membrane = by_spike * to_m
            if later is not None:
                by_membrane += later * (1.0 - s)
            by_drive[t] = by_payload * _at_step(slope, t) * s + by_membrane
            if t > 0:
                rest = membranes[t - 1] * (1.0 - fired[t - 1])
                by_beta += (by_membrane * rest).sum(0) * LEAK_UNIT
                later = by_membrane * (beta * LEAK_UNIT)
        if drive.dim() == 2:
            by_drive = by_drive.sum(0)
        return by_drive, by_beta, by_theta, None, None


def integer_vsn(drive: Tensor, beta: Tensor, theta: Tensor, rule: IntegerNeuronRule, n_steps: int) -> Tensor:
    """Compute the payloads of all steps, shape (n_steps, n_samples, n_neurons); arguments as in `integer_steps`."""
    payload: Tensor = _IntegerVsn.apply(drive, beta, theta, rule, n_steps)
    return payload
