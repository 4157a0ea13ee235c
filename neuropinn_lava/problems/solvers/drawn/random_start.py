"""Burgers' equation on an interval with walls from a random start made of sines, for a start of its own at each point."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....base.arrays import FloatArray
from ....geometry.function_space import SineSeries
from ..exponential_stepping import solve_on_ring

N_POINTS, N_STEPS, KEEP_EVERY = 256, 400, 2
"""Points around the ring, time steps, and steps between two fields that are kept."""
N_TOGETHER = 64
"""Number of starts that are solved at a time."""


def solve_burgers_starts(points: FloatArray, starts: SineSeries, viscosity: float) -> FloatArray:
    """Solve u_t + u u_x = nu u_xx on [0, 1] with u = 0 at both ends, t in [0, 1].

    The odd continuation of the start around a ring of length 2 stays odd, so that the walls stay at zero.

    Args:
        points: x, t and the coefficients of the start, shape (n, 2 + n_waves).
        starts: Space of the starts, along x on [0, 1].
        viscosity: nu.

    Returns:
        u, shape (n, 1), to 1e-6 of its largest value for nu = 0.1.
    """
    columns, owners = np.unique(points[:, 2:], axis=0, return_inverse=True)
    owners = owners.ravel()
    x = 2.0 * np.arange(N_POINTS) / N_POINTS
    k = np.pi * np.arange(N_POINTS // 2 + 1.0)

    def nonlinear(v: Any) -> Any:
        """Return -(1 / 2) i k F(u^2)."""
        return -0.5j * k * np.fft.rfft(np.fft.irfft(v) ** 2)

    u = np.empty(len(points))
    for first in range(0, len(columns), N_TOGETHER):
        held = columns[first : first + N_TOGETHER]
        begin = starts.values(held, np.where(x <= 1.0, x, 2.0 - x)) * np.where(x <= 1.0, 1.0, -1.0)
        linear = np.tile(-viscosity * k**2, (len(held), 1))
        fields = solve_on_ring(x, begin, linear, nonlinear, horizon=1.0, n_steps=N_STEPS, keep_every=KEEP_EVERY)
        for number, spline in enumerate(fields.splines):
            mine = np.flatnonzero(owners == first + number)
            u[mine] = spline.ev(points[mine, 0], points[mine, 1])
    return u[:, None]
