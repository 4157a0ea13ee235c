"""What a user's problem gives is tried before anything is trained on it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.fields.expression_field import ExpressionField
from neuropinn_lava.network.transforms import Ansatz
from neuropinn_lava.problems import find_problem, list_problems
from neuropinn_lava.problems.check import check_problem
from neuropinn_lava.problems.conditions import Dirichlet
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.residuals import evaluation_points

POISSON = find_problem("poisson")
POINTS = evaluation_points(POISSON, 50, 3)


def referring(evaluate: Any) -> PdeProblem:
    return dataclasses.replace(POISSON, reference=dataclasses.replace(POISSON.reference, evaluate=evaluate))


def sourced(source: Any) -> PdeProblem:
    return dataclasses.replace(POISSON, fields={"f": source}, equations=lambda f: f.u_xx + f.u_yy - f.f)


@pytest.mark.parametrize("name", list_problems())
def test_the_packages_own_problems_pass(name: str) -> None:
    problem = find_problem(name)
    points = evaluation_points(problem, 20, 1)
    check_problem(problem, points)
    fields = {**problem.fields, "extra": lambda x: np.full(len(x), np.nan)}
    broken = dataclasses.replace(problem, fields=fields)
    with pytest.raises(
        SpecError, match=rf"PdeProblem '{name}'\.fields\['extra'\] must be finite at every point; got nan at point 0"
    ):
        check_problem(broken, points)


def half_known(points: np.ndarray) -> np.ndarray:
    return np.where(points[:, :1] > 0.5, np.nan, 1.0)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning", "ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (
            referring(half_known),
            r"reference must be finite at every point; got \[nan\] at point \d+, .* such points of 50. Let it",
        ),
        (
            referring(lambda x: np.ones(len(x))),
            r"reference must return values of the shape \(50, 1\) for 50 points; got \(50,\)",
        ),
        (
            sourced(lambda x: np.ones((len(x), 1))),
            r"fields\['f'\] must return values of the shape \(50,\) for 50 points; got \(50, 1\). Let it return one",
        ),
        (
            sourced(lambda x: np.full(len(x), np.inf)),
            r"fields\['f'\] must be finite at every point; got inf at point 0, .* 50 such points of 50",
        ),
        (
            dataclasses.replace(POISSON, equations=lambda f: f.u_xx / (f.x - f.x)),
            r"equations\[0\] must be finite at every point; got inf at point 0, .* Look for divisions by zero",
        ),
        (
            dataclasses.replace(POISSON, equations=lambda f: (f.u_xx, f.u_yy + np.sqrt(f.x - 0.5))),
            r"equations\[1\] must be finite at every point; got nan at point \d+",
        ),
        (
            dataclasses.replace(
                POISSON,
                conditions=[Dirichlet(0.0, hard=False)],
                own_ansatz=Ansatz(
                    offset=(ExpressionField.of(lambda p: np.log(p.x - 0.5), "xy"),),
                    factor=(ExpressionField.of(1.0, "xy"),),
                ),
            ),
            r"ansatz.offset must be finite at every point; got \[nan\] at point \d+, .* Use fields that are finite",
        ),
    ],
)
def test_what_does_not_fit_is_told(problem: PdeProblem, message: str) -> None:
    with pytest.raises(SpecError, match=rf"PdeProblem 'poisson'.{message}"):
        check_problem(problem, POINTS)


def test_all_of_it_is_told_at_once() -> None:
    broken = dataclasses.replace(
        referring(lambda x: np.ones(3)),
        fields={"f": lambda x: np.full(len(x), np.nan), "g": lambda x: np.ones(3)},
    )
    with pytest.raises(SpecError) as caught:
        check_problem(broken, POINTS)
    assert len(caught.value.violations) == 3


def test_a_scale_of_zero_is_refused() -> None:
    with pytest.raises(SpecError, match=r"PdeProblem 'poisson'.residual_scale must lie in"):
        dataclasses.replace(POISSON, residual_scale=0.0)
