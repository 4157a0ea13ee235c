"""The kinds of derivative operators on a cloud of points."""

from __future__ import annotations

from enum import Enum


class OperatorKind(str, Enum):
    """Kind of the derivative operators on a cloud of points."""

    NESTED_SP = "nested-sp"
    """Stochastic projection as published: first derivatives by SP, second ones by SP of those."""
    QUADRATIC = "quadratic"
    """Local least-squares fit of a polynomial of degree 2 through the centre."""
    QUARTIC = "quartic"
    """Local least-squares fit of a polynomial of degree 4 through the centre."""
