"""How far one field is from another, and how much of a solution an ansatz brings without any network.

Fields are arrays (n, n_out) of values at the same points; norms run over all points and outputs. This module knows numpy
and the ansatz record; it does not know problems.
"""

from __future__ import annotations

import numpy as np

from ..network.transforms import Ansatz
from .arrays import FloatArray
from .checks import check_finite, check_shape, raise_violations
from .errors import SpecError


def relative_l2(u: FloatArray, u_ref: FloatArray) -> float:
    """Give the relative error in the Euclidean norm over points.

        |u - u_ref|_2 / |u_ref|_2

    Raises:
        SpecError: If the shapes differ, an entry is not finite, or the reference is zero everywhere.
    """
    u, u_ref = _compared(u, u_ref)
    size = float(np.linalg.norm(u_ref))
    if size == 0.0:
        mend = "Look at max_abs_error instead."
        raise SpecError("relative_l2.u_ref", "a reference that is not zero everywhere", size, mend)
    return float(np.linalg.norm(u - u_ref)) / size


def relative_change(changed: FloatArray, exact: FloatArray) -> float:
    """Give the relative L2 difference from a network's own output; the root mean square where that is zero everywhere.

    Raises:
        SpecError: If the shapes differ or an entry is not finite.
    """
    return relative_l2(changed, exact) if exact.any() else rms(changed)


def max_abs_error(u: FloatArray, u_ref: FloatArray) -> float:
    """Give max |u - u_ref| over points and outputs, in the unit of u.

    Raises:
        SpecError: If the shapes differ or an entry is not finite.
    """
    u, u_ref = _compared(u, u_ref)
    return float(np.abs(u - u_ref).max())


def rms(values: FloatArray) -> float:
    """Give the root of the mean square of all entries, at least one."""
    return float(np.sqrt(np.mean(np.square(values))))


def ansatz_relative_l2(ansatz: Ansatz | None, points: FloatArray, u_ref: FloatArray) -> float:
    """Give the relative L2 error of an ansatz whose network is replaced by its best constant.

        min_c |g + d c - u_ref|_2 / |u_ref|_2          c = <d, u_ref - g> / <d, d>, one for each output

    What a network is worth shows in comparison with this figure: an ansatz that held the solution would make it zero.

    Args:
        ansatz: The built-in conditions; None stands for g = 0, d = 1.
        points: Shape (n, n_dim).
        u_ref: Reference values there, shape (n, n_out).
    """
    g, d = ansatz.evaluate(points) if ansatz else (np.zeros_like(u_ref), np.ones_like(u_ref))
    size = np.sum(d * d, axis=0)
    constant = np.sum(d * (u_ref - g), axis=0) / np.where(size > 0.0, size, 1.0)
    return relative_l2(g + d * constant, u_ref)


def _compared(u: FloatArray, u_ref: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Accept two fields for comparison; a shape (n,) against (n, 1) would silently give n x n differences."""
    u, u_ref = np.asarray(u, dtype=np.float64), np.asarray(u_ref, dtype=np.float64)
    raise_violations(check_shape("u", u, u_ref.shape, "that of u_ref"))
    raise_violations([*check_finite("u", u), *check_finite("u_ref", u_ref)])
    return u, u_ref
