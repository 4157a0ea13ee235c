"""Residual and boundary figures: zero for what solves the equation, right for what does not, finite for anything."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.network.transforms import ansatz_relative_l2
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.residuals import (
    boundary_points,
    boundary_rms,
    evaluation_points,
    measure_residual,
    measuring_cells,
    residual_cloud,
    residual_rms,
)

FLOOR = 1e-4
"""Truncation of the quartic operators on 37 x 37 cells, relative to the source: h^4 times sixth derivatives, measured at
4e-5 (heat) and 6e-5 (poisson)."""


@pytest.mark.parametrize("name", ["heat", "poisson"])
def test_reference_scores_the_floor(name: str) -> None:
    problem = find_problem(name)
    report = measure_residual(problem, problem.reference.evaluate)
    assert 0 < report.residual_rms == report.reference_residual_rms <= FLOOR
    assert report.boundary_rms <= 1e-12
    assert report.operator is problem.recipe.cloud.operator


def test_zero_scores_the_source() -> None:
    """u = 0 leaves -f: rms of 5 pi^2 sin(pi x) sin(2 pi y) over the grid, over 5 pi^2, is 1/2 but for the missing rim."""
    problem = find_problem("poisson")
    measuring = residual_cloud(problem)
    n = measuring_cells(problem.recipe.cloud.n_per_axis)[0]
    expected = 0.5 * n / (n - 1)  # the discrete mean square of a sine over n - 1 inner points is n / 2 / (n - 1)
    assert residual_rms(measuring, np.zeros((len(measuring.points), 1))) == pytest.approx(expected)


def test_an_added_bump_shows() -> None:
    """u + 0.1 sin(pi x) sin(2 pi y) has the residual 0.1 f: a tenth of what zero scores."""
    problem = find_problem("poisson")
    measuring = residual_cloud(problem)
    reference = problem.reference.evaluate(measuring.points)
    tenth = residual_rms(measuring, 1.1 * reference)
    assert tenth == pytest.approx(0.1 * residual_rms(measuring, 0 * reference), rel=0.01)


def test_boundary_error_is_the_root_mean_square() -> None:
    """Values 0.3 wherever zero is prescribed."""
    problem = find_problem("heat")
    points = boundary_points(problem, 99, seed=1)
    assert boundary_rms(problem, points, np.full((99, 1), 0.3)) == pytest.approx(0.3)


def test_measuring_cloud_is_not_the_training_cloud() -> None:
    problem = find_problem("poisson")
    training = problem.domain.cloud(problem.recipe.cloud.n_per_axis)
    measuring = residual_cloud(problem)
    distances = np.linalg.norm(training.centres[:, None, :] - measuring.cloud.centres[None, :, :], axis=2)
    assert distances.min() > 1e-6


def test_constant_of_the_ansatz_is_the_best_one() -> None:
    """No other constant does better on heat, where g = 0: compare with a scan."""
    problem = find_problem("heat")
    points = evaluation_points(problem, 500, seed=1)
    u_ref, d = problem.reference.evaluate(points), problem.ansatz.evaluate(points)[1]
    scanned = min(np.linalg.norm(c * d - u_ref) / np.linalg.norm(u_ref) for c in np.linspace(0, 40, 4001))
    assert ansatz_relative_l2(problem.ansatz, points, problem.reference.evaluate(points)) == pytest.approx(
        scanned, rel=1e-5
    )
    assert ansatz_relative_l2(problem.ansatz, points, problem.reference.evaluate(points)) <= scanned


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (np.zeros(5), r"\(n_points, n_out\)"),
        (np.zeros((4, 1)), r"\(n_points, n_out\)"),
        (np.full((5, 1), np.nan), "finite"),
    ],
)
def test_values_that_do_not_fit_are_refused(values: FloatArray, rule: str) -> None:
    with pytest.raises(SpecError, match=rule):
        boundary_rms(find_problem("heat"), np.zeros((5, 2)), values)
    measuring = residual_cloud(find_problem("heat"))
    with pytest.raises(SpecError, match=r"\(n_points, n_out\)"):
        residual_rms(measuring, values)


def test_points_off_the_boundary_are_refused() -> None:
    with pytest.raises(SpecError, match="number of points under a condition"):
        boundary_rms(find_problem("heat"), np.full((5, 2), 0.5), np.zeros((5, 1)))
