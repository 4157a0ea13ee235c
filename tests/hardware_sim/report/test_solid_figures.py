"""Figures and VTK files of solids: what is drawn, and the files' meshes counted by hand."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuropinn_lava.errors import SpecError
from neuropinn_lava.hardware_sim.report.solid_figures import draw_solid, solid_section
from neuropinn_lava.hardware_sim.report.vtk_export import hexahedra, write_vtk
from neuropinn_lava.micromechanics.cells import sphere_cell
from neuropinn_lava.micromechanics.stresses import lay_stress_cloud

CELL = sphere_cell(radius=0.27, contrast=10.0)
EXACT = 1e-9
"""Least squares reproduce linear fields to rounding, divided by the spacing."""


def pressed(points: np.ndarray) -> np.ndarray:
    """epsilon_zz = -0.1 everywhere: no stress in common but a jump at the interface."""
    return np.stack([0 * points[:, 0], 0 * points[:, 0], -0.1 * points[:, 2]], axis=1)


def test_planes_and_cubes_are_drawn() -> None:
    figures = draw_solid(CELL, pressed, pressed, n=13)
    assert [figure.name for figure in figures] == [
        "field-von-mises-y",
        "field-von-mises-z",
        "field-deformed-deployed",
        "field-deformed-reference",
    ]
    assert all(figure.svg.startswith("<svg") for figure in figures)
    assert "cut at y = 1/2" in figures[2].caption


def test_section_holds_displacements_and_stress() -> None:
    """Uniaxial strain e: sigma_vM = 2 mu |e|, mu = 1 / 2.6 in the matrix and ten times that in the sphere."""
    section = solid_section("deployed", lay_stress_cloud(CELL, 13), pressed)
    assert section.corners.shape == (14, 14, 14, 3)
    assert section.corners[3, 4, 13].tolist() == [0.0, 0.0, -0.1]
    assert section.von_mises[6, 6, 6] == pytest.approx(2 / 2.6, abs=EXACT)
    assert section.von_mises[0, 0, 0] == pytest.approx(0.2 / 2.6, abs=EXACT)


def test_hexahedra_by_hand() -> None:
    """Two cubes a side have 27 corners, numbered x outermost: the first cube has 0, 9, 12, 3 below and 1, 10, 13, 4 above."""
    cubes = hexahedra(2)
    assert cubes.shape == (8, 8)
    assert cubes[0].tolist() == [0, 9, 12, 3, 1, 10, 13, 4]
    assert cubes.max() == 26


def test_vtk_file_gets_every_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: dict[str, Any] = {}

    class Mesh:
        def __init__(self, points: Any, cells: Any, point_data: Any, cell_data: Any) -> None:
            written.update(points=points, cells=cells, **point_data, **{k: v[0] for k, v in cell_data.items()})

        def write(self, path: Path) -> None:
            path.write_text("written")

    monkeypatch.setitem(sys.modules, "meshio", types.SimpleNamespace(Mesh=Mesh))
    write_vtk(tmp_path / "field.vtu", CELL, pressed, n=8)
    assert (tmp_path / "field.vtu").read_text() == "written"
    assert written["points"].shape == written["displacement"].shape == (9**3, 3)
    assert written["stress"].shape == (8**3, 6)
    assert written["inclusion"].sum() == np.count_nonzero(CELL.contains(lay_stress_cloud(CELL, 8).points))


def test_vtk_files_of_other_kinds_or_without_meshio_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SpecError, match=r"a suffix out of \.vtu, \.vtk, \.xdmf; got field\.txt"):
        write_vtk(tmp_path / "field.txt", CELL, pressed)
    monkeypatch.setitem(sys.modules, "meshio", None)
    with pytest.raises(SpecError, match=r"meshio is installed.*neuropinn-lava\[vtk\]"):
        write_vtk(tmp_path / "field.vtu", CELL, pressed)
