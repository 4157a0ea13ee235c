"""Unknown coefficients of equations: declared with data, in the rows' slopes, and found by a training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.coefficients import Coefficient
from neuropinn_lava.problems.conditions import Data, Dirichlet, Equation, Smooth
from neuropinn_lava.problems.discretization import discretize
from neuropinn_lava.problems.error_estimate import estimate_error, newton_correction
from neuropinn_lava.problems.problem import PdeProblem

SQUARE = Box(lower=[0, 0], upper=[1, 1])
LINE = np.stack([np.linspace(0.1, 0.9, 9), np.full(9, 0.5)], axis=1)
DIFFERENCE = 1e-7
"""Relative: central differences of step 1e-5 of rows that are quadratic in the coefficients."""


def exact(points: np.ndarray) -> np.ndarray:
    return np.sin(np.pi * points).prod(axis=1)


def inverse(**changes: Any) -> PdeProblem:
    """-k lap u + c u = (2 k0 pi^2 + c0) u with k0 = 0.5 and c0 = -2, from data of u = sin(pi x) sin(pi y) on a line."""

    def equations(f: Any) -> Any:
        u = np.sin(np.pi * f.x) * np.sin(np.pi * f.y)
        return -f.k * (f.u_xx + f.u_yy) + f.c * f.u - (2 * 0.5 * np.pi**2 - 2) * u

    held = {
        "domain": SQUARE,
        "equations": equations,
        "coefficients": {"k": Coefficient(0.1), "c": Coefficient(-1.0, positive=False)},
        "conditions": [Dirichlet(0.0), Data(LINE, exact(LINE))],
    }
    return PdeProblem(**{**held, **changes})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Coefficient(0.0), r"Coefficient.start must be above zero where it is positive; got 0.0"),
        (lambda: Coefficient(float("nan")), r"Coefficient.start must .*finite"),
        (lambda: inverse(conditions=[Dirichlet(0.0)]), r"coefficients must be determined by data; got no Data"),
        (lambda: inverse(coefficients={"u": Coefficient(1.0)}), "names must differ|name in problem"),
        (lambda: inverse(coefficients={"k": Coefficient(1.0)}), r"name in problem .*got 'c'"),
    ],
)
def test_what_cannot_be_found_is_refused(build: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build()


def test_values_at_the_start_and_fixed_ones() -> None:
    problem = inverse()
    assert problem.rest_values(0.3) == {"viscosity": 0.3, "k": 0.1, "c": -1.0}
    fixed = problem.at(k=0.5, c=-2.0)
    assert fixed.coefficients == {}
    assert "k" not in fixed.residuals[0].names()
    with pytest.raises(SpecError, match="get a value for every parameter; got none for c"):
        problem.at(k=0.5)


def test_slopes_by_the_coefficients_are_central_differences() -> None:
    """Of all blocks, with a coefficient in a condition as well and one squared."""
    problem = inverse(
        equations=lambda f: f.k**2 * f.u_xx + f.u_yy - f.c * f.u,
        conditions=[
            Dirichlet(0.0, on=("x_lower", "y_lower", "y_upper")),
            Equation(lambda f: f.u_n - f.c * f.u, on="x_upper"),
            Data(LINE, exact(LINE)),
        ],
    )
    held = discretize(problem, SQUARE.cloud((5, 5)), OperatorKind.QUADRATIC, 9)
    u = np.random.default_rng(1).normal(size=(held.n_points, 1))
    constants, h = problem.rest_values(), 1e-5
    slopes = held.coefficient_slopes(u, constants)
    assert slopes.shape == (sum(block.n_rows for block in held.blocks), 2)
    for column, each in enumerate(("k", "c")):
        high, low = (
            np.concatenate([rows.ravel() for rows in held.evaluate(u, {**constants, each: constants[each] + sign * h})])
            for sign in (1.0, -1.0)
        )
        difference = (high - low) / (2 * h)
        assert np.abs(slopes[:, column] - difference).max() <= DIFFERENCE * max(1.0, np.abs(difference).max())
    assert not slopes[-9:].any()  # data hold no coefficient


def field_inverse(**changes: Any) -> PdeProblem:
    """lap u + q u = 0 for a field q, from data of u = sin(pi x) sin(pi y)."""
    held = {
        "domain": SQUARE,
        "unknowns": "u q",
        "equations": lambda f: f.u_xx + f.u_yy + f.q * f.u,
        "conditions": [Dirichlet(0.0, unknown="u"), Data(LINE, exact(LINE), unknown="u"), Smooth("q", along="xy")],
    }
    return PdeProblem(**{**held, **changes})


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (
            lambda data, smooth: [data],
            r"equations must return one equation or more for each unknown; got 1 for 2 unknowns",
        ),
        (lambda data, smooth: [smooth], r"coefficients must be determined by data; got no Data"),
        (lambda data, smooth: [data, Smooth("k", along="x")], r"Smooth.unknown must .*got 'k'"),
        (lambda data, smooth: [data, Smooth("q", along="z")], r"name in problem .*got 'q_z'"),
    ],
)
def test_a_field_without_what_it_needs_is_refused(kept: Any, message: str) -> None:
    walls, *others = field_inverse().conditions
    with pytest.raises(SpecError, match=message):
        field_inverse(conditions=[walls, *kept(*others)])


def test_smooth_rows_are_the_gradient_at_every_point() -> None:
    """q = x^2 - 3 y has the gradient (2 x, -3); quadratic fits have no error."""
    held = discretize(field_inverse(), SQUARE.cloud((5, 5)), OperatorKind.QUADRATIC, 9)
    x, y = held.points.T
    u = np.stack([exact(held.points), x**2 - 3 * y], axis=1)
    *_, rows = held.evaluate(u, held.problem.rest_values())
    n = held.cloud.n_points
    np.testing.assert_allclose(rows, np.stack([2 * x[:n], np.full(n, -3.0)]), atol=1e-9)


def test_the_estimate_takes_a_field_as_right() -> None:
    """The error of u is estimated for the q that is given, and q has none; a Newton correction leaves q as it is."""
    problem = find_problem("conductivity-inverse")
    held = discretize(problem, problem.domain.cloud((15, 15)), OperatorKind.QUARTIC, 28)
    truth = problem.exact(held.points)
    off = truth * [1.1, 1.0]
    assert not newton_correction(held, off)[:, 1].any()
    found = estimate_error(held, off)
    assert found.by_unknown[0] == pytest.approx(0.1, rel=0.02)
    assert np.isnan(found.by_unknown[1])
    assert found.relative_l2 == pytest.approx(found.by_unknown[0], rel=1e-14)  # two orders of one sum
