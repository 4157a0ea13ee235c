"""Burgers' equation with a viscosity of its own for each point; tests/problems/test_references.py has the other tests."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.problems.solvers.cole_hopf import CHUNK, solve_burgers


def test_viscosities_of_a_decade_go_with_their_points() -> None:
    """More points than are evaluated at a time, each as if it were alone; 1e-13 is the rounding of sums of other lengths."""
    rng = np.random.default_rng(0)
    points = rng.uniform([-1.0, 0.0], [1.0, 1.0], (CHUNK + 50, 2))
    viscosity = np.exp(rng.uniform(np.log(0.01), np.log(0.1), len(points)))
    found = solve_burgers(points, viscosity, -1.0)
    assert found.shape == (len(points), 1)
    for i in (0, 7, CHUNK - 1, CHUNK, CHUNK + 49):
        assert found[i, 0] == pytest.approx(solve_burgers(points[[i]], float(viscosity[i]), -1.0)[0, 0], abs=1e-13)


def test_a_family_satisfies_its_equation() -> None:
    """u_t + u u_x = v u_xx by central differences of order 2 with h = 1e-4; 1e-4 of u_xx is what they leave."""
    rng = np.random.default_rng(1)
    points = rng.uniform([-0.9, 0.1], [0.9, 0.9], (200, 2))
    viscosity = rng.uniform(0.02, 0.1, 200)
    h = 1e-4
    u, right, left, later, earlier = (
        solve_burgers(points + h * np.array(shift), viscosity, -1.0)[:, 0]
        for shift in ([0, 0], [1, 0], [-1, 0], [0, 1], [0, -1])
    )
    u_x, u_t, u_xx = (right - left) / (2 * h), (later - earlier) / (2 * h), (right - 2 * u + left) / h**2
    assert np.abs(u_t + u * u_x - viscosity * u_xx).max() <= 1e-4 * np.abs(u_xx).max()
