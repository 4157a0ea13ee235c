"""Pictures that a mechanics user expects: von Mises stress on cut planes and on the deformed cube, deployed and reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ....base.arrays import FloatArray
from ...fields.stresses import SolidSection, SolidView
from .figure import INK, Figure, draw_figure

AXES = ("x", "y", "z")
TICKS = {"xticks": (0.0, 0.5), "yticks": (0.75, 1.0), "zticks": (0.0, 0.5, 1.0)}
"""Ticks of the half cube, none where two axes meet: their labels would lie on each other."""
CUT_AXES = (1, 2)
"""Axes across which middle planes are drawn: one that holds the direction of the load, and one across it."""

Colours = dict[str, Any]
"""What matplotlib wants to know of a colour map."""


def signed_colours(values: FloatArray) -> Colours:
    """Return colours that are neutral at zero and equally strong on both sides."""
    peak = float(np.abs(values).max()) or 1.0
    return {"cmap": "RdBu_r", "vmin": -peak, "vmax": peak}


def draw_solid(section: SolidSection) -> tuple[Figure, ...]:
    """Draw deployed and reference von Mises stress and their difference, on middle planes and on deformed cubes."""
    deployed, reference = section.deployed, section.reference
    peak = max(float(view.von_mises.max()) for view in (deployed, reference))
    stress, change = {"cmap": "viridis", "vmin": 0.0, "vmax": peak}, deployed.von_mises - reference.von_mises
    planes = tuple(_draw_plane(axis, section, stress) for axis in CUT_AXES)
    cubes = tuple(_draw_cube(view.name, view, view.von_mises, stress) for view in (deployed, reference))
    return (*planes, *cubes, _draw_cube("difference", deployed, change, signed_colours(change)))


def _draw_plane(axis: int, section: SolidSection, stress: Colours) -> Figure:
    """Draw one middle plane three times: deployed, reference, difference."""
    views = (section.deployed, section.reference)
    first, second = (np.take(view.von_mises, view.n // 2, axis=axis) for view in views)
    horizontal, vertical = (name for k, name in enumerate(AXES) if k != axis)
    change = first - second

    def draw(canvas: Any) -> None:
        """Draw the stresses on one plane."""
        panels = canvas.subplots(1, 3, sharey=True)
        drawn = (
            ("deployed", first, stress),
            ("reference", second, stress),
            ("difference", change, signed_colours(change)),
        )
        for axes, (title, values, colours) in zip(panels, drawn, strict=True):
            image = axes.imshow(values.T, origin="lower", extent=(0, 1, 0, 1), **colours)
            axes.set(title=title, xlabel=horizontal)
            bar = canvas.colorbar(image, ax=axes, location="bottom", shrink=0.9)
            bar.formatter.set_powerlimits((-2, 3))
        panels[0].set_ylabel(vertical)

    name = f"von Mises stress on {AXES[axis]} = 1/2"
    largest = float(np.abs(change).max())
    caption = f"{name}, in the unit of the matrix's modulus; deployed and reference differ by at most {largest:.3g}."
    return draw_figure(f"stress-plane-{AXES[axis]}", name, caption, draw, width=6.6, height=3.0)


def _draw_cube(name: str, view: SolidView, values: FloatArray, colours: Colours) -> Figure:
    """Draw the back half of the deformed cube in the colours of values in the middles of its cubes, shape (n, n, n)."""
    faces, shades = (np.concatenate(part) for part in zip(*_faces(view, values), strict=True))

    def draw(canvas: Any) -> None:
        """Draw the deformed cube."""
        from matplotlib.colors import Normalize
        from mpl_toolkits.mplot3d.art3d import Poly3DCollection

        axes = canvas.add_subplot(projection="3d")
        scale = Normalize(colours["vmin"], colours["vmax"])
        patches = Poly3DCollection(faces, cmap=colours["cmap"], norm=scale, rasterized=True)
        patches.set_array(shades)
        axes.add_collection3d(patches)
        patches.set_edgecolor("face")  # hides the seams; needs the axes
        patches.set_linewidth(0.2)
        lower, upper = faces.min(axis=(0, 1)), faces.max(axis=(0, 1))
        axes.set(xlabel="x", ylabel="y", zlabel="z", **TICKS)
        axes.set(xlim=(lower[0], upper[0]), ylim=(lower[1], upper[1]), zlim=(lower[2], upper[2]))
        axes.set_box_aspect(upper - lower, zoom=0.9)
        axes.view_init(elev=22, azim=-60)
        axes.tick_params(colors=INK)
        bar = canvas.colorbar(patches, ax=axes, shrink=0.6, pad=0.12)
        bar.solids.set_rasterized(True)
        bar.formatter.set_powerlimits((-2, 3))

    title = f"Deformed cube, {name}"
    what = "deployed minus reference von Mises stress" if name == "difference" else "von Mises stress"
    caption = f"{title}, cut at y = 1/2: displacements in true size, coloured by {what}, in units of the matrix's E."
    return draw_figure(f"stress-cube-{name}", title, caption, draw, width=4.4, height=3.6)


def _faces(view: SolidView, values: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield the cut y = 1/2, the side x = 1 and the top behind it: quadrilaterals (m, 4, 3) and the value in each, (m,).

    The cut passes through the middles of a layer of cubes: its corners are the mean of those before and behind.
    """
    n, half = view.n, view.n // 2
    nodes = np.stack(np.meshgrid(*[np.linspace(0, 1, n + 1)] * 3, indexing="ij"), axis=-1) + view.corners
    nodes[:, half] = (nodes[:, half] + nodes[:, half + 1]) / 2
    behind, held = nodes[:, half:], values[:, half:]
    for axis, end in ((1, 0), (0, -1), (2, -1)):
        sheet = np.take(behind, end, axis=axis)
        quads = np.stack([sheet[:-1, :-1], sheet[1:, :-1], sheet[1:, 1:], sheet[:-1, 1:]], axis=2)
        yield quads.reshape(-1, 4, 3), np.take(held, end, axis=axis).ravel()
