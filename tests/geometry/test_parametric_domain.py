"""Domains of points and parameters: their columns, draws and clouds, and what problems do with them."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.geometry.parametric_domain import ParametricDomain, Range
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.problems.conditions import Dirichlet, Initial
from neuropinn_lava.problems.discretization import discretize
from neuropinn_lava.problems.problem import PdeProblem

BOX = Box.space_time([0.0, 0.0], [1.0, 2.0])
DOMAIN = ParametricDomain(BOX, (Range(0.01, 1.0, logarithmic=True), Range(-1.0, 3.0)))
EXACT = 1e-9
"""Relative: least squares reproduce quadratics to rounding, divided by the spacing squared."""


def test_columns_follow_those_of_the_region() -> None:
    np.testing.assert_allclose(DOMAIN.lower, [0.0, 0.0, math.log(0.01), -1.0])
    np.testing.assert_allclose(DOMAIN.upper, [1.0, 2.0, 0.0, 3.0])
    assert (DOMAIN.tags, DOMAIN.has_time) == (("x_lower", "x_upper", "start"), True)
    points = DOMAIN.sample(500, np.random.default_rng(1))
    assert points.shape == (500, 4)
    assert DOMAIN.contains(points).all()
    assert not DOMAIN.contains(points + np.array([0, 0, 0, 5.0])).any()
    assert not DOMAIN.contains(points + np.array([2.0, 0, 0, 0])).any()
    walls = DOMAIN.sample_boundary(90, np.random.default_rng(2))
    assert sum(DOMAIN.on(tag, walls) for tag in DOMAIN.tags).min() >= 1
    left = walls[DOMAIN.on("x_lower", walls)]
    assert DOMAIN.normals(left).tolist() == [[-1.0, 0.0, 0.0, 0.0]] * len(left)


def test_draws_fill_each_range_evenly() -> None:
    """One value in each of eight equal parts of every range, in the logarithm where it is logarithmic."""
    draws = DOMAIN.draw(8, np.random.default_rng(0))
    for column, low, high in ((draws[:, 0], math.log(0.01), 0.0), (draws[:, 1], -1.0, 3.0)):
        assert sorted(((column - low) / (high - low) * 8).astype(int)) == list(range(8))


def test_a_cloud_is_the_region_s_once_for_each_draw() -> None:
    cloud, region = DOMAIN.cloud((4, 5, 3)), BOX.cloud((4, 5))
    assert (cloud.n_points, cloud.n_inside) == (3 * region.n_points, 3 * region.n_inside)
    for n_slice, draw in enumerate(cloud.draws):
        rows = cloud.rows_of(np.arange(region.n_points), n_slice)
        np.testing.assert_array_equal(cloud.points[rows, :2], region.points)
        np.testing.assert_array_equal(cloud.points[rows, 2:], np.tile(draw, (region.n_points, 1)))
        assert (rows[: region.n_inside] < cloud.n_inside).all()
    np.testing.assert_array_equal(cloud.points, DOMAIN.cloud((4, 5, 3)).points)
    other = DOMAIN.redrawn(cloud, np.random.default_rng(9))
    assert (other.draws != cloud.draws).all()
    np.testing.assert_array_equal(other.points[:, :2], cloud.points[:, :2])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Range(1.0, 1.0), "Range.high must lie above low"),
        (lambda: Range(0.0, 1.0, logarithmic=True), "both above zero where the range is logarithmic"),
        (lambda: Range(0.0, math.inf), "Range.high must .*finite"),
        (lambda: DOMAIN.cloud((4, 5, 0)), "end with a number of draws"),
        (lambda: family().at(), "get a value for every parameter; got none for nu, s"),
        (lambda: family().at(nu=0.1, s=9.0), r"at: s must lie in"),
        (lambda: family().at(nu=0.1, s=1.0, z=1.0), "at must .*got 'z'"),
        (lambda: family(equations=lambda f: f.u_nu), "name in problem"),
    ],
)
def test_what_is_no_family_is_refused(build: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build()


def family(**changes: Any) -> PdeProblem:
    """u_t = nu u_xx + s for every nu and s."""
    held = {
        "domain": BOX,
        "equations": lambda f: f.u_t - f.nu * f.u_xx - f.s,
        "parameters": {"nu": Range(0.01, 1.0, logarithmic=True), "s": Range(-1.0, 3.0)},
        "conditions": [Initial(lambda p: p.s * p.x * (1 - p.x)), Dirichlet(0.0, on=("x_lower", "x_upper"))],
    }
    return PdeProblem(**{**held, **changes})


def test_a_family_has_columns_for_its_parameters() -> None:
    problem = family()
    assert problem.coordinates == ("x", "t", "log_nu", "s")
    assert (problem.n_in, problem.axes, problem.space) == (4, ("x", "t"), ("x",))
    assert problem.derivatives == ("u_t", "u_xx")
    assert problem.soft_conditions == ()
    points = problem.domain.sample_boundary(300, np.random.default_rng(1))
    start = points[problem.domain.on("start", points)]
    u = problem.ansatz.apply(start, np.random.default_rng(2).normal(size=(len(start), 1)))
    np.testing.assert_allclose(u[:, 0], start[:, 3] * start[:, 0] * (1 - start[:, 0]), atol=1e-12)


def test_rows_of_a_family_are_those_of_its_members() -> None:
    """u = x^2 + 3 t in every slice: residual 3 - 2 nu - s with the slice's own nu and s."""
    problem = family()
    held = discretize(problem, problem.domain.cloud((5, 6, 3)), OperatorKind.QUADRATIC, 9)
    x, t, log_nu, s = held.points.T
    (rows,) = held.evaluate((x**2 + 3 * t)[:, None], problem.rest_values())
    inside = slice(held.cloud.n_inside)
    np.testing.assert_allclose(rows[0], (3 - 2 * np.exp(log_nu) - s)[inside], atol=1e2 * EXACT)


def test_a_member_is_a_problem_without_parameters() -> None:
    shifted = family(fields={"k": lambda points: points[:, 3]}, equations=lambda f: f.u_t - f.nu * f.u_xx - f.k)
    member = shifted.at(nu=0.1, s=2.0)
    assert (member.coordinates, member.n_in, member.domain) == (("x", "t"), 2, BOX)
    assert member.residuals[0].text() == "u_t - 0.1 * u_xx - k"
    points = BOX.sample(20, np.random.default_rng(1))
    np.testing.assert_array_equal(member.fields["k"](points), 2.0)
    np.testing.assert_allclose(shifted.points_at(points, nu=0.1, s=2.0)[:, 2:], [[math.log(0.1), 2.0]] * 20)
    again = dataclasses.replace(family(), name="again")
    assert again.coordinates == family().coordinates
