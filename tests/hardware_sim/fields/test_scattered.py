"""Values at scattered points on a grid: linear ones exactly, nothing outside the domain, and refusals as None."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.hardware_sim.fields.scattered import N_MAP, interpolate_scattered, map_scattered

ROUNDING = 1e-12
"""A few operations on numbers of size one."""


@pytest.mark.parametrize("n_dim", [1, 2, 3])
def test_linear_values_are_met_between_the_points(n_dim: int) -> None:
    rng = np.random.default_rng(0)
    corners = np.stack(np.meshgrid(*[[0.0, 1.0]] * n_dim), axis=-1).reshape(-1, n_dim)
    points = np.concatenate([corners, rng.random((60, n_dim))])
    targets = rng.random((40, n_dim))
    factors = np.arange(1.0, n_dim + 1)[:, None] * np.array([1.0, -2.0])
    found = interpolate_scattered(points, points @ factors, targets)
    assert found is not None
    assert np.abs(found - targets @ factors).max() <= ROUNDING


def test_beyond_the_points_the_nearest_one_counts() -> None:
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    found = interpolate_scattered(points, np.arange(4.0)[:, None], np.array([[2.0, 2.0], [-1.0, -0.5]]))
    assert found is not None
    assert found.ravel().tolist() == [3.0, 0.0]


@pytest.mark.parametrize(
    "points", [np.zeros((3, 2)), np.linspace(0, 1, 20)[:, None] * np.ones(2), np.random.default_rng(0).random((50, 4))]
)
def test_points_that_span_no_volume_or_too_many_dimensions(points: np.ndarray) -> None:
    assert interpolate_scattered(points, np.ones((len(points), 1)), points) is None


def test_maps_leave_notches_and_holes_open() -> None:
    points = np.random.default_rng(2).uniform(-1, 1, (600, 2))

    def contains(p: np.ndarray) -> np.ndarray:
        return ~((p[:, 0] > 0) & (p[:, 1] > 0))

    inside = points[contains(points)]
    found = map_scattered(inside, inside, contains)
    assert found is not None
    assert found.values.shape == (N_MAP, N_MAP, 2)
    is_notch = (found.x[:, None] > 0) & (found.y[None] > 0)
    assert np.array_equal(np.isnan(found.values[..., 0]), is_notch)


def test_only_points_of_the_plane_have_a_map() -> None:
    assert map_scattered(np.zeros((5, 3)), np.zeros((5, 1))) is None
    assert map_scattered(np.zeros((5, 2, 2)), np.zeros((5, 1))) is None
    assert map_scattered(np.zeros((0, 2)), np.zeros((0, 1))) is None
