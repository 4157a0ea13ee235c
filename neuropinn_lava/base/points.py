"""Checks of points from users: rows of physical coordinates, space first, time last."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import FloatArray
from .errors import SpecError

REAL_KINDS = "fiubO"
"""numpy's kinds of dtype that float64 takes without losing a part: floats, integers, truth values, and Python's own numbers."""


def checked_points(points: object, n_in: int, where: str) -> FloatArray:
    """Convert points to a float64 array (n, n_in) and check its shape and its numbers.

    A torch tensor is taken from its graph and its device first: an engine needs its numbers only.

    Raises:
        SpecError: If there are none, if the dimension is wrong, or if one is not a finite real number.
    """
    array = _real_array(points, "Give an (n, d) array of numbers", where)
    if array.ndim != 2 or array.shape[1] != n_in:
        repair = _missing_axis(array, n_in, 2) or f"Give one row per point and {n_in} columns, space first, time last."
        raise SpecError(where, f"have the shape (n, {n_in})", array.shape, repair)
    return _filled(array, "point", where)


def checked_sequences(sequences: object, n_in: int, where: str) -> FloatArray:
    """Convert sequences to a float64 array (n, n_steps, n_in) and check its shape and its numbers.

    Raises:
        SpecError: If there are none, if the shape is wrong, or if one is not a finite real number.
    """
    array = _real_array(sequences, "Give an (n, n_steps, d) array of numbers", where)
    if array.ndim != 3 or array.shape[2] != n_in:
        repair = _missing_axis(array, n_in, 3) or f"Give one row per sample, one per step in it, and {n_in} columns."
        raise SpecError(where, f"have the shape (n, n_steps, {n_in})", array.shape, repair)
    return _filled(array, "step", where)


def _missing_axis(array: FloatArray, n_in: int, n_axes: int) -> str | None:
    """Return how to add the only axis that an array lacks: that of its columns, or that of a single sample."""
    if array.ndim != n_axes - 1:
        return None
    if n_in == 1:
        return "Add the axis of the columns: `array[..., None]`."
    return "Add the axis of the samples: `array[None]` is one." if array.shape[-1] == n_in else None


def _real_array(values: object, repair: str, where: str) -> FloatArray:
    """Convert values to a float64 array of any shape."""
    try:
        given = np.asarray(without_graph(values))
        if given.dtype.kind not in REAL_KINDS:
            together = f"{repair}; take the real part, or parse the texts, first."
            raise SpecError(where, "be real numbers", f"an array of {given.dtype}", together)
        return given.astype(np.float64, copy=False)
    except (TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(where, "be real numbers", str(error), f"{repair}.") from error


def _filled(array: FloatArray, what: str, where: str) -> FloatArray:
    """Check that an array holds numbers, all of them finite, and return it."""
    if not array.size:
        raise SpecError(where, f"hold at least one {what}", 0, f"Give some {what}s.")
    if not np.isfinite(array).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0, :-1])
        place = f"row {at[0]}" if len(at) == 1 else f"step {at[1]} of sample {at[0]}"
        raise SpecError(where, "have only finite coordinates", f"{array[at]} in {place}", f"Remove such {what}s.")
    return array


def without_graph(points: Any) -> Any:
    """Return a torch tensor as an array, detached from its graph and its device; return anything else unchanged."""
    return np.asarray(points.detach().cpu()) if hasattr(points, "detach") and hasattr(points, "cpu") else points
