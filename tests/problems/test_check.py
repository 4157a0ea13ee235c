"""What a user's problem gives is tried before anything is trained on it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.problems import find_problem, list_problems
from neuropinn_lava.problems.check import check_problem
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.residuals import evaluation_points

POISSON = find_problem("poisson")
POINTS = evaluation_points(POISSON, 50, 3)


def referring(evaluate: Any) -> PdeProblem:
    return dataclasses.replace(POISSON, reference=dataclasses.replace(POISSON.reference, evaluate=evaluate))


@pytest.mark.parametrize("name", list_problems())
def test_the_packages_own_problems_pass(name: str) -> None:
    problem = find_problem(name)
    points = evaluation_points(problem, 20, 1)
    check_problem(problem, points)
    broken = dataclasses.replace(problem, source=lambda x: np.full(len(x), np.nan))
    with pytest.raises(SpecError, match=rf"PdeProblem '{name}'\.source: finite at every point; got nan at point 0"):
        check_problem(broken, points)


def half_known(points: np.ndarray) -> np.ndarray:
    return np.where(points[:, :1] > 0.5, np.nan, 1.0)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (
            referring(half_known),
            r"reference: finite at every point; got \[nan\] at point \d+, .* such points of 50. Let it",
        ),
        (referring(lambda x: np.ones(len(x))), r"reference: values of the shape \(50, 1\) for 50 points; got \(50,\)"),
        (
            dataclasses.replace(POISSON, source=lambda x: np.ones((len(x), 1))),
            r"source: values of the shape \(50,\) for 50 points; got \(50, 1\). Let it give one number",
        ),
        (
            dataclasses.replace(POISSON, source=lambda x: np.full(len(x), np.inf)),
            r"source: finite at every point; got inf at point 0, .* 50 such points of 50",
        ),
        (
            dataclasses.replace(POISSON, residual=lambda f: (f.u_xy,)),
            r"residual: only what the problem declares; got no derivative field 'u_xy'.* Add it to `derivatives`",
        ),
        (
            dataclasses.replace(POISSON, residual=lambda f: f.u_xx),
            r"residual: a tuple of residuals, each of the shape \(50,\); got ndarray. Write \(equation,\)",
        ),
        (
            dataclasses.replace(POISSON, residual=lambda f: (f.u_xx[:, None] - f.source,)),
            r"residual: a tuple of residuals, each of the shape \(50,\); got \[\(50, 50\)\]",
        ),
    ],
)
def test_what_does_not_fit_is_told(problem: PdeProblem, message: str) -> None:
    with pytest.raises(SpecError, match=rf"PdeProblem 'poisson'.{message}"):
        check_problem(problem, POINTS)


def test_all_of_it_is_told_at_once() -> None:
    broken = dataclasses.replace(referring(lambda x: np.ones(3)), source=lambda x: np.ones(3), residual=lambda f: 1.0)
    with pytest.raises(SpecError) as caught:
        check_problem(broken, POINTS)
    assert len(caught.value.violations) == 3


def test_a_scale_of_zero_is_refused() -> None:
    with pytest.raises(SpecError, match=r"PdeProblem 'poisson'.residual_scale: every entry lies in"):
        dataclasses.replace(POISSON, residual_scale=0.0)
