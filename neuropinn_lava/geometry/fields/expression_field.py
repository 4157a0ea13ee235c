"""A scalar field of the coordinates that is given as an expression: `ExpressionField.of(lambda p: p.x * (1 - p.x), "xt")`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...base.arrays import Record
from ...base.checks import check_choice, raise_violations
from ...base.errors import Violation
from ...base.expression_sources import Names, parse_expression
from ...base.expressions import Expression, as_expression, name


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionField(Record):
    """f(x) as text, which files hold: `ExpressionField(text="x * (1 - x)", coordinates="x t")`."""

    text: str
    """The expression, in the names of the coordinates."""
    coordinates: str
    """Names of the coordinates in the order of a point's columns, separated by blanks."""

    def __post_init__(self) -> None:
        names = self.coordinates.split()
        if len(set(names)) != len(names) or not names:
            repair = "Name each column once."
            raise_violations([Violation("ExpressionField.coordinates", "be different names", self.coordinates, repair)])
        parse_expression(self.text, names)

    @classmethod
    def of(cls, value: float | Callable[[Names], Any], coordinates: Sequence[str]) -> ExpressionField:
        """Build the field of a number, or of a function of named coordinates.

        Args:
            value: A number, or a function as `lambda p: p.x * (1 - p.x)`.
            coordinates: Names of the columns of a point.
        """
        built = value(named_coordinates("field", coordinates)) if callable(value) else value
        return cls(text=as_expression(built).text(), coordinates=" ".join(coordinates))

    @property
    def n_dim(self) -> int:
        """Number of coordinates of a point."""
        return len(self.coordinates.split())

    @property
    def expression(self) -> Expression:
        """The expression in the names of the coordinates."""
        return _parsed(self.text, self.coordinates)

    def evaluate(self, points: Any) -> Any:
        """Return f at points of shape (n_samples, n_dim) as (n_samples,), numpy or torch."""
        values = {letter: points[:, axis] for axis, letter in enumerate(self.coordinates.split())}
        return self.expression.evaluate(values) + 0.0 * points[:, 0]


def named_coordinates(where: str, coordinates: Sequence[str]) -> Names:
    """Return an object whose attributes are the coordinates, as expressions."""

    def resolve(text: str) -> Expression:
        raise_violations(check_choice(f"{where}: coordinate", text, coordinates))
        return name(text)

    return Names(resolve)


@functools.lru_cache(maxsize=256)
def _parsed(text: str, coordinates: str) -> Expression:
    return parse_expression(text, coordinates.split())
