"""Exact solutions of Burgers' equation by the Cole-Hopf transformation and quadrature."""

from __future__ import annotations

import numpy as np

from ...base.arrays import FloatArray

STEP = 0.08
"""Step of the trapezoidal rule in xi. The integrand is entire and varies over lengths of 0.35 or more for t <= 1, so the
rule errs by exp(-2 (pi 0.35 / STEP)^2), less than 1e-160."""
TAIL = 40.0
"""Logarithm of the ratio at which the integrand is cut off: exp(-TAIL) = 4e-18 of its peak."""
CHUNK = 4096
"""Number of points that are evaluated at a time, so that 10^5 points take 20 MB."""


def solve_burgers(points: FloatArray, viscosity: float | FloatArray, amplitude: float) -> FloatArray:
    """Solve u_t + u u_x = v u_xx with u(x, 0) = a sin(pi x), which also keeps u = 0 at every whole x.

        u(x, t) = int a sin(pi y) F dxi / int F dxi          y = x - xi sqrt(4 v t)
        F(xi)   = exp(a cos(pi y) / (2 pi v) - xi^2)

    Args:
        points: x and t, shape (n, 2), 0 <= t <= 1.
        viscosity: v, positive: one for all points, or one for each, shape (n,).
        amplitude: a.

    Returns:
        u, shape (n, 1), to 1e-12 of |a|.

    Source: Cole, Q. Appl. Math. 9 (1951) 225; Hopf, CPAM 3 (1950) 201.
    """
    each = np.broadcast_to(np.asarray(viscosity, dtype=np.float64), len(points))[:, None]
    peak = abs(amplitude) / (np.pi * np.min(viscosity))  # how far the first exponent ranges
    half = np.ceil(np.sqrt(peak + TAIL) / STEP)
    xi = STEP * np.arange(-half, half + 1)
    chunks = [slice(first, first + CHUNK) for first in range(0, len(points), CHUNK)]
    solved = [_solve_chunk(points[chunk], xi, each[chunk], amplitude) for chunk in chunks]
    return np.concatenate(solved)[:, None]


def _solve_chunk(points: FloatArray, xi: FloatArray, viscosity: FloatArray, amplitude: float) -> FloatArray:
    x, t = points[:, :1], points[:, 1:]
    y = x - np.sqrt(4 * viscosity * t) * xi
    exponent = amplitude * np.cos(np.pi * y) / (2 * np.pi * viscosity) - xi**2
    weight = np.exp(exponent - exponent.max(axis=1, keepdims=True))
    u: FloatArray = amplitude * (np.sin(np.pi * y) * weight).sum(axis=1) / weight.sum(axis=1)
    return u
