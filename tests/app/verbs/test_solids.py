"""Solids on the command line: which networks have stresses and VTK files, and what is said to the others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from neuropinn_lava.app.lookup.networks import find_network
from neuropinn_lava.app.verbs.solids import check_vtk, describe_solid, loaded_cell
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.micromechanics.loads import FaceLoad


def test_only_networks_of_cells_have_them(tmp_path: Path) -> None:
    plane, solid = find_network("poisson"), find_network("elasticity3d")
    loaded = loaded_cell(solid)
    assert loaded is not None
    assert isinstance(loaded.load, FaceLoad)
    assert loaded_cell(plane) is None
    assert describe_solid(plane) is None
    check_vtk(plane, None)  # no file, nothing to refuse
    with pytest.raises(SpecError, match=r"a network on a unit cell, as of `elasticity3d`; got 'poisson'"):
        check_vtk(plane, tmp_path / "field.vtu")


@pytest.mark.parametrize(
    "command",
    [
        ("demo", "poisson", "--out", "report"),
        ("profile", "poisson", "--out", "report"),
        ("run", "poisson", "--points", "p.npy", "--out", "u.npy"),
    ],
)
def test_vtk_is_refused_before_any_work(
    cli, points_file, monkeypatch, tmp_path: Path, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = cli(*command, "--vtk", "field.vtu")
    assert code == 1
    assert "--vtk must be asked of a network on a unit cell" in err
    assert {path.name for path in tmp_path.iterdir()} == {"p.npy"}
    monkeypatch.setitem(sys.modules, "meshio", None)
    code, _, err = cli(command[0], "elasticity3d", *command[2:], "--vtk", "field.vtu")
    assert code == 1
    assert "neuropinn-lava[vtk]" in err
