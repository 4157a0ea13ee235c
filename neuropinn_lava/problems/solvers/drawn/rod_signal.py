"""A rod whose diffusion depends on its temperature, heated at one end by a signal: what sensors inside it read.

    u_t = (kappa(u) u_x)_x     kappa(u) = 1 + 0.8 u     0 < x < 1     u(0, t) = s(t)     u_x(1, t) = 0     u(x, 0) = 0

The forward solver makes signals and readings for a network that estimates s from noisy readings, step by step. No solver goes
that way: s is not determined by the readings of a moment, and noise grows where it is computed backwards.
"""

from __future__ import annotations

import numpy as np

from ....base.arrays import FloatArray

SLOPE = 0.8
"""Change of the diffusivity with the temperature: kappa lies between 0.2 and 1.8 for |u| <= 1."""
INTERVAL = 0.01
"""Time between two readings."""
SENSORS = (0.2, 0.4)
"""Coordinates x of the sensors."""
N_CELLS = 80
"""Cells of the rod."""
N_PARTS = 4
"""Time steps of the solver between two readings."""
BAND = 4.0
"""Highest frequency of a signal, in periods per unit of time."""
NOISE = 0.01
"""Standard deviation of the noise of a reading, in units of the largest temperature."""


def random_signals(n: int, n_steps: int, rng: np.random.Generator) -> FloatArray:
    """Draw band-limited signals that begin with zero: sums of all waves below `BAND`, of equal variance.

    Args:
        n: Number of signals.
        n_steps: Number of steps of `INTERVAL`.
        rng: Source of random numbers.

    Returns:
        s, shape (n, n_steps), of zero mean over a long time; the largest |s| of each is between 0.5 and 1.
    """
    span = 1.25 * n_steps * INTERVAL  # a longer period than the signal's, so that its ends are independent
    waves = np.arange(1, int(BAND * span) + 1)
    phases = 2.0 * np.pi * np.outer(waves, np.arange(1, n_steps + 1)) * INTERVAL / span
    cosines, sines = rng.standard_normal((2, n, len(waves)))
    signals: FloatArray = cosines @ np.cos(phases) + sines @ np.sin(phases)
    signals *= -np.expm1(-np.arange(1, n_steps + 1) * INTERVAL / 0.1)
    signals *= rng.uniform(0.5, 1.0, (n, 1)) / np.abs(signals).max(axis=1, keepdims=True)
    return signals


def solve_rod(signals: FloatArray, *, n_cells: int = N_CELLS, n_parts: int = N_PARTS) -> FloatArray:
    """Solve the equation above for many signals by finite volumes and implicit steps, the diffusivity of the step before.

    Args:
        signals: s at the steps, shape (n, n_steps), |s| <= 1; between two steps it is a straight line, from zero on.
        n_cells: Cells of the rod.
        n_parts: Time steps between two readings.

    Returns:
        u at `SENSORS` at the steps, shape (n, n_steps, n_sensors).
    """
    h, dt = 1.0 / n_cells, INTERVAL / n_parts
    u = np.zeros((n_cells, len(signals)))
    centres = (np.arange(n_cells) + 0.5) * h
    readings = np.empty((*signals.shape, len(SENSORS)))
    before = np.zeros(len(signals))
    for step, now in enumerate(signals.T):
        for part in range(1, n_parts + 1):
            u = advance_rod(u, before + (now - before) * part / n_parts, h, dt)
        before = now
        readings[:, step] = np.stack([_interpolated(centres, u, x) for x in SENSORS], axis=-1)
    return readings


def advance_rod(u: FloatArray, boundary: FloatArray, h: float, dt: float) -> FloatArray:
    """Advance the temperatures of the cells by one implicit step.

    Args:
        u: Temperatures, shape (n_cells, n).
        boundary: u(0) at the end of the step, shape (n,).
        h: Length of a cell.
        dt: Length of the step.
    """
    first = 2.0 * (1.0 + SLOPE * (u[0] + boundary) / 2.0)
    right = np.vstack([1.0 + SLOPE * (u[1:] + u[:-1]) / 2.0, np.zeros((1, u.shape[1]))]) * (dt / h**2)
    left = np.vstack([first * (dt / h**2), right[:-1]])
    rhs = u.copy()
    rhs[0] += left[0] * boundary
    upper, solved = np.empty_like(u), np.empty_like(u)
    for k in range(len(u)):  # elimination in a tridiagonal matrix, for all signals at once
        pivot = 1.0 + left[k] + right[k] - (left[k] * upper[k - 1] if k else 0.0)
        upper[k] = right[k] / pivot
        solved[k] = (rhs[k] + (left[k] * solved[k - 1] if k else 0.0)) / pivot
    for k in range(len(u) - 2, -1, -1):
        solved[k] += upper[k] * solved[k + 1]
    return solved


def _interpolated(centres: FloatArray, u: FloatArray, x: float) -> FloatArray:
    """Interpolate the temperatures of the cells at a coordinate, shape (n,)."""
    k = int(np.searchsorted(centres, x)) - 1
    share = (x - centres[k]) / (centres[k + 1] - centres[k])
    between: FloatArray = (1.0 - share) * u[k] + share * u[k + 1]
    return between


def read_sensors(signals: FloatArray, rng: np.random.Generator, noise: float = NOISE) -> FloatArray:
    """Return the noisy readings of the sensors for signals.

    Args:
        signals: s at the steps, shape (n, n_steps).
        rng: Source of the noise.
        noise: Its standard deviation.

    Returns:
        Shape (n, n_steps, n_sensors).
    """
    clean = solve_rod(signals)
    return clean + noise * rng.standard_normal(clean.shape)
