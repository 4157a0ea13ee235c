"""Figures of single samples: where in space a network spends, and how the cost of a sample is distributed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....base.arrays import IntArray
from ...counts.samples import SampleCounts
from ...fields.triangulation import triangulate_points
from .figure import INK, SERIES, Figure, draw_figure
from .plane_maps import paint_map


def draw_samples(
    samples: SampleCounts, coordinates: tuple[str, ...], n_dense: int, triangles: IntArray | None = None
) -> tuple[Figure, ...]:
    """Draw the distribution, before it the map where a sample is a point of the plane and not a sequence.

    Args:
        samples: Single samples.
        coordinates: One letter per component of the inputs.
        n_dense: MACs of one dense pass, for comparison.
        triangles: Corners, shape (n_triangles, 3), if the samples are already connected.
    """
    if triangles is None and samples.points.shape[1:] == (2,):
        triangles = triangulate_points(samples.points)
    maps = () if triangles is None or not len(triangles) else (_draw_map(samples, coordinates, triangles),)
    return (*maps, _draw_distribution(samples, n_dense))


def _draw_map(samples: SampleCounts, coordinates: tuple[str, ...], corners: IntArray) -> Figure:
    def draw(canvas: Any) -> None:
        """Draw the map of operations."""
        paint_map(canvas, samples.points, corners, samples.operations, coordinates, {"cmap": "magma"})

    caption = (
        f"Synaptic operations of single samples over the domain, at {samples.n_samples} points; operations per sample."
    )
    return draw_figure("samples-map", "Where the network spends", caption, draw, width=4.0)


def _draw_distribution(samples: SampleCounts, n_dense: int) -> Figure:
    operations = samples.operations

    def draw(canvas: Any) -> None:
        """Draw the histogram, its mean and one dense pass."""
        axes = canvas.add_subplot()
        axes.hist(operations, bins=min(40, len(np.unique(operations))), color=SERIES[0])
        axes.axvline(operations.mean(), color=INK, linewidth=1.0, linestyle=":", label="mean")
        if n_dense <= 1.5 * operations.max():
            axes.axvline(n_dense, color=SERIES[1], linewidth=1.4, label="one dense pass")
        axes.set(xlabel="synaptic operations per sample", ylabel="samples")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

    low, high = int(operations.min()), int(operations.max())
    caption = (
        f"Distribution of the synaptic operations of {samples.n_samples} single samples, from {low} to {high}; "
        "samples per bin."
    )
    return draw_figure("samples-distribution", "Cost of a sample", caption, draw, width=4.0)
