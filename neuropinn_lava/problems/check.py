"""Checks of a problem before a training: each function that a user wrote is called once, and its result is checked.

Arrays of other shapes broadcast silently and a reference with holes makes an error of NaN, hours later.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..base.arrays import FloatArray
from ..base.checks import raise_violations
from ..base.errors import Violation
from .problem import PdeProblem


def check_problem(problem: PdeProblem, points: FloatArray) -> None:
    """Call a problem's functions at points of its domain and check what they return.

    Args:
        problem: The problem to train on.
        points: Points inside the domain, shape (n, n_in), n at least 2.

    Raises:
        SpecError: If a field, the reference, the ansatz or an equation gives the wrong shape or numbers that are not finite;
            all of it is listed.
    """
    raise_violations(_violations(problem, points))


def _violations(problem: PdeProblem, points: FloatArray) -> Iterator[Violation]:
    where, n = f"PdeProblem {problem.name!r}", len(points)
    fields = {each: np.asarray(function(points)) for each, function in problem.fields.items()}
    for each, values in fields.items():
        repair = "Let it return one number for each point."
        yield from _value_violations(f"{where}.fields[{each!r}]", points, values, (n,), repair)
    if problem.reference is not None:
        reference = np.asarray(problem.reference.evaluate(points))
        repair = "Let it cover the whole domain, with one column for each unknown."
        yield from _value_violations(f"{where}.reference", points, reference, (n, problem.n_out), repair)
    for each, values in zip(("offset", "factor"), problem.ansatz.evaluate(points), strict=True):
        repair = "Use fields that are finite inside the domain."
        yield from _value_violations(f"{where}.ansatz.{each}", points, values, (n, problem.n_out), repair)
    if all(values.shape == (n,) for values in fields.values()):
        yield from _residual_violations(problem, points, fields)


def _value_violations(
    where: str, points: FloatArray, values: FloatArray, shape: tuple[int, ...], repair: str
) -> Iterator[Violation]:
    if values.shape != shape:
        yield Violation(where, f"return values of the shape {shape} for {shape[0]} points", values.shape, repair)
        return
    bad = np.flatnonzero(~np.isfinite(values.reshape(len(points), -1)).all(axis=1))
    if bad.size:
        got = f"{values[bad[0]]} at point {bad[0]}, {points[bad[0]]}, and {bad.size} such points of {len(points)}"
        yield Violation(where, "be finite at every point", got, repair)


def _residual_violations(problem: PdeProblem, points: FloatArray, fields: dict[str, FloatArray]) -> Iterator[Violation]:
    """The equations are tried on unknowns and derivatives that are all one."""
    ones = dict.fromkeys((*problem.unknowns, *problem.derivatives), np.ones(len(points)))
    given = {**fields, **ones, **dict(zip(problem.coordinates, points.T, strict=True)), **problem.rest_values()}
    for index, row in enumerate(problem.residuals):
        values = np.broadcast_to(row.evaluate(given), len(points))
        repair = "Look for divisions by zero, and roots and logarithms of negative numbers."
        yield from _value_violations(
            f"PdeProblem {problem.name!r}.equations[{index}]", points, values, (len(points),), repair
        )
