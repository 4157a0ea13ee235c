"""Solutions in closed form or as short series, each a function of points (n, n_dim) that returns values (n, n_out).

All are exact to rounding, except the series of the heat equation, which says its accuracy.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...base.arrays import FloatArray

N_ROOTS = 80
"""Terms of the heat series. Its coefficients fall like m^-4, so that at t = 0 it is off by 1e-7 for h = 1 and by 1e-6 for
h = 10, and for D t >= 1e-3 by rounding only."""


def helmholtz_mode(points: FloatArray, modes: tuple[int, int] = (1, 4)) -> FloatArray:
    """Evaluate the solution of Helmholtz' equation on [-1, 1]^2 with u = 0 on the boundary.

        u_xx + u_yy + k^2 u = f          u = sin(a pi x) sin(b pi y),  f = (k^2 - pi^2 (a^2 + b^2)) u

    Args:
        points: x and y, shape (n, 2).
        modes: a and b.

    Returns:
        u, shape (n, 1).

    Source: Wang, Teng and Perdikaris, SIAM J. Sci. Comput. 43 (2021) A3055, section 4.1, with a = 1, b = 4, k = 1.
    """
    x, y = points.T
    return np.stack([np.sin(modes[0] * np.pi * x) * np.sin(modes[1] * np.pi * y)], axis=1)


def standing_wave(points: FloatArray, speed: float = 2.0, mode: int = 4) -> FloatArray:
    """Evaluate a standing wave of two modes on the string [0, 1] with u = 0 at both ends and u_t = 0 at t = 0.

        u_tt = c^2 u_xx          u = sin(pi x) cos(c pi t) + (1/2) sin(m pi x) cos(c m pi t)

    Args:
        points: x and t, shape (n, 2).
        speed: c.
        mode: m, the number of the second mode.

    Returns:
        u, shape (n, 1).

    Source: Wang, Yu and Perdikaris, J. Comput. Phys. 449 (2022) 110768, section 7.2; PINNacle's Wave1d-C.
    """
    x, t = np.pi * points.T
    first = np.sin(x) * np.cos(speed * t)
    return np.stack([first + 0.5 * np.sin(mode * x) * np.cos(speed * mode * t)], axis=1)


def membrane_mode(points: FloatArray, speed: float = 1.0, modes: tuple[int, int] = (1, 1)) -> FloatArray:
    """Evaluate a mode of the square membrane [0, 1]^2 with u = 0 on its sides and u_t = 0 at t = 0.

        u_tt = c^2 (u_xx + u_yy)          u = sin(a pi x) sin(b pi y) cos(c pi sqrt(a^2 + b^2) t)

    Args:
        points: x, y and t, shape (n, 3).
        speed: c.
        modes: a and b.

    Returns:
        u, shape (n, 1).

    Source: Courant and Hilbert, Methods of Mathematical Physics I (1953), V.5.
    """
    x, y, t = np.pi * points.T
    shape = np.sin(modes[0] * x) * np.sin(modes[1] * y)
    return np.stack([shape * np.cos(speed * np.hypot(*modes) * t)], axis=1)


def robin_heat(points: FloatArray, diffusivity: float = 1.0, exchange: float = 1.0) -> FloatArray:
    """Evaluate the temperature of a rod [0, 1] that is cold at x = 0 and loses heat at x = 1.

        u_t = D u_xx          u = 0 at x = 0,  u_x + h u = 0 at x = 1,  u = x - b x^3 at t = 0,  b = (1 + h) / (3 + h)
        u = sum c_m sin(m x) exp(-D m^2 t)          m cos m + h sin m = 0,  m > 0

    Args:
        points: x and t, shape (n, 2), t not negative.
        diffusivity: D, positive.
        exchange: h, positive.

    Returns:
        u, shape (n, 1).

    Source: Carslaw and Jaeger, Conduction of Heat in Solids (1959), 3.9.
    """
    x, t = points.T
    roots, coefficients = _robin_series(exchange)
    terms = np.sin(x[:, None] * roots) * np.exp(-diffusivity * t[:, None] * roots**2)
    u: FloatArray = terms @ coefficients[:, None]
    return u


def robin_neumann_heat(points: FloatArray, diffusivity: float = 1.0, exchange: float = 1.0) -> FloatArray:
    """Evaluate the temperature of a square plate each of whose sides has a condition of its own.

        u_t = D (u_xx + u_yy) on [0, 1]^2          u = 0 at x = 0 and at y = 1,  u_x + h u = 0 at x = 1,  u_y = 0 at y = 0
        u = cos(pi y / 2) exp(-D pi^2 t / 4) * robin_heat(x, t)          u = (x - b x^3) cos(pi y / 2) at t = 0

    Args:
        points: x, y and t, shape (n, 3), t not negative.
        diffusivity: D, positive.
        exchange: h, positive.

    Returns:
        u, shape (n, 1).
    """
    _, y, t = points.T
    across = np.cos(np.pi * y / 2) * np.exp(-diffusivity * (np.pi / 2) ** 2 * t)
    u: FloatArray = across[:, None] * robin_heat(points[:, [0, 2]], diffusivity, exchange)
    return u


@lru_cache(maxsize=16)
def _robin_series(exchange: float) -> tuple[FloatArray, FloatArray]:
    """Return the roots m of m cos m + h sin m and the coefficients of x - b x^3 in sin(m x), shape (N_ROOTS,) each."""
    from scipy.optimize import brentq

    def mismatch(m: float) -> float:
        """Return m cos m + h sin m, which changes its sign once between (j - 1/2) pi and j pi."""
        return float(m * np.cos(m) + exchange * np.sin(m))

    m = np.array([brentq(mismatch, (j - 0.5) * np.pi, j * np.pi, xtol=1e-14) for j in range(1, N_ROOTS + 1)])
    b = (1 + exchange) / (3 + exchange)
    overlap = 6 * b * (1 + exchange) * np.sin(m) / m**4
    return m, overlap / (0.5 - np.sin(2 * m) / (4 * m))


def mixed_poisson(points: FloatArray) -> FloatArray:
    """Evaluate the solution of Poisson's equation on [0, 1]^2 with flux through its upper side.

        -(u_xx + u_yy) = (5 pi^2 / 4) sin(pi x) sin(pi y / 2)          u = 0 at x = 0, x = 1 and y = 0
        u_y = sin(pi x) at y = 1                  u = sin(pi x) (sin(pi y / 2) + sinh(pi y) / (pi cosh(pi)))

    Args:
        points: x and y, shape (n, 2).

    Returns:
        u, shape (n, 1).

    Source: manufactured here.
    """
    x, y = np.pi * points.T
    return np.stack([np.sin(x) * (np.sin(y / 2) + np.sinh(y) / (np.pi * np.cosh(np.pi)))], axis=1)


def travelling_sine(points: FloatArray, speed: float = 1.0) -> FloatArray:
    """Evaluate the solution of the advection equation on the ring [0, 2 pi] from u = sin x.

        u_t + c u_x = 0          u = sin(x - c t)

    Args:
        points: x and t, shape (n, 2).
        speed: c.

    Returns:
        u, shape (n, 1).

    Source: Krishnapriyan et al., NeurIPS 34 (2021) 26548, section 4.1.
    """
    x, t = points.T
    return np.stack([np.sin(x - speed * t)], axis=1)


def kovasznay_flow(points: FloatArray, reynolds: float = 40.0) -> FloatArray:
    """Evaluate Kovasznay's steady flow behind a grid of period 1.

        u u_x + v u_y = -p_x + nu (u_xx + u_yy),  u v_x + v v_y = -p_y + nu (v_xx + v_yy),  u_x + v_y = 0,  nu = 1 / Re
        u = 1 - e^(k x) cos(2 pi y)          v = k / (2 pi) e^(k x) sin(2 pi y)          p = (1 - e^(2 k x)) / 2
        k = Re / 2 - sqrt(Re^2 / 4 + 4 pi^2)

    Args:
        points: x and y, shape (n, 2).
        reynolds: Re, positive.

    Returns:
        u, v and p, shape (n, 3).

    Source: Kovasznay, Proc. Camb. Phil. Soc. 44 (1948) 58.
    """
    x, y = points.T
    k = reynolds / 2 - np.sqrt(reynolds**2 / 4 + 4 * np.pi**2)
    decay = np.exp(k * x)
    u, v = 1 - decay * np.cos(2 * np.pi * y), k / (2 * np.pi) * decay * np.sin(2 * np.pi * y)
    return np.stack([u, v, (1 - decay**2) / 2], axis=1)


def two_materials(
    points: FloatArray, conductivities: tuple[float, float] = (1.0, 10.0), interface: float = 0.5, strength: float = 1.0
) -> FloatArray:
    """Evaluate the temperature of a heated square [0, 1]^2 of two materials that meet at x = w.

        -div(k grad u) = q sin(pi y)          u = 0 on the boundary;  u and k u_x are continuous at x = w
        u = X(x) sin(pi y)                    X = q / (k pi^2) (1 - cosh(pi s)) + a sinh(pi s),  s the distance from the wall

    Args:
        points: x and y, shape (n, 2).
        conductivities: k to the left and to the right of w, positive.
        interface: w, in (0, 1).
        strength: q.

    Returns:
        u, shape (n, 1).

    Source: separation of variables; a follows on each side from the two conditions at w.
    """
    x, y = np.pi * points.T
    widths, k = np.pi * np.array([interface, 1 - interface]), np.array(conductivities)
    at_wall = strength / (k * np.pi**2)
    rises = at_wall * (1 - np.cosh(widths))
    matrix = np.array([np.sinh(widths) * (1, -1), k * np.cosh(widths)])
    left, right = np.linalg.solve(matrix, [rises[1] - rises[0], (k * at_wall * np.sinh(widths)).sum()])
    in_left = x <= widths[0]
    s = np.where(in_left, x, np.pi - x)
    profile = np.where(in_left, at_wall[0], at_wall[1]) * (1 - np.cosh(s)) + np.where(in_left, left, right) * np.sinh(s)
    return np.stack([profile * np.sin(y)], axis=1)


def decaying_sine(points: FloatArray, diffusivity: float) -> FloatArray:
    """Evaluate the temperature of a rod [0, 1] that is cold at both ends, from u = sin(pi x).

        u_t = D u_xx          u = sin(pi x) exp(-D pi^2 t)

    Args:
        points: x and t, shape (n, 2).
        diffusivity: D.

    Returns:
        u, shape (n, 1).
    """
    x, t = points.T
    return np.stack([np.sin(np.pi * x) * np.exp(-diffusivity * np.pi**2 * t)], axis=1)


def diffusion_in_a_field(points: FloatArray) -> FloatArray:
    """Evaluate the solution of a diffusion equation on [0, 1]^2 whose coefficient is a field, with u = 0 on the boundary.

        -div(a grad u) = f          u = sin(pi x) sin(pi y),  a = 1 / (1 + x^2 + y^2 + (x - 1)^2 + (y - 1)^2)

    Args:
        points: x and y, shape (n, 2).

    Returns:
        u and a, shape (n, 2).

    Source: PINNacle, arXiv 2306.08827, PInv (`PoissonInv` of its `src/pde/inverse.py`).
    """
    x, y = points.T
    a = 1 / (1 + x**2 + y**2 + (x - 1) ** 2 + (y - 1) ** 2)
    return np.stack([np.sin(np.pi * x) * np.sin(np.pi * y), a], axis=1)


def diffusion_in_a_field_source(points: FloatArray) -> FloatArray:
    """Evaluate the source f that goes with `diffusion_in_a_field`.

        f = 2 pi^2 a sin(pi x) sin(pi y) + 2 pi a^2 ((2x - 1) cos(pi x) sin(pi y) + (2y - 1) sin(pi x) cos(pi y))

    PINNacle's code has 2x + 1 and 2y + 1 in the place of 2x - 1 and 2y - 1, which does not belong to its a.

    Args:
        points: x and y, shape (n, 2).

    Returns:
        f, shape (n,).
    """
    x, y = points.T
    u, a = diffusion_in_a_field(points).T
    slope_x, slope_y = np.cos(np.pi * x) * np.sin(np.pi * y), np.sin(np.pi * x) * np.cos(np.pi * y)
    f: FloatArray = 2 * np.pi**2 * a * u + 2 * np.pi * a**2 * ((2 * x - 1) * slope_x + (2 * y - 1) * slope_y)
    return f
