"""The moving source against its equation and against a fast Poisson solver."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.fft import dstn, idstn

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.problems.solvers.drawn import moving_source
from neuropinn_lava.problems.solvers.drawn.moving_source import CHUNK, solve_moving_source


def random_points(n: int) -> FloatArray:
    return np.random.default_rng(0).uniform([0, 0, 0.25], [1, 1, 0.75], (n, 3))


@pytest.mark.parametrize(("width", "bound"), [(0.05, 6e-6), (0.1, 6e-6), (0.15, 3e-5)])
def test_the_series_is_converged(width: float, bound: float, monkeypatch: pytest.MonkeyPatch) -> None:
    points = random_points(2000)
    found = solve_moving_source(points, width)
    for name in ("N_X", "N_Y", "N_QUADRATURE"):
        monkeypatch.setattr(moving_source, name, 3 * getattr(moving_source, name))
    finer = solve_moving_source(points, width)
    assert 0 < np.abs(found - finer).max() <= bound * np.abs(finer).max()


def test_five_point_differences_agree() -> None:
    """By the discrete sine transform on 256 cells, whose error of second order is 2e-4."""
    n, s = 256, 0.35
    line = np.arange(1, n) / n
    x, y = np.meshgrid(line, line, indexing="ij")
    source = 100 * np.exp(-((x - s) ** 2 + (y - 0.5) ** 2) / (2 * 0.1**2))
    symbol = (2 * n * np.sin(np.pi * line / 2)) ** 2
    u = idstn(dstn(source, type=1) / (symbol[:, None] + symbol), type=1)
    found = solve_moving_source(np.stack([x.ravel(), y.ravel(), np.full(x.size, s)], axis=1))
    assert np.abs(found[:, 0] - u.ravel()).max() <= 2e-4 * u.max()


def test_walls_are_cold_and_many_points_are_evaluated_in_turn() -> None:
    points = random_points(CHUNK + 10)
    found = solve_moving_source(points)
    assert found.shape == (CHUNK + 10, 1)
    np.testing.assert_allclose(found[CHUNK:], solve_moving_source(points[CHUNK:]), rtol=1e-10)
    points[::2, 0] = 1.0
    points[1::2, 1] = 0.0
    np.testing.assert_allclose(solve_moving_source(points), 0.0, atol=1e-12)
