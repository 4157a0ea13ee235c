"""All T steps of a layer of Variable Spiking Neurons as one differentiable function, with its backward pass by hand.

    forwards, t = 1 … T                          backwards, t = T … 1, given A[t] = dL/da[t] and C = dL/d(activity)
    m[t] = beta * r[t-1] + z[t],  r[0] = 0       S[t] = A[t] * phi(z[t]) + C / (T n_samples n_neurons)
    s[t] = m[t] >= theta                         M[t] = S[t] * h(m[t] - theta) + (1 - s[t]) * beta * M[t+1],  M[T+1] = 0
    a[t] = phi(z[t]) * s[t]                      dL/dz[t]  = A[t] * phi'(z[t]) * s[t] + M[t]
    r[t] = m[t] * (1 - s[t])                     dL/dtheta = -sum S[t] * h(m[t] - theta)
    activity = mean of s                         dL/dbeta  = sum M[t] * r[t-1]

The reset is detached: 1 - s[t] counts as a constant. phi(z) * s stands for phi(z * s): it is the same number, because
phi(0) = 0, but as a product it gives a silent neuron a gradient of what it would have sent. One pass over all steps needs one
large matrix product per layer instead of T small ones, and a constant input is multiplied once.

The recursion over the steps stands here once (`integrate`, `reset`): the layer `VSN`, which takes single steps, and the trace
of a network use the same two functions. The backward pass of this module is for training, which needs first derivatives only; a
second one is refused, because autograd cannot follow it. A call of `VSN` itself can be differentiated any number of times.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...base.arrays import Record
from ...base.errors import TrainingError
from ...network.nodes import Polarity
from ...problems.recipes.recipe import Surrogate
from .activations import fast_tanh, torch_activation
from .surrogates import fired_mask, fired_slope

NO_WIDTH = 1e30
"""Slope of a triangle surrogate that is zero at every membrane but the threshold itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VsnRule(Record):
    """The kind of neuron of a layer: everything but leak and threshold."""

    activation: str = "tanh_squared"
    """Name of the activation phi in the core."""
    polarity: Polarity = Polarity.POSITIVE
    """Sign of the membranes that can fire."""
    surrogate: Surrogate = Surrogate.FAST_SIGMOID
    """Shape of the surrogate derivative of a spike."""
    surrogate_slope: float = 10.0
    """Slope k of the surrogate, per unit of membrane, positive."""

    def exact(self) -> VsnRule:
        """Return the rule with the slope of the step itself, which is zero."""
        return replace(self, surrogate=Surrogate.TRIANGLE, surrogate_slope=NO_WIDTH)


class UnrolledVsn(NamedTuple):
    """The output of a layer over all steps."""

    payload: Tensor
    """Payloads a, shape (n_steps, n_samples, n_neurons)."""
    activity: Tensor
    """Mean of s over steps, samples and neurons, a scalar."""


def integrate(drive: Tensor, rest: Tensor | None, beta: Tensor, out: Tensor | None = None) -> Tensor:
    """Compute the membrane m[t] = beta * r[t-1] + z[t] of one step, into `out` if given; `rest` is None for r = 0."""
    if rest is None:
        return drive if out is None else out.copy_(drive)
    return torch.addcmul(drive, rest, beta, out=out)


def reset(membrane: Tensor, fired: Tensor) -> Tensor:
    """Compute r[t] = m[t] * (1 - s[t]) as m - m * s: exactly m, or exactly zero."""
    return torch.addcmul(membrane, membrane, fired, value=-1.0)


def integrate_steps(
    drive: Tensor, beta: Tensor, theta: Tensor, polarity: Polarity, n_steps: int
) -> tuple[Tensor, Tensor]:
    """Compute m, before the reset, and s of all steps from rest, each of shape (n_steps, n_samples, n_neurons).

    Args:
        drive: z, shape (n_steps, n_samples, n_neurons), or (n_samples, n_neurons) where it is the same at every step.
        beta: Leak, shape (n_neurons,), 0 to 1.
        theta: Threshold, shape (n_neurons,), not negative.
        polarity: Sign of the membranes that can fire.
        n_steps: Number of steps T.
    """
    shape = (n_steps, *drive.shape[-2:])
    fired = drive.new_empty(shape)
    if n_steps == 1:  # m[1] is z[1], and needs no copy
        membranes = drive.view(shape)
        return membranes, fired_mask(membranes, theta, polarity, fired)
    membranes = drive.new_empty(shape)
    rest: Tensor | None = None
    for t in range(n_steps):
        m = integrate(drive if drive.dim() == 2 else drive[t], rest, beta, membranes[t])
        rest = reset(m, fired_mask(m, theta, polarity, fired[t]))
    return membranes, fired


