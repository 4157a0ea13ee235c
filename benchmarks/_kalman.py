"""An extended Kalman filter for the signal at the end of a rod, beside the networks of `streams.py`.

    state      temperatures of n cells, and the last p values of the signal s
    model      one implicit step of the rod, and s[t+1] = a_1 s[t] + … + a_p s[t+1-p] + white noise
               a = (1) is a random walk, a = (2, -1) a trend; `fitted_memory` fits a to signals
    readings   temperatures at the sensors, interpolated between cells, with white noise

The Jacobian of the model is taken by differences, and the filters of many signals run side by side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropinn_lava.problems.solvers.drawn.rod_signal import INTERVAL, NOISE, SENSORS, advance_rod

Array = NDArray[np.float64]
DIFFERENCE = 1e-4
"""Step of the differences by which the Jacobian is taken."""


def fitted_memory(signals: Array, p: int, noise: float = 0.02) -> Array:
    """Fit the coefficients a to signals (n, n_steps) by least squares; `noise` regularizes, as band-limited signals need."""
    rows = np.stack([signals[:, p - 1 - k : -1 - k] for k in range(p)], axis=-1).reshape(-1, p)
    return np.linalg.solve(rows.T @ rows + noise**2 * len(rows) * np.eye(p), rows.T @ signals[:, p:].ravel())


class RodFilter:
    """The filter of one choice of cells and boundary model."""

    def __init__(self, n_cells: int, memory: Array, drift: float) -> None:
        """Build a filter.

        Args:
            n_cells: Cells of the rod.
            memory: Coefficients a of the boundary model, shape (p,).
            drift: Standard deviation of its noise in one step.
        """
        self.n_cells, self.memory, self.drift = n_cells, np.asarray(memory, dtype=np.float64), drift
        self.n = n_cells + len(self.memory)
        self.readout = np.zeros((len(SENSORS), self.n))
        centres = (np.arange(n_cells) + 0.5) / n_cells
        for row, x in zip(self.readout, SENSORS, strict=True):
            k = int(np.searchsorted(centres, x)) - 1
            share = (x - centres[k]) * n_cells
            row[k], row[k + 1] = 1.0 - share, share

    def advance(self, states: Array) -> Array:
        """Advance states (n, n_signals) by one step."""
        u, before = states[: self.n_cells], states[self.n_cells :]
        after = np.empty_like(states)
        after[self.n_cells] = self.memory @ before
        after[self.n_cells + 1 :] = before[:-1]
        after[: self.n_cells] = advance_rod(u, after[self.n_cells], 1.0 / self.n_cells, INTERVAL)
        return after

    def jacobian(self, states: Array) -> Array:
        """Return the derivatives of `advance`, (n_signals, n, n)."""
        n, n_signals = states.shape
        moved = np.repeat(states[:, :, None], n, axis=2) + DIFFERENCE * np.eye(n)[:, None, :]
        after = self.advance(moved.reshape(n, -1)).reshape(n, n_signals, n)
        return ((after - self.advance(states)[:, :, None]) / DIFFERENCE).transpose(1, 0, 2)

    def estimate(self, readings: Array) -> Array:
        """Return the estimates of s at every step, (n_signals, n_steps), of readings (n_signals, n_steps, n_sensors)."""
        n_signals, n_steps, _ = readings.shape
        states = np.zeros((self.n, n_signals))
        spread = np.tile(1e-6 * np.eye(self.n), (n_signals, 1, 1))
        noise, found = np.zeros((self.n, self.n)), np.empty((n_signals, n_steps))
        noise[self.n_cells, self.n_cells] = self.drift**2
        for t in range(n_steps):
            f = self.jacobian(states)
            states = self.advance(states)
            spread = f @ spread @ f.transpose(0, 2, 1) + noise + 1e-10 * np.eye(self.n)
            gained = spread @ self.readout.T
            gain = gained @ np.linalg.inv(self.readout @ gained + NOISE**2 * np.eye(len(SENSORS)))
            states = states + (gain @ (readings[:, t] - (self.readout @ states).T)[:, :, None])[:, :, 0].T
            spread = spread - gain @ gained.transpose(0, 2, 1)
            found[:, t] = np.clip(states[self.n_cells], -1.5, 1.5)
        return found

    def operations(self) -> int:
        """Count the multiplications of a step.

        The step of the rod is 6 for each cell. The Jacobian solves the same tridiagonal matrix for n right-hand sides, 3 for
        each of their cells. The covariance is two products of n by n matrices, the second of which is symmetric; the gain and
        the correction take n for each pair of sensors, and n (n + 1) / 2 for each sensor.
        """
        n, k = self.n, len(SENSORS)
        covariance = n**3 + n * n * (n + 1) // 2
        return 6 * self.n_cells + 3 * n * self.n_cells + covariance + k * n * n + 2 * k * k * n + k * n * (n + 1) // 2
