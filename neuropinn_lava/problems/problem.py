"""The record of a PDE problem: domain, equations and conditions, and what is optional.

The equations are a function of named values and stand in its file as they stand on paper:

    nl.PdeProblem(
        domain=nl.Box.space_time([0, 0], [1, 1]),
        equations=lambda f: f.u_t - f.u_xx - 100 * np.sin(np.pi * f.x),
        conditions=[nl.Dirichlet(0.0)],
    )

The function is called once, with names in place of values (`base/expressions.py`). From what it returns come the derivatives
that are needed, the text, and the rows that training, measuring and the estimate of the error share (`discretization.py`).
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from ..base.arrays import FloatArray, Record, record_digest
from ..base.checks import check_choice, check_range, check_takes_one, raise_violations
from ..base.errors import SpecError, Violation
from ..base.expression_sources import Names
from ..base.expressions import Expression, as_expression, name
from ..geometry.domain import AXIS_LETTERS, Box, Domain
from ..geometry.parametric_domain import Parameter, ParametricDomain
from ..network.spec import ProblemParameter
from ..network.transforms import Ansatz
from .built_in import build_in, identity_ansatz
from .coefficients import Coefficient
from .conditions import Condition, Data, Mean, Periodic, Smooth, as_rows
from .coverage import coverage_violations
from .recipes.operator_recipe import OperatorRecipe
from .recipes.recipe import TrainingRecipe
from .reference_solution import ReferenceSolution

LEVEL = "level of "
"""Begin of the name of the condition that fixes an unknown which is determined up to a constant only."""
FieldFunction = Callable[[FloatArray], FloatArray]
"""A coefficient or source that is no expression: maps points (n, n_in) to values (n,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PdeProblem(Record):
    """A boundary or initial value problem, for training and for the evaluation of a deployed network."""

    name: str = "problem"
    """Name on the command line."""
    options: tuple[ProblemParameter, ...] = ()
    """Options that the problem was built with; those left at their defaults are not listed."""
    title: str = ""
    """Title in one line, for lists and reports; empty for the name."""
    text: str = ""
    """The equation as text, with its conditions; empty for a text made of the expressions."""
    coordinates: tuple[str, ...] = ()
    """Names of the columns of a point: one letter each, space first, time last, then the parameters: ("x", "t"). Empty for x,
    y, z and t as the domain has them, and the parameters' names, with `log_` before those whose range is logarithmic."""
    unknowns: tuple[str, ...] = ("u",)
    """One name per output of the network; a text such as "u v p" is split."""
    domain: Domain
    """Region in which the equations hold."""
    equations: Callable[[Names], Any]
    """Function of named values that returns one expression, zero where the equation holds, or a tuple of them."""
    fields: Mapping[str, FieldFunction] = field(default_factory=dict)
    """Coefficients and sources that are no expressions, by the name that the equations use."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """Parameters of the equations that are inputs of the network, by the name that the equations use: numbers with their ranges
    (`Range`), or random functions of a coordinate (`SineSeries`, `GaussianField`)."""
    constants: Mapping[str, float | Expression] = field(default_factory=dict)
    """Parameters that have a fixed value (`at`); functions as expressions of their coordinate."""
    coefficients: Mapping[str, Coefficient] = field(default_factory=dict)
    """Unknown coefficients of the equations, which are trained with the network from `Data`, by the name in the equations."""
    conditions: tuple[Condition, ...] = ()
    """Boundary and initial conditions, data, means (`conditions.py`)."""
    residual_scale: float | None = None
    """Typical magnitude of the equations' terms, by which the loss divides; None to measure it."""
    own_ansatz: Ansatz | None = None
    """Your own way to build conditions in, which is checked; None to build in what the domain knows how to."""
    reference: ReferenceSolution | None = None
    """Solution against which errors are measured; None where none is known."""
    recipe: TrainingRecipe | OperatorRecipe | None = None
    """Recipe by which a network is trained on the problem; None to have one chosen (`default_recipe.py`)."""
    residuals: tuple[Expression, ...] = field(init=False)
    """The equations as expressions of named values."""
    ansatz: Ansatz = field(init=False)
    """Conditions built into the output; holds their data only, not the solution."""
    soft_conditions: tuple[Condition, ...] = field(init=False)
    """Conditions that are rows of the residual, because they are not built in."""

    def __post_init__(self) -> None:
        unknowns: object = self.unknowns
        self._hold(
            "unknowns", tuple(unknowns.replace(",", " ").split() if isinstance(unknowns, str) else self.unknowns)
        )
        raise_violations(self._type_violations())
        self._hold("conditions", tuple(self.conditions))
        self._hold("fields", MappingProxyType(dict(self.fields)))
        self._hold("parameters", MappingProxyType(dict(self.parameters)))
        self._hold("constants", MappingProxyType(dict(self.constants)))
        self._hold("coefficients", MappingProxyType(dict(self.coefficients)))
        self._hold("domain", self._whole_domain())
        self._hold("coordinates", tuple(self.coordinates) or self._default_coordinates())
        self._hold("residuals", as_rows(self.equations(self.names())))
        raise_violations(self._violations())
        self._hold("conditions", (*self.conditions, *self._levels()))
        raise_violations(coverage_violations(self))
        soft, ansatz = build_in(self)
        self._hold("soft_conditions", soft)
        self._hold("ansatz", ansatz)
        self._hold("title", self.title or self.name)

    def _type_violations(self) -> Iterator[Violation]:
        """Yield what is of another type than a user's annotations would say, as they are not checked when a script runs."""
        where = f"PdeProblem {self.name!r}"
        given: Any = self.conditions
        reference: object = self.reference
        if isinstance(given, Condition):
            kind = type(given).__name__
            yield Violation(f"{where}.conditions", "be a list of conditions", f"a {kind}", f"Write [{kind}(…)].")
            return
        yield from check_takes_one(
            f"{where}.equations", self.equations, "Write `lambda f: f.u_xx + f.u_yy`, all names in f."
        )
        for each in given:
            if not isinstance(each, Condition):
                repair = "Write Dirichlet(0.0), Neumann(0.0) or another kind of condition."
                yield Violation(f"{where}.conditions", "be conditions", type(each).__name__, repair)
        if reference is not None and not isinstance(reference, ReferenceSolution):
            repair = "Write ReferenceSolution(evaluate=…, relative_accuracy=…, source=…)."
            yield Violation(f"{where}.reference", "be a ReferenceSolution", type(reference).__name__, repair)

    def _hold(self, field_name: str, value: object) -> None:
        object.__setattr__(self, field_name, value)

    def _whole_domain(self) -> Domain:
        """Return the domain, closed on itself along the axes of periodic conditions, and with the ranges of the parameters."""
        if isinstance(self.domain, ParametricDomain):
            return self.domain
        region = self._closed_domain()
        return ParametricDomain(region, tuple(self.parameters.values())) if self.parameters else region

    def _closed_domain(self) -> Domain:
        axes = [condition.axis for condition in self.conditions if isinstance(condition, Periodic)]
        if not axes:
            return self.domain
        letters = tuple(self.coordinates) or self._default_coordinates()
        where = f"PdeProblem {self.name!r}: Periodic.axis"
        if not isinstance(self.domain, Box):
            raise SpecError(where, "be an axis of a box", type(self.domain).__name__, "Take a Box as the domain.")
        for axis in axes:
            raise_violations(check_choice(where, axis, letters))
        closed = {*self.domain.periodic_axes, *(letters.index(axis) for axis in axes)}
        return dataclasses.replace(self.domain, periodic_axes=tuple(sorted(closed)))

    def _default_coordinates(self) -> tuple[str, ...]:
        n_space = len(self.region.lower) - self.domain.has_time
        columns = (column for each, held in self.parameters.items() for column in held.column_names(each))
        return (*AXIS_LETTERS[:n_space], *("t",) * self.domain.has_time, *columns)

    @property
    def region(self) -> Domain:
        """The domain without the ranges of parameters."""
        return self.domain.region if isinstance(self.domain, ParametricDomain) else self.domain

    @property
    def axes(self) -> tuple[str, ...]:
        """Letters of the coordinates without parameters, along which derivatives are taken."""
        return self.coordinates[: len(self.region.lower)]

    @property
    def space(self) -> tuple[str, ...]:
        """Letters of the coordinates of space."""
        return self.axes[: len(self.axes) - self.domain.has_time]

    def at(self, **values: Any) -> PdeProblem:
        """Return the problem with parameters and coefficients fixed: `problem.at(nu=0.03)`. Points have no columns for them.

        A function is fixed by its coefficients, shape (n,), as `SineSeries.coefficients(samples, places)[0]` returns them.

        Raises:
            SpecError: If one is missing, unknown, or out of its range.
        """
        where = f"PdeProblem {self.name!r}.at"
        every = (*self.parameters, *self.coefficients)
        for each, value in list(values.items()):
            raise_violations(check_choice(where, each, every))
            if each in self.parameters:
                values[each] = self.parameters[each].checked(value, f"{where}: {each}")
            else:
                raise_violations(check_range(f"{where}: {each}", value, -np.inf, np.inf))
        if set(values) != set(every):
            missing = ", ".join(sorted(set(every) - set(values)))
            raise SpecError(where, "get a value for every parameter", f"none for {missing}", "Give them all.")

        def fixed(function: FieldFunction) -> FieldFunction:
            return lambda points: function(self.points_at(points, **values))

        f = self.names()
        fixed_values = {
            each: self.parameters[each].constant(f, value) if each in self.parameters else value
            for each, value in values.items()
        }
        changes: dict[str, Any] = {
            "parameters": {},
            "coefficients": {},
            "constants": {**self.constants, **fixed_values},
            "coordinates": self.axes,
        }
        if self.reference is not None:
            changes["reference"] = dataclasses.replace(self.reference, evaluate=fixed(self.reference.evaluate))
        fields = {each: fixed(function) for each, function in self.fields.items()}
        return dataclasses.replace(self, domain=self.region, fields=fields, **changes)

    def rest_values(self, viscosity: float = 0.0) -> dict[str, float]:
        """Return the values of the names that are no fields: `viscosity`, and the coefficients where their training starts."""
        return {"viscosity": viscosity, **{each: held.start for each, held in self.coefficients.items()}}

    def points_at(self, points: FloatArray, **values: Any) -> FloatArray:
        """Append the columns of the parameters to points (n, n_axes): what a network of the whole family takes."""
        columns = [held.to_columns(values[each]) for each, held in self.parameters.items()]
        return np.hstack([points, np.tile(np.concatenate(columns), (len(points), 1))])

    def _levels(self) -> Iterator[Condition]:
        """Yield a mean of zero for each unknown that is determined up to a constant only: a pressure, or with Neumann sides."""
        f = self.names(on_boundary=True)
        rows = [*self.residuals, *(row for condition in self.conditions for row in condition.rows(f, self.unknowns))]
        for unknown in self.unknowns if self.own_ansatz is None else ():
            if all(unknown not in row.names() for row in rows):
                yield Mean(0.0, unknown=unknown, name=f"{LEVEL}{unknown}")

    def names(self, *, on_boundary: bool = False) -> Names:
        """Return an object whose attributes are the coordinates, unknowns, derivatives and fields, as expressions.

        Args:
            on_boundary: Whether normals exist: `n_x` and the normal derivative `u_n`.
        """
        known = (*self.fields, *self.parameters, *self.constants, *self.coefficients)
        plain = (*self.axes, *self.unknowns, *known, "viscosity")
        space, letters_known = self.space, set(self.axes)
        normals = (*(f"n_{letter}" for letter in space), "measured") if on_boundary else ()

        def resolve(text: str) -> Expression:
            """Return the expression of one name, or refuse it with the nearest ones."""
            unknown, _, letters = text.partition("_")
            if unknown in self.unknowns and letters and not set(letters) - letters_known:
                return name(f"{unknown}_{''.join(sorted(letters, key=self.axes.index))}")
            if normals and unknown in self.unknowns and letters == "n":
                total = as_expression(0.0)
                for letter in space:
                    total = total + name(f"n_{letter}") * name(f"{unknown}_{letter}")
                return total
            first = tuple(f"{unknown}_{letter}" for unknown in self.unknowns for letter in self.axes)
            raise_violations(check_choice(f"name in problem {self.name!r}", text, (*plain, *normals, *first)))
            if text in self.constants:
                return as_expression(self.constants[text])
            held = self.parameters.get(text)
            return name(text) if held is None else held.expression(found, held.column_names(text))

        found = Names(resolve)
        return found

    def derivatives_in(self, rows: Sequence[Expression]) -> tuple[str, ...]:
        """Return the derivatives that rows use, sorted: ("u_t", "u_xx")."""
        used = frozenset().union(*(row.names() for row in rows))
        return tuple(sorted(each for each in used if each.partition("_")[0] in self.unknowns and "_" in each))

    @property
    def equation(self) -> str:
        """The equations with their conditions as text."""
        if self.text:
            return self.text
        f = self.names(on_boundary=True)
        rows = [f"{row} = 0" for row in self.residuals]
        for condition in self.conditions:
            rows += [f"{row} = 0 ({condition.label})" for row in condition.rows(f, self.unknowns)]
        return "; ".join(rows)

    def _violations(self) -> Iterator[Violation]:
        where = f"PdeProblem {self.name!r}"
        if self.residual_scale is not None:
            yield from check_range(f"{where}.residual_scale", self.residual_scale, 1e-30, 1e30)
        reserved = {"viscosity", "measured"}
        shadows = {f"{unknown}_{letters}" for unknown in self.unknowns for letters in (*self.axes, "n")}
        every = (*self.axes, *self.unknowns, *self.parameters, *self.constants, *self.coefficients, *self.fields)
        is_plain = all("_" not in each and each != "n" for each in self.unknowns)
        if len(set(every)) != len(every) or (reserved | shadows) & set(every) or not is_plain:
            repair = "Rename one of them."
            yield Violation(
                f"{where}: names", "be different, without an underscore in unknowns, none of which is n", every, repair
            )
        n_solved = len(self.unknowns) - len(self.coefficient_fields)
        if len(self.residuals) < n_solved:
            got = f"{len(self.residuals)} for {n_solved} unknowns"
            repair = "Return a tuple with all of them, or let Smooth name those that are coefficients."
            yield Violation(f"{where}.equations", "return one equation or more for each unknown", got, repair)
        for row in self.residuals:
            kinked = sorted(each for each in row.kinked_names() if each.partition("_")[0] in self.unknowns)
            if kinked:
                repair = "Let masks depend on coordinates only, or smooth it, as by np.tanh."
                yield Violation(f"{where}.equations", "be differentiable in the unknowns", ", ".join(kinked), repair)
        own = self.own_ansatz
        is_inverse = self.coefficients or self.coefficient_fields
        if is_inverse and not any(isinstance(condition, Data) for condition in self.conditions):
            repair = "Add Data(points, values) to the conditions."
            yield Violation(f"{where}.coefficients", "be determined by data", "no Data", repair)
        if own is not None and (own.n_dim, own.n_out) != (self.n_in, self.n_out):
            expected, found = (self.n_in, self.n_out), (own.n_dim, own.n_out)
            yield Violation(f"{where}.own_ansatz", f"have (n_dim, n_out) = {expected}", found, "Make them agree.")

    def with_options(self, **options: float) -> PdeProblem:
        """Return a copy that carries the options that it was built with, for a network's provenance and for reports."""
        held = copy.copy(self)  # as it was checked
        held._hold("options", tuple(ProblemParameter(name=each, value=float(value)) for each, value in options.items()))
        return held

    def with_found(self, values: Mapping[str, float]) -> PdeProblem:
        """Return a copy whose unknown coefficients start at values that a training found; other names are left out."""
        found = {
            each: dataclasses.replace(held, start=values.get(each, held.start))
            for each, held in self.coefficients.items()
        }
        return dataclasses.replace(self, coefficients=found) if found else self

    def aligned(self, truth: FloatArray, outputs: FloatArray) -> FloatArray:
        """Return a reference (n, n_out) with the mean of the outputs for unknowns that are known up to a constant only."""
        shifted: FloatArray = truth + np.where(self.has_free_level, (outputs - truth).mean(axis=0), 0.0)
        return shifted

    @property
    def coefficient_fields(self) -> frozenset[str]:
        """The unknowns that are coefficients of the equations, as `Smooth` names them."""
        return frozenset(condition.unknown for condition in self.conditions if isinstance(condition, Smooth))

    @property
    def has_free_level(self) -> tuple[bool, ...]:
        """For each unknown, whether it is known up to a constant only."""
        levels = {each.name for each in self.conditions}
        return tuple(f"{LEVEL}{unknown}" in levels for unknown in self.unknowns)

    @property
    def host_ansatz(self) -> Ansatz | None:
        """The ansatz that a network of the problem carries; None where nothing is built in."""
        is_plain = record_digest(self.ansatz) == record_digest(identity_ansatz(self.n_in, self.n_out))
        return None if is_plain else self.ansatz

    @property
    def derivatives(self) -> tuple[str, ...]:
        """Derivatives in the equations, sorted."""
        return self.derivatives_in(self.residuals)

    def exact(self, points: FloatArray) -> FloatArray:
        """Return the reference solution at points (n, n_in), shape (n, n_out).

        Raises:
            SpecError: If the problem has none.
        """
        if self.reference is None:
            repair = "Give the problem a ReferenceSolution; without one, errors are estimated (`estimate_error`)."
            raise SpecError(f"PdeProblem {self.name!r}.reference", "be known here", None, repair)
        return self.reference.evaluate(points)

    @property
    def n_in(self) -> int:
        """Number of coordinates of a point, time included."""
        return len(self.coordinates)

    @property
    def n_out(self) -> int:
        """Number of unknowns."""
        return len(self.unknowns)