class _OnceDifferentiable(torch.autograd.Function):
    """The identity of a gradient, which refuses to be differentiated again."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, *sources: Tensor | None) -> Tensor:
        return gradient.view_as(gradient)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        repair = (
            "Call the VsnNetwork or its Sequential, as in network(x): a call can be differentiated any number of times."
        )
        raise TrainingError("VsnNetwork.run", "be differentiated once only", "a second derivative", repair)


class _UnrolledFunction(torch.autograd.Function):
    """The equations of the module's docstring; all but the two recursions in one operation for all steps."""

    @staticmethod
    def forward(
        ctx: Any, drive: Tensor, beta: Tensor, theta: Tensor, rule: VsnRule, n_steps: int
    ) -> tuple[Tensor, Tensor]:
        """Return the payloads of all steps, and the share of them that fires."""
        tanh = fast_tanh if any(ctx.needs_input_grad) else torch.tanh  # the last bit counts when nothing is trained
        phi, kept = torch_activation(rule.activation).value(drive, tanh)
        m, s = integrate_steps(drive, beta, theta, rule.polarity, n_steps)
        ctx.save_for_backward(drive, beta, theta, phi, kept, m, s)
        ctx.rule = rule
        ctx.set_materialize_grads(False)
        return phi * s, s.mean()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients by drive, leak and threshold; to differentiate them once more raises."""
        with torch.no_grad():
            found = _UnrolledFunction._slopes(ctx, *gradients)
        if not torch.is_grad_enabled():
            return (*found, None, None)
        sources = (*ctx.saved_tensors[:3], *gradients)  # create_graph=True: what a second derivative would go through
        return (*(None if by is None else _OnceDifferentiable.apply(by, *sources) for by in found), None, None)

    @staticmethod
    def _slopes(ctx: Any, A: Tensor | None, C: Tensor | None) -> tuple[Tensor | None, ...]:
        """Compute the derivatives of L by drive, beta and theta."""
        drive, beta, theta, phi, kept, m, s = ctx.saved_tensors
        rule: VsnRule = ctx.rule
        to_m, to_theta = fired_slope(m, theta, rule.polarity, rule.surrogate, rule.surrogate_slope)
        S = torch.zeros_like(m) if A is None else A * phi
        if C is not None:
            S.add_(C / s.numel())
        by_theta = -(S * to_theta).sum((0, 1)) if ctx.needs_input_grad[2] else None
        M = S.mul_(to_m)
        for t in reversed(range(len(m) - 1)):
            M[t].add_(reset(M[t + 1] * beta, s[t]))
        by_beta = (M[1:] * reset(m[:-1], s[:-1])).sum((0, 1)) if ctx.needs_input_grad[1] else None
        if A is not None:
            M.addcmul_(torch_activation(rule.activation).slope(drive, phi, kept) * s, A)
        by_drive = M.sum(0) if drive.dim() == 2 and len(m) > 1 else M.view(drive.shape)
        return by_drive, by_beta, by_theta


def unrolled_vsn(drive: Tensor, beta: Tensor, theta: Tensor, rule: VsnRule, n_steps: int) -> UnrolledVsn:
    """Run a layer of Variable Spiking Neurons from rest through all its steps (equations above).

    Args:
        drive: z, shape (n_steps, n_samples, n_neurons), or (n_samples, n_neurons) where it is the same at every step.
        beta: Leak, shape (n_neurons,), 0 to 1.
        theta: Threshold, shape (n_neurons,), not negative.
        rule: Kind of neuron.
        n_steps: Number of steps T.

    Returns:
        Payloads and activity, which can be differentiated once, by the surrogate.

    Raises:
        TrainingError: In the backward pass of a gradient of these, a second derivative.
    """
    return UnrolledVsn(*_UnrolledFunction.apply(drive, beta, theta, rule, n_steps))
