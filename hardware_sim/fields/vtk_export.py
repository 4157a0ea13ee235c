"""Displacements and stresses of a cell as a VTK file, for ParaView and its kin; needs the extra `vtk` (meshio)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...base.arrays import FloatArray, IntArray
from ...base.errors import SpecError
from ...base.extras import import_extra
from ...files.atomic import check_writable, replacing
from ...micromechanics.cells import UnitCell
from ...micromechanics.stresses import build_stress_cloud, projected_stress, reference_stress
from ...micromechanics.tet_field import TetField

N_EXPORTED = 24
"""Hexahedra along an edge: 13 824 of them, a file of about 3 MB."""
SUFFIXES = (".vtu", ".vtk")
"""Formats of meshio that hold fields on unstructured meshes in one file."""
HEXAHEDRON = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1))
"""Corners of a cube in VTK's order."""

Fields = dict[str, FloatArray | IntArray]
"""What meshio takes: names of a file's fields and their values."""


def check_vtk_path(path: str | Path) -> Path:
    """Accept a path that a VTK file can be written to.

    Raises:
        SpecError: If the suffix is another one, or the path cannot be written.
        MissingPackageError: If meshio is not installed.
    """
    target = Path(path)
    if target.suffix not in SUFFIXES:
        repair = "Name the file field.vtu."
        raise SpecError("write_vtk.path", f"end in one of {', '.join(SUFFIXES)}", target.name, repair)
    check_writable(target)
    import_extra("meshio", "vtk")
    return target


def write_vtk(
    path: str | Path,
    cell: UnitCell,
    evaluate: Callable[[FloatArray], FloatArray],
    reference: TetField | None = None,
    n: int = N_EXPORTED,
) -> None:
    """Write displacements at the corners, and stresses, von Mises stress and phase in the middles of n^3 hexahedra.

    With a reference the file holds its fields too, by its own shape functions, as `..._reference`, and what is left when
    they are subtracted, as `..._difference`.

    Args:
        path: A file ending in .vtu or .vtk; it is replaced.
        cell: Phases and inclusions.
        evaluate: Maps points (n, 3) to displacements (n, 3): a network on any backend, or the reference.
        reference: Displacements of finite elements.
        n: Hexahedra along an edge.

    Raises:
        SpecError: As `check_vtk_path`.
    """
    target = check_vtk_path(path)
    import meshio

    points = np.stack(np.meshgrid(*[np.arange(n + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) / n
    cloud = build_stress_cloud(cell, n)
    stress = projected_stress(cloud, evaluate(cloud.points))
    nodal: Fields = {"displacement": evaluate(points)}
    cellwise: Fields = {"stress": stress.stress, "von_mises": stress.von_mises()}
    if reference is not None:
        truth = reference_stress(cell, reference, cloud.points)
        nodal |= compared("displacement", nodal["displacement"], reference.evaluate(points))
        cellwise |= compared("stress", stress.stress, truth.stress)
        cellwise |= compared("von_mises", stress.von_mises(), truth.von_mises())
    cellwise["inclusion"] = stress.inside.astype(np.int64)
    by_block = {name: [np.ascontiguousarray(values)] for name, values in cellwise.items()}
    mesh = meshio.Mesh(points, [("hexahedron", hexahedra(n))], point_data=nodal, cell_data=by_block)
    with replacing(target) as temporary:
        mesh.write(temporary, file_format=target.suffix.removeprefix("."))


def compared(name: str, values: FloatArray | IntArray, reference: FloatArray) -> Fields:
    """Name the values of a reference and what they leave of a field."""
    return {f"{name}_reference": reference, f"{name}_difference": values - reference}


def hexahedra(n: int) -> IntArray:
    """Return the corners of the n^3 cubes of a grid, x outermost, in VTK's order, shape (n^3, 8)."""
    low = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    corner = low + np.array(HEXAHEDRON)
    numbers: IntArray = (corner[..., 0] * (n + 1) + corner[..., 1]) * (n + 1) + corner[..., 2]
    return numbers
