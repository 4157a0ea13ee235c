"""Poisson's equation on the unit square with a Gaussian source whose place is a parameter, by a double sine series."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....base.arrays import FloatArray

N_X, N_Y = 96, 48
"""Terms of the series along x and along y."""
N_QUADRATURE = 200
"""Points of Gauss' quadrature that gives the coefficients of the source; sin(96 pi x) has 48 periods."""
CHUNK = 4096
"""Number of points that are evaluated at a time."""


def solve_moving_source(points: FloatArray, width: float = 0.1, strength: float = 100.0) -> FloatArray:
    """Solve Poisson's equation with a source at (s, 1/2), for an s of its own at each point.

        -(u_xx + u_yy) = q exp(-((x - s)^2 + (y - 1/2)^2) / (2 w^2))     on [0, 1]^2          u = 0 on the boundary
        u = sum_mn F_m(s) G_n / (pi^2 (m^2 + n^2)) sin(m pi x) sin(n pi y)          F, G: sine coefficients of the source

    Args:
        points: x, y and s, shape (n, 3), s in [0.25, 0.75].
        width: w, 0.05 to 0.15.
        strength: q.

    Returns:
        u, shape (n, 1), to 6e-6 of its largest value for w up to 0.1, and to 3e-5 for 0.15.
    """
    legendre: Any = np.polynomial.legendre  # numpy 1 has no types for it
    nodes, weights = legendre.leggauss(N_QUADRATURE)
    nodes, weights = (1 + nodes) / 2, weights / 2
    m, n = np.pi * np.arange(1, N_X + 1), np.pi * np.arange(1, N_Y + 1)
    along_x, along_y = (2 * weights[:, None] * np.sin(nodes[:, None] * k) for k in (m, n))
    g = strength * np.exp(-((nodes - 0.5) ** 2) / (2 * width**2)) @ along_y
    green = g / (m[:, None] ** 2 + n**2)
    chunks = [points[first : first + CHUNK] for first in range(0, len(points), CHUNK)]
    solved = []
    for x, y, s in (chunk.T[:, :, None] for chunk in chunks):
        f = np.exp(-((nodes - s) ** 2) / (2 * width**2)) @ along_x
        solved.append((np.sin(x * m) * f * (np.sin(y * n) @ green.T)).sum(axis=1))
    u: FloatArray = np.concatenate(solved)[:, None]
    return u
