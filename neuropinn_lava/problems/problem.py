"""The record of a PDE problem: geometry, equation, conditions, reference and recipe, without a line of solver.

An equation is a function of derivative fields and stands in its file as it stands on paper:

    residual=lambda f: (f.u_t - f.u_xx - f.source,)

The fields may be numpy arrays (a deployed network's outputs) or torch tensors (training): only operators are used on them.
This module knows numpy, transforms and recipes; it does not know torch, clouds or operators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.arrays import BoolArray, FloatArray
from ..base.checks import check_range, raise_violations
from ..base.errors import SpecError, Violation
from ..geometry.domain import Domain
from ..network.transforms import Ansatz
from .recipe import TrainingRecipe

Residual = Callable[["DerivativeFields"], "tuple[Any, ...]"]
"""Maps derivative fields, each (n,), to one residual (n,) per equation."""


class DerivativeFields:
    """Values of the unknowns, their derivatives and the source at n points, by name: `f.u`, `f.u_xx`, `f.source`.

    `f.viscosity` is the number of the training recipe, and zero where a residual is measured.
    """

    def __init__(self, **values: Any) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(
                f"no derivative field {name!r}; this problem declares {', '.join(self._values)}"
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Data prescribed on a part of the boundary; initial conditions count as such."""

    name: str
    """As in `initial` or `left wall`."""
    applies: Callable[[FloatArray], BoolArray]
    """Which boundary points (n, n_dim) it covers, shape (n,)."""
    value: Callable[[FloatArray], FloatArray]
    """Prescribed values there, shape (n, n_out)."""


def held_at(value: float) -> Callable[[FloatArray], FloatArray]:
    """Make the data of a condition on one unknown that prescribes the same value everywhere."""
    return lambda points: np.full((points.shape[0], 1), value)


def covered_by(
    domain: Domain, evaluate: Callable[[FloatArray], FloatArray], name: str
) -> Callable[[FloatArray], FloatArray]:
    """Guard a reference that is known on its domain only: other points are an error, not a silent extrapolation."""

    def guarded(points: FloatArray) -> FloatArray:
        outside = np.flatnonzero(~domain.contains(points))
        if outside.size:
            got = f"{points[outside[0]]} in row {outside[0]}, and {outside.size} such points in all"
            raise SpecError(f"reference of {name!r}", "points of its domain", got, "Leave out points outside.")
        return evaluate(points)

    return guarded


def no_source(points: FloatArray) -> FloatArray:
    """Give the source of an equation without one: zeros, shape (n,)."""
    return np.zeros(points.shape[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSolution:
    """A solution to compare with, and how far it can be trusted."""

    evaluate: Callable[[FloatArray], FloatArray]
    """Points (n, n_dim) to values (n, n_out)."""
    relative_accuracy: float
    """Bound of its own relative L2 error."""
    source: str
    """Closed form, or how it was computed and checked."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PdeProblem:
    """A boundary or initial value problem, ready for training and for judging a deployed network."""

    name: str
    """Name on the command line."""
    title: str
    """One line for lists and reports."""
    equation: str
    """The equation as text, with its conditions."""
    coordinates: tuple[str, ...]
    """One letter each, space first, time last: ("x", "t")."""
    unknowns: tuple[str, ...] = ("u",)
    """One name per output of the network."""
    domain: Domain
    """The region."""
    derivatives: tuple[str, ...]
    """Derivatives in the equation, as `u_x`, `u_xx`, `u_xy`, `u_t`."""
    source: Callable[[FloatArray], FloatArray]
    """Right-hand side and other data of the equation at points (n, n_dim), shape (n,)."""
    residual: Residual
    """The equation."""
    residual_scale: float = 1.0
    """Typical magnitude of the equation's terms; the loss divides by it."""
    conditions: tuple[Condition, ...]
    """Boundary and initial data."""
    ansatz: Ansatz
    """Conditions built into the output; holds boundary data only, not the solution."""
    reference: ReferenceSolution
    """What errors are measured against."""
    recipe: TrainingRecipe
    """How a network is trained on it."""

    def __post_init__(self) -> None:
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        where = f"PdeProblem {self.name!r}"
        for name in self.derivatives:
            unknown, _, letters = name.partition("_")
            if unknown not in self.unknowns or not letters or set(letters) - set(self.coordinates):
                mend = "Write <unknown>_<coordinates>, as in u_xx."
                yield Violation(f"{where}.derivatives", "derivatives of declared unknowns", repr(name), mend)
        yield from check_range(f"{where}.residual_scale", self.residual_scale, 1e-30, 1e30)
        expected = (self.n_in, len(self.unknowns))
        if (self.ansatz.n_dim, self.ansatz.n_out) != expected:
            got = (self.ansatz.n_dim, self.ansatz.n_out)
            yield Violation(f"{where}.ansatz", f"(n_dim, n_out) = {expected}", got, "Make them agree.")

    @property
    def n_in(self) -> int:
        """Coordinates of a point, time included."""
        return len(self.coordinates)

    @property
    def n_out(self) -> int:
        """Unknowns."""
        return len(self.unknowns)
