"""Samples in which rounding could flip a spike, because a membrane lies within rounding error of its threshold.

Two correct float programs sum in different orders, so their membranes differ by rounding. Where a membrane lies closer to
its threshold than that, one program fires and the other does not, and their outputs differ by a jump although both are
correct. Such samples are counted and excluded from a comparison. The standard deviation E of the rounding error is
propagated beside the float equations, with independent roundings added as root sum square:

    E_z^2 = sum_i (W E_a)_i^2 + eps^2 * (n_in * sum_i (W a)_i^2 + b^2)
    E_m^2 = (beta E_m)^2 + E_z^2 + (eps m)^2                        E_m = 0 where it fired
    E_a^2 = (L E_z)^2 + (eps a)^2                                   L bounds |phi'|, the rule's `steepest`
    a sample is at risk where some |m - theta| <= 6 * E_m
"""

from __future__ import annotations

import numpy as np

from ..base.arrays import BoolArray, FloatArray
from ..network.activations import find_activation
from ..network.spec import LayerSpec, NetworkSpec, Polarity
from .reference import step_float

SAFETY = 6.0
"""Standard deviations of the root-sum-square error that count as reach."""


class _LayerReach:
    """One float layer that is stepped together with the standard deviations of its rounding errors."""

    def __init__(self, layer: LayerSpec, n_samples: int, eps: float) -> None:
        self.layer, self.eps = layer, eps
        self.membrane, self.squared_membrane = np.zeros((2, n_samples, layer.n_out))

    def step(self, a: FloatArray, squared: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Advance; return the payload, its squared error, and which samples are at risk (n_samples,)."""
        layer, eps2 = self.layer, self.eps**2
        w2 = layer.weight**2
        now = step_float(layer, self.membrane, a)
        m, fired, payload = now.membrane, now.fired, now.payload
        squared_z = squared @ w2.T + eps2 * (layer.n_in * (a**2 @ w2.T) + layer.bias**2)
        squared_m = layer.beta**2 * self.squared_membrane + squared_z + eps2 * m**2
        reached = np.abs(m) if layer.polarity is Polarity.BOTH else m
        near = np.abs(reached - layer.theta) <= SAFETY * np.sqrt(squared_m)
        if layer.polarity is Polarity.BOTH:
            near &= layer.theta > 0  # |m| >= 0 holds whatever the rounding
        at_risk = near.any(axis=1)
        self.membrane = now.carried
        self.squared_membrane = np.where(fired, 0.0, squared_m)
        steepest = find_activation(layer.activation).steepest
        squared_a = np.where(fired, steepest**2 * squared_z + eps2 * payload**2, 0.0)
        return payload, squared_a, at_risk


def samples_at_risk(network: NetworkSpec, points: FloatArray, dtype: type[np.float32] | type[np.float64]) -> BoolArray:
    """Return which samples have a membrane that rounding in `dtype` could carry across its threshold.

    A threshold of zero under polarity `both` cannot be crossed and puts nothing at risk.

    Args:
        network: The float network.
        points: Physical coordinates, shape (n_samples, n_in).
        dtype: numpy.float32 or numpy.float64.

    Returns:
        Shape (n_samples,).
    """
    eps = float(np.finfo(dtype).eps) / 2
    x = network.input_transform.apply(points)
    layers = [_LayerReach(layer, len(x), eps) for layer in network.layers]
    at_risk = np.zeros(len(x), dtype=bool)
    for _ in range(network.n_steps):
        a, squared = x, (eps * x) ** 2
        for reach in layers:
            a, squared, near = reach.step(a, squared)
            at_risk |= near
    return at_risk
