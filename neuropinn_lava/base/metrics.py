"""Norms of the difference between two fields.

Fields are arrays (n, n_out) of values at the same points; norms run over all points and outputs.
"""

from __future__ import annotations

import numpy as np

from .arrays import FloatArray
from .checks import check_finite, check_shape, raise_violations
from .errors import SpecError


def relative_l2(u: FloatArray, u_ref: FloatArray) -> float:
    """Compute the relative error in the Euclidean norm over points.

        |u - u_ref|_2 / |u_ref|_2

    Raises:
        SpecError: If the shapes differ, an entry is not finite, or the reference is zero everywhere.
    """
    u, u_ref = _compared(u, u_ref)
    size = float(np.linalg.norm(u_ref))
    if size == 0.0:
        repair = "Look at max_abs_error instead."
        raise SpecError("relative_l2.u_ref", "be a reference that is not zero everywhere", size, repair)
    return float(np.linalg.norm(u - u_ref)) / size


def relative_change(changed: FloatArray, exact: FloatArray) -> float:
    """Compute the relative L2 difference from the exact output, or the root mean square where that output is zero everywhere.

    Raises:
        SpecError: If the shapes differ or an entry is not finite.
    """
    return relative_l2(changed, exact) if exact.any() else rms(changed)


def max_abs_error(u: FloatArray, u_ref: FloatArray) -> float:
    """Compute max |u - u_ref| over points and outputs, in the unit of u.

    Raises:
        SpecError: If the shapes differ or an entry is not finite.
    """
    u, u_ref = _compared(u, u_ref)
    return float(np.abs(u - u_ref).max())


def rms(values: FloatArray) -> float:
    """Compute the root of the mean square of all entries, at least one."""
    return float(np.sqrt(np.mean(np.square(values))))


def _compared(u: FloatArray, u_ref: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Check that two fields have the same shape: (n,) against (n, 1) would silently broadcast to n x n differences."""
    u, u_ref = np.asarray(u, dtype=np.float64), np.asarray(u_ref, dtype=np.float64)
    raise_violations(check_shape("u", u, u_ref.shape, "that of u_ref"))
    raise_violations([*check_finite("u", u), *check_finite("u_ref", u_ref)])
    return u, u_ref
