"""The solution in the span of features, and the slope by which features move."""

from __future__ import annotations

import numpy as np
import pytest

import neuropinn_lava as nl
from neuropinn_lava.geometry.parametric_domain import ParametricCloud, ParametricDomain
from neuropinn_lava.problems.recipes.recipe import CloudRecipe
from neuropinn_lava.training.operator_learning.span import FunctionBatch, fit_span, make_batch

RECIPE = CloudRecipe(n_per_axis=(8, 6, 3))


def problem_of(cubic: float = 0.0, **changes: object) -> nl.PdeProblem:
    held = {
        "name": "rod",
        "domain": nl.Box.space_time([0.0, 0.0], [1.0, 1.0]),
        "equations": lambda f: f.u_t - 0.1 * f.u_xx + cubic * f.u**3 - f.load,
        "parameters": {"load": nl.SineSeries(n_waves=3)},
        "conditions": [nl.Dirichlet(0.0)],
    }
    return nl.PdeProblem(**{**held, **changes})  # type: ignore[arg-type]


def batch_of(problem: nl.PdeProblem) -> tuple[FunctionBatch, np.ndarray]:
    """Return three functions, and random smooth features of the points."""
    assert isinstance(problem.domain, ParametricDomain)
    cloud, rng = problem.domain.cloud(RECIPE.n_per_axis), np.random.default_rng(0)
    batch = make_batch(problem, cloud, RECIPE, problem.domain.draw(3, rng))
    x = cloud.region.points
    return batch, np.tanh(x @ rng.standard_normal((2, 12)) * 2 + rng.uniform(-1, 1, 12))


def test_one_step_solves_a_linear_problem() -> None:
    batch, features = batch_of(problem_of())
    once, twice = (fit_span(batch, features, n_steps=n) for n in (1, 3))
    assert once.loss < 1.0  # that of an output of zero
    assert twice.loss == pytest.approx(once.loss, rel=1e-6)  # exact but for rounding


def test_steps_of_a_nonlinear_problem_converge() -> None:
    batch, features = batch_of(problem_of(cubic=5.0))
    losses = [fit_span(batch, features, n_steps=n).loss for n in (1, 6, 12)]
    assert losses[2] <= losses[1] <= losses[0]
    assert losses[2] == pytest.approx(losses[1], rel=1e-3)


def test_the_slope_is_that_of_the_loss() -> None:
    batch, features = batch_of(problem_of(cubic=5.0))
    fit, step = fit_span(batch, features, n_steps=4), 1e-6
    for place in ((3, 5), (20, 0), (31, 11)):
        moved = []
        for sign in (1, -1):
            held = features.copy()
            held[place] += sign * step
            moved.append(np.mean(batch.residual(batch.solution(held, fit.coefficients)) ** 2))
        difference = (moved[0] - moved[1]) / (2 * step)
        assert fit.feature_slope[place] == pytest.approx(difference, rel=1e-4, abs=1e-9)


def test_rows_of_a_function_are_those_of_the_problem_at_it() -> None:
    """The rows of one function, without their scale, are those of the problem with the function fixed."""
    from neuropinn_lava.problems.discretization import discretize

    problem = problem_of(cubic=2.0)
    batch, features = batch_of(problem)
    fit = fit_span(batch, features, n_steps=2)
    u = batch.solution(features, fit.coefficients)
    assert isinstance(batch.held.cloud, ParametricCloud)
    for number in range(3):
        alone = discretize(
            problem.at(load=batch.columns[number]), batch.held.cloud.region, RECIPE.operator, RECIPE.n_neighbours
        )
        rows = np.concatenate([block.ravel() for block in alone.evaluate(u[number][:, None], {"viscosity": 0.0})])
        found = fit.residual[number] * batch.sizes[number] / batch.units[batch.rows[number]]
        assert np.abs(found - rows).max() < 1e-9 * np.abs(rows).max()


def test_several_unknowns_and_means_are_refused() -> None:
    two = problem_of(
        unknowns="u v",
        equations=lambda f: (f.u_t - f.u_xx - f.load, f.v_t - f.v_xx - f.u),
        conditions=[nl.Dirichlet(0.0)],
    )
    with pytest.raises(nl.SpecError, match="be of one unknown"):
        batch_of(two)
    mean = problem_of(conditions=[nl.Dirichlet(0.0), nl.Mean(0.0)])
    with pytest.raises(nl.SpecError, match="have no condition on a mean"):
        batch_of(mean)


def test_a_condition_that_a_parameter_moves_is_refused() -> None:
    moving = nl.Equation(lambda f: f.u, on=lambda f: f.load > 0.0)
    with pytest.raises(nl.SpecError, match="hold at the same points for every function"):
        batch_of(problem_of(conditions=[nl.Dirichlet(0.0), moving]))
