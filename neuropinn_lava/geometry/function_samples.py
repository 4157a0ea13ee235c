"""Samples of functions at places: interpolation to other places, along one axis or two."""

from __future__ import annotations

from enum import Enum

import numpy as np

from ..base.arrays import FloatArray
from ..base.checks import as_member, check_finite, check_shape, raise_violations
from ..base.errors import SpecError


class Interpolation(str, Enum):
    """How samples of a function become values at other places."""

    LINEAR = "linear"
    """Straight lines between neighbours along one axis, planes over the triangles of a Delaunay triangulation along two."""
    CUBIC = "cubic"
    """A cubic spline along one axis, Clough and Tocher's cubic elements along two."""


FEWEST = {
    (1, Interpolation.LINEAR): 2,
    (1, Interpolation.CUBIC): 4,
    (2, Interpolation.LINEAR): 3,
    (2, Interpolation.CUBIC): 3,
}
"""Fewest samples that are interpolated, by the number of axes and the kind."""


def checked_samples_of_functions(values: object, sensors: object, where: str) -> tuple[FloatArray, FloatArray]:
    """Convert samples of functions, and the places where they were taken, to float64 arrays that belong together.

    Args:
        values: Samples, shape (n_functions, n_sensors).
        sensors: Places, shape (n_sensors,), or (n_sensors, n_axes) along several axes.
        where: The function that was called, for errors.

    Returns:
        The samples and the places, (n_sensors, n_axes).

    Raises:
        SpecError: If a shape is wrong, a number is not finite, two sensors stand at one place, or the counts do not match.
    """
    found, at = np.asarray(values, dtype=np.float64), np.asarray(sensors, dtype=np.float64)
    at = at[:, None] if at.ndim == 1 else at
    wrong = [*check_shape(f"{where}.sensors", at, (None, None), "(n_sensors, n_axes)")]
    raise_violations(wrong or check_finite(f"{where}.sensors", at))
    raise_violations(check_shape(f"{where}.functions", found, (None, None), "(n_functions, n_sensors)"))
    if found.shape[1] != len(at):
        rule = f"have as many samples as there are sensors, {len(at)}"
        raise SpecError(
            f"{where}.functions", rule, found.shape[1], "Give the sensors at which these samples were taken."
        )
    raise_violations(check_finite(f"{where}.functions", found))
    if len(np.unique(at, axis=0)) < len(at):
        rule, got = "stand at different places", f"{len(np.unique(at, axis=0))} places for {len(at)} sensors"
        raise SpecError(f"{where}.sensors", rule, got, "Leave repeated sensors out.")
    return found, at


def interpolate_samples(
    values: FloatArray, sensors: FloatArray, places: FloatArray, kind: Interpolation | str = Interpolation.CUBIC
) -> FloatArray:
    """Interpolate samples of functions to other places, without extrapolation.

    Args:
        values: Samples, shape (n_functions, n_sensors).
        sensors: Where they were taken, shape (n_sensors,), or (n_sensors, n_axes) with one axis or two, in any order.
        places: Where values are wanted, shape (n_places,), or (n_places, n_axes).
        kind: Kind of the interpolation.

    Returns:
        Shape (n_functions, n_places).

    Raises:
        SpecError: If there are too few sensors or more than two axes, if shapes disagree, or if a place lies outside of the
            sensors: along two axes, outside of their convex hull.
    """
    where = "interpolate_samples"
    chosen = as_member(Interpolation, kind, f"{where}.kind")
    found, at = checked_samples_of_functions(values, sensors, where)
    wanted = np.asarray(places, dtype=np.float64).reshape(len(places), -1)
    n_axes = at.shape[1]
    if (n_axes, chosen) not in FEWEST or wanted.shape[1] != n_axes:
        got = f"{n_axes} of the sensors and {wanted.shape[1]} of the places"
        raise SpecError(
            f"{where}.sensors", "have one axis or two, as the places have", got, "Interpolate them yourself."
        )
    if len(at) < (fewest := FEWEST[n_axes, chosen]):
        raise SpecError(f"{where}.sensors", f"be at least {fewest}", len(at), "Sample at more places.")
    result = _along_a_line(found, at, wanted, chosen) if n_axes == 1 else _in_the_plane(found, at, wanted, chosen)
    outside = int(np.count_nonzero(np.isnan(result).any(axis=0)))
    if outside:
        rule = "surround every place to which they are interpolated"
        got = f"{outside} of {len(wanted)} places outside of {len(at)} sensors"
        raise SpecError(
            f"{where}.sensors", rule, got, "Sample up to the ends of the interval: nothing is extrapolated."
        )
    return result


def _along_a_line(values: FloatArray, at: FloatArray, wanted: FloatArray, kind: Interpolation) -> FloatArray:
    from scipy.interpolate import CubicSpline, interp1d

    order = np.argsort(at[:, 0])
    x, y = at[order, 0], values[:, order]
    if kind is Interpolation.CUBIC:
        curve = CubicSpline(x, y, axis=1, extrapolate=False)
    else:
        curve = interp1d(x, y, axis=1, bounds_error=False, fill_value=np.nan)
    found: FloatArray = curve(wanted[:, 0])
    return found


def _in_the_plane(values: FloatArray, at: FloatArray, wanted: FloatArray, kind: Interpolation) -> FloatArray:
    from scipy.interpolate import CloughTocher2DInterpolator, LinearNDInterpolator

    surface = CloughTocher2DInterpolator if kind is Interpolation.CUBIC else LinearNDInterpolator
    found: FloatArray = surface(at, values.T)(wanted).T
    return found
