"""All T steps of a layer of Variable Spiking Neurons as one differentiable function, with its backward pass by hand.

    forwards, t = 1 … T                          backwards, t = T … 1, given A[t] = dL/da[t], B = dL/dr[T], C = dL/d(rate)
    m[t] = beta * r[t-1] + z[t]                  S[t] = A[t] * phi(z[t]) + C / (T n_samples n_neurons)
    s[t] = m[t] >= theta                         M[t] = S[t] * h(m[t] - theta) + (1 - s[t]) * (B or beta * M[t+1])
    a[t] = phi(z[t]) * s[t]                      dL/dz[t]   = A[t] * phi'(z[t]) * s[t] + M[t]
    r[t] = m[t] * (1 - s[t])                     dL/dr[0]   = beta * M[1]
    rate = mean of s over steps,                 dL/dtheta  = -sum S[t] * h(m[t] - theta)
           samples and neurons                   dL/dbeta   = sum M[t] * r[t-1]

The reset is detached: 1 - s[t] counts as a constant. phi(z) * s stands for phi(z * s): the same number, because
phi(0) = 0, but as a product it lets a silent neuron feel what it would have sent. Going layer by layer through all steps
needs one large matrix product per layer instead of T small ones, and a constant input is multiplied once. This module knows
torch and the rule of one layer; it does not know networks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..network import Polarity
from ..recipe import Surrogate
from .activations import TORCH_ACTIVATIONS, fast_tanh
from .surrogates import fired_mask, fired_slope


@dataclass(frozen=True, slots=True, kw_only=True)
class VsnRule:
    """What kind of neuron a layer is made of; all but beta and theta."""

    activation: str = "tanh_squared"
    """phi, by the core's name."""
    polarity: Polarity = Polarity.POSITIVE
    """Which membranes fire."""
    surrogate: Surrogate = Surrogate.FAST_SIGMOID
    """Shape of the spike's backward slope."""
    surrogate_slope: float = 10.0
    """k of the surrogate, per unit of membrane."""


class UnrolledVsn(NamedTuple):
    """What a layer gives over all steps."""

    payload: Tensor
    """a, shape (n_steps, n_samples, n_neurons)."""
    rest: Tensor | None
    """r[T], the membrane after the last reset, shape (n_samples, n_neurons); None where it was not asked for."""
    rate: Tensor
    """Mean of s over steps, samples and neurons, a scalar."""


def _at(values: Tensor, t: int) -> Tensor:
    """Give the values of step t; those of a constant drive have no axis of steps."""
    return values if values.dim() == 2 else values[t]


def rested(membrane: Tensor, fired: Tensor) -> Tensor:
    """Give r = m * (1 - s), as m - m * s: exactly m, or exactly zero."""
    return torch.addcmul(membrane, membrane, fired, value=-1.0)


