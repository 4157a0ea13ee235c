"""Fourier reference for the Kuramoto-Sivashinsky equation on the ring [0, 2 pi], from u(x, 0) = cos x (1 + sin x)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .exponential_stepping import RingFields, solve_on_ring

N_MODES, N_STEPS = 512, 4000
"""Points on the ring and time steps to the horizon."""
KEEP_EVERY = 4
"""Number of steps between two fields that are kept for the interpolation in time."""


class Flame(NamedTuple):
    """Coefficients of u_t + a u u_x + b u_xx + c u_xxxx = 0, by default PINNacle's (`src/pde/chaotic.py`)."""

    advection: float = 100 / 16
    """Coefficient a of the advection."""
    growth: float = 100 / 16**2
    """Coefficient b of the second derivative, which makes long waves grow."""
    damping: float = 100 / 16**4
    """Coefficient c of the fourth derivative, which damps short waves."""


FLAME = Flame()
"""The coefficients of PINNacle's benchmark problem KS."""


@lru_cache(maxsize=4)
def solve_kuramoto_sivashinsky(
    flame: Flame = FLAME, horizon: float = 1.0, n_modes: int = N_MODES, n_steps: int = N_STEPS
) -> RingFields:
    """Solve u_t + a u u_x + b u_xx + c u_xxxx = 0 on the ring [0, 2 pi].

        v' = L v + N(v)          v: Fourier coefficients of u,  L = b k^2 - c k^4,  N = -(a / 2) i k F(u^2)

    Small differences grow exponentially, so the accuracy is that at the horizon.

    Args:
        flame: a, b and c.
        horizon: Time up to which the solution is wanted, 0 to 1.
        n_modes: Points on the ring.
        n_steps: Time steps, a multiple of `KEEP_EVERY`.

    Returns:
        u; `.evaluate(points)` takes (x, t), shape (n, 2), to (n, 1). The relative error is 1e-7 up to t = 0.5 and 5e-6 to 1.

    Source: Kassam and Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214, section 4, whose start this is on a ring of 2 pi.
    """
    k = np.arange(n_modes // 2 + 1.0)
    x = 2 * np.pi * np.arange(n_modes) / n_modes

    def nonlinear(v: Any) -> Any:
        """Return -(a / 2) i k F(u^2)."""
        return -0.5j * flame.advection * k * np.fft.rfft(np.fft.irfft(v) ** 2)

    linear = (flame.growth * k**2 - flame.damping * k**4)[None]
    start = (np.cos(x) * (1 + np.sin(x)))[None]
    return solve_on_ring(x, start, linear, nonlinear, horizon=horizon, n_steps=n_steps, keep_every=KEEP_EVERY)
