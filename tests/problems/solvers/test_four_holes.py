"""The square with four holes: harmonic functions by construction, so that the error on the boundary bounds the error inside."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.problems.solvers.four_holes import CENTRES, HALF_SIDE, RADIUS, Walls, solve_four_holes

ACCURACY = 1e-10
"""The stated absolute error."""


def walls_and_circles() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return 501 points on each wall (left and right; lower and upper) and each circle, which are not those of the fit."""
    s, wall = np.linspace(-HALF_SIDE, HALF_SIDE, 501), np.full(501, HALF_SIDE)
    upright, flat = (
        np.vstack([np.stack(pair[::order], axis=1) for pair in ((-wall, s), (wall, s))]) for order in (1, -1)
    )
    angles = np.linspace(0, 2 * np.pi, 501)
    ring = RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return upright, flat, (CENTRES[:, None] + ring).reshape(-1, 2)


def points_inside() -> FloatArray:
    points = np.random.default_rng(0).uniform(-0.49, 0.49, (5000, 2))
    return points[(np.linalg.norm(points[:, None] - CENTRES, axis=2) > RADIUS + 0.01).all(axis=1)]


@pytest.mark.parametrize("walls", Walls)
def test_boundary_values_are_met(walls: Walls) -> None:
    upright, flat, circles = walls_and_circles()
    solution = solve_four_holes(walls)
    np.testing.assert_allclose(solution.evaluate(upright), 1.0, atol=ACCURACY)
    np.testing.assert_allclose(solution.evaluate(circles), 0.0, atol=ACCURACY)
    if walls is Walls.FIXED:
        np.testing.assert_allclose(solution.evaluate(flat), 1.0, atol=ACCURACY)
    else:
        np.testing.assert_allclose(solution.gradient(flat)[:, 1], 0.0, atol=1e-9)


@pytest.mark.parametrize("walls", Walls)
def test_the_solution_is_harmonic_and_has_its_gradient(walls: Walls) -> None:
    """By central differences, h = 1e-3; 1e-3 of the largest second derivative and of the largest slope is what they leave."""
    solution, points, h = solve_four_holes(walls), points_inside(), 1e-3
    u, right, left, up, down = (
        solution.evaluate(points + h * np.array(e))[:, 0] for e in ([0, 0], [1, 0], [-1, 0], [0, 1], [0, -1])
    )
    assert np.abs(right + left + up + down - 4 * u).max() <= 1e-3 * np.abs(right - 2 * u + left).max()
    slopes = np.stack([right - left, up - down], axis=1) / (2 * h)
    assert np.abs(solution.gradient(points) - slopes).max() <= 1e-3 * np.abs(slopes).max()


@pytest.mark.parametrize(("walls", "middle"), [(Walls.FIXED, 0.23358), (Walls.INSULATED, 0.12158)])
def test_finite_differences_agree(walls: Walls, middle: float) -> None:
    """At the middle of the square, by five-point differences in which the circles are staircases: good to 6 %."""
    found = solve_four_holes(walls).evaluate(np.zeros((1, 2)))[0, 0]
    assert found == pytest.approx(middle, abs=1e-5)
    assert found == pytest.approx(relax(walls, 100), rel=0.06)


def relax(walls: Walls, n: int) -> float:
    """Solve for u on a grid of n cells each way by a sparse direct method, longhand, and return u at the middle."""
    from scipy.sparse import lil_matrix
    from scipy.sparse.linalg import spsolve

    matrix, right = lil_matrix(((n + 1) ** 2, (n + 1) ** 2)), np.zeros((n + 1) ** 2)
    line = np.linspace(-HALF_SIDE, HALF_SIDE, n + 1)
    for i in range(n + 1):
        for j in range(n + 1):
            row = i * (n + 1) + j
            in_hole = (np.hypot(*(np.array([line[i], line[j]]) - CENTRES).T) <= RADIUS).any()
            fixed = i in (0, n) or (j in (0, n) and walls is Walls.FIXED)
            matrix[row, row] = 1.0
            if in_hole or fixed:
                right[row] = float(not in_hole)
                continue
            for a, b in ((i + 1, j), (i - 1, j), (i, abs(j - 1)), (i, n - abs(n - j - 1))):  # mirrored at the walls
                matrix[row, a * (n + 1) + b] -= 0.25
    return float(spsolve(matrix.tocsc(), right)[row // 2])
