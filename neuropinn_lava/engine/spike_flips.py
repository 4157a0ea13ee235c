"""Samples in which rounding could flip a spike, because a membrane lies within rounding error of its threshold.

Two correct float programs sum in different orders, so their membranes differ by rounding. Where a membrane lies closer to
its threshold than that, one program fires and the other does not, and their outputs differ by a jump although both are
correct. Such samples are counted and excluded from a comparison. The standard deviation E of the rounding error is
propagated beside the float equations, with independent roundings added as root sum square:

    E_z^2 = sum_i (W E_a)_i^2 + eps^2 * (n_in * sum_i (W a)_i^2 + b^2)
    E_m^2 = (beta E_m)^2 + E_z^2 + (eps m)^2                        E_m = 0 where it fired
    E_a^2 = (L E_z)^2 + (eps a)^2                                   L bounds |phi'| between 0 and z, the rule's `steepest`
    E_product^2 = (a_right E_left)^2 + (a_left E_right)^2 + (eps a)^2
    a sample is at risk where some |m - theta| <= 6 * E_m
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..base.arrays import BoolArray, FloatArray
from ..network.activations import find_activation
from ..network.nodes import NodeSpec, OutputSpec, Polarity, PopulationSpec, ProductSpec
from ..network.spec import NetworkSpec
from .reference import constant_inputs, step_float
from .walk import NodeStep, walk

SAFETY = 6.0
"""Standard deviations of the root-sum-square error that count as reach."""


class _Uncertain(NamedTuple):
    """Values with the squares of the standard deviations of their rounding errors, each of shape (n_samples, n)."""

    value: FloatArray
    squared_error: FloatArray


@dataclass(frozen=True, slots=True)
class _UncertainArithmetic:
    """Float numbers that carry their rounding errors; it marks the samples at risk."""

    n_samples: int
    eps: float
    at_risk: BoolArray = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "at_risk", np.zeros(self.n_samples, dtype=np.bool_))

    def silence(self, width: int) -> _Uncertain:
        """Return exact zeros of shape (n_samples, width)."""
        return _Uncertain(*np.zeros((2, self.n_samples, width)))

    def step(self, node: NodeSpec | OutputSpec, membrane: _Uncertain, received: Sequence[_Uncertain]) -> NodeStep:
        """Compute one step of a node by the equations above."""
        rest: Any = membrane.value if isinstance(node, PopulationSpec) else None
        now = step_float(node, rest, [each.value for each in received])
        eps2 = self.eps**2
        if isinstance(node, ProductSpec):
            left, right = received
            squared = right.value**2 * left.squared_error + left.value**2 * right.squared_error
            return _with_payload(now, received, squared + eps2 * now.payload**2)
        squared_z = eps2 * node.bias**2
        for connection, (value, squared) in zip(node.connections, received, strict=True):
            w2 = connection.weight**2
            squared_z = squared @ w2.T + eps2 * node.n_in * (value**2 @ w2.T) + squared_z
        if isinstance(node, OutputSpec):
            return _with_payload(now, received, squared_z)
        squared_m = node.beta**2 * membrane.squared_error + squared_z + eps2 * now.membrane**2
        self.at_risk[_are_near(node, now.membrane, squared_m).any(axis=1)] = True
        steepest = find_activation(node.activation).steepest_within(now.drive)
        squared_a = np.where(now.fired, steepest**2 * squared_z + eps2 * now.payload**2, 0.0)
        carried = _Uncertain(now.carried, np.where(now.fired, 0.0, squared_m))
        return _with_payload(now, received, squared_a)._replace(carried=carried)


def _with_payload(step: NodeStep, received: Sequence[Any], squared_error: FloatArray) -> NodeStep:
    """Return a step whose payload carries its error."""
    return step._replace(received=received, payload=_Uncertain(step.payload, squared_error))


def _are_near(node: PopulationSpec, membrane: FloatArray, squared_error: FloatArray) -> BoolArray:
    """Return which membranes lie within reach of their threshold; |m| >= 0 holds whatever the rounding."""
    both = node.polarity is Polarity.BOTH
    reached = np.abs(membrane) if both else membrane
    near = np.abs(reached - node.theta) <= SAFETY * np.sqrt(squared_error)
    return np.asarray(near & (node.theta > 0)) if both else np.asarray(near)


def samples_at_risk(network: NetworkSpec, points: FloatArray, dtype: type[np.float32] | type[np.float64]) -> BoolArray:
    """Return which samples have a membrane that rounding in `dtype` could carry across its threshold.

    A threshold of zero under polarity `both` cannot be crossed and puts nothing at risk.

    Args:
        network: The float network.
        points: Physical coordinates, shape (n_samples, n_in), or (n_samples, n_steps, n_in) of sequences.
        dtype: numpy.float32 or numpy.float64.

    Returns:
        Shape (n_samples,).
    """
    eps = float(np.finfo(dtype).eps) / 2
    x = network.input_transform.apply(points)
    arithmetic = _UncertainArithmetic(len(x), eps)
    values = constant_inputs(network, x)

    def inputs(t: int) -> dict[str, _Uncertain]:
        return {name: _Uncertain(value, (eps * value) ** 2) for name, value in values(t).items()}

    walk(network, inputs, network.n_steps or points.shape[1], arithmetic, lambda t, node, step: None)
    return arithmetic.at_risk
