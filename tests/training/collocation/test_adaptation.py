"""Refined and jittered clouds: which points come, which stay, and that fits on them are as exact as on grids."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.geometry.domain import Box, Cloud, Domain
from neuropinn_lava.geometry.grading import Grading
from neuropinn_lava.geometry.polygon import PolygonDomain
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.operators.projection import build_operators
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.recipes.recipe import CloudRecipe
from neuropinn_lava.training.collocation.adaptation import (
    build_candidates,
    jitter_cloud,
    refine_cloud,
    relative_cell_volumes,
)

SQUARE = Box(lower=[0.0, 0.0], upper=[1.0, 1.0])
RING = Box.space_time([-1.0, 0.0], [1.0, 1.0], periodic_axes=(0,))
LSHAPE = PolygonDomain(exterior=[[-1, -1], [1, -1], [1, 0], [0, 0], [0, 1], [-1, 1]])
GRADED = CloudRecipe(n_per_axis=(12, 8), gradings=(Grading(axis=0, centre=0.3, width=0.2, gain=4.0),))
DOMAINS = [(SQUARE, CloudRecipe(n_per_axis=(8, 8))), (RING, GRADED), (LSHAPE, CloudRecipe(n_per_axis=(16, 16)))]
EXACT = 1e-8
"""Fits of degree two reproduce quadratics to rounding, times the condition of a neighbourhood of 20 points."""


def peaked(candidates: Cloud, x: float, y: float) -> np.ndarray:
    """Give one residual that falls off around a place, shape (1, n_candidates)."""
    return np.exp(-20 * ((candidates.centres - [x, y]) ** 2).sum(axis=1))[None]


def laid(domain: Domain, recipe: CloudRecipe) -> tuple[Cloud, Cloud]:
    return domain.cloud(recipe.n_per_axis, recipe.gradings), build_candidates(domain, recipe)


def test_a_corner_is_refined_as_drawn() -> None:
    """4 x 4 cells, 9 centres; a third of them is 3: the three finer centres next to the corner (0, 0) that are not there yet.

    The finer lines stand at multiples of 1/8. Around the corner lie (1, 1), (1, 2), (2, 1) eighths, (2, 2) being a centre
    already; finer boundary points within a cell of 1/4 of them come along, unless they are there: x = 1/8 and 3/8 at y = 0.
    """
    cloud, candidates = laid(SQUARE, CloudRecipe(n_per_axis=(4, 4)))
    refined = refine_cloud(cloud, candidates, peaked(candidates, 0.0, 0.0), share=1 / 3)
    added = {tuple(p) for p in refined.points * 8} - {tuple(p) for p in cloud.points * 8}
    assert {p for p in added if 0 not in p} == {(1, 1), (1, 2), (2, 1)}
    assert {p for p in added if 0 in p} == {(1, 0), (3, 0), (0, 1), (0, 3)}
    assert refined.n_inside == 12
    assert (refined.points[:9] == cloud.centres).all()
    assert (refined.centres > 0).all()


def test_a_second_refinement_goes_on_inside_the_first() -> None:
    """The first one left points at eighths around the corner; of the sixteenths there, (2, 2) is one of them."""
    recipe = CloudRecipe(n_per_axis=(4, 4))
    cloud, candidates = laid(SQUARE, recipe)
    once = refine_cloud(cloud, candidates, peaked(candidates, 0.0, 0.0), share=1 / 3)
    candidates = build_candidates(SQUARE, recipe, finer=4)
    twice = refine_cloud(once, candidates, peaked(candidates, 0.0, 0.0), share=1 / 4, finer=4)
    added = {tuple(p) for p in twice.points * 16} - {tuple(p) for p in once.points * 16}
    assert {p for p in added if 0 not in p} == {(1, 1), (1, 2), (2, 1)}
    assert {p for p in added if 0 in p} == {(1, 0), (3, 0), (0, 1), (0, 3)}
    assert relative_cell_volumes(twice)[-1] < relative_cell_volumes(once).min()


@pytest.mark.parametrize(("domain", "recipe"), DOMAINS)
def test_refining_keeps_what_was_there_and_adds_where_it_was_asked(domain: Domain, recipe: CloudRecipe) -> None:
    cloud, candidates = laid(domain, recipe)
    residuals = peaked(candidates, -0.5, 0.2)
    refined = refine_cloud(cloud, candidates, residuals, share=0.2)
    kept = {tuple(p) for p in cloud.points.round(12)}
    assert kept <= {tuple(p) for p in refined.points.round(12)}
    assert refined.n_inside == cloud.n_inside + np.ceil(0.2 * cloud.n_inside)
    added = refined.centres[cloud.n_inside :]
    near = np.linalg.norm(added - [-0.5, 0.2], axis=1).mean()
    assert near < 0.7 * np.linalg.norm(cloud.centres - [-0.5, 0.2], axis=1).mean()
    assert domain.contains(refined.points).all()


@pytest.mark.parametrize(("domain", "recipe"), DOMAINS)
def test_all_candidates_make_the_finer_cloud(domain: Domain, recipe: CloudRecipe) -> None:
    cloud, candidates = laid(domain, recipe)
    refined = refine_cloud(cloud, candidates, np.ones((2, candidates.n_inside)), share=4.0)
    everything = {tuple(p) for p in np.vstack([cloud.points, candidates.points]).round(9)}
    found = {tuple(p) for p in refined.points.round(9)}
    assert found <= everything
    assert {tuple(p) for p in candidates.centres.round(9)} <= found | {tuple(p) for p in cloud.points.round(9)}
    again = refine_cloud(refined, candidates, np.ones((1, candidates.n_inside)), share=1.0)
    assert again.n_inside == refined.n_inside  # none is left


@pytest.mark.parametrize(("domain", "recipe"), DOMAINS)
def test_fits_on_changed_clouds_are_exact_for_quadratics(domain: Domain, recipe: CloudRecipe) -> None:
    cloud, candidates = laid(domain, recipe)
    rng = np.random.default_rng(2)
    changed = refine_cloud(cloud, candidates, peaked(candidates, 0.2, 0.4), share=0.3)
    changed = jitter_cloud(changed, domain, 0.25, rng)
    operators = build_operators(changed, ("x", "xy", "yy"), ("x", "y"), OperatorKind.QUADRATIC, 20)
    y = changed.points[:, 1]
    assert np.abs(operators.apply("yy", 3 * y**2 - y) - 6.0).max() < EXACT * 6
    if not cloud.periods.any():  # x is no function on a ring
        x = changed.points[:, 0]
        assert np.abs(operators.apply("x", x**2 + x * y) - (2 * x + y)[: changed.n_inside]).max() < EXACT
        assert np.abs(operators.apply("xy", x * y) - 1.0).max() < EXACT


@pytest.mark.parametrize(("domain", "recipe"), DOMAINS)
@pytest.mark.parametrize("share", [0.1, 0.4])
def test_jitter_moves_centres_within_their_cells(domain: Domain, recipe: CloudRecipe, share: float) -> None:
    cloud = domain.cloud(recipe.n_per_axis, recipe.gradings)
    moved = jitter_cloud(cloud, domain, share, np.random.default_rng(5))
    moves = moved.cell_coordinates - cloud.cell_coordinates
    assert np.abs(moves).max() <= share
    assert (moves[cloud.n_inside :] == 0).all()
    assert domain.contains(moved.points).all()
    assert (np.abs(moves[: cloud.n_inside]).max(axis=1) > 0).mean() > 0.8
    cell = (domain.upper - domain.lower) / np.array(recipe.n_per_axis)
    sides = (moved.points - cloud.points) * moves
    assert (sides >= 0).all()  # points move as their cell coordinates do
    if not recipe.gradings:
        assert np.allclose(moved.points - cloud.points, moves * cell)


def test_jitter_keeps_final_time_and_repeats_itself() -> None:
    cloud = RING.cloud(GRADED.n_per_axis, GRADED.gradings)
    final = cloud.centres[:, 1] == 1.0
    first, again, other = (jitter_cloud(cloud, RING, 0.3, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first.centres[final, 1] == 1.0).all()
    assert (first.points == again.points).all()
    assert (first.points != other.points).any()


def test_refined_cells_are_smaller() -> None:
    cloud, candidates = laid(SQUARE, CloudRecipe(n_per_axis=(16, 16)))
    assert (relative_cell_volumes(cloud) == 1.0).all()
    refined = refine_cloud(cloud, candidates, peaked(candidates, 0.0, 0.0), share=1.0)
    sizes = relative_cell_volumes(refined)
    at_corner = np.linalg.norm(refined.centres, axis=1) < 0.2
    far = np.linalg.norm(refined.centres, axis=1) > 1.2
    assert sizes[at_corner] == pytest.approx(0.25)
    assert sizes[far] == pytest.approx(1.0)


def test_residuals_that_do_not_fit_are_refused() -> None:
    cloud, candidates = laid(SQUARE, CloudRecipe(n_per_axis=(6, 6)))
    with pytest.raises(
        SpecError, match=r"refine_cloud.residuals must have the shape \(n_equations, n_candidates\) = \(any, 121\)"
    ):
        refine_cloud(cloud, candidates, np.ones((1, 5)), share=0.2)
    holed = np.ones((1, candidates.n_inside))
    holed[0, 7] = np.nan
    with pytest.raises(SpecError, match=r"refine_cloud.residuals must have only finite entries"):
        refine_cloud(cloud, candidates, holed, share=0.2)


def test_the_corner_of_the_lshape_is_found() -> None:
    """The equation's own solution has its largest residual on the finer grid at the re-entrant corner."""
    problem = find_problem("poisson-lshape")
    recipe = problem.recipe.cloud
    cloud, candidates = laid(problem.domain, recipe)
    operators = build_operators(candidates, ("xx", "yy"), ("x", "y"), recipe.operator, recipe.n_neighbours)
    u = problem.reference.evaluate(candidates.points)[:, 0]
    residuals = operators.apply("xx", u) + operators.apply("yy", u) + 1.0
    refined = refine_cloud(cloud, candidates, residuals[None], share=0.02)
    assert np.linalg.norm(refined.centres[cloud.n_inside :], axis=1).max() < 0.25