def integrated_steps(
    drive: Tensor, rest: Tensor | None, beta: Tensor, theta: Tensor, rule: VsnRule, n_steps: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (m[t], s[t]) step by step, each (n_samples, n_neurons); m is the membrane before the reset.

    Args:
        drive: z, shape (n_steps, n_samples, n_neurons), or (n_samples, n_neurons) where it is the same at every step.
        rest: r[0], shape (n_samples, n_neurons), or None for zero.
        beta: Leak, shape (n_neurons,).
        theta: Threshold, shape (n_neurons,).
        rule: The kind of neuron.
        n_steps: T.
    """
    for t in range(n_steps):
        z = _at(drive, t)
        m = z if rest is None else torch.addcmul(z, rest, beta)
        s = fired_mask(m, theta, rule.polarity)
        yield m, s
        if t + 1 < n_steps:
            rest = rested(m, s)


class _UnrolledFunction(torch.autograd.Function):
    """The equations of the module's docstring."""

    @staticmethod
    def forward(
        ctx: Any,
        drive: Tensor,
        start: Tensor | None,
        beta: Tensor,
        theta: Tensor,
        rule: VsnRule,
        n_steps: int,
        with_rest: bool,
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        tanh = fast_tanh if any(ctx.needs_input_grad) else torch.tanh  # the last bit counts when nothing is trained
        phi, kept = TORCH_ACTIVATIONS[rule.activation].value(drive, tanh)
        payload = drive.new_empty((n_steps, *drive.shape[-2:]))
        steps = list(integrated_steps(drive, start, beta, theta, rule, n_steps))
        for t, (_, s) in enumerate(steps):
            torch.mul(_at(phi, t), s, out=payload[t])
        membranes, fired = zip(*steps, strict=True)
        ctx.save_for_backward(drive, start, beta, theta, phi, kept, *membranes, *fired)
        ctx.rule, ctx.n_steps = rule, n_steps
        ctx.set_materialize_grads(False)
        rate = torch.stack([s.mean() for s in fired]).mean() if n_steps > 1 else fired[0].mean()
        return payload, rested(membranes[-1], fired[-1]) if with_rest else None, rate

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        drive, start, beta, theta, phi, kept, *states = ctx.saved_tensors
        membranes, fired = states[: ctx.n_steps], states[ctx.n_steps :]
        by_payload, later, by_rate = gradients
        if by_payload is None:
            by_payload = torch.zeros((ctx.n_steps, *drive.shape[-2:]), dtype=drive.dtype, device=drive.device)
        rule: VsnRule = ctx.rule
        slope = TORCH_ACTIVATIONS[rule.activation].slope(drive, phi, kept)
        by_drive = torch.empty_like(by_payload)
        by_theta = torch.zeros_like(theta) if ctx.needs_input_grad[3] else None
        by_beta = torch.zeros_like(beta) if ctx.needs_input_grad[2] else None
        for t in reversed(range(ctx.n_steps)):
            m, s = membranes[t], fired[t]
            to_m, to_theta = fired_slope(m, theta, rule.polarity, rule.surrogate, rule.surrogate_slope)
            by_spike = by_payload[t] * _at(phi, t)
            if by_rate is not None:
                by_spike.add_(by_rate / (ctx.n_steps * s.numel()))
            if by_theta is not None:
                by_theta.sub_((by_spike * to_theta).sum(0))
            by_membrane = by_spike.mul_(to_m)
            if later is not None:
                by_membrane.add_(rested(later, s))
            torch.addcmul(by_membrane, _at(slope, t) * s, by_payload[t], out=by_drive[t])
            if by_beta is not None and (t > 0 or start is not None):
                rest = rested(membranes[t - 1], fired[t - 1]) if t > 0 else start
                by_beta.add_((by_membrane * rest).sum(0))
            later = by_membrane * beta if t > 0 or start is not None else None
        if drive.dim() == 2:
            by_drive = by_drive.sum(0) if ctx.n_steps > 1 else by_drive[0]
        return by_drive, later, by_beta, by_theta, None, None, None


def unrolled_vsn(
    drive: Tensor,
    beta: Tensor,
    theta: Tensor,
    rule: VsnRule,
    n_steps: int,
    start: Tensor | None = None,
    with_rest: bool = False,
) -> UnrolledVsn:
    """Run a layer of Variable Spiking Neurons through all its steps (equations above).

    Args:
        drive: z, shape (n_steps, n_samples, n_neurons), or (n_samples, n_neurons) where it is the same at every step.
        beta: Leak, shape (n_neurons,), 0 to 1.
        theta: Threshold, shape (n_neurons,), not negative.
        rule: The kind of neuron.
        n_steps: T.
        start: r[0], shape (n_samples, n_neurons); None starts from zero.
        with_rest: Give r[T] too.

    Returns:
        Payloads, the membrane left, and the spike rate; differentiable once, by the surrogate.
    """
    return UnrolledVsn(*_UnrolledFunction.apply(drive, start, beta, theta, rule, n_steps, with_rest))
