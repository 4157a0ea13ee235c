"""The conditions of a problem by kind, each a few rows `expression = 0` on a part of the boundary, at points, or as a mean.

    Dirichlet(g)             u - g                       Initial(g)             u - g    at the start of time
    Neumann(g)               du/dn - g                   InitialDerivative(g)   u_t - g  there
    Robin(a, g)              a u + du/dn - g             Mean(g)                mean of u over the domain - g
    Periodic("x")            the two faces are one       Data(points, values)   u - value at each point
    Interface(("a", "b"))    a - b - jump,  k_a da/dn + k_b db/dn - flux
    Equation(f -> rows)      any rows                    Free()                 none: the part needs no condition
    Smooth("k", along="xy")  k_x, k_y everywhere: k is a coefficient that data determine

A value is a number or a function of named values, as `lambda p: np.sin(np.pi * p.x)`, which is called once.
Dirichlet and initial values are built into the output where the domain knows how (`built_in.py`), unless `hard=False`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

import numpy as np

from ..base.arrays import ArrayRecord, FloatArray, Record, freeze_arrays
from ..base.checks import as_tuple, check_choice, check_finite, check_range, check_shape, raise_violations
from ..base.errors import SpecError, Violation
from ..base.expression_sources import Names
from ..base.expressions import Expression, as_expression

Value = Union[float, Callable[[Names], Any]]  # noqa: UP007 - evaluated at run time
"""A number, or a function of named coordinates, fields and unknowns that returns an expression."""
Part = Union[None, str, Sequence[str], Callable[[Names], Expression]]  # noqa: UP007 - evaluated at run time
"""Where a condition holds: None for the whole boundary, names of parts (`Domain.tags`), or a mask as `lambda p: p.x == 1`."""

START = "start"
"""Name of the part of the boundary where time begins."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Condition(Record):
    """Base of the conditions."""

    on: Part = None
    """Where it holds; None for the whole boundary."""
    name: str = ""
    """Name in reports and histories; empty for one made of kind and place."""
    weight: float = 1.0
    """Factor on the mean square of its rows in the loss, 1e-6 to 1e6, beside the package's own balance."""

    def __post_init__(self) -> None:
        raise_violations(check_range(f"{type(self).__name__}.weight", self.weight, 1e-6, 1e6))

    def rows(self, f: Names, unknowns: tuple[str, ...]) -> tuple[Expression, ...]:
        """Return the expressions that the condition makes zero."""
        raise NotImplementedError

    def parts(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        """Return the parts of a boundary with these names on which the condition holds; none where it holds under a mask.

        Raises:
            SpecError: If it names a part that the boundary does not have.
        """
        if callable(self.on):
            return ()
        named = tags if self.on is None else (self.on,) if isinstance(self.on, str) else tuple(self.on)
        for tag in named:
            raise_violations(check_choice(f"{type(self).__name__}.on", tag, tags))
        return named

    @property
    def label(self) -> str:
        """The name, or one made of kind and place."""
        place = (
            self.on if isinstance(self.on, str) else " and ".join(self.on) if isinstance(self.on, (tuple, list)) else ""
        )
        return self.name or f"{type(self).__name__.lower()}{f' on {place}' if place else ''}"


@dataclass(frozen=True, slots=True, eq=False)
class ValueCondition(Condition):
    """Base of the conditions that prescribe one value of one unknown."""

    value: Value = 0.0
    """Prescribed value g; a tuple with one entry for each unknown where `unknown` is None."""
    unknown: str | None = None
    """Unknown that it prescribes; None for all of them."""

    def prescribed(self, f: Names, unknowns: tuple[str, ...]) -> dict[str, Expression]:
        """Return the prescribed value of each unknown."""
        held = _evaluated(self.value, f)
        if self.unknown is not None:
            if self.unknown not in unknowns:
                where, rule = f"{type(self).__name__}.unknown", f"be one of {', '.join(unknowns)}"
                raise SpecError(where, rule, repr(self.unknown), "Name an unknown of the problem.")
            return {self.unknown: as_expression(held)}
        each = held if isinstance(held, (tuple, list)) else (held,) * len(unknowns)
        if len(each) != len(unknowns):
            where, rule = f"{type(self).__name__}.value", f"have one entry for each of {', '.join(unknowns)}"
            raise SpecError(where, rule, f"{len(each)} entries", "Give them all, or name the unknown.")
        return {unknown: as_expression(value) for unknown, value in zip(unknowns, each, strict=True)}

    def rows(self, f: Names, unknowns: tuple[str, ...]) -> tuple[Expression, ...]:
        """Return left side minus prescribed value, unknown by unknown."""
        return tuple(self._left(f, unknown) - value for unknown, value in self.prescribed(f, unknowns).items())

    def _left(self, f: Names, unknown: str) -> Expression:
        expression: Expression = getattr(f, unknown)
        return expression


@dataclass(frozen=True, slots=True, eq=False)
class Dirichlet(ValueCondition):
    """u = g: `Dirichlet(lambda p: np.sin(np.pi * p.x), on="y_upper")`."""

    hard: bool | None = None
    """Whether it is built into the output; None builds it in where the package knows how."""


@dataclass(frozen=True, slots=True, eq=False)
class Initial(Dirichlet):
    """u = g at the start of time."""

    on: Part = field(default=START, kw_only=True)


@dataclass(frozen=True, slots=True, eq=False)
class NormalCondition(ValueCondition):
    """Base of the conditions with a normal derivative, which the start of time has none of."""

    def parts(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        """Return the parts on which the condition holds, the start of time not among them unless it is named."""
        return ValueCondition.parts(self, tuple(tag for tag in tags if self.on is not None or tag != START))


@dataclass(frozen=True, slots=True, eq=False)
class Neumann(NormalCondition):
    """du/dn = g, n: the outward normal."""

    def _left(self, f: Names, unknown: str) -> Expression:
        return getattr(f, f"{unknown}_n")  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, eq=False)
class Robin(NormalCondition):
    """a u + du/dn = g: `Robin(coefficient=2.0, value=0.0)`, n: the outward normal."""

    coefficient: Value = 1.0
    """Factor a on the unknown, a number or a function of named values."""

    def _left(self, f: Names, unknown: str) -> Expression:
        a = as_expression(_evaluated(self.coefficient, f))
        return a * getattr(f, unknown) + getattr(f, f"{unknown}_n")  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, eq=False)
