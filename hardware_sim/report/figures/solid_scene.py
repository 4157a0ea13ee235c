"""The deformed cube with an octant cut away, deployed, reference and difference, drawn by pyvista off the screen.

An extra beside matplotlib's figures: it shows three cut planes at once. Drawing happens in a process of its own, which a
graphics library that is missing or broken may bring down without harm; the report then goes without this figure, with a
warning.
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ....base.arrays import FloatArray
from ...fields.stresses import SolidSection
from .figure import Figure

TIME_LIMIT = 120.0
"""Seconds after which drawing is given up; it takes five to ten."""
WIDTH, HEIGHT = 1500, 560
"""Width and height of the picture in pixels."""
LIGHT = {"ambient": 0.75, "diffuse": 0.3}
"""So much that colours stay those of the bar, so little that planes can be told apart."""
VIEWS, SCENE = "views.npz", "scene.png"
"""Files between the two processes."""


def draw_scene(section: SolidSection) -> tuple[Figure, ...]:
    """Draw the scene; nothing where pyvista is not installed or cannot draw."""
    if importlib.util.find_spec("pyvista") is None:
        return ()
    with tempfile.TemporaryDirectory() as folder:
        _write_views(section, Path(folder) / VIEWS)
        command = [sys.executable, "-m", __name__, folder]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIME_LIMIT)
        except subprocess.SubprocessError as error:
            warnings.warn(f"pyvista could not draw the deformed cube ({error}); the report goes without.", stacklevel=2)
            return ()
        picture = (Path(folder) / SCENE).read_bytes()
    return (_as_figure(picture),)


def _as_figure(picture: bytes) -> Figure:
    title = "Deformed cube, cut open"
    data = base64.b64encode(picture).decode("ascii")
    svg = (
        f'<svg role="img" aria-label="{title}" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<image width="{WIDTH}" height="{HEIGHT}" href="data:image/png;base64,{data}"/></svg>'
    )
    what = "von Mises stress of the deployed network, of finite elements, and their difference"
    caption = f"{title}: {what}, in units of the matrix's E; displacements in true size."
    return Figure(name="stress-scene", title=title, caption=caption, svg=svg)


def _write_views(section: SolidSection, path: Path) -> None:
    names = {"deployed": section.deployed, "reference": section.reference}
    arrays = {
        f"{name}_{part}": getattr(view, part) for name, view in names.items() for part in ("corners", "von_mises")
    }
    np.savez(path, **arrays)


def render_scene(folder: Path) -> None:
    """Draw the views of a folder into its picture; runs in a process of its own."""
    pyvista: Any = importlib.import_module("pyvista")  # an extra: not among what the type checker may rely on
    with np.load(folder / VIEWS) as held:
        corners = {name: held[f"{name}_corners"] for name in ("deployed", "reference")}
        stress = {name: held[f"{name}_von_mises"] for name in ("deployed", "reference")}
    peak = float(max(values.max() for values in stress.values()))
    change = stress["deployed"] - stress["reference"]
    largest = float(np.abs(change).max())
    drawn = (
        ("deployed", corners["deployed"], stress["deployed"], "viridis", (0.0, peak)),
        ("finite elements", corners["reference"], stress["reference"], "viridis", (0.0, peak)),
        ("difference", corners["deployed"], change, "RdBu_r", (-largest, largest)),
    )
    plotter = pyvista.Plotter(off_screen=True, shape=(1, len(drawn)), border=False, window_size=(WIDTH, HEIGHT))
    for column, (title, displacement, values, colours, limits) in enumerate(drawn):
        plotter.subplot(0, column)
        bar = {
            "title": title,
            "color": "grey",
            "fmt": "%.2g",
            "n_labels": 3,
            "position_x": 0.2,
            "position_y": 0.01,
            "width": 0.6,
        }
        solid = open_cube(pyvista, displacement, values)
        plotter.add_mesh(solid, scalars="stress", cmap=colours, clim=limits, scalar_bar_args=bar, **LIGHT)
        plotter.view_vector((-1.0, -1.3, 0.9), viewup=(0, 0, 1))
        plotter.camera.zoom(0.95)
        plotter.camera.focal_point = (0.5, 0.5, 0.42)  # leaves room for the bar
    plotter.screenshot(folder / SCENE, transparent_background=True)
    plotter.close()


def open_cube(pyvista: Any, displacement: FloatArray, values: FloatArray) -> Any:
    """Build the deformed grid without its octant nearest to the eye: x and y below, z above the middle."""
    n = values.shape[0]
    nodes = np.stack(np.meshgrid(*[np.linspace(0, 1, n + 1)] * 3, indexing="ij"), axis=-1) + displacement
    grid = pyvista.StructuredGrid(*(np.ascontiguousarray(nodes[..., axis]) for axis in range(3)))
    grid.cell_data["stress"] = values.ravel(order="F")
    i, j, k = np.indices(values.shape)
    kept = ~((i < n // 2) & (j < n // 2) & (k > n // 2))
    return grid.extract_cells(np.flatnonzero(kept.ravel(order="F")))


if __name__ == "__main__":
    render_scene(Path(sys.argv[1]))
