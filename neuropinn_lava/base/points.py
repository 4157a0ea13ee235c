"""Checks of points from users: rows of physical coordinates, space first, time last."""

from __future__ import annotations

import numpy as np

from .arrays import FloatArray
from .errors import SpecError


def checked_points(points: object, n_in: int, where: str) -> FloatArray:
    """Convert points to a float64 array (n, n_in) and check its shape and its numbers.

    Raises:
        SpecError: If there are none, if the dimension is wrong, or if one is not finite.
    """
    try:
        array = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SpecError(where, "be numbers", str(error), "Give an (n, d) array of numbers.") from error
    if array.ndim != 2 or array.shape[1] != n_in:
        mend = f"Give one row per point and {n_in} columns, space first, time last."
        raise SpecError(where, f"have the shape (n, {n_in})", array.shape, mend)
    if not array.shape[0]:
        raise SpecError(where, "hold at least one point", 0, "Give some points.")
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0, 0])
        raise SpecError(where, "have only finite coordinates", f"{array[row]} in row {row}", "Remove such points.")
    return array