class InitialDerivative(ValueCondition):
    """du/dt = g at the start of time."""

    on: Part = field(default=START, kw_only=True)

    def _left(self, f: Names, unknown: str) -> Expression:
        return getattr(f, f"{unknown}_t")  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, eq=False)
class Mean(ValueCondition):
    """The mean of u over the domain is g, a number: the level of a pressure."""

    def prescribed(self, f: Names, unknowns: tuple[str, ...]) -> dict[str, Expression]:
        """Return the prescribed mean of each unknown."""
        held = ValueCondition.prescribed(self, f, unknowns)
        for value in held.values():
            if value.number is None:
                raise SpecError("Mean.value", "be a number", value, "Write the mean as a number.")
        return held


@dataclass(frozen=True, slots=True, eq=False)
class Equation(Condition):
    """Any rows on a part of the boundary, or inside by a mask: `Equation(lambda f: f.u - f.v, on=lambda p: p.x == 0.5)`."""

    left: Callable[[Names], Any]
    """Function that returns the rows, one expression or a tuple of them."""

    def rows(self, f: Names, unknowns: tuple[str, ...]) -> tuple[Expression, ...]:
        """Return what the function returns, as a tuple."""
        return as_rows(self.left(f))


@dataclass(frozen=True, slots=True, eq=False)
class Interface(Condition):
    """Two materials meet on a part of the boundary, each with an unknown of its own, folded so that both lie on one side of it.

        a - b = jump          k_a da/dn + k_b db/dn = flux          n: the outward normal of the folded domain

    `Interface(("a", "b"), conductivities=(1.0, 10.0), on="x_lower")` is perfect contact: heat that leaves one enters the other.
    """

    between: tuple[str, str]
    """The two unknowns, a and b."""
    conductivities: tuple[Value, Value] = (1.0, 1.0)
    """Conductivities k_a and k_b of the two materials, each positive or a function of named values."""
    jump: Value = 0.0
    """Jump a - b of the value, a number or a function of named values."""
    flux: Value = 0.0
    """Sum of both outward fluxes: what the interface produces."""

    def __post_init__(self) -> None:
        Condition.__post_init__(self)
        for each in ("between", "conductivities"):
            object.__setattr__(self, each, as_tuple(getattr(self, each)))
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        between: object = self.between
        if not isinstance(between, tuple) or len(between) != 2 or len(set(between)) != 2:
            repair = 'Name those that meet, as ("a", "b").'
            yield Violation("Interface.between", "be two different unknowns", repr(between), repair)
        conductivities: object = self.conductivities
        if not isinstance(conductivities, tuple) or len(conductivities) != 2:
            repair = "Give one for each unknown."
            yield Violation("Interface.conductivities", "be two values", repr(conductivities), repair)
            return
        for k in conductivities:
            yield from check_range("Interface.conductivities", 1.0 if callable(k) else k, 1e-30, 1e30)
        if self.on is None:
            repair = 'Name the part on which the materials meet, as on="x_lower".'
            yield Violation("Interface.on", "be a part of the boundary", None, repair)

    def rows(self, f: Names, unknowns: tuple[str, ...]) -> tuple[Expression, ...]:
        """Return the jump of the value and the balance of both fluxes."""
        for each in self.between:
            raise_violations(check_choice("Interface.between", each, unknowns))
        a, b = self.between
        k_a, k_b, jump, flux = (_evaluated(value, f) for value in (*self.conductivities, self.jump, self.flux))
        total = k_a * getattr(f, f"{a}_n") + k_b * getattr(f, f"{b}_n")
        return getattr(f, a) - getattr(f, b) - jump, total - flux


