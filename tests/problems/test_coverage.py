"""Conditions against the boundary: gaps, contradictions and unknown places are told before anything is trained."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.geometry.plane_region import Disc
from neuropinn_lava.problems.conditions import (
    Condition,
    Data,
    Dirichlet,
    Equation,
    Free,
    Initial,
    InitialDerivative,
    Mean,
    Neumann,
    Periodic,
    Robin,
)
from neuropinn_lava.problems.coverage import covered, values_at
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.solvers.star import star_domain

SQUARE = Box(lower=np.zeros(2), upper=np.ones(2))
EVOLUTION = Box.space_time([0.0, 0.0], [1.0, 1.0])
OTHERS = ("x_upper", "y_lower", "y_upper")


def of_square(*conditions: Condition, **changes: Any) -> PdeProblem:
    held = {"domain": SQUARE, "equations": lambda f: f.u_xx + f.u_yy, "conditions": conditions}
    return PdeProblem(**{**held, **changes})


def of_evolution(*conditions: Condition, **changes: Any) -> PdeProblem:
    return of_square(*conditions, **{"domain": EVOLUTION, "equations": lambda f: f.u_t - f.u_xx, **changes})


def wave(f: Any) -> Any:
    return f.u_tt - f.u_xx


WALLS = Dirichlet(0.0, on=("x_lower", "x_upper"))
STARTED = Initial(lambda p: p.x * (1 - p.x))


@pytest.mark.parametrize(
    "build",
    [
        lambda: of_square(Dirichlet(0.0)),
        lambda: of_square(Dirichlet(0.0, on="x_lower"), Neumann(0.0, on=OTHERS)),
        lambda: of_square(Dirichlet(0.0, on="x_lower"), Free(on=OTHERS)),
        lambda: of_square(Robin(1.0)),
        lambda: of_square(Equation(lambda f: f.u - f.u_x)),
        lambda: of_square(Dirichlet(0.0, on=lambda p: p.x < 0.5), Dirichlet(0.0, on=lambda p: p.x >= 0.5)),
        lambda: of_square(Periodic(axis="x"), Periodic(axis="y"), Mean(0.0)),
        lambda: of_square(Dirichlet(0.0), domain=star_domain()),
        lambda: of_square(Free(), equations=lambda f: f.u_x),
        lambda: of_square(equations=lambda f: f.u_x + f.u_y),  # first order: where it flows in is not known here
        lambda: of_square(equations=lambda f: f.u - f.x),
        lambda: of_evolution(WALLS, STARTED),
        lambda: of_evolution(Dirichlet(0.0)),
        lambda: of_evolution(Periodic(axis="x"), STARTED),
        lambda: of_evolution(WALLS, STARTED, InitialDerivative(0.0), equations=wave),
    ],
)
def test_whole_boundaries_are_taken(build: Any) -> None:
    assert build().name == "problem"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: of_square(), r"prescribe 'u' on every part of the boundary; got 0 of 1 at .*Give a condition there"),
        (
            lambda: of_square(Dirichlet(0.0, on=OTHERS)),
            r"got 0 of 1 at \[0\. .*, on 'x_lower'\. .*Free\(on='x_lower'\)",
        ),
        (lambda: of_square(Dirichlet(0.0, on=lambda p: p.x < 0.9)), "on 'x_upper'"),
        (lambda: of_square(Dirichlet(0.0, on=lambda p: (p.y > 0.3) | (p.x > 0)), name="m"), "'m' must .*'x_lower'"),
        (lambda: of_square(domain=star_domain()), "prescribe 'u' on every part"),
        (lambda: of_evolution(WALLS), r"got 0 of 1 at .*, on 'start'"),
        (lambda: of_evolution(STARTED), r"got 0 of 1 at .*, on 'x_lower'"),
        (lambda: of_evolution(WALLS, STARTED, equations=wave), r"got 1 of 2 at .*, on 'start'"),
        (lambda: of_evolution(Neumann(0.0)), r"on 'start'"),  # time's face has no normal derivative
        (
            lambda: of_square(
                Dirichlet(0.0, unknown="u"), unknowns="u v", equations=lambda f: (f.u_xx + f.v, f.v_yy + f.u)
            ),
            "prescribe 'v' on every part",
        ),
    ],
)
def test_gaps_are_told(build: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build()


def test_every_gap_is_told_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        of_square(Dirichlet(0.0, on="x_lower"))
    assert len(caught.value.violations) == 3


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (
            (Dirichlet(0.0), Dirichlet(1.0, on="x_lower")),
            r"one value of 'u' at each point; got 0 by dirichlet and 1 by",
        ),
        ((Dirichlet(0.0), Dirichlet(lambda p: p.y, on="x_lower", name="inlet")), r"by inlet at \[0\. "),
        ((Dirichlet(0.0, hard=False), Dirichlet(lambda p: 1e-3 * p.y, on=lambda p: p.x == 0)), "prescribe one value"),
    ],
)
def test_contradictions_are_told(conditions: tuple[Condition, ...], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        of_square(*conditions)


def test_the_same_value_twice_is_no_contradiction() -> None:
    assert len(of_square(Dirichlet(lambda p: p.x * p.y), Dirichlet(0.0, on="x_lower")).conditions) == 2
    assert len(of_square(Dirichlet(0.0), Neumann(1.0, on="x_lower")).conditions) == 2
    two = {"unknowns": "u v", "equations": lambda f: (f.u_xx + f.v_yy, f.v_xx + f.u_yy)}
    assert len(of_square(Dirichlet(0.0, unknown="u"), Dirichlet(1.0, unknown="v"), **two).conditions) == 2


@pytest.mark.parametrize("on", ["left", "x_lowr", ("x_lower", "top"), "start"])
def test_unknown_parts_are_told_with_the_known_ones(on: Any) -> None:
    with pytest.raises(SpecError, match=r"Dirichlet.on must be .*x_lower"):
        of_square(Dirichlet(0.0, on=on))


def test_initial_values_need_a_start() -> None:
    with pytest.raises(SpecError, match=r"Initial.on must .*got 'start'"):
        of_square(Dirichlet(0.0), Initial(0.0))
    with pytest.raises(SpecError, match=r"Dirichlet.on must .*got 'x_lower'"):
        of_evolution(Periodic(axis="x"), STARTED, Dirichlet(0.0, on="x_lower"))


def test_a_level_is_held_where_only_differences_count() -> None:
    """Neumann sides alone leave a constant free, and so does a pressure of which only the gradient appears."""
    problem = of_square(Neumann(0.0))
    assert [each.label for each in problem.conditions] == ["neumann", "level of u"]
    assert [each.label for each in problem.soft_conditions] == ["neumann", "level of u"]
    again = dataclasses.replace(problem, name="again")
    assert [each.label for each in again.conditions] == ["neumann", "level of u"]
    assert [each.label for each in of_square(Neumann(0.0), Mean(2.0)).conditions] == ["neumann", "mean"]
    for condition in (Robin(0.0), Dirichlet(0.0, on="x_lower")):
        assert "level of u" not in [each.label for each in of_square(condition, Free()).conditions]
    assert len(of_square(Neumann(0.0), equations=lambda f: f.u_xx + f.u_yy - f.u).conditions) == 1
    stokes = PdeProblem(
        domain=SQUARE,
        unknowns="u v p",
        equations=lambda f: (f.u_xx + f.u_yy - f.p_x, f.v_xx + f.v_yy - f.p_y, f.u_x + f.v_y),
        conditions=[Dirichlet(0.0, unknown="u"), Dirichlet(0.0, unknown="v")],
    )
    assert stokes.conditions[-1].label == "level of p"
    measured = of_square(Neumann(0.0), Data([[0.5, 0.5]], [1.0]))
    assert [each.label for each in measured.conditions] == ["neumann", "data"]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (Data([[0.5, 0.5], [0.5, 1.5]], [0.0, 0.0]), r"lie in the domain; got \[0.5 1.5\] in row 1, and 1 such"),
        (Data([[0.5, 0.5, 0.5]], [0.0]), r"points must .*\(n, n_in\)"),
    ],
)
def test_data_lie_in_the_domain(condition: Data, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        of_square(Dirichlet(0.0), condition)


@pytest.mark.parametrize(
    "changes",
    [
        {"fields": {"u": lambda points: points[:, 0]}},
        {"fields": {"x": lambda points: points[:, 0]}},
        {"fields": {"viscosity": lambda points: points[:, 0]}},
        {"unknowns": ("u", "u"), "equations": lambda f: (f.u_xx, f.u_yy)},
        {"unknowns": ("x",), "equations": lambda f: f.x_xx},
        {"unknowns": ("u_1",), "equations": lambda f: f.x},
        {"coordinates": ("x", "x"), "equations": lambda f: f.u_xx},
        {"unknowns": ("n",), "equations": lambda f: f.n_xx},
        {"fields": {"u_x": lambda points: points[:, 0]}},
    ],
)
def test_names_that_clash_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="names must be different, without an underscore in unknowns"):
        of_square(Free(), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unknowns": "u v"}, r"equations must return one equation or more for each unknown; got 1 for 2 unknowns"),
        ({"equations": lambda f: f.u_xx + abs(f.u) * (f.u > 0)}, r"be differentiable in the unknowns; got u\."),
        ({"equations": lambda f: np.sign(f.u_x) + f.u_y}, r"be differentiable in the unknowns; got u_x"),
        ({"equations": lambda f: f.u_zz}, r"name in problem 'problem' must .*got 'u_zz'"),
        ({"equations": lambda f: f.v_x}, r"name in problem 'problem' must .*got 'v_x'"),
        ({"equations": lambda f: f.temprature, "fields": {"temperature": len}}, "Did you mean temperature"),
        ({"equations": lambda f: None}, "be made of names, numbers and functions; got NoneType"),
    ],
)
def test_equations_that_cannot_be_meant_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        of_square(Free(), **changes)


def test_letters_of_a_derivative_are_sorted() -> None:
    problem = of_square(Free(), equations=lambda f: f.u_yx + f.u_xy)
    assert problem.derivatives == ("u_xy",)
    assert of_evolution(Free(), equations=lambda f: f.u_tx).derivatives == ("u_xt",)


def test_points_under_a_condition() -> None:
    problem = of_square(Dirichlet(0.0), fields={"k": lambda points: points.sum(axis=1)})
    points = np.array([[0.0, 0.5], [1.0, 0.5], [0.3, 0.0], [0.5, 0.5]])
    assert covered(problem, problem.conditions[0], points).tolist() == [True, True, True, False]
    assert covered(problem, Dirichlet(0.0, on=("x_lower", "y_lower")), points).tolist() == [True, False, True, False]
    assert covered(problem, Free(on=lambda p: p.k > 0.9), points).tolist() == [False, True, False, True]
    np.testing.assert_array_equal(values_at(problem, points)["k"], [0.5, 1.5, 0.3, 1.0])


def test_a_periodic_axis_does_not_stand_for_other_conditions() -> None:
    """The start and the other walls need their own: two faces that are one carry nothing."""
    with pytest.raises(SpecError, match=r"got 0 of 1 at .*, on 'start'"):
        PdeProblem(domain=EVOLUTION, equations=lambda f: f.u_t + f.u_x, conditions=[Periodic("x")])
    with pytest.raises(SpecError, match=r"got 0 of 1 at .*, on 'y_lower'"):
        of_square(Periodic("x"))


def test_time_by_another_letter_needs_its_start_too() -> None:
    with pytest.raises(SpecError, match=r"got 0 of 1 at .*, on 'start'"):
        PdeProblem(
            domain=EVOLUTION,
            coordinates=("x", "s"),
            equations=lambda f: f.u_s - f.u_xx,
            conditions=[Dirichlet(0.0, on=("x_lower", "x_upper"))],
        )


def test_the_mean_of_one_unknown_leaves_the_level_of_another() -> None:
    """p and q occur in derivatives only; a mean of p says nothing of q."""
    problem = PdeProblem(
        domain=SQUARE,
        unknowns="p q",
        equations=lambda f: (f.p_xx + f.p_yy, f.q_xx + f.q_yy),
        conditions=[Neumann(0.0), Mean(2.0, unknown="p")],
    )
    assert problem.has_free_level == (False, True)


def test_a_small_hole_that_no_probe_meets_is_no_missing_part() -> None:
    """Its side is a ten-thousandth of the boundary."""
    domain = SQUARE - Disc([0.5, 0.5], 1e-4, name="wire")
    assert domain.on("wire", domain.sample_boundary(2000, np.random.default_rng(0))).sum() < 5
    problem = of_square(Dirichlet(0.0, on="outline"), Dirichlet(1.0, on="wire"), domain=domain)
    assert len(problem.conditions) == 2


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        (Dirichlet(0.0), r"conditions must be a list of conditions; got a Dirichlet. Write \[Dirichlet\(…\)\]"),
        ([0.0], r"conditions must be conditions; got float"),
        (
            [Dirichlet(lambda points: points[:, 0])],
            r"be named values; got \[.*\]. Write p.x in place of points\[:, 0\]",
        ),
        ([Dirichlet(0.0), Mean(lambda p: p.x)], r"Mean.value must be a number; got x"),
    ],
)
def test_what_is_no_condition_is_refused(conditions: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        PdeProblem(domain=SQUARE, equations=lambda f: f.u_xx + f.u_yy, conditions=conditions)


def test_a_reference_must_be_one() -> None:
    with pytest.raises(SpecError, match=r"reference must be a ReferenceSolution; got function"):
        of_square(Dirichlet(0.0), reference=lambda points: points)


@pytest.mark.parametrize(
    ("equations", "got"),
    [(lambda x, u: u, r"arguments \(x, u\)"), (lambda: 0, r"arguments \(\)"), ("u_xx", "str")],
)
def test_equations_take_one_argument(equations: Any, got: str) -> None:
    with pytest.raises(SpecError, match=rf"equations must be a function of one argument; got {got}. Write `lambda f"):
        PdeProblem(domain=SQUARE, equations=equations, conditions=[Dirichlet(0.0)])
