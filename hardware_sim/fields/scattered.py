"""Values at scattered points, brought onto a regular grid by linear interpolation, and never outside a domain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, freeze_arrays
from .field_grid import Contains

N_MAP = 121
"""Number of points of a map along each axis."""
MOST_DIMENSIONS = 3
"""Points of more coordinates are not interpolated: simplices between them are too many."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlaneMap(ArrayRecord):
    """Values on a regular grid of the plane; NaN outside the domain."""

    x: FloatArray
    """First coordinate, shape (n_x,)."""
    y: FloatArray
    """Second coordinate, shape (n_y,)."""
    values: FloatArray
    """Values, shape (n_x, n_y, n_columns)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, x=np.float64, y=np.float64, values=np.float64)


def interpolate_scattered(points: FloatArray, values: FloatArray, targets: FloatArray) -> FloatArray | None:
    """Interpolate values linearly between scattered points; targets beyond their hull take the value of the nearest point.

    Args:
        points: Shape (n, n_dim).
        values: Shape (n, n_columns).
        targets: Where values are wanted, shape (m, n_dim).

    Returns:
        Values at the targets, shape (m, n_columns); None where the points span no volume, or have more than three coordinates.
    """
    from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator, interp1d

    n_dim = points.shape[1]
    if (
        n_dim > MOST_DIMENSIONS
        or len(points) < n_dim + 2
        or np.linalg.matrix_rank(points - points.mean(axis=0)) < n_dim
    ):
        return None
    if n_dim == 1:
        order = np.unique(points[:, 0], return_index=True)[1]
        ends = (values[order[0]], values[order[-1]])
        along = interp1d(points[order, 0], values[order], axis=0, bounds_error=False, fill_value=ends)
        return np.asarray(along(targets[:, 0]))
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    places, wanted = (points - low) / span, (targets - low) / span
    found = np.asarray(LinearNDInterpolator(places, values)(wanted))
    beyond = np.isnan(found).any(axis=1)
    found[beyond] = NearestNDInterpolator(places, values)(wanted[beyond])
    return found


def map_scattered(points: FloatArray, values: FloatArray, contains: Contains | None = None) -> PlaneMap | None:
    """Map values at scattered points of the plane over their bounding box, as far as it lies in the domain.

    Args:
        points: Shape (n, 2).
        values: Shape (n, n_columns).
        contains: Tells which points lie in the domain; None where it is the whole box.

    Returns:
        The map; None where the points are not in the plane or span no area.
    """
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        return None
    x, y = (np.linspace(low, high, N_MAP) for low, high in zip(points.min(axis=0), points.max(axis=0), strict=True))
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    found = interpolate_scattered(points, values, grid)
    if found is None:
        return None
    if contains is not None:
        found[~contains(grid)] = np.nan
    return PlaneMap(x=x, y=y, values=found.reshape(N_MAP, N_MAP, -1))
