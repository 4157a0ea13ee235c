"""Maps of the solution: the float network, the deployed one, their difference, and the error against the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ....base.arrays import FloatArray, IntArray
from ...fields.outputs import EstimateSection, FieldSection
from ...fields.triangulation import triangulate_points
from .figure import SERIES, Figure, draw_figure
from .plane_maps import paint_map, signed_colours

SLAB_SHARE = 0.2
"""In three dimensions the points nearest to the middle of the last coordinate are drawn: this share of them."""


def draw_fields(fields: FieldSection) -> tuple[Figure, ...]:
    """Draw every unknown: float, deployed, difference, and the deployed network's error where there is a reference.

    One dimension gives curves, two give maps, three a map of the points near the middle of the last coordinate; beyond that,
    and where points span no area, the deployed values are drawn over the float ones.
    """
    n_dim = len(fields.coordinates)
    if n_dim == 2:
        return tuple(_maps(fields))
    if n_dim == 3:
        return tuple(_maps(_slab(fields)))
    return tuple(_curves(fields) if n_dim == 1 else _scatters(fields))


def _slab(fields: FieldSection) -> FieldSection:
    """Keep the points nearest to the middle of the third coordinate, and forget that coordinate."""
    last = fields.points[:, 2]
    distance = np.abs(last - (last.min() + last.max()) / 2)
    kept = np.sort(np.argsort(distance, kind="stable")[: max(int(SLAB_SHARE * len(last)), 3)])
    reference = fields.reference_outputs
    return FieldSection(
        coordinates=fields.coordinates[:2],
        unknowns=fields.unknowns,
        points=fields.points[kept, :2],
        float_outputs=fields.float_outputs[kept],
        deployed_outputs=fields.deployed_outputs[kept],
        reference_outputs=None if reference is None else reference[kept],
    )


def _maps(fields: FieldSection) -> Iterator[Figure]:
    triangles = fields.triangles if fields.triangles is not None else triangulate_points(fields.points)
    if not len(triangles):
        yield from _scatters(fields)
        return
    for k, unknown in enumerate(fields.unknowns):
        exact, deployed = fields.float_outputs[:, k], fields.deployed_outputs[:, k]
        low, high = min(exact.min(), deployed.min()), max(exact.max(), deployed.max())
        plain = {"cmap": "viridis", "vmin": low, "vmax": high}
        yield _map(fields, triangles, exact, f"{unknown}-float", f"{unknown}, float network", plain)
        yield _map(fields, triangles, deployed, f"{unknown}-deployed", f"{unknown}, deployed network", plain)
        change = deployed - exact
        yield _map(
            fields, triangles, change, f"{unknown}-difference", f"{unknown}, deployed − float", signed_colours(change)
        )
        if fields.reference_outputs is not None:
            error = deployed - fields.reference_outputs[:, k]
            yield _map(
                fields, triangles, error, f"{unknown}-error", f"{unknown}, deployed − reference", signed_colours(error)
            )


def draw_estimate(estimate: EstimateSection) -> Iterator[Figure]:
    """Draw the estimated error of every unknown in two dimensions."""
    for k, unknown in enumerate(estimate.unknowns) if len(estimate.triangles) else ():
        error = estimate.error[:, k]
        title = f"{unknown}, estimated error of the deployed network"
        yield _map(estimate, estimate.triangles, error, f"{unknown}-estimate", title, signed_colours(error))


def _map(
    fields: FieldSection | EstimateSection,
    triangles: IntArray,
    values: FloatArray,
    name: str,
    title: str,
    colours: dict[str, Any],
) -> Figure:
    def draw(canvas: Any) -> None:
        """Draw the map with its colour bar."""
        bar = paint_map(canvas, fields.points, triangles, values, fields.coordinates, colours)
        bar.formatter.set_powerlimits((-2, 3))

    peak = float(np.abs(values).max())
    caption = f"{title} at {len(values)} points, physical units; largest magnitude {peak:.3g}."
    return draw_figure(f"field-{name}", title, caption, draw, width=3.6, height=2.9)


def _curves(fields: FieldSection) -> Iterator[Figure]:
    order = np.argsort(fields.points[:, 0], kind="stable")
    x = fields.points[order, 0]
    for k, unknown in enumerate(fields.unknowns):
        curves = {"float": fields.float_outputs[order, k], "deployed": fields.deployed_outputs[order, k]}
        if fields.reference_outputs is not None:
            curves = {"reference": fields.reference_outputs[order, k], **curves}

        def draw(canvas: Any, curves: dict[str, FloatArray] = curves, unknown: str = unknown) -> None:
            """Draw the curves of one unknown."""
            axes = canvas.add_subplot()
            for (label, values), colour in zip(curves.items(), SERIES, strict=False):
                axes.plot(x, values, label=label, color=colour, linewidth=1.2)
            axes.set(xlabel=fields.coordinates[0], ylabel=unknown)
            axes.legend()

        caption = f"{unknown} at {len(x)} points, physical units."
        yield draw_figure(f"field-{unknown}", f"{unknown}({fields.coordinates[0]})", caption, draw)


def _scatters(fields: FieldSection) -> Iterator[Figure]:
    for k, unknown in enumerate(fields.unknowns):
        exact, deployed = fields.float_outputs[:, k], fields.deployed_outputs[:, k]

        def draw(canvas: Any, exact: FloatArray = exact, deployed: FloatArray = deployed) -> None:
            """Draw one dot for each point."""
            axes = canvas.add_subplot()
            axes.scatter(exact, deployed, s=4, color=SERIES[0], rasterized=True)
            axes.set(xlabel="float network", ylabel="deployed network")

        caption = f"{unknown} of the deployed network over that of the float one, {len(exact)} points, physical units."
        yield draw_figure(f"field-{unknown}", f"{unknown}, deployed over float", caption, draw)
