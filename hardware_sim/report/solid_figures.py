"""Pictures that a mechanics user expects: von Mises stress on cut planes and on the deformed cube, deployed and reference.

Stresses are taken by stochastic projection from displacements on one grid, so that a deployed network and finite elements
are drawn through the same operators. This module knows cells and figures; it does not know where displacements come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arrays import ArrayRecord, FloatArray, freeze_arrays
from ...micromechanics.cells import UnitCell
from ...micromechanics.stresses import StressCloud, lay_stress_cloud, projected_stress
from .figures import INK, Figure, draw_figure

N_DRAWN = 25
"""Cubes along an edge of the drawn grid; odd, so that one layer of middles lies on each middle plane."""
AXES = ("x", "y", "z")
Evaluate = Callable[[FloatArray], FloatArray]
"""Maps points (n, 3) to displacements (n, 3)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SolidSection(ArrayRecord):
    """Displacements and stresses of one source on the drawn grid."""

    name: str
    """As in `deployed` or `reference`."""
    corners: FloatArray
    """Displacements of the corners of the cubes, shape (n + 1, n + 1, n + 1, 3)."""
    von_mises: FloatArray
    """In the middle of the cubes, shape (n, n, n), in the unit of the moduli."""

    def __post_init__(self) -> None:
        freeze_arrays(self, corners=np.float64, von_mises=np.float64)

    @property
    def n(self) -> int:
        return int(self.von_mises.shape[0])


def solid_section(name: str, stress_cloud: StressCloud, evaluate: Evaluate) -> SolidSection:
    """Evaluate displacements on the grid of a stress cloud, once for its middles and once for its corners."""
    n = round(len(stress_cloud.points) ** (1 / 3))
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, n + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    stress = projected_stress(stress_cloud, evaluate(stress_cloud.points))
    return SolidSection(
        name=name,
        corners=evaluate(grid).reshape(n + 1, n + 1, n + 1, 3),
        von_mises=stress.von_mises().reshape(n, n, n),
    )


def draw_solid(cell: UnitCell, deployed: Evaluate, reference: Evaluate, n: int = N_DRAWN) -> tuple[Figure, ...]:
    """Draw deployed and reference von Mises stress and their difference on the middle planes, and both deformed cubes.

    Args:
        cell: Phases and inclusions.
        deployed: Displacements of the deployed network.
        reference: Displacements of finite elements.
        n: Cubes along an edge, odd.
    """
    cloud = lay_stress_cloud(cell, n)
    sections = (solid_section("deployed", cloud, deployed), solid_section("reference", cloud, reference))
    peak = max(float(section.von_mises.max()) for section in sections)
    planes = tuple(_draw_plane(axis, *sections, peak) for axis in (1, 2))
    return (*planes, *(_draw_cube(section, peak) for section in sections))


def _draw_plane(axis: int, deployed: SolidSection, reference: SolidSection, peak: float) -> Figure:
    """Draw one middle plane three times: deployed, reference, difference."""
    first, second = (np.take(section.von_mises, section.n // 2, axis=axis) for section in (deployed, reference))
    horizontal, vertical = (name for k, name in enumerate(AXES) if k != axis)
    change = first - second
    largest = max(float(np.abs(change).max()), float(np.finfo(float).tiny))

    def draw(canvas: Any) -> None:
        panels = canvas.subplots(1, 3, sharey=True)
        stress: dict[str, Any] = {"cmap": "viridis", "vmin": 0, "vmax": peak}
        signed: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
        drawn = (("deployed", first, stress), ("reference", second, stress), ("difference", change, signed))
        for axes, (title, values, colours) in zip(panels, drawn, strict=True):
            image = axes.imshow(values.T, origin="lower", extent=(0, 1, 0, 1), **colours)
            axes.set(title=title, xlabel=horizontal)
            bar = canvas.colorbar(image, ax=axes, location="bottom", shrink=0.9)
            bar.formatter.set_powerlimits((-2, 3))
        panels[0].set_ylabel(vertical)

    name = f"von Mises stress on {AXES[axis]} = 1/2"
    caption = f"{name}, in the unit of the matrix's modulus; deployed and reference differ by at most {largest:.3g}."
    return draw_figure(f"field-von-mises-{AXES[axis]}", name, caption, draw, width=6.6, height=3.0)


def _draw_cube(section: SolidSection, peak: float) -> Figure:
    """Draw the back half of the deformed cube in the colours of the stress."""

    def draw(canvas: Any) -> None:
        from matplotlib.colors import Normalize
        from mpl_toolkits.mplot3d.art3d import Poly3DCollection

        axes = canvas.add_subplot(projection="3d")
        faces, values = (np.concatenate(part) for part in zip(*_faces(section), strict=True))
        patches = Poly3DCollection(faces, cmap="viridis", norm=Normalize(0, peak), rasterized=True)
        patches.set_array(values)
        axes.add_collection3d(patches)
        patches.set_edgecolor("face")  # hides the seams; needs the axes
        patches.set_linewidth(0.2)
        lower, upper = faces.min(axis=(0, 1)), faces.max(axis=(0, 1))
        axes.set(xlim=(lower[0], upper[0]), ylim=(lower[1], upper[1]), zlim=(lower[2], upper[2]))
        axes.set(xlabel="x", ylabel="y", zlabel="z")
        axes.set_box_aspect(upper - lower)
        axes.view_init(elev=22, azim=-60)
        axes.tick_params(colors=INK)
        axes.locator_params(axis="y", nbins=2)
        canvas.colorbar(patches, ax=axes, shrink=0.6, pad=0.12)

    title = f"Deformed cube, {section.name}"
    caption = f"{title}, cut at y = 1/2: displacements in true size, coloured by von Mises stress."
    return draw_figure(f"field-deformed-{section.name}", title, caption, draw, width=4.4, height=3.4)


def _faces(section: SolidSection) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield the cut y = 1/2, the side x = 1 and the top behind it: quadrilaterals (m, 4, 3) and the stress in each, (m,).

    The cut passes through the middles of a layer of cubes: its corners are the mean of those before and behind.
    """
    n, half = section.n, section.n // 2
    nodes = np.stack(np.meshgrid(*[np.linspace(0, 1, n + 1)] * 3, indexing="ij"), axis=-1) + section.corners
    nodes[:, half] = (nodes[:, half] + nodes[:, half + 1]) / 2
    behind, stress = nodes[:, half:], section.von_mises[:, half:]
    for axis, end in ((1, 0), (0, -1), (2, -1)):
        sheet = np.take(behind, end, axis=axis)
        quads = np.stack([sheet[:-1, :-1], sheet[1:, :-1], sheet[1:, 1:], sheet[:-1, 1:]], axis=2)
        yield quads.reshape(-1, 4, 3), np.take(stress, end, axis=axis).ravel()
