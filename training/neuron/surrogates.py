"""The spike of a Variable Spiking Neuron in torch: an exact step forwards, a surrogate's slope backwards.

    s      = 1 if m >= theta else 0          polarity "positive";   |m| >= theta for "both"
    ds/dm := h(m - theta)                    h(v) a bump of height one at v = 0;   sign(m) h(|m| - theta) for "both"

The derivative of the step itself is zero almost everywhere; h gives the weights of a neuron near its threshold a gradient. It
never enters the derivatives with respect to the coordinates, which this package takes by stochastic projection.

Masks are tensors of 0.0 and 1.0 rather than booleans: torch multiplies floats many times faster than it selects by a
boolean mask on a CPU (0.02 against 0.2 to 0.8 ms for 4096 x 50 entries).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...network.nodes import Polarity
from ...problems.recipes.recipe import Surrogate
from .scalars import scalar_like


def surrogate_bump(distance: Tensor, kind: Surrogate, slope: float) -> Tensor:
    """Compute h(v), the derivative that stands in for the step's own; h(0) = 1.

        fast-sigmoid            h(v) = 1 / (1 + k |v|)
        squared-fast-sigmoid    h(v) = 1 / (1 + k |v|)**2
        arctan                  h(v) = 1 / (1 + (k v)**2)
        triangle                h(v) = max(0, 1 - k |v|)

    Args:
        distance: v, the membrane less the threshold, any shape.
        kind: Shape of the surrogate h.
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
    """Compute H(v) = integral of h from 0 to v: the smooth step whose slope the surrogate is.

        fast-sigmoid            H(v) = sign(v) log(1 + k |v|) / k
        squared-fast-sigmoid    H(v) = v / (1 + k |v|)
        arctan                  H(v) = atan(k v) / k
        triangle                H(v) = c - k c |c| / 2,    c = v held within [-1/k, 1/k]

    Args:
        distance: v, the membrane less the threshold, any shape.
        kind: Shape of the surrogate h.
        slope: k, positive, per unit of membrane.

    Returns:
        H(v), a new tensor of the shape of `distance`, differentiable.
    """
    if kind is Surrogate.ARCTAN:
        return torch.atan(slope * distance) / slope
    if kind is Surrogate.TRIANGLE:
        held = distance.clamp(-1.0 / slope, 1.0 / slope)
        return held - slope / 2.0 * held * held.abs()
    side = torch.ge(distance, 0.0).to(distance).mul(2.0).sub(1.0)  # 1 at zero, where sign would lose the slope h(0) = 1
    scaled = slope * (side * distance)
    if kind is Surrogate.SQUARED_FAST_SIGMOID:
        return distance / (1.0 + scaled)
    return side * torch.log1p(scaled) / slope


def firing_level(membrane: Tensor, polarity: Polarity) -> Tensor:
    """Return what is compared with the threshold: m, or |m| where both signs fire."""
    return torch.abs(membrane) if polarity is Polarity.BOTH else membrane


def fired_mask(membrane: Tensor, theta: Tensor, polarity: Polarity, out: Tensor | None = None) -> Tensor:
    """Compute s: 1.0 where the membrane reaches its threshold (also exactly at it) and 0.0 elsewhere.

    Args:
        membrane: m, shape (..., n_samples, n_neurons).
        theta: Threshold, shape (n_neurons,).
        polarity: Sign of the membranes that can fire.
        out: Tensor of the shape of `membrane` to write s into; a new tensor if None.
    """
    reached = firing_level(membrane, polarity)
    return torch.ge(reached, theta, out=torch.empty_like(membrane) if out is None else out)


def fired_slope(
    membrane: Tensor, theta: Tensor, polarity: Polarity, kind: Surrogate, slope: float
) -> tuple[Tensor, Tensor]:
    """Compute the surrogate derivatives (ds/dm, -ds/dtheta), each of the shape of `membrane`."""
    if polarity is Polarity.BOTH:
        bump = surrogate_bump(torch.abs(membrane).sub_(theta), kind, slope)
        return bump * torch.sign(membrane), bump
    bump = surrogate_bump(membrane - theta, kind, slope)
    return bump, bump


def spike(
    membrane: Tensor,
    theta: Tensor,
    *,
    polarity: Polarity = Polarity.POSITIVE,
    kind: Surrogate = Surrogate.FAST_SIGMOID,
    slope: float = 10.0,
) -> Tensor:
    """Compute s (equations above), whose slope is the surrogate's in derivatives of every order.

        s = step(m - theta) + (H(m - theta) - H(m - theta))      the second H is a constant to autograd

    Forwards the bracket is zero. Backwards it brings h, then the slope of h, and so on, in operations that torch's autograd and
    `torch.func` differentiate as often as they are asked to.

    Args:
        membrane: m, shape (..., n_neurons).
        theta: Threshold, shape (n_neurons,).
        polarity: Sign of the membranes that can fire.
        kind: Shape of the surrogate.
        slope: k of the surrogate, per unit of membrane.

    Returns:
        0.0 and 1.0, of the shape of `membrane`.
    """
    reached = firing_level(membrane, polarity)
    fired = torch.ge(reached, theta).to(membrane)
    if not torch.is_grad_enabled():  # an evaluation needs no slope
        return fired
    smooth = surrogate_step(reached - theta, kind, slope)
    return fired + (smooth - smooth.detach())
