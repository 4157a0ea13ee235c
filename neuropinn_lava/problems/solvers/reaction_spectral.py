"""Fourier references for reaction and diffusion on the ring [-1, 1]: the Allen-Cahn equation and the Gray-Scott pair.

    Allen-Cahn     u_t = D u_xx + a (u - u^3)             u(x, 0) = x^2 cos(pi x)
    Gray-Scott     u_t = D_u u_xx + b (1 - u) - u v^2     u(x, 0) = 1 - exp(-80 (x + 0.05)^2)
                   v_t = D_v v_xx - d v + u v^2           v(x, 0) = exp(-80 (x - 0.05)^2)

The first start has a kink at the seam x = +-1, which diffusion rounds off; everything else is smooth.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ...base.arrays import FloatArray
from .exponential_stepping import RingFields, solve_on_ring

N_MODES = 2048
"""Points on the ring for Allen-Cahn: 0.001 apart, against fronts 0.013 wide."""
N_STEPS = 1000
"""Number of time steps to t = 1 for Allen-Cahn."""
KEEP_EVERY = 4
"""Number of steps between two fields that are kept for the interpolation in time."""
PAIR_MODES, PAIR_STEPS = 512, 400
"""Points on the ring and time steps to the horizon for the Gray-Scott pair."""


class Pair(NamedTuple):
    """Coefficients of the Gray-Scott pair, by default PINNacle's (`GrayScottEquation` of its `src/pde/chaotic.py`)."""

    diffusivity_u: float = 1e-5
    """Diffusivity D_u of the first substance."""
    diffusivity_v: float = 5e-6
    """Diffusivity D_v of the second substance."""
    feed: float = 0.04
    """Rate b at which the first substance is replaced."""
    removal: float = 0.1
    """Rate d at which the second substance is removed."""


PAIR = Pair()
"""The coefficients of PINNacle's benchmark problem GS."""


def _ring(n_points: int) -> FloatArray:
    """Return equally spaced points on [-1, 1), shape (n_points,)."""
    x: FloatArray = -1 + 2 * np.arange(n_points) / n_points
    return x


def _wave_numbers(n_points: int) -> FloatArray:
    """Return the wave numbers of the real Fourier modes on a ring of length 2, shape (n_points // 2 + 1,)."""
    k: FloatArray = np.pi * np.arange(n_points // 2 + 1)
    return k


@lru_cache(maxsize=4)
def solve_reaction(diffusivity: float, rate: float, n_modes: int = N_MODES, n_steps: int = N_STEPS) -> Any:
    """Solve the Allen-Cahn equation to t = 1.

        v' = L v + N(v)          v: Fourier coefficients of u,  L = a - D k^2,  N = -a F(u^3)

    Args:
        diffusivity: D.
        rate: a.
        n_modes: Points on the ring.
        n_steps: Time steps, a multiple of `KEEP_EVERY`.

    Returns:
        A scipy spline; `.ev(x, t)` gives u for arrays of shape (n,).
    """
    x = _ring(n_modes)

    def nonlinear(v: Any) -> Any:
        """Return -a F(u^3)."""
        return -rate * np.fft.rfft(np.fft.irfft(v) ** 3)

    linear = (rate - diffusivity * _wave_numbers(n_modes) ** 2)[None]
    start = (x**2 * np.cos(np.pi * x))[None]
    settings = {"n_steps": n_steps, "keep_every": KEEP_EVERY, "overlap": 0}  # the start has a kink at the seam
    return solve_on_ring(x, start, linear, nonlinear, horizon=1.0, **settings).splines[0]


@lru_cache(maxsize=4)
def solve_gray_scott(
    pair: Pair = PAIR, horizon: float = 20.0, n_modes: int = PAIR_MODES, n_steps: int = PAIR_STEPS
) -> RingFields:
    """Solve the Gray-Scott pair on the ring [-1, 1].

    Args:
        pair: D_u, D_v, b and d.
        horizon: Time up to which the solution is wanted, 0 to 20.
        n_modes: Points on the ring.
        n_steps: Time steps, a multiple of `KEEP_EVERY`.

    Returns:
        u and v; `.evaluate(points)` takes (x, t), shape (n, 2), to (n, 2). The relative error is 1e-6 up to t = 20.

    Source: Gray and Scott, Chem. Eng. Sci. 39 (1984) 1087; PINNacle's start, on its line y = -0.02 for u and y = 0.02
    for v.
    """
    x = _ring(n_modes)
    start = np.stack([1 - np.exp(-80 * (x + 0.05) ** 2), np.exp(-80 * (x - 0.05) ** 2)])

    def nonlinear(v: Any) -> Any:
        """Return F(b - u v^2) and F(u v^2)."""
        first, second = np.fft.irfft(v)
        turned = first * second**2
        return np.fft.rfft(np.stack([pair.feed - turned, turned]))

    k2 = _wave_numbers(n_modes) ** 2
    linear = np.stack([-pair.feed - pair.diffusivity_u * k2, -pair.removal - pair.diffusivity_v * k2])
    return solve_on_ring(x, start, linear, nonlinear, horizon=horizon, n_steps=n_steps, keep_every=KEEP_EVERY)
