"""Figures and VTK files of solids: what is drawn, and the files' meshes counted by hand."""

from __future__ import annotations

import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.extras import MissingPackageError
from neuropinn_lava.hardware_sim.fields.stresses import SolidSection, view_solid
from neuropinn_lava.hardware_sim.fields.vtk_export import hexahedra, write_vtk
from neuropinn_lava.hardware_sim.report.figures.solid_figures import draw_solid
from neuropinn_lava.micromechanics.cells import sphere_cell
from neuropinn_lava.micromechanics.fitted_mesh import fit_mesh
from neuropinn_lava.micromechanics.stresses import StressErrors, build_stress_cloud, projected_stress
from neuropinn_lava.micromechanics.tet_field import TetField

CELL = sphere_cell(radius=0.27, contrast=10.0)
EXACT = 1e-9
"""Least squares, and finite elements, reproduce linear fields to rounding, divided by the spacing."""


def pressed(points: np.ndarray) -> np.ndarray:
    """epsilon_zz = -0.1 everywhere: no stress in common but a jump at the interface."""
    return np.stack([0 * points[:, 0], 0 * points[:, 0], -0.1 * points[:, 2]], axis=1)


def halved(points: np.ndarray) -> np.ndarray:
    return pressed(points) / 2


def test_planes_and_cubes_are_drawn() -> None:
    cloud = build_stress_cloud(CELL, 13)
    deployed, reference = (
        view_solid(name, projected_stress(cloud, evaluate(cloud.points)), evaluate)
        for name, evaluate in (("deployed", pressed), ("reference", halved))
    )
    errors = StressErrors(relative_l2=0.1, von_mises_relative_l2=0.1)
    section = SolidSection(results=(), floor=errors, operator="quadratic", deployed=deployed, reference=reference)
    figures = draw_solid(section)
    assert [figure.name for figure in figures] == [
        "stress-plane-y",
        "stress-plane-z",
        "stress-cube-deployed",
        "stress-cube-reference",
        "stress-cube-difference",
    ]
    assert all(figure.svg.startswith("<svg") for figure in figures)
    assert "differ by at most 0.385" in figures[0].caption  # half of 2 mu e in the sphere, 10 * 0.1 / 2.6
    assert "cut at y = 1/2" in figures[2].caption
    assert "deployed minus reference" in figures[4].caption


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

        def write(self, path: Path, file_format: str) -> None:
            path.write_text(f"written as {file_format}")

    monkeypatch.setitem(sys.modules, "meshio", types.SimpleNamespace(Mesh=Mesh))
    mesh = fit_mesh(CELL, 6)
    write_vtk(tmp_path / "field.vtu", CELL, pressed, TetField(mesh, halved(mesh.nodes)), n=8)
    assert (tmp_path / "field.vtu").read_text() == "written as vtu"
    assert written["points"].shape == written["displacement"].shape == (9**3, 3)
    assert written["stress"].shape == (8**3, 6)
    np.testing.assert_allclose(written["displacement_reference"], written["displacement"] / 2, atol=EXACT)
    np.testing.assert_allclose(written["von_mises_difference"], written["von_mises"] / 2, atol=EXACT)
    assert written["inclusion"].sum() == np.count_nonzero(CELL.contains(build_stress_cloud(CELL, 8).points))


KILLED = """
import os, signal, sys, types
import test_solid_figures as tests

class Mesh:
    def __init__(self, *arguments, **fields): pass
    def write(self, path, file_format):
        path.write_text("half of a")
        {end}

sys.modules["meshio"] = types.SimpleNamespace(Mesh=Mesh)
tests.write_vtk(sys.argv[1], tests.CELL, tests.pressed, n=8)
"""


@pytest.mark.parametrize(
    ("end", "code"), [("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL), ("raise OSError('it broke')", 1)]
)
def test_a_writer_that_dies_leaves_the_old_vtk_file(tmp_path: Path, end: str, code: int) -> None:
    """Every system call of the real writer: tests/torture."""
    target = tmp_path / "field.vtu"
    target.write_text("old")
    script = KILLED.format(end=end)
    done = subprocess.run([sys.executable, "-c", script, target], cwd=Path(__file__).parent, capture_output=True)
    assert done.returncode == code, done.stderr
    assert target.read_text() == "old"


def test_vtk_files_of_other_kinds_or_without_meshio_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SpecError, match=r"end in one of \.vtu, \.vtk; got field\.txt"):
        write_vtk(tmp_path / "field.txt", CELL, pressed)
    monkeypatch.setitem(sys.modules, "meshio", None)
    with pytest.raises(MissingPackageError, match=r"`meshio`.*neuropinn-lava\[vtk\]"):
        write_vtk(tmp_path / "field.vtu", CELL, pressed)
