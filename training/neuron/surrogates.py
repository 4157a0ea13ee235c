"""The spike of a Variable Spiking Neuron in torch: an exact step forwards, a surrogate's slope backwards.

    s      = 1 if m >= theta else 0          polarity "positive";   |m| >= theta for "both"
    ds/dm := h(m - theta)                    h(v) a bump of height one at v = 0;   sign(m) h(|m| - theta) for "both"

The step's own derivative is zero almost everywhere; h lets the weights of a neuron near its threshold feel the loss. It
never enters a derivative with respect to the coordinates: those are taken by stochastic projection. This module knows torch
and the recipe's names, nothing of layers.

Masks are tensors of 0.0 and 1.0 rather than booleans: torch multiplies floats many times faster than it selects by a
boolean mask on a CPU (0.02 against 0.2 to 0.8 ms for 4096 x 50 entries).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...network.spec import Polarity
from ...problems.recipe import Surrogate
from .scalars import scalar_like


def surrogate_bump(distance: Tensor, kind: Surrogate, slope: float) -> Tensor:
    """Give h(v), the derivative that stands in for the step's own; h(0) = 1.

        fast-sigmoid            h(v) = 1 / (1 + k |v|)
        squared-fast-sigmoid    h(v) = 1 / (1 + k |v|)**2
        arctan                  h(v) = 1 / (1 + (k v)**2)
        triangle                h(v) = max(0, 1 - k |v|)

    Args:
        distance: v, the membrane less the threshold, any shape.
        kind: Which h.
        slope: k, positive, per unit of membrane; the larger, the narrower.

    Returns:
        h(v), a new tensor of the shape of `distance`.

    Source: fast sigmoid, Zenke & Ganguli 2018 (squared); its root, SPINONet, arXiv 2603.21674; arctan, Fang et al. 2021;
    triangle, Bellec et al. 2018.
    """
    one, k = scalar_like(1.0, distance), scalar_like(slope, distance)
    if kind is Surrogate.ARCTAN:
        return torch.mul(distance, k).square_().add_(one).reciprocal_()
    scaled = torch.abs(distance).mul_(k)
    if kind is Surrogate.TRIANGLE:
        return scaled.neg_().add_(one).clamp_min_(0.0)
    bump = scaled.add_(one).reciprocal_()
    return bump.square_() if kind is Surrogate.SQUARED_FAST_SIGMOID else bump


def surrogate_step(distance: Tensor, kind: Surrogate, slope: float) -> Tensor:
    """Give H(v) = integral of h from 0 to v: the smooth step whose slope the surrogate is.

        fast-sigmoid            H(v) = sign(v) log(1 + k |v|) / k
        squared-fast-sigmoid    H(v) = v / (1 + k |v|)
        arctan                  H(v) = atan(k v) / k
        triangle                H(v) = c - k c |c| / 2,    c = v held within [-1/k, 1/k]

    Args:
        distance: v, the membrane less the threshold, any shape.
        kind: Which h.
        slope: k, positive, per unit of membrane.

    Returns:
        H(v), a new tensor of the shape of `distance`, differentiable.
    """
    if kind is Surrogate.ARCTAN:
        return torch.atan(slope * distance) / slope
    if kind is Surrogate.TRIANGLE:
        held = distance.clamp(-1.0 / slope, 1.0 / slope)
        return held - slope / 2.0 * held * held.abs()
    scaled = slope * distance.abs()
    if kind is Surrogate.SQUARED_FAST_SIGMOID:
        return distance / (1.0 + scaled)
    return torch.sign(distance) * torch.log1p(scaled) / slope


def fired_mask(membrane: Tensor, theta: Tensor, polarity: Polarity, out: Tensor | None = None) -> Tensor:
    """Give s, 1.0 where the membrane reaches its threshold (also exactly at it) and 0.0 elsewhere.

    Args:
        membrane: m, shape (..., n_samples, n_neurons).
        theta: Threshold, shape (n_neurons,).
        polarity: Which membranes fire.
        out: Where to write s, of the shape of `membrane`; a new tensor if None.
    """
    reached = torch.abs(membrane) if polarity is Polarity.BOTH else membrane
    return torch.ge(reached, theta, out=torch.empty_like(membrane) if out is None else out)


def fired_slope(
    membrane: Tensor, theta: Tensor, polarity: Polarity, kind: Surrogate, slope: float
) -> tuple[Tensor, Tensor]:
    """Give the surrogate derivatives (ds/dm, -ds/dtheta), each of the shape of `membrane`."""
    if polarity is Polarity.BOTH:
        bump = surrogate_bump(torch.abs(membrane).sub_(theta), kind, slope)
        return bump * torch.sign(membrane), bump
    bump = surrogate_bump(membrane - theta, kind, slope)
    return bump, bump


class _Spike(torch.autograd.Function):
    """The step with a surrogate's slope, for code that is differentiated operation by operation."""

    @staticmethod
    def forward(ctx: Any, membrane: Tensor, theta: Tensor, polarity: Polarity, kind: Surrogate, slope: float) -> Tensor:
        ctx.save_for_backward(membrane, theta)
        ctx.rule = (polarity, kind, slope)
        return fired_mask(membrane, theta, polarity)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        to_membrane, to_theta = fired_slope(*ctx.saved_tensors, *ctx.rule)
        by_theta = -(gradient * to_theta).sum_to_size(ctx.saved_tensors[1].shape) if ctx.needs_input_grad[1] else None
        return gradient * to_membrane, by_theta, None, None, None


def spike(
    membrane: Tensor,
    theta: Tensor,
    *,
    polarity: Polarity = Polarity.POSITIVE,
    kind: Surrogate = Surrogate.FAST_SIGMOID,
    slope: float = 10.0,
) -> Tensor:
    """Give s (equations above), differentiable by the surrogate with respect to the membrane and the threshold.

    Args:
        membrane: m, shape (n_samples, n_neurons).
        theta: Threshold, shape (n_neurons,).
        polarity: Which membranes fire.
        kind: Shape of the surrogate.
        slope: k of the surrogate, per unit of membrane.

    Returns:
        0.0 and 1.0, of the shape of `membrane`.
    """
    fired: Tensor = _Spike.apply(membrane, theta, polarity, kind, slope)
    return fired
