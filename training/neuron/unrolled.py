"""All T steps of a layer of Variable Spiking Neurons as one differentiable function, with its backward pass by hand.

    forwards, t = 1 … T                          backwards, t = T … 1, given A[t] = dL/da[t], B = dL/dr[T], C = dL/d(activity)
    m[t] = beta * r[t-1] + z[t]                  S[t] = A[t] * phi(z[t]) + C / (T n_samples n_neurons)
    s[t] = m[t] >= theta                         M[t] = S[t] * h(m[t] - theta) + (1 - s[t]) * (B or beta * M[t+1])
    a[t] = phi(z[t]) * s[t]                      dL/dz[t]   = A[t] * phi'(z[t]) * s[t] + M[t]
    r[t] = m[t] * (1 - s[t])                     dL/dr[0]   = beta * M[1]
    activity = mean of s over steps,                 dL/dtheta  = -sum S[t] * h(m[t] - theta)
           samples and neurons                   dL/dbeta   = sum M[t] * r[t-1]

The reset is detached: 1 - s[t] counts as a constant. phi(z) * s stands for phi(z * s): the same number, because
phi(0) = 0, but as a product it lets a silent neuron feel what it would have sent. Going layer by layer through all steps
needs one large matrix product per layer instead of T small ones, and a constant input is multiplied once. The backward pass is
the trainer's, which needs first derivatives only; a second one is refused, because autograd cannot see through it. `VSN` called
by itself is differentiated as often as you like. This module knows torch and the rule of one layer; it does not know networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...base.errors import TrainingError
from ...network.spec import Polarity
from ...problems.recipe import Surrogate
from .activations import fast_tanh, torch_activation
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
    activity: Tensor
    """Mean of s over steps, samples and neurons, a scalar."""


def rested(membrane: Tensor, fired: Tensor) -> Tensor:
    """Give r = m * (1 - s), as m - m * s: exactly m, or exactly zero."""
    return torch.addcmul(membrane, membrane, fired, value=-1.0)


def integrate_steps(
    drive: Tensor, start: Tensor | None, beta: Tensor, theta: Tensor, polarity: Polarity, n_steps: int
) -> tuple[Tensor, Tensor]:
    """Give m, before the reset, and s of all steps, each (n_steps, n_samples, n_neurons).

    Args:
        drive: z, shape (n_steps, n_samples, n_neurons), or (n_samples, n_neurons) where it is the same at every step.
        start: r[0], shape (n_samples, n_neurons), or None for zero.
        beta: Leak, shape (n_neurons,).
        theta: Threshold, shape (n_neurons,).
        polarity: Which membranes fire.
        n_steps: T.
    """
    shape = (n_steps, *drive.shape[-2:])
    fired = drive.new_empty(shape)
    if n_steps == 1 and start is None:  # m[1] is z[1], and needs no copy
        membranes = drive.view(shape)
        return membranes, fired_mask(membranes, theta, polarity, fired)
    membranes, rest = drive.new_empty(shape), start
    for t in range(n_steps):
        z, m, s = drive if drive.dim() == 2 else drive[t], membranes[t], fired[t]
        if rest is None:
            m.copy_(z)
        else:
            torch.addcmul(z, rest, beta, out=m)
        fired_mask(m, theta, polarity, s)
        rest = rested(m, s)
    return membranes, fired


class _OnceDifferentiable(torch.autograd.Function):
    """Passes a gradient on, and refuses to be differentiated again."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, *sources: Tensor | None) -> Tensor:
        return gradient.view_as(gradient)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        mend = "Call the VsnNetwork or its Sequential, as in network(x): these are differentiated as often as you like."
        raise TrainingError("VsnNetwork.run", "have first derivatives only", "a second one", mend)


class _UnrolledFunction(torch.autograd.Function):
    """The equations of the module's docstring; all but the two recursions in one operation for all steps."""

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
        phi, kept = torch_activation(rule.activation).value(drive, tanh)
        m, s = integrate_steps(drive, start, beta, theta, rule.polarity, n_steps)
        ctx.save_for_backward(drive, start, beta, theta, phi, kept, m, s)
        ctx.rule = rule
        ctx.set_materialize_grads(False)
        return phi * s, rested(m[-1], s[-1]) if with_rest else None, s.mean()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        with torch.no_grad():
            found = _UnrolledFunction._slopes(ctx, *gradients)
        if not torch.is_grad_enabled():
            return (*found, None, None, None)
        sources = (*ctx.saved_tensors[:4], *gradients)  # create_graph=True: what a second derivative would go through
        return (*(None if by is None else _OnceDifferentiable.apply(by, *sources) for by in found), None, None, None)

    @staticmethod
    def _slopes(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Compute dL by drive, start, beta and theta."""
        drive, start, beta, theta, phi, kept, m, s = ctx.saved_tensors
        A, B, C = gradients
        rule: VsnRule = ctx.rule
        to_m, to_theta = fired_slope(m, theta, rule.polarity, rule.surrogate, rule.surrogate_slope)
        S = torch.zeros_like(m) if A is None else A * phi
        if C is not None:
            S.add_(C / s.numel())
        by_theta = -(S * to_theta).sum((0, 1)) if ctx.needs_input_grad[3] else None
        M = S.mul_(to_m)
        if B is not None:
            M[-1].add_(rested(B, s[-1]))
        for t in reversed(range(len(m) - 1)):
            M[t].add_(rested(M[t + 1] * beta, s[t]))
        by_beta = _leak_gradient(M, m, s, start) if ctx.needs_input_grad[2] else None
        by_start = M[0] * beta if ctx.needs_input_grad[1] else None
        if A is not None:
            M.addcmul_(torch_activation(rule.activation).slope(drive, phi, kept) * s, A)
        by_drive = M.sum(0) if drive.dim() == 2 and len(m) > 1 else M.view(drive.shape)
        return by_drive, by_start, by_beta, by_theta


def _leak_gradient(M: Tensor, m: Tensor, s: Tensor, start: Tensor | None) -> Tensor:
    """Give dL/dbeta = sum M[t] * r[t-1], shape (n_neurons,)."""
    by_beta = (M[1:] * rested(m[:-1], s[:-1])).sum((0, 1))
    return by_beta if start is None else by_beta.add_((M[0] * start).sum(0))


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
        Payloads, the membrane left, and the activity; differentiable once, by the surrogate.

    Raises:
        TrainingError: In the backward pass of a gradient of these, a second derivative.
    """
    return UnrolledVsn(*_UnrolledFunction.apply(drive, start, beta, theta, rule, n_steps, with_rest))
