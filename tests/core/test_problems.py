"""Every problem: its closed pieces against longhand, its conditions against its reference and its ansatz, its options."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.errors import SpecError
from neuropinn_lava.geometry import Box, End, Face
from neuropinn_lava.problems import find_problem, list_problems
from neuropinn_lava.problems.hard_conditions import relative_distance, vanishing_polynomial
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.residuals import boundary_points, evaluation_points, problem_ansatz_error

ROUNDING = 1e-12
"""Sines and exponentials of arguments of order ten, multiplied by values of order ten."""


@pytest.fixture(params=list_problems(), scope="module")
def problem(request: pytest.FixtureRequest) -> PdeProblem:
    return find_problem(request.param)


def test_problem_carries_its_name(problem: PdeProblem) -> None:
    assert find_problem(problem.name).name == problem.name


def test_ansatz_keeps_every_condition_whatever_the_network_says(problem: PdeProblem) -> None:
    points = boundary_points(problem, 300, seed=2)
    for condition in problem.conditions:
        covered = points[condition.applies(points)]
        assert len(covered)
        wild = np.random.default_rng(3).normal(size=(len(covered), problem.n_out)) * 10
        np.testing.assert_allclose(problem.ansatz.apply(covered, wild), condition.value(covered), rtol=0, atol=1e-10)


def test_reference_meets_every_condition(problem: PdeProblem) -> None:
    points = boundary_points(problem, 300, seed=4)
    size = np.abs(problem.reference.evaluate(evaluation_points(problem, 500, seed=5))).max()
    bound = size * max(problem.reference.relative_accuracy, ROUNDING)
    for condition in problem.conditions:
        covered = points[condition.applies(points)]
        error = problem.reference.evaluate(covered) - condition.value(covered)
        assert np.abs(error).max() <= bound


def test_factor_of_the_ansatz_vanishes_nowhere_inside(problem: PdeProblem) -> None:
    factor = problem.ansatz.evaluate(evaluation_points(problem, 2000, seed=6))[1]
    assert (factor > 0).all()


def test_ansatz_does_not_hold_the_solution(problem: PdeProblem) -> None:
    """An ansatz of boundary data leaves an error of its own; every report shows it."""
    assert problem_ansatz_error(problem, evaluation_points(problem, 2000, seed=7)) > 0.01


def test_evaluation_points_are_inside_repeat_and_lie_on_no_training_point(problem: PdeProblem) -> None:
    points = evaluation_points(problem, 200, seed=8)
    assert points.shape == (200, problem.n_in)
    assert problem.domain.contains(points).all()
    np.testing.assert_array_equal(points, evaluation_points(problem, 200, seed=8))
    cloud = problem.domain.cloud(problem.recipe.cloud.n_per_axis, problem.recipe.cloud.gradings)
    distances = np.linalg.norm(cloud.points[:, None, :] - points[None, :, :], axis=2)
    assert distances.min() > 0


def test_heat_reference_by_hand() -> None:
    """k = 0.5, q = 2 at x = 1/2, t = 1: u = 2 / (0.5 pi^2) * (1 - exp(-0.5 pi^2)) = 0.405285 * 0.992808 = 0.402370."""
    u = find_problem("heat", diffusivity=0.5, strength=2.0).reference.evaluate(np.array([[0.5, 1.0]]))
    assert u[0, 0] == pytest.approx(0.402370, abs=1e-6)


def test_poisson_reference_by_hand() -> None:
    """Modes 1 and 2 at (1/2, 1/4): sin(pi/2) sin(pi/2) = 1, and f = 5 pi^2."""
    problem, point = find_problem("poisson"), np.array([[0.5, 0.25]])
    assert problem.reference.evaluate(point)[0, 0] == pytest.approx(1.0)
    assert problem.source(point)[0] == pytest.approx(5 * np.pi**2)


def test_vanishing_polynomial_is_scaled_and_knows_open_faces() -> None:
    d = vanishing_polynomial(Box.space_time([-1.0, 0.0], [1.0, 4.0]))
    values = d.evaluate(np.array([[0.0, 4.0], [0.0, 2.0], [0.5, 4.0], [1.0, 3.0], [0.3, 0.0]]))
    np.testing.assert_allclose(values, [1.0, 0.5, 0.75, 0.0, 0.0], atol=ROUNDING)


def test_relative_distance_runs_from_its_face() -> None:
    field = relative_distance(Box(lower=np.zeros(2), upper=np.array([1.0, 5.0])), Face(1, End.UPPER))
    np.testing.assert_allclose(field.evaluate(np.array([[0.0, 5.0], [0.7, 2.5], [1.0, 0.0]])), [0.0, 0.5, 1.0])


def test_unknown_problems_show_the_nearest_names() -> None:
    with pytest.raises(SpecError, match="Did you mean poisson"):
        find_problem("poison")


def test_unknown_parameters_show_the_nearest_names() -> None:
    with pytest.raises(SpecError, match=r"parameter: .*Did you mean diffusivity"):
        find_problem("heat", diffusion=1.0)


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("heat", "diffusivity", 0.0),
        ("heat", "strength", 1e9),
        ("heat", "diffusivity", float("nan")),
        ("poisson", "mode_x", 0),
    ],
)
def test_parameters_out_of_range_are_refused(name: str, parameter: str, value: float) -> None:
    with pytest.raises(SpecError, match=f"make_{name}.{parameter}: every entry lies in"):
        find_problem(name, **{parameter: value})


def test_broken_modes_are_refused() -> None:
    with pytest.raises(SpecError, match=r"a whole number; got 1\.5"):
        find_problem("poisson", mode_y=1.5)
