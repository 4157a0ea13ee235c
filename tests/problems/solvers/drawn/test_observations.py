"""Observations: the same again from the same seed, and noise of the stated deviation."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.problems.solvers.closed_forms import decaying_sine, kovasznay_flow
from neuropinn_lava.problems.solvers.cole_hopf import solve_burgers
from neuropinn_lava.problems.solvers.drawn.observations import Observations, observe, observe_burgers, observe_diffusion


def test_without_noise_the_solutions_are_observed() -> None:
    burgers, diffusion = observe_burgers(0.1, 50, 0.0, 1), observe_diffusion(0.2, 50, 0.0, 1)
    np.testing.assert_array_equal(burgers.values, solve_burgers(burgers.points, 0.1, 1.0))
    np.testing.assert_array_equal(diffusion.values, decaying_sine(diffusion.points, 0.2))
    assert min(burgers.points.min(), diffusion.points.min()) >= 0


def test_noise_has_the_stated_deviation_in_every_output() -> None:
    """Of 20 000 normal numbers the deviation is known to 0.5 %; four times that is allowed."""
    found = observe(kovasznay_flow, np.array([-0.5, -0.5]), np.array([1.0, 1.5]), 20_000, 0.05, 3)
    exact = kovasznay_flow(found.points)
    np.testing.assert_allclose(found.deviation, 0.05 * np.sqrt(np.mean(exact**2, axis=0)), rtol=1e-12)
    np.testing.assert_allclose((found.values - exact).std(axis=0), found.deviation, rtol=0.02)
    noise = (found.values - exact) / found.deviation
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() <= 0.03


@pytest.mark.parametrize("again", [True, False])
def test_a_seed_fixes_points_and_noise(again: bool) -> None:
    one, other = observe_burgers(0.1, 20, 0.01, 5), observe_burgers(0.1, 20, 0.01, 5 if again else 6)
    assert isinstance(one, Observations)
    assert (np.array_equal(one.points, other.points) and np.array_equal(one.values, other.values)) is again
