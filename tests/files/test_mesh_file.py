"""Meshes read from files of other programs: tags by cell sets and by numbers, and files that are no meshes of simplices."""

from __future__ import annotations

import sys
from pathlib import Path

import meshio
import numpy as np
import pytest

from neuropinn_lava.base.errors import FileFormatError, SpecError
from neuropinn_lava.base.extras import MissingPackageError
from neuropinn_lava.files.mesh_file import read_mesh

POINTS = np.array([[7.0, 7.0, 0], [0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0.5, 0.5, 0]])
"""A unit square with its middle; point 0 belongs to nothing, as the centre of an arc does in Gmsh."""
TRIANGLES = np.array([[1, 2, 5], [2, 3, 5], [3, 4, 5], [4, 1, 5]])
LINES = np.array([[1, 2], [2, 3], [3, 4], [4, 1], [1, 5]])
"""The four sides, and one line inside."""
GMSH = """$MeshFormat
2.2 0 8
$EndMeshFormat
$PhysicalNames
3
1 5 "inlet"
1 6 "wall"
2 9 "fluid"
$EndPhysicalNames
$Nodes
6
{nodes}
$EndNodes
$Elements
8
1 1 2 5 1 5 2
2 1 2 6 2 2 3
3 1 2 6 3 3 4
4 1 2 6 4 4 5
5 2 2 9 1 2 3 6
6 2 2 9 1 3 4 6
7 2 2 9 1 4 5 6
8 2 2 9 1 5 2 6
$EndElements
""".format(nodes="\n".join(f"{k} {x} {y} {z}" for k, (x, y, z) in enumerate(POINTS, start=1)))
"""The square as Gmsh writes it, version 2.2: its left side is the inlet."""


def test_physical_groups_of_gmsh_are_tags(tmp_path: Path) -> None:
    (tmp_path / "square.msh").write_text(GMSH)
    mesh = read_mesh(tmp_path / "square.msh")
    assert mesh.tags == ("inlet", "wall")
    np.testing.assert_array_equal(mesh.points, POINTS[1:, :2])
    points = np.array([[0.0, 0.5], [0.5, 0.0], [0.5, 0.5]])
    assert mesh.on("inlet", points).tolist() == [True, False, False]
    assert mesh.on("wall", points).tolist() == [False, True, False]
    np.testing.assert_array_equal(mesh.normals(points), [(-1, 0), (0, -1), (np.nan, np.nan)])
    assert mesh.cloud((2, 2)).n_inside == 1


def test_numbers_without_names_are_tags_and_lines_inside_are_left_out(tmp_path: Path) -> None:
    numbers = [np.array([1, 1, 2, 2, 3]), np.zeros(4, dtype=int)]
    mesh = meshio.Mesh(POINTS, [("line", LINES), ("triangle", TRIANGLES)], cell_data={"medit:ref": numbers})
    mesh.write(tmp_path / "square.mesh")
    read = read_mesh(tmp_path / "square.mesh")
    assert read.tags == ("tag_1", "tag_2")
    assert len(read.facets) == 4


def test_groups_of_med_files_are_tags_and_a_facet_may_have_two(tmp_path: Path) -> None:
    mesh = meshio.Mesh(
        POINTS,
        [("line", LINES[:4]), ("triangle", TRIANGLES)],
        cell_data={"cell_tags": [np.array([-1, -1, -2, -3]), np.zeros(4, dtype=int)]},
    )
    mesh.cell_tags = {-1: ["wall"], -2: ["wall", "warm"]}
    mesh.write(tmp_path / "square.med")
    read = read_mesh(tmp_path / "square.med")
    assert set(read.tags) == {"wall", "warm", "tag_3"}
    middles = np.array([[0.5, 0.0], [1.0, 0.5], [0.5, 1.0], [0.0, 0.5]])
    assert read.on("wall", middles).tolist() == [True, True, True, False]
    assert read.on("warm", middles).tolist() == [False, False, True, False]


def test_sets_of_faces_of_a_tetrahedron_are_tags(tmp_path: Path) -> None:
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0.2, 0.2, 0.2]])
    tetra = np.array([[0, 1, 2, 4], [0, 1, 3, 4], [0, 2, 3, 4], [1, 2, 3, 4]])
    faces = np.array([[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]])
    sets = {"floor": [np.array([0]), None], "rest": [np.array([1, 2, 3]), None]}
    meshio.Mesh(
        points,
        [("triangle", faces), ("tetra", tetra)],
        cell_sets={k: [v[0], np.array([], dtype=int)] for k, v in sets.items()},
    ).write(tmp_path / "corner.inp")
    mesh = read_mesh(tmp_path / "corner.inp")
    assert (mesh.tags, mesh.n_dim) == (("floor", "rest"), 3)
    np.testing.assert_allclose(mesh.normals(np.array([[0.2, 0.2, 0.0]])), [(0, 0, -1)])


def test_a_mesh_without_boundary_tags_is_refused(tmp_path: Path) -> None:
    meshio.Mesh(POINTS, [("triangle", TRIANGLES)]).write(tmp_path / "bare.vtu")
    with pytest.raises(SpecError, match=r"have tags on the boundary of the mesh; got none\. Give the edges or faces"):
        read_mesh(tmp_path / "bare.vtu")


@pytest.mark.parametrize(
    ("points", "cells", "rule"),
    [
        (POINTS, [("quad", [[1, 2, 3, 4]])], r"triangles or tetrahedra as its only cells; got \['quad'\]"),
        (POINTS, [("triangle6", [[0, 1, 2, 3, 4, 5]])], "as its only cells; got .*triangle6"),
        (POINTS, [("line", LINES)], "as its only cells; got none"),
        (POINTS, [("triangle", [[1, 2, 99]])], "have cells of its own points; got vertex 99 of 6 in a triangle"),
        (POINTS + [0, 0, 1] * POINTS[:, :1], [("triangle", TRIANGLES)], "have triangles in the plane z = constant"),
    ],
)
def test_meshes_of_other_kinds_are_refused(tmp_path: Path, points: list, cells: list, rule: str) -> None:
    meshio.Mesh(points, cells).write(tmp_path / "other.vtk")
    with pytest.raises(FileFormatError, match=rule):
        read_mesh(tmp_path / "other.vtk")


@pytest.mark.parametrize(
    ("name", "text"), [("bad.msh", "no mesh"), ("bad.vtu", "<xml"), ("bad.unknown", ""), ("gone.msh", None)]
)
def test_files_that_are_no_meshes_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture, name: str, text: str | None
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(FileFormatError, match="be a file that meshio can read"):
        read_mesh(tmp_path / name)
    assert capsys.readouterr() == ("", "")


def test_without_meshio_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "meshio", None)
    with pytest.raises(MissingPackageError, match=r"neuropinn-lava\[mesh\]"):
        read_mesh(tmp_path / "any.msh")
