"""What the training benchmark compares with is what it says: derivatives, periodic seams, conversions within their error."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import builders
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.micromechanics.cells import sphere_cell
from neuropinn_lava.micromechanics.loads import FaceLoad
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.discretization import discrete_problem
from neuropinn_lava.problems.error_estimate import row_scales
from neuropinn_lava.problems.recipes.recipe import CloudRecipe
from neuropinn_lava.problems.residuals import evaluation_points
from neuropinn_lava.training.network.network import build_network

ROUNDING = 1e-12
"""A sum over u (R^T R) u with entries of 1e4 that cancels; the lift alone gives one."""
FLOAT32 = 1e-4
"""Second derivatives of a float32 network of 50 neurons a layer, relative to the largest, and of differences of step 1e-3."""


@pytest.fixture
def benchmarks(monkeypatch):
    """Let the scripts' own modules be imported, and forget them afterwards."""
    folder = str(Path(__file__).parents[1] / "benchmarks")
    monkeypatch.setattr(sys, "path", [folder, *sys.path])
    yield
    for name in ("any_equation", "soft_conditions", "_autodiff", "_baselines", "_converted", "_strong_form"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["heat", "eikonal", "poisson-star"])
def test_autodiff_gives_the_derivatives_of_the_network_with_its_conditions(benchmarks, name):
    from _autodiff import AutodiffFields, words_of
    from _baselines import exported, tanh_recipe

    from neuropinn_lava.training.collocation.clouds import build_training_cloud

    problem = find_problem(name)
    recipe = tanh_recipe(problem.recipe)
    cloud = build_training_cloud(problem, recipe, torch.float32, torch.device("cpu"))
    network = build_network(recipe.network, problem.n_in, 1, 0)
    points = evaluation_points(problem, 60, 1)
    found = AutodiffFields(problem, points, words_of(problem), cloud).evaluate(network)
    spec = exported(problem, recipe, network)

    def u(moved):
        return run_float(spec, moved).outputs[:, 0]

    for axis, letter in enumerate(problem.coordinates):
        h = 1e-3 * np.eye(problem.n_in)[axis]
        expected = {letter: (u(points + h) - u(points - h)) / 2e-3}
        expected[2 * letter] = (u(points + h) - 2 * u(points) + u(points - h)) / 1e-6
        for word in expected.keys() & found.keys():
            error = np.abs(found[word].detach().numpy() - expected[word])
            assert error.max() <= 10 * FLOAT32 * np.abs(expected[word]).max()


def test_a_periodic_axis_is_closed_by_its_jumps(benchmarks):
    """u = t v + g: at t = 0 both ends agree in value, and g's slopes of 2 and -2 differ by 4."""
    from _autodiff import AutodiffLoss
    from _baselines import tanh_recipe

    problem = find_problem("allen-cahn")
    recipe = tanh_recipe(problem.recipe)
    network = build_network(recipe.network, 2, 1, 0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    (one, other), loss = AutodiffLoss(problem, recipe).seams[0], AutodiffLoss(problem, recipe)
    assert one.evaluate(network)["x"].detach().numpy() == pytest.approx(2.0, abs=FLOAT32)
    assert loss._jump(network, one, other).item() == pytest.approx(16.0, rel=FLOAT32)


def test_a_path_visits_every_point_once_and_is_short(benchmarks):
    from _converted import along_a_path

    points = np.random.default_rng(0).random((2500, 2))
    path = along_a_path(points)
    assert sorted(map(tuple, path)) == sorted(map(tuple, points))
    assert np.linalg.norm(np.diff(path, axis=0), axis=1).mean() < 0.05


@pytest.mark.parametrize("model", ["sigma-delta", "sigma-delta-scan"])
def test_a_conversion_adds_no_more_error_than_stated(benchmarks, model):
    from _converted import ADDED_ERROR, find_threshold, run_coded, sequences_of

    problem = find_problem("poisson")
    network = builders.random_spec(
        1, widths=(2, 20, 16, 1), activation="tanh", polarity=Polarity.BOTH, n_steps=1, theta=0.0, beta=0.0
    )
    threshold = find_threshold(problem, network, model)
    points = evaluation_points(problem, 1500, 5)
    wanted = run_float(network, sequences_of(points, model).reshape(points.shape)).outputs
    error = relative_l2(run_coded(problem, network, model, threshold, points).outputs, wanted)
    assert 0.5 * ADDED_ERROR < error < 1.3 * ADDED_ERROR  # other points than those that it was found on


def test_uniaxial_stress_in_a_homogeneous_cube_is_in_equilibrium(benchmarks):
    """u = (-nu x, -nu y, z): sigma_zz = E, all else zero, free sides free."""
    from _strong_form import strong_form

    form = strong_form(sphere_cell(radius=0.27, contrast=1.0, poisson=0.3), FaceLoad(top=np.array([0.0, 0.0, 1.0])), 8)
    x, y, z = form.points.T
    assert form.evaluate(np.stack([-0.3 * x, -0.3 * y, z], axis=1)) < ROUNDING
    assert form.evaluate(np.stack([0 * x, 0 * y, z], axis=1)) == pytest.approx(1.0)  # pulls at the free sides


def test_a_contrast_shows_at_the_interface(benchmarks):
    """The same strain in phases of different stiffness: tractions no longer balance across the sphere."""
    from _strong_form import strong_form

    form = strong_form(sphere_cell(radius=0.27, contrast=10.0), FaceLoad(top=np.array([0.0, 0.0, 1.0])), 8)
    x, y, z = form.points.T
    assert form.evaluate(np.stack([-0.3 * x, -0.3 * y, z], axis=1)) > 0.1


TRUNCATION = 5e-2
"""Of quartic fits on 28 x 48 cells, or 8 in three coordinates, one-sided ones at the start of a wave (2.3e-2) included."""


@pytest.mark.parametrize(
    "name",
    [
        *["helmholtz", "neumann", "robin", "advection", "wave", "heat-2d"],
        *["wave-2d", "kovasznay", "reaction-diffusion", "interface"],
    ],
)
def test_the_closed_forms_of_any_equation_solve_their_problems(benchmarks, name):
    """Equations and conditions by operators, and what is built in where the network has no part."""
    from any_equation import PROBLEMS

    problem = PROBLEMS[name][0]()
    cells, n_neighbours = ((8, 8, 8), 60) if problem.n_in == 3 else ((28, 48), 28)
    held = discrete_problem(problem, CloudRecipe(n_per_axis=cells, n_neighbours=n_neighbours))
    truth = problem.reference.evaluate(held.points)
    for rows, scales in zip(held.evaluate(truth, problem.rest_values()), row_scales(held), strict=True):
        assert np.sqrt(np.mean((rows / scales[:, None]) ** 2)) < TRUNCATION
    offset, factor = problem.ansatz.evaluate(held.points)
    fixed = np.abs(factor) < 1e-14
    assert np.abs(offset - truth)[fixed].max(initial=0.0) < 1e-12


@pytest.mark.parametrize("name", ["poisson", "heat", "burgers"])
def test_softened_problems_build_nothing_in(benchmarks, name):
    from soft_conditions import softened

    problem = find_problem(name)
    soft = softened(problem)
    assert (problem.soft_conditions, soft.soft_conditions) == ((), soft.conditions)
    assert soft.host_ansatz is None
