"""Meshes of other programs as domains: triangles or tetrahedra and the tags of their boundary, by meshio (extra `mesh`)."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..base.arrays import FloatArray, IntArray
from ..base.errors import FileFormatError
from ..base.extras import import_extra
from ..geometry.mesh_domain import MeshDomain
from ..geometry.simplices import boundary_facets
from .parser_guard import try_parser

CELLS = {3: "tetra", 2: "triangle"}
"""meshio's name of the cells of a mesh by the number of coordinates."""
FACETS = {3: "triangle", 2: "line"}
"""Its name of their facets."""
OTHER_FACETS = ("vertex", "line", "triangle")
"""Blocks beside the cells that are no cells themselves."""
NUMBERED_TAGS = ("gmsh:physical", "medit:ref", "su2:tag", "cell_tags")
"""Data of cells that number the parts of a boundary; their names are in the file's field data, else `tag_1`, `tag_2`, …"""


def read_mesh(path: str | Path) -> MeshDomain:
    """Read a mesh as a domain: its vertices become the cloud, its tagged boundary edges or faces carry the conditions.

    Tags are the cell sets of the file, such as the physical groups of Gmsh, or numbers of its boundary cells as `tag_1`. Facets
    inside the mesh, between two materials, are not used. A plane mesh may have a third coordinate that is the same everywhere.

    Args:
        path: File in a format of meshio: .msh, .vtu, .vtk, .inp, .med, .mesh, .su2, .xdmf and others.

    Raises:
        MissingPackageError: If meshio is not installed.
        FileFormatError: If meshio cannot read the file, or it has other cells than triangles or tetrahedra.
        SpecError: If facets of the boundary have no tag, or a cell has no inside.
    """
    import_extra("meshio", "mesh")
    try_parser(f"{__name__}:parse_mesh", path, "mesh")
    mesh = parse_mesh(path)
    n_dim = 3 if any(block.type == "tetra" for block in mesh.cells) else 2
    _refuse_cells(mesh, n_dim, f"mesh {path}")
    cells = np.concatenate([block.data for block in mesh.cells if block.type == CELLS[n_dim]])
    used, cells = np.unique(cells, return_inverse=True)
    cells = cells.reshape(-1, n_dim + 1)
    facets, tags = _tagged_facets(mesh, n_dim)
    place = np.full(len(mesh.points), -1)
    place[used] = np.arange(len(used))
    facets, tags = _on_boundary(place[facets], tags, cells)
    names = tuple(dict.fromkeys(tags))
    return MeshDomain(
        points=_coordinates(mesh.points[used], n_dim, f"mesh {path}"),
        cells=cells,
        facets=facets,
        facet_tags=np.array([names.index(tag) for tag in tags], dtype=np.int64),
        tags=names,
    )


def parse_mesh(path: str | Path) -> Any:
    """Read a file by meshio, which prints and ends the process where it fails.

    Raises:
        FileFormatError: If it fails.
    """
    meshio = import_extra("meshio", "mesh")
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return meshio.read(path)
    except (Exception, SystemExit) as error:  # its readers raise whatever a damaged file makes them raise
        got = " ".join(f"{type(error).__name__}: {error} {said.getvalue()}".split())
        repair = "Write it again in a format of meshio, such as .msh or .vtu."
        raise FileFormatError(f"mesh {path}", "be a file that meshio can read", got[:500], repair) from error


def _refuse_cells(mesh: Any, n_dim: int, where: str) -> None:
    for block in mesh.cells:
        if block.data.size and not 0 <= block.data.min() <= block.data.max() < len(mesh.points):
            got = f"vertex {block.data.max()} of {len(mesh.points)} in a {block.type}"
            raise FileFormatError(where, "have cells of its own points", got, "It is damaged; write it again.")
    others = sorted({block.type for block in mesh.cells} - {CELLS[n_dim], *OTHER_FACETS})
    if others or not any(block.type == CELLS[n_dim] for block in mesh.cells):
        repair = "Mesh with straight simplices, of first order."
        raise FileFormatError(where, "have triangles or tetrahedra as its only cells", others or "none", repair)


def _coordinates(points: FloatArray, n_dim: int, where: str) -> FloatArray:
    flat = points[:, n_dim:]
    if np.ptp(flat, axis=0).any():
        repair = "A surface in space is no region of the plane; give tetrahedra, or lay it into the plane."
        raise FileFormatError(where, "have triangles in the plane z = constant", f"z of {np.ptp(flat):g} span", repair)
    return points[:, :n_dim]


def _tagged_facets(mesh: Any, n_dim: int) -> tuple[IntArray, list[str]]:
    """Collect the facets of all tags, shape (n_facets, n_dim), and the tag of each."""
    found = [*_of_cell_sets(mesh, n_dim)] or [*_of_numbers(mesh, n_dim)]
    facets = [np.zeros((0, n_dim), dtype=np.int64), *(rows for _, rows in found)]
    return np.concatenate(facets), [name for name, rows in found for _ in rows]


def _of_cell_sets(mesh: Any, n_dim: int) -> Iterator[tuple[str, IntArray]]:
    for name, members in mesh.cell_sets.items():
        for block, rows in zip(mesh.cells, members, strict=True):
            if block.type == FACETS[n_dim] and rows is not None and not name.startswith("gmsh:"):
                yield name, block.data[np.asarray(rows, dtype=np.int64)]


def _of_numbers(mesh: Any, n_dim: int) -> Iterator[tuple[str, IntArray]]:
    groups = _groups(mesh, n_dim)
    for key in NUMBERED_TAGS:
        for block, numbers in zip(mesh.cells, mesh.cell_data.get(key, ()), strict=False):
            if block.type == FACETS[n_dim]:
                for number in np.unique(numbers[numbers != 0]).tolist():
                    for name in groups.get(number, [f"tag_{abs(number)}"]):
                        yield name, block.data[numbers == number]


def _groups(mesh: Any, n_dim: int) -> dict[int, list[str]]:
    """Return the names that a file gives to the numbers of its boundary: Gmsh's physical names, the groups of a MED file."""
    pairs = ((name, np.ravel(value)) for name, value in mesh.field_data.items() if np.size(value) == 2)
    physical = {int(number): [name] for name, (number, dim) in pairs if dim == n_dim - 1}
    return {**physical, **getattr(mesh, "cell_tags", {})}


def _on_boundary(facets: IntArray, tags: list[str], cells: IntArray) -> tuple[IntArray, list[str]]:
    """Leave out facets that are not on the boundary of the cells."""
    boundary = {tuple(facet) for facet in boundary_facets(cells)[0].tolist()}
    kept = [row for row, facet in enumerate(facets.tolist()) if tuple(sorted(facet)) in boundary]
    return facets[kept], [tags[row] for row in kept]
