"""The heat equation of a rod with a random source made of cosines, by its sine series; each point has its own source."""

from __future__ import annotations

import numpy as np

from ....base.arrays import FloatArray, IntArray
from ....geometry.function_space import GaussianField

N_TERMS = 400
"""Terms of the sine series: those that are left out are below 1e-6 of the largest."""
CHUNK = 4096
"""Number of points that are evaluated at a time."""


def solve_heated_rod(points: FloatArray, sources: GaussianField, diffusivity: float) -> FloatArray:
    """Solve u_t = k u_xx + f(x) on [0, 1] with u = 0 at the start and at both ends.

        u = sum_n F_n / (k (n pi)^2) (1 - exp(-k (n pi)^2 t)) sin(n pi x)
        F_n = sum_m c_m w_m S_nm          S_nm = 2 integral of sin(n pi x) cos(m pi x) = 4 n / (pi (n^2 - m^2)) for odd n + m

    Args:
        points: x, t and the coefficients c of the source, shape (n, 2 + n_waves).
        sources: Space of the sources, along x on [0, 1].
        diffusivity: k.

    Returns:
        u, shape (n, 1), to 1e-5 of its largest value.
    """
    n = np.arange(1, N_TERMS + 1)
    sines = np.stack([weight * _sine_of_cosine(n, numbers[0]) for weight, numbers in sources.waves])
    rate = diffusivity * (n * np.pi) ** 2
    solved = []
    for chunk in (points[first : first + CHUNK] for first in range(0, len(points), CHUNK)):
        x, t = chunk[:, :1], chunk[:, 1:2]
        source = sources.scale * chunk[:, 2:] @ sines
        solved.append((source / rate * -np.expm1(-rate * t) * np.sin(n * np.pi * x)).sum(axis=1))
    u: FloatArray = np.concatenate(solved)[:, None]
    return u


def _sine_of_cosine(n: IntArray, m: int) -> FloatArray:
    """Compute 2 integral of sin(n pi x) cos(m pi x) over [0, 1] for all n."""
    is_odd = (n + m) % 2 == 1
    values: FloatArray = np.where(is_odd, 4 * n / (np.pi * np.where(is_odd, n**2 - m**2, 1)), 0.0)
    return values
