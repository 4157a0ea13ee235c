"""Figures of single samples: where in space a network spends, and how the cost of a sample is distributed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...counts.samples import SampleCounts
from ...fields.scattered import PlaneMap
from .figure import INK, SERIES, Figure, draw_figure
from .plane_maps import paint_map, plain_scale


def draw_samples(
    samples: SampleCounts, coordinates: tuple[str, ...], n_dense: int, plane: PlaneMap | None = None
) -> tuple[Figure, ...]:
    """Draw the distribution, and before it the map where there is one.

    Args:
        samples: Single samples.
        coordinates: One letter per component of the inputs.
        n_dense: MACs of one dense pass, for comparison.
        plane: The operations of a sample over the domain; None where samples are no points of the plane.
    """
    maps = () if plane is None else (_draw_map(samples, coordinates, plane),)
    return (*maps, _draw_distribution(samples, n_dense))


def _draw_map(samples: SampleCounts, coordinates: tuple[str, ...], plane: PlaneMap) -> Figure:
    values = plane.values[..., 0]

    def draw(canvas: Any) -> None:
        """Draw the map of operations."""
        first, second = coordinates
        scale = replace(plain_scale(values), colours="magma")
        paint_map(canvas, (plane.x, plane.y), values, (first, second), scale, None, "t" not in coordinates)

    caption = (
        f"Synaptic operations of single samples over the domain, interpolated between {samples.n_samples} points; "
        "operations per sample."
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
