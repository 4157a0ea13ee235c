"""Maps of the deployed network's first derivatives, in two dimensions."""

from __future__ import annotations

from typing import Any

from ....base.arrays import FloatArray, IntArray
from ...fields.gradients import GradientSection
from ...fields.triangulation import triangulate_points
from .figure import Figure, draw_figure
from .plane_maps import paint_map


def draw_gradients(section: GradientSection) -> tuple[Figure, ...]:
    """Draw every derivative over the plane; other dimensions have a table and a file only."""
    if len(section.coordinates) != 2:
        return ()
    triangles = triangulate_points(section.points)
    columns = zip(section.names, section.deployed.T, strict=True)
    return tuple(_draw_map(section, triangles, name, values) for name, values in columns if len(triangles))


def _draw_map(section: GradientSection, triangles: IntArray, name: str, values: FloatArray) -> Figure:
    def draw(canvas: Any) -> None:
        """Draw the map of one derivative."""
        paint_map(canvas, section.points, triangles, values, section.coordinates, {"cmap": "viridis"})

    caption = (
        f"{name} of the deployed network at {len(values)} points, by {section.operator} operators; physical units."
    )
    return draw_figure(f"gradient-{name}", name, caption, draw, width=3.6, height=2.9)
