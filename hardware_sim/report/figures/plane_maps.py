"""A field over the plane, painted: triangles in smooth colours, axes with the coordinates' names, a bar.

`field_figures.py`, `gradient_figures.py` and `sample_figures.py` choose the values and write the captions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ....base.arrays import FloatArray, IntArray
from ....engine.trace import NumberArray


def paint_map(
    canvas: Any,
    points: FloatArray,
    triangles: IntArray,
    values: NumberArray,
    coordinates: tuple[str, ...],
    colours: dict[str, Any],
) -> Any:
    """Paint values at the points; give the bar. Axes have equal scales unless one of them is time.

    Args:
        canvas: A matplotlib figure without axes.
        points: Shape (n, 2).
        triangles: Corners, shape (n_triangles, 3).
        values: Shape (n,).
        coordinates: One letter per column of the points.
        colours: What `tripcolor` wants to know of them: `cmap`, and `vmin` and `vmax` if they are fixed.
    """
    axes = canvas.add_subplot()
    mesh = axes.tripcolor(*points.T, triangles, values, shading="gouraud", rasterized=True, **colours)
    axes.set(xlabel=coordinates[0], ylabel=coordinates[1])
    axes.set_aspect("equal" if "t" not in coordinates else "auto")
    bar = canvas.colorbar(mesh, ax=axes, shrink=0.9)
    bar.solids.set_rasterized(True)
    return bar


def signed_colours(values: FloatArray) -> dict[str, Any]:
    """Return colours that are neutral at zero and equally strong on both sides."""
    peak = float(np.abs(values).max()) or 1.0
    return {"cmap": "RdBu_r", "vmin": -peak, "vmax": peak}
