"""The rod with a signal at one end: a manufactured solution, its observed order, and bounds of signals and temperatures."""

from __future__ import annotations

import numpy as np

from neuropinn_lava.problems.solvers.drawn.rod_signal import (
    BAND,
    INTERVAL,
    NOISE,
    SLOPE,
    advance_rod,
    random_signals,
    read_sensors,
    solve_rod,
)

STATIONARY = 1e-3
"""What is left of the start after `LONG` steps: exp(-0.44 (pi / 2)^2 8) = 2e-4 of it, where kappa is 0.44."""
LONG = 800
"""Steps of eight units of time."""


def test_a_constant_signal_fills_the_rod() -> None:
    """With no flux at the far end the stationary temperature is the signal's."""
    signals = np.array([0.7, -0.7])[:, None] * np.ones(LONG)
    assert np.abs(solve_rod(signals)[:, -1] - signals[:, -1:]).max() < STATIONARY


def test_order_of_convergence() -> None:
    """u = exp(-t) sin(pi x / 2) w solves u_t = (kappa u_x)_x + f; the step without f is taken, and f dt is added to it."""

    def error(n: int) -> float:
        h, dt, u, t = 1.0 / n, 0.2 / n**2, np.zeros((n, 1)), 0.0
        x = (np.arange(n) + 0.5)[:, None] * h
        exact = lambda t: 0.3 * np.exp(-t) * np.sin(np.pi * x / 2)  # noqa: E731
        u = exact(0.0)
        while t < 0.02:
            t += dt
            u = advance_rod(u, np.zeros(1), h, dt) + dt * source(x, t)
        return float(np.abs(u - exact(t)).max())

    def source(x: np.ndarray, t: float) -> np.ndarray:
        """Return f = u_t - kappa u_xx - kappa' u_x^2 of the manufactured solution."""
        u = 0.3 * np.exp(-t) * np.sin(np.pi * x / 2)
        u_x = 0.3 * np.exp(-t) * np.pi / 2 * np.cos(np.pi * x / 2)
        return -u + (1.0 + SLOPE * u) * (np.pi / 2) ** 2 * u - SLOPE * u_x**2

    coarse, fine = error(10), error(20)
    assert 1.5 < np.log2(coarse / fine) < 2.5  # second order in space, where dt shrinks with its square


def test_temperatures_stay_between_the_signals_bounds_and_solutions_converge() -> None:
    signals = random_signals(4, 60, np.random.default_rng(0))
    found = solve_rod(signals)
    assert np.abs(found).max() <= np.abs(signals).max()
    fine = solve_rod(signals, n_cells=160, n_parts=16)
    assert np.linalg.norm(found - fine) < 0.02 * np.linalg.norm(fine)


def test_signals_are_band_limited_and_scaled() -> None:
    signals = random_signals(20, 400, np.random.default_rng(1))
    largest = np.abs(signals).max(axis=1)
    assert (largest >= 0.5).all()
    assert (largest <= 1.0).all()
    spectrum = np.abs(np.fft.rfft(signals * np.hanning(400), axis=1)) ** 2
    above = np.fft.rfftfreq(400, INTERVAL) > 1.25 * BAND
    assert spectrum[:, above].sum() < 1e-3 * spectrum.sum()


def test_readings_have_the_noise_that_is_stated() -> None:
    signals = np.zeros((50, 100))
    noise = read_sensors(signals, np.random.default_rng(2))
    assert abs(noise.std() / NOISE - 1.0) < 0.05
