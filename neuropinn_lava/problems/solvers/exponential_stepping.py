"""Periodic fields by Fourier coefficients and exponential time differencing of fourth order (ETDRK4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...base.arrays import FloatArray

N_CONTOUR = 32
"""Points of the contour integrals that give the scheme's coefficients."""
DEGREE = 5
"""Degree of the splines in x and in t."""
OVERLAP = 16
"""Points that a spline repeats beyond either end of the ring, so that its ends are as accurate as its middle."""

Nonlinear = Callable[[Any], Any]
"""A nonlinear term as a function of the Fourier coefficients (n_fields, n_modes), of the same shape."""


class RingFields(NamedTuple):
    """Fields on a ring over time, as splines through their values on a grid of points and times."""

    splines: tuple[Any, ...]
    """One scipy spline of (x, t) for each field; `.ev(x, t)` gives its values for arrays of shape (n,)."""

    def evaluate(self, points: FloatArray) -> FloatArray:
        """Return the fields at points (x, t), shape (n, 2) to (n, n_fields)."""
        return np.stack([spline.ev(points[:, 0], points[:, 1]) for spline in self.splines], axis=1)


def solve_on_ring(
    x: FloatArray,
    start: FloatArray,
    linear: FloatArray,
    nonlinear: Nonlinear,
    *,
    horizon: float,
    n_steps: int,
    keep_every: int,
    overlap: int = OVERLAP,
) -> RingFields:
    """Solve v' = L v + N(v) for the Fourier coefficients v of fields on a ring, and interpolate in x and t.

    Args:
        x: Grid points around the ring, ascending and equally spaced, without the right end, shape (n_points,).
        start: Values of the fields at t = 0, shape (n_fields, n_points).
        linear: L, a real number for each field and mode of `numpy.fft.rfft`, shape (n_fields, n_points // 2 + 1).
        nonlinear: N.
        horizon: Time at the end, positive.
        n_steps: Number of equal steps, a multiple of `keep_every`.
        keep_every: Number of steps between two times whose fields the interpolation uses.
        overlap: Points that the splines repeat beyond either end of the ring: none if the start has a kink there.
    """
    from scipy.interpolate import RectBivariateSpline

    v = np.fft.rfft(start)
    kept = [start]
    step = etdrk4(linear, horizon / n_steps, nonlinear)
    for index in range(1, n_steps + 1):
        v = step(v)
        if index % keep_every == 0:
            kept.append(np.fft.irfft(v))
    around = np.arange(-overlap, len(x) + overlap + 1)
    grid, t = x[0] + around * (x[1] - x[0]), np.linspace(0.0, horizon, len(kept))
    fields = np.stack(kept, axis=2)[:, around % len(x)]
    return RingFields(tuple(RectBivariateSpline(grid, t, field, kx=DEGREE, ky=DEGREE) for field in fields))


def etdrk4(linear: FloatArray, dt: float, nonlinear: Nonlinear) -> Callable[[Any], Any]:
    """Build one step of length dt of fourth-order exponential time differencing for v' = L v + N(v).

    Args:
        linear: L, real, in the shape of v.
        dt: Length of the step.
        nonlinear: N.

    Source: Kassam and Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214, equations 2.5 and 2.6.
    """
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
    c = z[..., None] + r
    q = (np.exp(c / 2) - 1) / c
    f1 = (-4 - c + np.exp(c) * (4 - 3 * c + c**2)) / c**3
    f2 = (2 + c + np.exp(c) * (-2 + c)) / c**3
    f3 = (-4 - 3 * c - c**2 + np.exp(c) * (4 - c)) / c**3
    q, f1, f2, f3 = (dt * part.mean(axis=-1).real for part in (q, f1, f2, f3))
    return q, f1, f2, f3
