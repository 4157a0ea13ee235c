"""Whether the conditions of a problem fit its boundary: every part covered, none twice with different data.

A loss says nothing about a wall without a condition: a network may then solve another problem to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..base.arrays import BoolArray, FloatArray
from ..base.checks import check_shape
from ..base.errors import Violation
from .conditions import START, Condition, Data, Dirichlet, Free, Mean, Periodic, Smooth

if TYPE_CHECKING:
    from .problem import PdeProblem

N_PROBES = 2000
"""Boundary points at which coverage and agreement are looked at."""
AGREEMENT = 1e-6
"""Largest difference of two prescribed values at one point, relative to their size; corners of data that jump are beyond it."""


def values_at(problem: PdeProblem, points: FloatArray) -> dict[str, FloatArray]:
    """Return the coordinates and the fields of a problem at points (n, n_in), by name, each (n,)."""
    values = dict(zip(problem.coordinates, points.T, strict=True))
    return {
        **values,
        **{each: np.asarray(function(points), dtype=np.float64) for each, function in problem.fields.items()},
    }


def covered(problem: PdeProblem, condition: Condition, points: FloatArray) -> BoolArray:
    """Return which of the points (n, n_in) a condition holds at, shape (n,)."""
    if callable(condition.on):
        mask = condition.on(problem.names())
        inside: BoolArray = np.broadcast_to(mask.evaluate(values_at(problem, points)) > 0.5, len(points))
        return inside
    found = np.zeros(len(points), dtype=np.bool_)
    for tag in condition.parts(problem.domain.tags):
        found |= problem.domain.on(tag, points)
    return found


def coverage_violations(problem: PdeProblem) -> Iterator[Violation]:
    """Yield what is wrong with the conditions of a problem on its boundary."""
    where = f"conditions of problem {problem.name!r}"
    for condition in problem.conditions:
        if isinstance(condition, Data):
            yield from _data_violations(problem, condition)
    if not problem.domain.tags:
        return
    points = problem.domain.sample_boundary(N_PROBES, np.random.default_rng(0))
    on_boundary = [each for each in problem.conditions if not isinstance(each, (Data, Mean, Periodic, Smooth))]
    places = {id(each): covered(problem, each, points) for each in on_boundary}
    yield from _gaps(problem, where, points, on_boundary, places)
    yield from _contradictions(problem, where, points, on_boundary, places)


def _gaps(
    problem: PdeProblem, where: str, points: FloatArray, conditions: list[Condition], places: dict[int, BoolArray]
) -> Iterator[Violation]:
    """Yield the parts on which an unknown with second derivatives in space, or with one in time, has too few conditions."""
    space = problem.space
    for unknown in problem.unknowns:
        orders = [each.partition("_")[2] for each in problem.derivatives if each.partition("_")[0] == unknown]
        of_space = max((sum(order.count(letter) for letter in space) for order in orders), default=0)
        of_time = max((order.count(problem.axes[-1]) for order in orders), default=0) if problem.domain.has_time else 0
        count = np.zeros(len(points), dtype=np.int64)
        for each in conditions:
            n_rows = of_time + 1 if isinstance(each, Free) else _n_rows(problem, each, unknown)
            count += places[id(each)] * n_rows
        for tag in problem.domain.tags:
            needed = of_time if tag == START else int(of_space >= 2)
            short = problem.domain.on(tag, points) & (count < needed)
            if short.any():
                got = f"{int(count[short][0])} of {needed} at {points[short][0]}, on {tag!r}"
                repair = f"Give a condition there, or Free(on={tag!r}) where none is meant."
                yield Violation(where, f"prescribe {unknown!r} on every part of the boundary", got, repair)


def _n_rows(problem: PdeProblem, condition: Condition, unknown: str) -> int:
    """Count the rows of a condition that contain an unknown or its derivatives."""
    rows = condition.rows(problem.names(on_boundary=True), problem.unknowns)
    return sum(any(each.partition("_")[0] == unknown for each in row.names()) for row in rows)


def _contradictions(
    problem: PdeProblem, where: str, points: FloatArray, conditions: list[Condition], places: dict[int, BoolArray]
) -> Iterator[Violation]:
    """Yield the pairs of prescribed values of one unknown that differ at one point."""
    f, given = problem.names(on_boundary=True), values_at(problem, points)
    dirichlet = [each for each in conditions if isinstance(each, Dirichlet)]
    known = [(each, each.prescribed(f, problem.unknowns)) for each in dirichlet]
    for index, (first, its_values) in enumerate(known):
        for second, other_values in known[index + 1 :]:
            both = places[id(first)] & places[id(second)]
            for unknown in (set(its_values) & set(other_values)) if both.any() else ():
                pair = [
                    np.broadcast_to(each[unknown].evaluate(given), len(points))[both]
                    for each in (its_values, other_values)
                ]
                size = max(float(np.abs(values).max()) for values in pair)
                apart = np.abs(pair[0] - pair[1])
                if apart.max() > AGREEMENT * size:
                    at = int(apart.argmax())
                    got = f"{pair[0][at]:.6g} by {first.label} and {pair[1][at]:.6g} by {second.label} at {points[both][at]}"
                    repair = "Let the two hold on different parts, or with the same value."
                    yield Violation(where, f"prescribe one value of {unknown!r} at each point", got, repair)


def _data_violations(problem: PdeProblem, condition: Data) -> Iterator[Violation]:
    where = f"Data of problem {problem.name!r}: points"
    found = list(check_shape(where, condition.points, (None, problem.n_in), "(n, n_in)"))
    yield from found
    if not found:
        outside = np.flatnonzero(~problem.domain.contains(condition.points))
        if outside.size:
            got = f"{condition.points[outside[0]]} in row {outside[0]}, and {outside.size} such points in all"
            yield Violation(where, "lie in the domain", got, "Leave out points outside.")
