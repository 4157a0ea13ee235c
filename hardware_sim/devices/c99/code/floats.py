"""Formulas of the ansatz in C: fields are evaluated once with values that write down every operation instead of computing it.

    field.evaluate(points)  of x0 (1 - x1)    ->    const double v0 = 1.0 - point[1];
                                                    const double v1 = point[0] * v0;

So every kind of field has its formula in C, in the order of its own operations, as soon as it has one in Python. An operation
that C lacks is refused by name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

UNARY = {
    "sin": "sin", "cos": "cos", "tan": "tan", "exp": "exp", "log": "log", "log1p": "log1p", "sqrt": "sqrt", "tanh": "tanh",
    "sinh": "sinh", "cosh": "cosh", "arctan": "atan", "abs": "fabs", "absolute": "fabs",
}  # fmt: skip
"""Functions of one value: their names as methods of a tensor, and in <math.h>."""
BINARY = {"minimum": "fmin", "maximum": "fmax", "arctan2": "atan2", "atan2": "atan2"}
"""Functions of two values, likewise."""
COMPARISONS = {"less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">="}
"""Comparisons, 1 where they hold and 0 elsewhere."""
ZERO = "0.0"
"""Name of a traced value that is zero wherever the point lies."""


class NoFormulaError(AttributeError):
    """An operation that has no formula in C; an AttributeError, because code that asks whether it exists expects one."""


class Formula:
    """The statements that a traced evaluation writes."""

    def __init__(self) -> None:
        """Begin without statements."""
        self.statements: list[str] = []

    def assign(self, expression: str) -> Traced:
        """Write a statement, and return its value."""
        name = f"v{len(self.statements)}"
        self.statements.append(f"const double {name} = {expression};")
        return Traced(self, name)

    def needed(self, results: Iterable[str]) -> tuple[str, ...]:
        """Return the statements that some statements need, in order, and those behind them."""
        kept = list(results)
        names = set(re.findall(r"\bv\d+\b", " ".join(kept)))
        for k in reversed(range(len(self.statements))):
            if f"v{k}" in names:
                kept.insert(0, self.statements[k])
                names.update(re.findall(r"\bv\d+\b", self.statements[k]))
        return tuple(kept)


class TracedPoints:
    """Points whose columns are coordinates in C: `points[:, 0]` is `point[0]`."""

    def __init__(self, formula: Formula) -> None:
        """Trace into a formula."""
        self.formula = formula

    def __getitem__(self, place: tuple[slice, int]) -> Traced:
        return Traced(self.formula, f"point[{place[1]}]")


class Traced:
    """A value that writes down what is done with it; it offers the operators and methods of a tensor that fields use."""

    dtype = None

    def __init__(self, formula: Formula, name: str) -> None:
        """Stand for a variable of a formula."""
        self.formula, self.name = formula, name

    def __getattr__(self, kind: str) -> Any:
        if kind in UNARY:
            return lambda: self.formula.assign(f"{UNARY[kind]}({self.name})")
        if kind in BINARY:
            return lambda other: self.formula.assign(f"{BINARY[kind]}({self.name}, {_operand(other)})")
        if kind in COMPARISONS:
            sign = COMPARISONS[kind]
            return lambda other: self.formula.assign(f"({self.name} {sign} {_operand(other)}) ? 1.0 : 0.0")
        raise NoFormulaError(f"the operation {kind!r}")

    def new_tensor(self, value: float) -> Traced:
        """Return a number as a value."""
        return Traced(self.formula, _operand(value))

    def to(self, dtype: object) -> Traced:
        """Return the value: there is one type."""
        return self

    def sign(self) -> Traced:
        """Return -1, 0 or 1."""
        return self.formula.assign(f"({self.name} > 0.0) ? 1.0 : (({self.name} < 0.0) ? -1.0 : 0.0)")

    def where(self, condition: Traced, other: Any) -> Traced:
        """Return the value where the condition is not zero, else the other."""
        return self.formula.assign(f"(fabs({condition.name}) > 0.0) ? {self.name} : {_operand(other)}")

    def clamp(self, min: float) -> Traced:
        """Return the value or the number, whichever is larger."""
        return self.formula.assign(f"fmax({self.name}, {_operand(min)})")

    def __ne__(self, other: object) -> Any:  # the condition of a `where`
        if other != 0:
            raise NoFormulaError("a comparison with !=")
        return self

    __hash__ = object.__hash__

    def __add__(self, other: Any) -> Traced:
        return self._join("+", other)

    def __radd__(self, other: Any) -> Traced:
        return self._joined("+", other)

    def __sub__(self, other: Any) -> Traced:
        return self._join("-", other)

    def __rsub__(self, other: Any) -> Traced:
        return self._joined("-", other)

    def __mul__(self, other: Any) -> Traced:
        return self._join("*", other)

    def __rmul__(self, other: Any) -> Traced:
        return self._joined("*", other)

    def __truediv__(self, other: Any) -> Traced:
        return self._join("/", other)

    def __rtruediv__(self, other: Any) -> Traced:
        return self._joined("/", other)

    def __pow__(self, other: Any) -> Traced:
        if other == 1:
            return self
        if isinstance(other, (int, float)) and other in (2, 0.5):  # as numpy computes them
            return self.formula.assign(f"{self.name} * {self.name}" if other == 2 else f"sqrt({self.name})")
        return self.formula.assign(f"pow({self.name}, {_operand(other)})")

    def __rpow__(self, other: Any) -> Traced:
        return self.formula.assign(f"pow({_operand(other)}, {self.name})")

    def __neg__(self) -> Traced:
        return self.formula.assign(f"-{self.name}")

    def __abs__(self) -> Traced:
        return self.formula.assign(f"fabs({self.name})")

    def _join(self, sign: str, other: Any) -> Traced:
        """Write this value, a sign and another; what a zero leaves unchanged, or makes zero, is not written."""
        name = _operand(other)
        if sign == "*" and ZERO in (self.name, name):
            return Traced(self.formula, ZERO)
        if sign in "+-" and name == ZERO:
            return self
        if sign == "+" and self.name == ZERO:
            return Traced(self.formula, name)
        return self.formula.assign(f"{self.name} {sign} {name}")

    def _joined(self, sign: str, other: Any) -> Traced:
        """Write another value, a sign and this one."""
        return Traced(self.formula, _operand(other))._join(sign, self)


def real_number(value: float) -> str:
    """Write a finite float with all its digits, in brackets where it is negative; zeros have no sign."""
    text = repr(float(value) + 0.0)
    return f"({text})" if value < 0 else text


def _operand(value: Any) -> str:
    if isinstance(value, Traced):
        return value.name
    if isinstance(value, (int, float)) and math.isfinite(value):
        return real_number(float(value))
    raise NoFormulaError(f"an operand of type {type(value).__name__}")
