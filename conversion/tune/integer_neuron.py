"""One step of an integer population of Variable Spiking Neurons in torch: forwards the integer engine, backwards the neuron.

    forwards, all integers                         backwards, given A = dL/da and R = dL/dr of the step after
    m = clip(trunc(r[t-1] * beta / 2**12) + z)
    s = m >= theta                                 S = A * table(z)
    a = clip(table(z)) * s                         M = S * h(m - theta) + (1 - s) * R
    r = m * (1 - s)                                dL/dz = A * phi'(z) * s + M        dL/dr[t-1] = beta / 2**12 * M

Roundings and saturations of m pass gradients unchanged; a saturated payload passes none. The reset is detached, h is the
surrogate of training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...base.arrays import Record
from ...network.integers import LEAK_BITS, IntFormat
from ...network.nodes import Polarity
from ...problems.recipes.recipe import Surrogate
from ...training.neuron.surrogates import fired_mask, fired_slope
from .table_gradient import TableWithGradient

LEAK_UNIT = 2.0**-LEAK_BITS
"""Real value of one unit of an integer leak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerNeuronRule(Record):
    """The kind of neuron of an integer population: everything except its trainable parameters."""

    table: TableWithGradient
    """The table of the activation phi."""
    polarity: Polarity
    """The signs of membrane that fire."""
    surrogate: Surrogate = Surrogate.FAST_SIGMOID
    """Shape of the spike's backward slope."""
    surrogate_slope: float = 10.0
    """k of the surrogate, per unit of membrane (physical)."""


def _spike_slope(membrane: Tensor, theta: Tensor, rule: IntegerNeuronRule) -> tuple[Tensor, Tensor]:
    """Compute (ds/dm, -ds/dtheta) of the surrogate per state unit; |m| >= 0 holds for every membrane and has no slope."""
    unit = rule.table.state_unit
    to_m, to_theta = fired_slope(membrane * unit, theta * unit, rule.polarity, rule.surrogate, rule.surrogate_slope)
    felt = torch.gt(theta, 0.0) * unit if rule.polarity is Polarity.BOTH else unit
    return to_m * felt, to_theta * felt


class _IntegerVsn(torch.autograd.Function):
    """The forward and backward equations of the module's docstring."""

    @staticmethod
    def forward(
        ctx: Any, drive: Tensor, sent: Tensor, rest: Tensor, beta: Tensor, theta: Tensor, rule: IntegerNeuronRule
    ) -> tuple[Tensor, Tensor]:
        """Compute payload and carried membrane of one step, each of shape (n_samples, n_neurons), in units of their words."""
        highest = IntFormat(bits=rule.table.table.state_bits).highest
        m = torch.clamp(torch.trunc(rest * (beta * LEAK_UNIT)) + drive, -highest, highest)
        s = fired_mask(m, theta, rule.polarity)
        ctx.save_for_backward(drive, sent, rest, beta, theta, m, s)
        ctx.rule = rule
        ctx.set_materialize_grads(False)
        return torch.clamp(sent, -rule.table.highest, rule.table.highest) * s, m * (1.0 - s)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Compute the derivatives by drive, unsaturated payload, carried membrane, leak and threshold."""
        drive, sent, rest, beta, theta, m, s = ctx.saved_tensors
        rule: IntegerNeuronRule = ctx.rule
        by_payload, by_rest = gradients
        if by_payload is None:
            by_payload = torch.zeros_like(drive)
        to_m, to_theta = _spike_slope(m, theta, rule)
        by_spike = by_payload * sent
        by_membrane = by_spike * to_m
        if by_rest is not None:
            by_membrane += by_rest * (1.0 - s)
        slope = rule.table.slope(drive) * (torch.abs(sent) <= rule.table.highest)
        by_drive, by_theta = by_payload * slope * s + by_membrane, -(by_spike * to_theta).sum(0)
        if not ctx.needs_input_grad[2]:  # at the first step nothing is carried over
            return by_drive, None, None, None, by_theta, None
        by_beta = (by_membrane * rest).sum(0) * LEAK_UNIT
        return by_drive, None, by_membrane * (beta * LEAK_UNIT), by_beta, by_theta, None


def step_vsn(
    drive: Tensor, sent: Tensor, rest: Tensor, beta: Tensor, theta: Tensor, rule: IntegerNeuronRule
) -> tuple[Tensor, Tensor]:
    """Run a population for one step in integers; return the payload a and the membrane r after the reset.

    Args:
        drive: z in state units, shape (n_samples, n_neurons).
        sent: table(z) in payload units, not yet saturated, same shape.
        rest: r of the step before, same shape.
        beta: Leak in units of 2**-12, shape (n_neurons,).
        theta: Threshold in state units, shape (n_neurons,).
        rule: The kind of neuron.
    """
    payload, carried = _IntegerVsn.apply(drive, sent, rest, beta, theta, rule)
    return payload, carried
