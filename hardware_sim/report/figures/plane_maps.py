"""A field over the plane, painted: values on a regular grid, contour lines, axes with the coordinates' names, a bar.

`field_figures.py`, `gradient_figures.py` and `sample_figures.py` choose the values and write the captions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....base.arrays import FloatArray, Record
from .figure import INK

N_CONTOURS = 9
"""Number of contour lines between the ends of the colour scale."""
OUTLIER = 5.0
"""Where the largest magnitude exceeds that of all but a hundredth of the points so many times, colours end at the latter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourScale(Record):
    """A colour map and the values at its ends."""

    colours: str
    """Name of the map."""
    low: float
    """Value at the lower end."""
    high: float
    """Value at the upper end."""
    is_cut: bool = False
    """Whether some values lie beyond the ends, which the bar shows by points."""
    has_contours: bool = False
    """Whether contour lines are drawn, at values that maps of the same scale share."""

    @property
    def sentence(self) -> str:
        """A sentence on values beyond the ends; empty where there are none."""
        return f" Colours end at {self.high:.3g}, which a hundredth of the points exceeds." if self.is_cut else ""


def plain_scale(*fields: FloatArray, has_contours: bool = False) -> ColourScale:
    """Return one scale for all of these values, NaN left out."""
    low, high = min(float(np.nanmin(each)) for each in fields), max(float(np.nanmax(each)) for each in fields)
    return ColourScale(colours="viridis", low=low, high=high, has_contours=has_contours and high > low)


def signed_scale(*fields: FloatArray) -> ColourScale:
    """Return one scale for all of these values, neutral at zero and equally strong on both sides; NaN is left out."""
    sizes = np.concatenate([np.abs(each[np.isfinite(each)]) for each in fields])
    peak, most = float(sizes.max()), float(np.quantile(sizes, 0.99))
    is_cut = 0.0 < OUTLIER * most < peak
    high = (most if is_cut else peak) or 1.0
    return ColourScale(colours="RdBu_r", low=-high, high=high, is_cut=is_cut)


def paint_map(
    canvas: Any,
    places: tuple[FloatArray, FloatArray],
    values: FloatArray,
    names: tuple[str, str],
    scale: ColourScale,
    mark: tuple[float, float] | None = None,
    is_plane: bool = True,
) -> Any:
    """Paint values on a regular grid; return the bar.

    Args:
        canvas: A matplotlib figure without axes.
        places: Coordinates along the two axes, shapes (n_x,) and (n_y,).
        values: Shape (n_x, n_y); nothing is painted at NaN.
        names: Names of the two coordinates.
        scale: Colours and contour lines.
        mark: A point to mark with a ring.
        is_plane: Whether both coordinates are of space, so that their scales are equal.
    """
    axes = canvas.add_subplot()
    image = paint_axes(axes, places, values, names, scale, is_plane)
    if mark is not None:
        axes.plot(*mark, "o", markersize=7, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=0.8)
    bar = canvas.colorbar(image, ax=axes, shrink=0.9, extend="both" if scale.is_cut else "neither")
    bar.solids.set_rasterized(True)
    bar.formatter.set_powerlimits((-2, 3))
    return bar


def paint_axes(
    axes: Any,
    places: tuple[FloatArray, FloatArray],
    values: FloatArray,
    names: tuple[str, str],
    scale: ColourScale,
    is_plane: bool = True,
) -> Any:
    """Paint values on a regular grid into given axes, as `paint_map`; return the image."""
    x, y = places
    half = [(each[-1] - each[0]) / (2 * max(len(each) - 1, 1)) for each in places]
    extent = (x[0] - half[0], x[-1] + half[0], y[0] - half[1], y[-1] + half[1])
    image = axes.imshow(
        values.T, origin="lower", extent=extent, aspect="equal" if is_plane else "auto", cmap=scale.colours,
        vmin=scale.low, vmax=scale.high, interpolation="nearest",
    )  # fmt: skip
    if scale.has_contours:
        levels = np.linspace(scale.low, scale.high, N_CONTOURS + 2)[1:-1]
        axes.contour(x, y, values.T, levels=levels, colors=INK, linewidths=0.4, alpha=0.7)
    axes.set(xlabel=names[0], ylabel=names[1])
    return image