@dataclass(frozen=True, slots=True, eq=False)
class Periodic(Condition):
    """The two faces of a box along an axis are one: values and derivatives agree."""

    axis: str
    """Letter of the axis."""

    def rows(self, f: Names, unknowns: tuple[str, ...]) -> tuple[Expression, ...]:
        """Return no rows: the cloud closes on itself."""
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class Free(Condition):
    """Nothing is prescribed on a part of the boundary, and that is meant."""

    def rows(self, f: Names, unknowns: tuple[str, ...]) -> tuple[Expression, ...]:
        """Return no rows."""
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class Data(Condition, ArrayRecord):
    """Measured values of one unknown at points inside or on the boundary, each with the same weight."""

    points: FloatArray
    """Where it was measured, shape (n, n_in)."""
    values: FloatArray
    """What was measured, shape (n,)."""
    unknown: str | None = None
    """Unknown that was measured; None where there is only one."""

    def __post_init__(self) -> None:
        Condition.__post_init__(self)
        freeze_arrays(self, points=np.float64, values=np.float64)
        found = [*check_shape("Data.points", self.points, (None, None), "(n, n_in)")]
        raise_violations(
            [*found, *check_shape("Data.values", self.values, (len(self.points),), "(n,), one for each point")]
        )
        raise_violations([*check_finite("Data.points", self.points), *check_finite("Data.values", self.values)])

    def column(self, unknowns: tuple[str, ...]) -> int:
        """Return the index of the unknown that was measured.

        Raises:
            SpecError: If it is no unknown of the problem, or left out where there are several.
        """
        if self.unknown is None and len(unknowns) > 1:
            repair = "Name the one that was measured."
            raise_violations([Violation("Data.unknown", f"be one of {', '.join(unknowns)}", None, repair)])
        raise_violations(check_choice("Data.unknown", self.unknown or unknowns[0], unknowns))
        return unknowns.index(self.unknown or unknowns[0])

    def rows(self, f: Names, unknowns: tuple[str, ...]) -> tuple[Expression, ...]:
        """Return u minus what was measured, the field `measured` of its points."""
        return (getattr(f, unknowns[self.column(unknowns)]) - f.measured,)


@dataclass(frozen=True, slots=True, eq=False)
class Smooth(Condition):
    """An unknown is a coefficient of the equations, which `Data` determine in place of an equation, and changes slowly.

        k_x = 0, k_y = 0, …     everywhere, with a small weight

    What data leave open, as they do everywhere to some degree, these rows decide: a gradient costs what it does not explain.
    """

    unknown: str
    """Unknown that is a coefficient; one that is positive is best the exponential of the unknown, `np.exp(f.q)`."""
    along: str = field(kw_only=True)
    """Letters of the coordinates along which it changes slowly, as "xy"."""
    weight: float = field(default=1e-3, kw_only=True)
    """Strength, 1e-6 to 1e6: share of these rows in the loss beside the equations, both balanced. Less follows
    the noise, more makes the coefficient a constant: exp(q) of `conductivity-inverse` is off by 11, 4 and 5 % with 1e-4, 1e-3
    and 5e-3."""

    def rows(self, f: Names, unknowns: tuple[str, ...]) -> tuple[Expression, ...]:
        """Return the derivatives along the letters."""
        raise_violations(check_choice("Smooth.unknown", self.unknown, unknowns))
        return tuple(getattr(f, f"{self.unknown}_{letter}") for letter in self.along)


def _evaluated(value: Value, f: Names) -> Any:
    """Return a value itself, or what its function returns of the names."""
    return value(f) if callable(value) else value


def as_rows(returned: object) -> tuple[Expression, ...]:
    """Return what an equation returned as a tuple of expressions."""
    return tuple(as_expression(row) for row in (returned if isinstance(returned, (tuple, list)) else (returned,)))
