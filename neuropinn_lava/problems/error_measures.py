"""Errors of outputs in the measures of PINNacle, so that they stand beside its published figures.

    L2RE    |u - u_ref| / |u_ref|          MSE     mean of (u - u_ref)^2          largest    max |u - u_ref|
    fourier sqrt(sum over k of |F(u) - F(u_ref)|^2 / N^2) / (number of k)          k: 0 to 4, 5 to 12, above 12

F is the discrete Fourier transform on a uniform grid of N points over a box, k the largest wave number along any axis.

Source: Hao et al., PINNacle, arXiv 2306.08827, section 3; Fourier errors: PDEBench, arXiv 2210.07182, appendix B.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base.arrays import FloatArray, Record
from ..base.metrics import max_abs_error, relative_l2
from ..geometry.domain import Box
from .problem import PdeProblem
from .residuals import Evaluate, evaluation_points

N_POINTS = 20_000
"""Points at which the first three measures are taken."""
GRID = {1: 4096, 2: 128, 3: 32}
"""Points of the grid of the Fourier errors along each axis, by the number of axes."""
LOW, MIDDLE = 4, 12
"""Largest wave numbers of the low and of the middle range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorMeasures(Record):
    """Errors of outputs against the reference of a problem."""

    l2re: float
    """Relative L2 error over all unknowns."""
    mse: float
    """Mean square error, in the square of the unit of the outputs."""
    largest: float
    """Largest error, in the unit of the outputs."""
    fourier: tuple[float, float, float] | None
    """Errors of low, middle and high wave numbers; None where the domain is no box of up to three axes."""


def measure_errors(problem: PdeProblem, evaluate: Evaluate, seed: int = 0) -> ErrorMeasures:
    """Measure the errors of anything that maps points to outputs: `measure_errors(problem, lambda p: nl.run(chip, p).outputs)`.

    Args:
        problem: Problem with a reference.
        evaluate: Function from points (n, n_in) to outputs (n, n_out).
        seed: Seed of the points.

    Raises:
        SpecError: If the problem has no reference.
    """
    points = evaluation_points(problem, N_POINTS, seed)
    u = evaluate(points)
    truth = problem.aligned(problem.exact(points), u)
    return ErrorMeasures(
        l2re=relative_l2(u, truth),
        mse=float(np.mean((u - truth) ** 2)),
        largest=max_abs_error(u, truth),
        fourier=_fourier_errors(problem, evaluate),
    )


def _fourier_errors(problem: PdeProblem, evaluate: Evaluate) -> tuple[float, float, float] | None:
    n_axes = problem.n_in
    if not isinstance(problem.domain, Box) or n_axes not in GRID:
        return None
    n, box = GRID[n_axes], problem.domain
    lines = [np.linspace(low, high, n, endpoint=False) for low, high in zip(box.lower, box.upper, strict=True)]
    points = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, n_axes)
    u = evaluate(points)
    apart: FloatArray = (u - problem.aligned(problem.exact(points), u)).reshape(*(n,) * n_axes, -1)
    power = np.abs(np.fft.fftn(apart, axes=range(n_axes)) / n**n_axes) ** 2
    wave = np.abs(np.fft.fftfreq(n, 1.0 / n))
    k = np.max(np.stack(np.meshgrid(*(wave,) * n_axes, indexing="ij")), axis=0)
    ranges = ((0, LOW), (LOW + 1, MIDDLE), (MIDDLE + 1, n // 2))
    low, middle, high = (
        float(np.sqrt(power[(k >= least) & (k <= most)].sum())) / (most - least + 1) for least, most in ranges
    )
    return low, middle, high
