"""A problem tried out before anything is trained on it: what a user wrote is called once, and told where it does not fit.

Arrays of other shapes broadcast silently and a reference with holes makes an error of NaN, hours later. This module knows the
record of a problem; it does not know torch, clouds or operators.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..base.arrays import FloatArray
from ..base.checks import raise_violations
from ..base.errors import Violation
from .problem import DerivativeFields, PdeProblem


def check_problem(problem: PdeProblem, points: FloatArray) -> None:
    """Call a problem's functions at points of its domain and check what they give.

    Args:
        problem: What is to be trained on.
        points: Inside the domain, shape (n, n_in), n at least 2.

    Raises:
        SpecError: If source, reference, conditions' fields or residual give the wrong shape or numbers that are not finite;
            all of it is listed.
    """
    raise_violations(_violations(problem, points))


def _violations(problem: PdeProblem, points: FloatArray) -> Iterator[Violation]:
    where, n = f"PdeProblem {problem.name!r}", len(points)
    source = np.asarray(problem.source(points))
    yield from _value_violations(f"{where}.source", points, source, (n,), "Let it give one number for each point.")
    reference = np.asarray(problem.reference.evaluate(points))
    mend = "Let it cover the whole domain, with one column for each unknown."
    yield from _value_violations(f"{where}.reference", points, reference, (n, problem.n_out), mend)
    for name, values in zip(("offset", "factor"), problem.ansatz.evaluate(points), strict=True):
        mend = "Use fields that are finite inside the domain."
        yield from _value_violations(f"{where}.ansatz.{name}", points, values, (n, problem.n_out), mend)
    yield from _residual_violations(problem, n)


def _value_violations(
    where: str, points: FloatArray, values: FloatArray, shape: tuple[int, ...], mend: str
) -> Iterator[Violation]:
    if values.shape != shape:
        yield Violation(where, f"values of the shape {shape} for {shape[0]} points", values.shape, mend)
        return
    bad = np.flatnonzero(~np.isfinite(values.reshape(len(points), -1)).all(axis=1))
    if bad.size:
        got = f"{values[bad[0]]} at point {bad[0]}, {points[bad[0]]}, and {bad.size} such points of {len(points)}"
        yield Violation(where, "finite at every point", got, mend)


def _residual_violations(problem: PdeProblem, n: int) -> Iterator[Violation]:
    """The equation is tried on derivatives that are all one."""
    where, ones = f"PdeProblem {problem.name!r}.residual", np.ones(n)
    names = (*problem.unknowns, *problem.derivatives, "source")
    try:
        residuals: object = problem.residual(DerivativeFields(**dict.fromkeys(names, ones), viscosity=0.0))
    except AttributeError as error:
        yield Violation(where, "only what the problem declares", error, "Add it to `derivatives`, or mend the name.")
        return
    shapes = [np.shape(r) for r in residuals] if isinstance(residuals, tuple) else type(residuals).__name__
    if not isinstance(residuals, tuple) or any(shape != (n,) for shape in shapes):
        mend = "Write (equation,), and use fields as they are, one number for each point."
        yield Violation(where, f"a tuple of residuals, each of the shape ({n},)", shapes, mend)
