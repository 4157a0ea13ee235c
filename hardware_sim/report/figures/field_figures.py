"""Maps of the solution for paper: reference, float and deployed network in equal colours, the errors, and a cut.

The cut goes through the worst point. Of fields with more than two axes the plane through that point is drawn, and the deployed
network on some more planes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ....base.arrays import FloatArray
from ...fields.field_grid import AxisRole, FieldGrid
from .figure import SERIES, Figure, draw_figure
from .plane_maps import ColourScale, paint_axes, paint_map, plain_scale, signed_scale

N_PLANES = 6
"""Largest number of planes of the deployed network that are drawn beside each other."""
STYLES = {"reference": "-", "float": "-", "deployed": "--"}
"""How the curves of a cut are drawn."""


def draw_fields(fields: FieldGrid) -> tuple[Figure, ...]:
    """Draw every unknown: curves where there is one axis, maps of the plane through the worst point where there are more."""
    draw = _draw_curves if len(fields.axes) == 1 else _draw_unknown
    return tuple(figure for k in range(len(fields.unknowns)) for figure in draw(fields, k))


def solution_layers(fields: FieldGrid) -> dict[str, FloatArray]:
    """Return the solutions by name, shape (n_1, ..., n_axes, n_out): the reference, where there is one, float, deployed."""
    layers = {"float": fields.float_outputs, "deployed": fields.deployed_outputs}
    return layers if fields.reference_outputs is None else {"reference": fields.reference_outputs, **layers}


def error_layers(fields: FieldGrid) -> dict[str, FloatArray]:
    """Return the errors by name, of the same shape: against the reference, as estimated, and deployed minus float."""
    layers = {"error": fields.error, "estimate": fields.estimated_error, "difference": fields.difference}
    return {name: values for name, values in layers.items() if values is not None}


TITLES = {
    "reference": "reference solution",
    "float": "float network",
    "deployed": "deployed network",
    "error": "deployed − reference",
    "estimate": "estimated error of the deployed network",
    "difference": "deployed − float",
}
"""What a layer is called."""


def _draw_unknown(fields: FieldGrid, k: int) -> Iterator[Figure]:
    worst = fields.worst(k)
    plane: tuple[Any, ...] = (slice(None), slice(None), *worst[2:], k)
    solutions = {name: values[plane] for name, values in solution_layers(fields).items()}
    errors = {name: values[plane] for name, values in error_layers(fields).items()}
    scales = dict.fromkeys(solutions, plain_scale(*solutions.values(), has_contours=True))
    scales |= dict.fromkeys(errors, signed_scale(*errors.values()))
    place = ", ".join(axis.label(at) for axis, at in zip(fields.axes[2:], worst[2:], strict=True))
    for name, values in {**solutions, **errors}.items():
        yield _draw_map(fields, k, name, values, scales[name], worst, place)
    yield _draw_cut(fields, k, worst)
    if len(fields.axes) > 2 and fields.axes[2].n > 1:
        yield _draw_planes(fields, k, worst)


def _draw_map(
    fields: FieldGrid, k: int, name: str, values: FloatArray, scale: ColourScale, worst: tuple[int, ...], place: str
) -> Figure:
    first, second = fields.drawn_axes
    mark = (float(first.values[worst[0]]), float(second.values[worst[1]])) if name in ("error", "estimate") else None

    def draw(canvas: Any) -> None:
        """Draw the map with its colour bar."""
        names = (first.name, second.name)
        paint_map(canvas, (first.values, second.values), values, names, scale, mark, _is_plane(fields))

    unknown = fields.unknowns[k]
    title = f"{unknown}, {TITLES[name]}"
    where = f" at {place}" if place else ""
    shown = int(np.isfinite(values).sum())
    caption = (
        f"{title}{where}, at {shown} points of a regular grid, physical units; largest magnitude "
        f"{float(np.nanmax(np.abs(values))):.3g}.{scale.sentence}{' The ring marks the worst point.' if mark else ''}"
    )
    if name == "estimate":
        caption += " One Newton correction of the equations on a cloud of its own, interpolated between its points."
    return draw_figure(f"field-{unknown}-{name}", title, caption, draw, width=3.6, height=2.9)


def _draw_cut(fields: FieldGrid, k: int, worst: tuple[int, ...]) -> Figure:
    """Draw the solutions and the errors along the first axis, through the worst point."""
    first = fields.axes[0]
    line: tuple[Any, ...] = (slice(None), *worst[1:], k)

    def draw(canvas: Any) -> None:
        """Draw the solutions on the left and the errors on the right."""
        left, right = canvas.subplots(1, 2)
        for axes, layers in ((left, solution_layers(fields)), (right, error_layers(fields))):
            for (name, values), colour in zip(layers.items(), SERIES, strict=False):
                axes.plot(first.values, values[line], STYLES.get(name, "-"), color=colour, label=name, linewidth=1.2)
            axes.axvline(first.values[worst[0]], color=SERIES[-1], linewidth=0.7, linestyle=":")
            axes.set(xlabel=first.name, ylabel=fields.unknowns[k] if axes is left else f"error of {fields.unknowns[k]}")
            axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))

    place = ", ".join(axis.label(at) for axis, at in zip(fields.axes[1:], worst[1:], strict=True))
    unknown = fields.unknowns[k]
    title = f"{unknown} along {first.name} through the worst point"
    caption = f"{title}, at {place}, physical units; dotted: the worst point, {first.label(worst[0])}."
    return draw_figure(f"field-{unknown}-cut", title, caption, draw, width=7.6, height=2.6)


def _draw_planes(fields: FieldGrid, k: int, worst: tuple[int, ...]) -> Figure:
    """Draw the deployed network on some planes across the third axis, in equal colours."""
    first, second, third = fields.axes[:3]
    at = np.unique(np.linspace(0, third.n - 1, min(N_PLANES, third.n)).round().astype(int))
    rest: tuple[Any, ...] = (..., *worst[3:], k)
    planes = [fields.deployed_outputs[:, :, index][rest] for index in at]
    scale = plain_scale(*planes, has_contours=True)

    def draw(canvas: Any) -> None:
        """Draw one panel for each plane, and one bar."""
        panels = canvas.subplots(2, (len(at) + 1) // 2, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, index, values in zip(panels, at, planes, strict=False):
            names = (first.name, second.name)
            image = paint_axes(axes, (first.values, second.values), values, names, scale, _is_plane(fields))
            axes.set_title(third.label(index))
            axes.label_outer()
        for axes in panels[len(at) :]:
            axes.set_visible(False)
        canvas.colorbar(image, ax=panels.tolist(), shrink=0.8)

    unknown = fields.unknowns[k]
    title = f"{unknown} of the deployed network, by {third.name}"
    return draw_figure(f"field-{unknown}-planes", title, f"{title}, physical units.", draw, width=7.6, height=4.4)


def _is_plane(fields: FieldGrid) -> bool:
    return all(axis.role is AxisRole.SPACE for axis in fields.drawn_axes)


def _draw_curves(fields: FieldGrid, k: int) -> Iterator[Figure]:
    yield _draw_cut(fields, k, fields.worst(k))
