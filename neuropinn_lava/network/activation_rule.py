"""The record of an activation phi: the function in float, and the facts that an integer table and its error bound need.

A VSN sends phi(z * s), which equals phi(z) * s only where phi(0) = 0. A function with another value at zero is therefore held
without it, and that value is the rule's `offset`: silence means the offset, and what reads it adds W offset to its bias.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..base.arrays import FloatArray, Record
from ..base.errors import SpecError

GAP_AT_REACH = 2e-6
"""Default bound of |phi - asymptote| from an asymptote's reach on."""

GrowingBound = float | Callable[[FloatArray], FloatArray]
"""An upper bound over all z, or, where there is none, a function of z that returns the bound between 0 and every z."""


class Symmetry(str, Enum):
    """Symmetry of phi: the value phi(-z) for a known phi(z)."""

    ODD = "odd"
    """phi(-z) = -phi(z)."""
    EVEN = "even"
    """phi(-z) = phi(z)."""
    NONE = "none"
    """phi(-z) is unrelated to phi(z): both signs of z have entries of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asymptote(Record):
    """The line that phi approaches on one side, by which a table continues beyond its last entry."""

    slope: float
    """Slope d phi / d z of the line."""
    reach: float
    """From this |z| on, |phi - line| is at most `gap`, and phi approaches the line monotonically; no table is longer."""
    gap: float = GAP_AT_REACH
    """Bound of |phi - line| beyond the reach; zero where phi is that line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationRule(Record):
    """An activation and its facts; those for z < 0 follow from the symmetry where there is one.

    `ActivationRule(name="tanh", phi=np.tanh, symmetry=Symmetry.ODD, asymptote=Asymptote(slope=0.0, reach=8.0), curvature=0.77,
    bound=1.0, steepest=1.0)`
    """

    name: str
    """Name of the activation in files and on the command line."""
    phi: Callable[[FloatArray], FloatArray]
    """Function phi, less its value at zero, elementwise on float64 arrays."""
    symmetry: Symmetry | None
    """Symmetry of phi; None for identity and relu, which are a shift in integers and need no table."""
    asymptote: Asymptote | None
    """Continuation for z >= 0. Without one a table spans the state word, or ends where an unbounded phi leaves the payload."""
    asymptote_below: Asymptote | None = None
    """Continuation for z < 0 where there is no symmetry; its slope is d phi / d z, too."""
    period: float | None = None
    """Period of phi, a power of two, by which a table wraps; None where phi has no period that a table can use."""
    curvature: GrowingBound
    """An upper bound of |phi''| between kinks; kinks lie at z = 0 or where an asymptote of zero curvature begins."""
    bound: float | None = None
    """The least upper bound of |phi|, or None where phi is unbounded."""
    steepest: GrowingBound
    """An upper bound of |phi'|, positive; rounding errors are carried through phi by it."""
    offset: float = 0.0
    """Value at zero of the function that the name means, which phi(z) is less: 0.5 for sigmoid, 0 for most."""
    torch: object = None
    """phi and phi' for training: a `neuropinn_lava.training.neuron.activations.TorchActivation`, or where to find one, as
    "module:name" or "module:function(number)", so that this module need not import torch. None where phi is never trained."""

    def __post_init__(self) -> None:
        at_zero = float(self.phi(np.zeros(1))[0])
        if at_zero != 0.0:
            repair = "Subtract phi(0) and give it as `offset`, as sigmoid does."
            raise SpecError(
                f"ActivationRule {self.name!r}.phi",
                "satisfy phi(0) = 0, so that silence sends nothing",
                at_zero,
                repair,
            )
        if not callable(self.steepest) and not 0 < self.steepest < math.inf:
            repair = "Give the largest slope of phi, as 1.0 for tanh."
            raise SpecError(f"ActivationRule {self.name!r}.steepest", "be a positive number", self.steepest, repair)
        if self.period is not None and math.frexp(self.period)[0] != 0.5:
            repair = "Scale the argument, as sin_turns does, whose period is one."
            raise SpecError(f"ActivationRule {self.name!r}.period", "be a power of two", self.period, repair)

    @property
    def needs_table(self) -> bool:
        """Whether integers look phi up; identity and relu are a shift instead."""
        return self.symmetry is not None

    @property
    def sides(self) -> tuple[Asymptote | None, ...]:
        """Continuations of the sides that have entries of their own: that of z >= 0, and without symmetry that of z < 0."""
        return (self.asymptote, self.asymptote_below) if self.symmetry is Symmetry.NONE else (self.asymptote,)

    def steepest_within(self, z: FloatArray) -> FloatArray:
        """Return an upper bound of |phi'| between 0 and every z."""
        return _bound_within(self.steepest, z)

    def curvature_within(self, z: float) -> float:
        """Return an upper bound of |phi''| between 0 and z."""
        return float(_bound_within(self.curvature, np.array(z)))


def _bound_within(bound: GrowingBound, z: FloatArray) -> FloatArray:
    found: FloatArray = bound(z) if callable(bound) else np.full(np.shape(z), bound)
    return found
