"""Points as users give them: rows of physical coordinates, space first, time last; accepted, or refused with a reason."""

from __future__ import annotations

import numpy as np

from .arrays import FloatArray
from .errors import SpecError


def checked_points(points: object, n_in: int, where: str) -> FloatArray:
    """Accept points as a float64 array (n, n_in), or say what is wrong with them.

    Raises:
        SpecError: If there are none, if the dimension is wrong, or if one is not finite.
    """
    try:
        array = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SpecError(where, "points are numbers", str(error), "Give an (n, d) array of numbers.") from error
    if array.ndim != 2 or array.shape[1] != n_in:
        mend = f"Give one row per point and {n_in} columns, space first, time last."
        raise SpecError(where, f"points have the shape (n, {n_in})", array.shape, mend)
    if not array.shape[0]:
        raise SpecError(where, "at least one point", 0, "Give some points.")
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0, 0])
        raise SpecError(where, "every coordinate is finite", f"{array[row]} in row {row}", "Remove such points.")
    return array
