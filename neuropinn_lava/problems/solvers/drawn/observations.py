"""Noisy observations of known solutions, from which inverse problems find the coefficient back."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ....base.arrays import FloatArray
from ..closed_forms import decaying_sine
from ..cole_hopf import solve_burgers


class Observations(NamedTuple):
    """Values that were measured at points, with the deviation of their noise."""

    points: FloatArray
    """Points of measurement, shape (n, n_dim)."""
    values: FloatArray
    """Measured values, the noise included, shape (n, n_out)."""
    deviation: FloatArray
    """Standard deviation of the noise of each output, shape (n_out,)."""


def observe(
    solution: Callable[[FloatArray], FloatArray],
    low: FloatArray,
    high: FloatArray,
    n_points: int,
    noise: float,
    seed: int,
) -> Observations:
    """Measure a solution at random points of a box, with independent normal noise.

    Args:
        solution: Function of points (n, n_dim) that returns values (n, n_out).
        low: Lower corner of the box, shape (n_dim,).
        high: Upper corner of the box, shape (n_dim,).
        n_points: Number of points.
        noise: Deviation of the noise as a share of each output's root mean square over the points, such as 0.01.
        seed: Seed of the points and of the noise.
    """
    rng = np.random.default_rng(seed)
    points = rng.uniform(low, high, (n_points, len(low)))
    exact = solution(points)
    deviation = noise * np.sqrt(np.mean(exact**2, axis=0))
    return Observations(points, exact + deviation * rng.standard_normal(exact.shape), deviation)


def observe_burgers(viscosity: float, n_points: int, noise: float, seed: int) -> Observations:
    """Measure the solution of u_t + u u_x = v u_xx with u = sin(pi x) at t = 0, on (x, t) in [0, 1]^2."""
    box = np.zeros(2), np.ones(2)
    return observe(lambda points: solve_burgers(points, viscosity, 1.0), *box, n_points, noise, seed)


def observe_diffusion(diffusivity: float, n_points: int, noise: float, seed: int) -> Observations:
    """Measure the solution of u_t = D u_xx with u = sin(pi x) at t = 0 and u = 0 at both ends, on (x, t) in [0, 1]^2."""
    box = np.zeros(2), np.ones(2)
    return observe(lambda points: decaying_sine(points, diffusivity), *box, n_points, noise, seed)
