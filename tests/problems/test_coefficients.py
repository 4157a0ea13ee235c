"""Unknown coefficients of equations: declared with data, in the rows' slopes, and found by a training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.problems.coefficients import Coefficient
from neuropinn_lava.problems.conditions import Data, Dirichlet, Equation
from neuropinn_lava.problems.discretization import discretize
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
