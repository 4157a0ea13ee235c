"""PINNacle's square with four round holes, and Laplace's equation on it by a series of harmonic functions.

The square is [-0.5, 0.5]^2; the holes have the radius 0.1 and the centres (+-0.3, +-0.3). The series converges geometrically,
since the solutions continue as smooth ones over every wall by reflection, and by the maximum principle its error inside is at
most its error on the boundary, which is measured.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ...base.arrays import FloatArray

polynomials: Any = np.polynomial.polynomial  # numpy 1 has no types for it

HALF_SIDE = 0.5
"""Half of the square's side."""
CENTRES = np.array([(-0.3, -0.3), (0.3, -0.3), (-0.3, 0.3), (0.3, 0.3)])
"""Centres of the holes."""
RADIUS = 0.1
"""Radius of the holes."""
DEGREE, HOLE_DEGREE = 96, 24
"""Degree of the polynomial about the origin, and of the multipoles about each hole."""
N_SIDE, N_CIRCLE = 240, 120
"""Points on each side and each circle on which the coefficients are fitted."""
CHUNK = 4096
"""Number of points at which the functions are evaluated at a time, which takes 50 MB."""


class Walls(Enum):
    """What the lower and the upper side of the square do."""

    FIXED = "fixed"
    """They have the value 1, as the left and the right side have: PINNacle's problem."""
    INSULATED = "insulated"
    """No flux passes through them: u_y = 0."""


class HarmonicSeries(NamedTuple):
    """A harmonic function u = Re sum c_k g_k on the square with holes."""

    coefficients: FloatArray
    """The real coefficients, in the order of `series_basis`, shape (n_functions,)."""

    def evaluate(self, points: FloatArray) -> FloatArray:
        """Return u at points (x, y), shape (n, 2) to (n, 1)."""
        chunks = [points[first : first + CHUNK] for first in range(0, len(points), CHUNK)]
        return np.concatenate([series_basis(chunk)[0] @ self.coefficients[:, None] for chunk in chunks])

    def gradient(self, points: FloatArray) -> FloatArray:
        """Return u_x and u_y at points (x, y), shape (n, 2) to (n, 2)."""
        _, slopes = series_basis(points)
        return np.stack([slopes.real @ self.coefficients, -slopes.imag @ self.coefficients], axis=1)


def series_basis(points: FloatArray) -> tuple[FloatArray, Any]:
    """Compute the harmonic functions of the series and their complex slopes u_x - i u_y at points (n, 2).

        Re g and Im g of     (z / R)^k, k <= DEGREE,     (r / (z - c))^m, 1 <= m <= HOLE_DEGREE,     and  log |z - c|

    Returns:
        The functions, shape (n, n_functions), and the slopes, complex, of the same shape.

    Source: Trefethen, ANZIAM J. 60 (2018) 1, equation 3.
    """
    z = points[:, 0] + 1j * points[:, 1]
    k, m = np.arange(1, DEGREE + 1), np.arange(1, HOLE_DEGREE + 1)
    far = np.sqrt(2) * HALF_SIDE
    powers = polynomials.polyvander(z / far, DEGREE)
    values, slopes = [powers], [np.zeros_like(powers[:, :1]), k / far * powers[:, :-1]]
    logarithms, poles = [], []
    for x, y in CENTRES:
        powers = polynomials.polyvander(RADIUS / (z - complex(x, y)), HOLE_DEGREE + 1)
        values.append(powers[:, 1:-1])
        slopes.append(-m / RADIUS * powers[:, 2:])
        logarithms.append(-np.log(np.abs(powers[:, 1:2])))
        poles.append(powers[:, 1:2] / RADIUS)
    g, dg = np.hstack(values), np.hstack(slopes)
    imaginary = slice(1, None)  # the constant has no imaginary part
    functions: FloatArray = np.hstack([g.real, g.imag[:, imaginary], *logarithms])
    return functions, np.hstack([dg, -1j * dg[:, imaginary], *poles])


@lru_cache(maxsize=2)
def solve_four_holes(walls: Walls = Walls.FIXED) -> HarmonicSeries:
    """Solve u_xx + u_yy = 0 with u = 0 on the holes and u = 1 on the left and the right side.

    Args:
        walls: Whether u = 1 or u_y = 0 on the lower and the upper side.

    Returns:
        u; `.evaluate(points)` takes (x, y), shape (n, 2), to (n, 1). The absolute error is at most 1e-10.

    Source: PINNacle, arXiv 2306.08827, Poisson2d-C: `Poisson2D_Classic` of its `src/pde/poisson.py`.
    """
    from scipy.linalg import lstsq

    sides, circles = boundary_nodes()
    functions, slopes = series_basis(np.vstack([sides, circles]))
    values = np.concatenate([np.ones(len(sides)), np.zeros(len(circles))])
    if walls is Walls.INSULATED:
        flat = np.abs(sides[:, 1]) == HALF_SIDE
        functions[: len(sides)][flat] = -slopes[: len(sides)][flat].imag
        values[: len(sides)][flat] = 0.0
    return HarmonicSeries(lstsq(functions, values, cond=1e-15, lapack_driver="gelsy")[0])


def boundary_nodes() -> tuple[FloatArray, FloatArray]:
    """Return nodes on the sides, dense toward the corners, and on the circles, shape (4 N_SIDE, 2) and (4 N_CIRCLE, 2)."""
    s = HALF_SIDE * np.cos(np.pi * (np.arange(N_SIDE) + 0.5) / N_SIDE)
    wall = np.full(N_SIDE, HALF_SIDE)
    sides = np.vstack([np.stack(pair, axis=1) for pair in ((-wall, s), (wall, s), (s, -wall), (s, wall))])
    angles = 2 * np.pi * np.arange(N_CIRCLE) / N_CIRCLE
    ring = RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return sides, (CENTRES[:, None] + ring).reshape(-1, 2)
