"""Conditions built into the output: u = g + d * net satisfies them for every output of the network.

On a box, d is the product of the relative distances from the faces with prescribed values, and g continues their data inside:
axis after axis, what is still missing on a face is added, faded out towards the opposite face. On other domains d is the field
of the whole boundary, and g the one expression that is prescribed there.

    d(x) = prod_j d_j(x_j)     d_j = 4 (x - L)(U - x) / (U - L)^2     both faces of axis j
                               d_j = (x - L) / (U - L)                the lower one alone
                               d_j = 1                                none

A time derivative at the start stays rows of the residual. With d = t^2 the network would have to be
(u - u_0 - t u_1) / t^2, whose size at the start is u_tt / 2: a wave of four periods trained to 45 % with it and to 1 % without.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..base.errors import SpecError
from ..base.expressions import Expression, as_expression, name
from ..geometry.curved_domain import CurvedDomain
from ..geometry.domain import Box, End, Face
from ..geometry.fields.expression_field import ExpressionField
from ..geometry.fields.scalar_fields import Polynomial
from ..geometry.ring_domain import RingDomain
from ..network.transforms import Ansatz, Field, Link
from .conditions import Condition, Dirichlet
from .coverage import N_PROBES, covered, values_at

if TYPE_CHECKING:
    from .problem import PdeProblem

CLOSENESS = 1e-9
"""Largest difference of an ansatz from the data that it builds in, relative to their size: rounding of sums is far below."""


def build_in(problem: PdeProblem) -> tuple[tuple[Condition, ...], Ansatz]:
    """Build the ansatz of a problem from its conditions, or check the one that was given.

    Returns:
        The conditions that are left to be rows of the residual, and the ansatz.

    Raises:
        SpecError: If a condition with `hard=True` cannot be built in.
    """
    wanted = [each for each in problem.conditions if isinstance(each, Dirichlet) and each.hard is not False]
    ansatz = problem.own_ansatz or _built_ansatz(problem, wanted)
    held = [each for each in wanted if _holds(problem, each, ansatz)]
    while problem.own_ansatz is None and len(held) < len(wanted):  # faces of data that jump in a corner are left free
        wanted = held
        ansatz = _built_ansatz(problem, wanted)
        held = [each for each in wanted if _holds(problem, each, ansatz)]
    f = problem.names(on_boundary=True)
    soft = [each for each in problem.conditions if each not in held and each.rows(f, problem.unknowns)]
    for each in soft:
        if isinstance(each, Dirichlet) and each.hard:
            where, rule = f"{each.label} of problem {problem.name!r}", "be data that the domain can build in"
            repair = "Leave `hard` out, so that it becomes rows of the residual."
            raise SpecError(where, rule, "hard=True", repair)
    return tuple(soft), ansatz


def identity_ansatz(n_dim: int, n_out: int) -> Ansatz:
    """Build the ansatz u = net, which builds no condition in."""
    zero, one = Polynomial.constant(0.0, n_dim), Polynomial.constant(1.0, n_dim)
    return Ansatz(offset=(zero,) * n_out, factor=(one,) * n_out)


def vanishing_ansatz(factor: Field, link: Link = Link.IDENTITY) -> Ansatz:
    """Build the ansatz u = d * link(net) of one unknown that is zero where d is."""
    return Ansatz(offset=(Polynomial.constant(0.0, factor.n_dim),), factor=(factor,), link=link)


def vanishing_polynomial(box: Box) -> Polynomial:
    """Build the polynomial that vanishes on the closed faces of a box and nowhere inside; its largest value is 1."""
    product = Polynomial.constant(1.0, box.n_dim)
    for axis in range(box.n_dim):
        closed = [face for face in box.closed_faces if face.axis == axis]
        peak = 4.0 if len(closed) == 2 else 1.0
        product = product.times(Polynomial.constant(peak, box.n_dim))
        for face in closed:
            product = product.times(box.relative_distance(face))
    return product


def _holds(problem: PdeProblem, condition: Condition, ansatz: Ansatz) -> bool:
    """Return whether outputs of one and of minus one both satisfy a condition at points of the boundary."""
    points = np.empty((0, problem.n_in))
    if problem.domain.tags:
        points = problem.domain.sample_boundary(N_PROBES, np.random.default_rng(1))
    points = points[covered(problem, condition, points)]
    if not len(points):
        return False
    names = problem.names(on_boundary=True)
    rows = condition.rows(names, problem.unknowns)
    if any(problem.derivatives_in([row]) for row in rows):
        return False
    given = values_at(problem, points)
    for output in (1.0, -1.0):
        u = ansatz.apply(points, np.full((len(points), problem.n_out), output))
        values = {**given, **dict(zip(problem.unknowns, u.T, strict=True))}
        size = max(1.0, float(np.abs(u).max()))
        if any(np.abs(row.evaluate(values)).max() > CLOSENESS * size for row in rows):
            return False
    return True


def _built_ansatz(problem: PdeProblem, conditions: Sequence[Dirichlet]) -> Ansatz:
    pairs = [_built_fields(problem, conditions, unknown) for unknown in problem.unknowns]
    return Ansatz(offset=tuple(g for g, _ in pairs), factor=tuple(d for _, d in pairs))


def _built_fields(problem: PdeProblem, conditions: Sequence[Dirichlet], unknown: str) -> tuple[Field, Field]:
    """Return g and d of one unknown."""
    data = _hard_data(problem, conditions, unknown)
    plain = identity_ansatz(problem.n_in, 1)
    nothing = (plain.offset[0], plain.factor[0])
    if not data:
        return nothing
    if isinstance(problem.region, Box):
        return _box_fields(problem, problem.region, unknown, data)
    domain, values = problem.domain, {value.text() for value in data.values()}
    if not isinstance(domain, (RingDomain, CurvedDomain)) or len(values) > 1 or not domain.is_whole_boundary(data):
        return nothing
    whole = domain.vanishing_field()  # None where the region knows of none
    return (
        (ExpressionField(text=values.pop(), coordinates=" ".join(problem.coordinates)), whole)
        if whole is not None
        else nothing
    )


def _hard_data(problem: PdeProblem, conditions: Sequence[Dirichlet], unknown: str) -> dict[str, Expression]:
    """Return the values prescribed for one unknown by part of the boundary that depend on the coordinates alone."""
    f, data = problem.names(on_boundary=True), {}
    for condition in conditions:
        value = condition.prescribed(f, problem.unknowns).get(unknown)
        if value is not None and value.names() <= set(problem.coordinates):
            data.update(dict.fromkeys(condition.parts(problem.domain.tags), value))
    return data


def _box_fields(problem: PdeProblem, box: Box, unknown: str, data: dict[str, Expression]) -> tuple[Field, Field]:
    """Return g and d of one unknown on a box."""
    letters = problem.coordinates
    faces = {tag: box.closed_faces[box.tags.index(tag)] for tag in data}
    g, d = as_expression(0.0), as_expression(1.0)
    for axis in reversed(range(box.n_dim)):
        here = [(face, data[tag]) for tag, face in faces.items() if face.axis == axis]
        for face, value in here:
            ahead = _relative(box, letters, face)
            missing = value - g.replaced({letters[axis]: box.face_coordinate(face)})
            g = g + (missing if len(here) == 1 else missing * (1.0 - ahead))
            d = d * ahead
        d = d * 4.0 if len(here) == 2 else d
    if len({value.text() for value in data.values()}) == 1:
        g = next(iter(data.values()))
    field_names = " ".join(letters)
    return ExpressionField(text=g.text(), coordinates=field_names), ExpressionField(
        text=d.text(), coordinates=field_names
    )


def _relative(box: Box, letters: tuple[str, ...], face: Face) -> Expression:
    """Return the distance from a face in units of the box, 0 on it and 1 on the opposite one."""
    away = name(letters[face.axis]) - box.face_coordinate(face)
    return (away if face.end is End.LOWER else -away) / float(box.span[face.axis])
