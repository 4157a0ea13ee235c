"""Fourier reference for u_t = D u_xx + a (u - u^3) on a ring, from u(x, 0) = x^2 cos(pi x) on [-1, 1].

The start has a kink at the seam x = +-1, which diffusion rounds off; everything else is smooth.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ...base.arrays import FloatArray

N_MODES = 2048
"""Points on the ring: 0.001 apart, against fronts 0.013 wide."""
N_STEPS = 1000
"""Number of time steps to t = 1."""
KEEP_EVERY = 4
"""Number of steps between two fields that are kept for the interpolation in time."""
N_CONTOUR = 32
"""Points of the contour integrals that give the scheme's coefficients."""


@lru_cache(maxsize=4)
def solve_reaction(diffusivity: float, rate: float, n_modes: int = N_MODES, n_steps: int = N_STEPS) -> Any:
    """Solve to t = 1 and interpolate by a spline of degree 5 in x and t.

        v' = L v + N(v)          v: Fourier coefficients of u,  L = a - D k^2,  N = -a F(u^3),   by ETDRK4

    Args:
        diffusivity: D.
        rate: a.
        n_modes: Points on the ring.
        n_steps: Time steps, a multiple of `KEEP_EVERY`.

    Returns:
        A scipy spline; `.ev(x, t)` gives u for arrays of shape (n,).

    Source: Kassam and Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214, equations 2.5 and 2.6.
    """
    from scipy.interpolate import RectBivariateSpline

    x = -1 + 2 * np.arange(n_modes + 1) / n_modes
    linear = rate - diffusivity * (np.pi * np.arange(n_modes // 2 + 1)) ** 2
    v = np.fft.rfft((x**2 * np.cos(np.pi * x))[:-1])
    kept = [np.fft.irfft(v)]
    step = _etdrk4(linear, 1.0 / n_steps, rate)
    for index in range(1, n_steps + 1):
        v = step(v)
        if index % KEEP_EVERY == 0:
            kept.append(np.fft.irfft(v))
    fields = np.stack(kept, axis=1)
    return RectBivariateSpline(x, np.linspace(0.0, 1.0, len(kept)), np.vstack([fields, fields[:1]]), kx=5, ky=5)


def _etdrk4(linear: FloatArray, dt: float, rate: float) -> Any:
    """Compute one step of fourth-order exponential time differencing for v' = L v - a F(u^3)."""

    def nonlinear(v: Any) -> Any:
        """Return -a F(u^3), the nonlinear term, in Fourier space."""
        return -rate * np.fft.rfft(np.fft.irfft(v) ** 3)

    e, e2 = np.exp(dt * linear), np.exp(dt * linear / 2)
    q, f1, f2, f3 = _coefficients(dt * linear, dt)

    def step(v: Any) -> Any:
        """Advance v by dt in four stages."""
        n_v = nonlinear(v)
        a = e2 * v + q * n_v
        n_a = nonlinear(a)
        n_b = nonlinear(e2 * v + q * n_a)
        n_c = nonlinear(e2 * a + q * (2 * n_b - n_v))
        return e * v + f1 * n_v + 2 * f2 * (n_a + n_b) + f3 * n_c

    return step


def _coefficients(z: FloatArray, dt: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the scheme's coefficients by means over a circle about z, which avoids the cancellation at z = 0."""
    r = np.exp(1j * np.pi * (np.arange(N_CONTOUR) + 0.5) / N_CONTOUR)
    c = z[:, None] + r
    q = (np.exp(c / 2) - 1) / c
    f1 = (-4 - c + np.exp(c) * (4 - 3 * c + c**2)) / c**3
    f2 = (2 + c + np.exp(c) * (-2 + c)) / c**3
    f3 = (-4 - 3 * c - c**2 + np.exp(c) * (4 - c)) / c**3
    q, f1, f2, f3 = (dt * part.mean(axis=1).real for part in (q, f1, f2, f3))
    return q, f1, f2, f3
