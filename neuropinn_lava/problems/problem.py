"""The record of a PDE problem: geometry, equation, conditions, reference solution and training recipe.

An equation is a function of derivative fields and stands in its file as it stands on paper:

    residual=lambda f: (f.u_t - f.u_xx - f.source,)

The fields may be numpy arrays (a deployed network's outputs) or torch tensors (training): only operators are used on them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.arrays import BoolArray, FloatArray, Record
from ..base.checks import check_range, raise_violations
from ..base.errors import SpecError, Violation
from ..geometry.domain import Domain
from ..network.spec import ProblemParameter
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
class Condition(Record):
    """Data prescribed on a part of the boundary; initial conditions count as such."""

    name: str
    """Name of the condition, as in `initial` or `left wall`."""
    applies: Callable[[FloatArray], BoolArray]
    """Function that returns which boundary points (n, n_dim) the condition covers, shape (n,)."""
    value: Callable[[FloatArray], FloatArray]
    """Function that returns the prescribed values at these points, shape (n, n_out)."""


def constant_value(value: float) -> Callable[[FloatArray], FloatArray]:
    """Return the data of a condition on one unknown that prescribes the same value everywhere."""
    return lambda points: np.full((points.shape[0], 1), value)


def restricted_to_domain(
    domain: Domain, evaluate: Callable[[FloatArray], FloatArray], name: str
) -> Callable[[FloatArray], FloatArray]:
    """Restrict a reference to its domain: points outside are an error, not a silent extrapolation."""

    def guarded(points: FloatArray) -> FloatArray:
        outside = np.flatnonzero(~domain.contains(points))
        if outside.size:
            got = f"{points[outside[0]]} in row {outside[0]}, and {outside.size} such points in all"
            raise SpecError(f"reference of {name!r}", "get points of its domain", got, "Leave out points outside.")
        return evaluate(points)

    return guarded


def constant_source(value: float) -> Callable[[FloatArray], FloatArray]:
    """Return the source of an equation that is the same everywhere, shape (n,); 0 where an equation has none."""
    return lambda points: np.full(points.shape[0], value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSolution(Record):
    """A solution to compare with, and how far it can be trusted."""

    evaluate: Callable[[FloatArray], FloatArray]
    """Function from points (n, n_dim) to values (n, n_out)."""
    relative_accuracy: float
    """Bound of the relative L2 error of the solution itself."""
    source: str
    """Closed form, or a note how the solution was computed and checked."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PdeProblem(Record):
    """A boundary or initial value problem, for training and for the evaluation of a deployed network."""

    name: str
    """Name on the command line."""
    parameters: tuple[ProblemParameter, ...] = ()
    """Options that the problem was built with; those left at their defaults are not listed."""
    title: str
    """Title in one line, for lists and reports."""
    equation: str
    """The equation as text, with its conditions."""
    coordinates: tuple[str, ...]
    """One letter each, space first, time last: ("x", "t")."""
    unknowns: tuple[str, ...] = ("u",)
    """One name per output of the network."""
    domain: Domain
    """Region in which the equation holds."""
    derivatives: tuple[str, ...]
    """Derivatives in the equation, as `u_x`, `u_xx`, `u_xy`, `u_t`."""
    source: Callable[[FloatArray], FloatArray]
    """Right-hand side and other data of the equation at points (n, n_dim), shape (n,)."""
    residual: Residual
    """The equation as a function of derivative fields."""
    residual_scale: float = 1.0
    """Typical magnitude of the equation's terms; the loss divides by it."""
    conditions: tuple[Condition, ...]
    """Boundary and initial conditions."""
    ansatz: Ansatz
    """Conditions built into the output; holds boundary data only, not the solution."""
    reference: ReferenceSolution
    """Solution against which errors are measured."""
    recipe: TrainingRecipe
    """Recipe by which a network is trained on the problem."""

    def __post_init__(self) -> None:
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        where = f"PdeProblem {self.name!r}"
        for name in self.derivatives:
            unknown, _, letters = name.partition("_")
            if unknown not in self.unknowns or not letters or set(letters) - set(self.coordinates):
                mend = "Write <unknown>_<coordinates>, as in u_xx."
                yield Violation(f"{where}.derivatives", "be derivatives of declared unknowns", repr(name), mend)
        yield from check_range(f"{where}.residual_scale", self.residual_scale, 1e-30, 1e30)
        expected = (self.n_in, len(self.unknowns))
        if (self.ansatz.n_dim, self.ansatz.n_out) != expected:
            got = (self.ansatz.n_dim, self.ansatz.n_out)
            yield Violation(f"{where}.ansatz", f"have (n_dim, n_out) = {expected}", got, "Make them agree.")

    def with_parameters(self, **parameters: float) -> PdeProblem:
        """Return a copy that carries the options that it was built with, for a network's provenance and for reports."""
        held = tuple(ProblemParameter(name=name, value=float(value)) for name, value in parameters.items())
        return dataclasses.replace(self, parameters=held)

    @property
    def n_in(self) -> int:
        """Number of coordinates of a point, time included."""
        return len(self.coordinates)

    @property
    def n_out(self) -> int:
        """Number of unknowns."""
        return len(self.unknowns)
