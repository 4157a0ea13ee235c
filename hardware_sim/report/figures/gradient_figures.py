"""Maps of the deployed network's first derivatives, in two dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....base.arrays import FloatArray
from ...fields.gradients import TIME, GradientSection
from .figure import Figure, draw_figure
from .plane_maps import paint_map, plain_scale


def draw_gradients(section: GradientSection) -> tuple[Figure, ...]:
    """Draw every derivative over the plane; other dimensions have a table and a file only."""
    if section.plane is None:
        return ()
    columns = zip(section.names, np.moveaxis(section.plane.values, -1, 0), strict=True)
    return tuple(_draw_map(section, name, values) for name, values in columns)


def _draw_map(section: GradientSection, name: str, values: FloatArray) -> Figure:
    plane = section.plane
    assert plane is not None

    def draw(canvas: Any) -> None:
        """Draw the map of one derivative."""
        first, second = section.coordinates
        is_plane = TIME not in section.coordinates
        paint_map(canvas, (plane.x, plane.y), values, (first, second), plain_scale(values), None, is_plane)

    caption = (
        f"{name} of the deployed network by {section.operator} operators at {len(section.points)} points, interpolated "
        "between them; physical units."
    )
    return draw_figure(f"gradient-{name}", name, caption, draw, width=3.6, height=2.9)
