"""Recipes chosen from the discrete solution: cells follow frequencies, amplitudes become output scales, nothing is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import neuropinn_lava as nl
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.geometry.grading import Grading
from neuropinn_lava.problems import default_recipe, find_problem
from neuropinn_lava.problems.default_recipe import (
    GOOD_ERROR,
    MOST_ROWS,
    choose_recipe,
    discrete_teacher,
    frequencies,
    recipe_of,
    solve_discrete,
)
from neuropinn_lava.problems.discretization import discrete_problem
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.recipe import CloudRecipe, DiscreteTeacher, TrainingRecipe

FACTOR = 3.0
"""Between the error of a discrete solution and its estimate by two clouds."""
COARSE = 0.02
"""Error of a discrete solution on so few cells; a wrong branch is off by 0.3 or more."""


def waves(k_x: int, k_y: int, amplitude: float = 1.0) -> PdeProblem:
    """Poisson, u = a sin(k_x pi x) sin(k_y pi y) on the unit square."""
    size = (k_x**2 + k_y**2) * np.pi**2 * amplitude
    return nl.PdeProblem(
        domain=nl.Box([0, 0], [1, 1]),
        equations=lambda f: f.u_xx + f.u_yy + size * np.sin(k_x * np.pi * f.x) * np.sin(k_y * np.pi * f.y),
        conditions=[nl.Dirichlet(0.0)],
        reference=nl.ReferenceSolution(
            evaluate=lambda q: amplitude * np.prod(np.sin(np.array([k_x, k_y]) * np.pi * q), axis=1)[:, None],
            relative_accuracy=1e-12,
            source="closed form",
        ),
    )


def test_cells_resolve_the_solution() -> None:
    """Two and six half waves: one and three cycles, fewer cells along x, and an error near the wanted one."""
    problem = waves(2, 6)
    recipe = choose_recipe(problem)
    held = discrete_problem(problem, recipe.cloud)
    u = solve_discrete(held)
    assert frequencies(held, u) == pytest.approx([1.0, 3.0], rel=0.1)
    assert recipe.cloud.n_per_axis[0] < recipe.cloud.n_per_axis[1]
    assert np.prod(recipe.cloud.n_per_axis) <= MOST_ROWS
    assert relative_l2(u, problem.reference.evaluate(held.points)) < FACTOR * GOOD_ERROR


def test_more_waves_need_larger_initial_weights() -> None:
    slow, fast = (choose_recipe(waves(k, k)).network.initial_gain for k in (1, 6))
    assert (slow, fast) == (1.5, pytest.approx(1.5 * 3.0**0.5, rel=0.05))


def test_the_amplitude_becomes_the_scale_of_the_outputs() -> None:
    one, many = (choose_recipe(waves(1, 1, amplitude)).network.output_scale for amplitude in (1.0, 250.0))
    assert many == pytest.approx(250.0 * one)
    assert 0.5 < one < 2.0


@pytest.mark.slow
def test_heat_in_two_dimensions_is_not_refused() -> None:
    problem = nl.PdeProblem(
        domain=nl.Box.space_time([0, 0, 0], [1, 1, 1]),
        equations=lambda f: f.u_t - 0.1 * (f.u_xx + f.u_yy),
        conditions=[
            nl.Dirichlet(0.0, on=("x_lower", "x_upper", "y_lower", "y_upper")),
            nl.Initial(lambda p: np.sin(np.pi * p.x) * np.sin(np.pi * p.y)),
        ],
    )
    cloud = choose_recipe(problem).cloud
    assert cloud.n_neighbours == default_recipe.NEIGHBOURS[3]
    assert min(cloud.n_per_axis) >= 5


def test_without_a_discrete_solution_there_is_a_recipe() -> None:
    """u^2 + 1 = 0 has no solution; what is chosen then is the first cloud."""
    problem = nl.PdeProblem(
        domain=nl.Box([0, 0], [1, 1]), equations=lambda f: 1e-9 * f.u_xx + f.u**2 + 1.0, conditions=[nl.Dirichlet(0.0)]
    )
    assert choose_recipe(problem).cloud.n_per_axis == (default_recipe.FIRST_CELLS[2],) * 2


def test_a_nonlinear_problem_is_solved_by_newton() -> None:
    """-u'' + u^3 = f with u = sin(pi x) sin(pi y)."""
    exact = waves(1, 1)
    problem = dataclasses.replace(
        exact,
        equations=lambda f: (
            f.u_xx
            + f.u_yy
            - f.u**3
            + 2 * np.pi**2 * np.sin(np.pi * f.x) * np.sin(np.pi * f.y)
            + (np.sin(np.pi * f.x) * np.sin(np.pi * f.y)) ** 3
        ),
    )
    held = discrete_problem(problem, choose_recipe(problem).cloud)
    assert relative_l2(solve_discrete(held), exact.reference.evaluate(held.points)) < FACTOR * GOOD_ERROR


def test_the_own_recipe_comes_first_and_a_chosen_one_is_chosen_once() -> None:
    own = find_problem("poisson")
    assert recipe_of(own) is own.recipe
    problem = waves(1, 1)
    assert problem.recipe is None
    assert recipe_of(problem) is recipe_of(problem)


def shock(viscosities: tuple[float, ...]) -> TrainingRecipe:
    """Coarse cells for Burgers' equation with little viscosity, which Newton's method does not solve from zero."""
    cloud = CloudRecipe(n_per_axis=(32, 12), gradings=(Grading(axis=0, centre=0.0, width=0.1, gain=8.0),))
    return TrainingRecipe(cloud=cloud, teacher=DiscreteTeacher(viscosities=viscosities))


def test_a_discrete_teacher_knows_the_solution_at_its_own_points_alone() -> None:
    problem = find_problem("burgers-shock", viscosity=0.02)
    recipe = shock((0.1, 0.02, 0.0))
    values_at, points = discrete_teacher(problem, recipe), discrete_problem(problem, recipe.cloud).points
    assert relative_l2(values_at(points), problem.reference.evaluate(points)) < COARSE
    with pytest.raises(SpecError, match=r"discrete teacher must be asked at its own"):
        values_at(points[:-1])


def test_a_discrete_teacher_that_newton_does_not_find_is_refused() -> None:
    with pytest.raises(SpecError, match=r"discrete equations of problem 'burgers-shock' must be solved by 8 Newton"):
        discrete_teacher(find_problem("burgers-shock"), shock((0.0,)))
