"""Displacements and stresses of a cell as a VTK file, for ParaView and its kin; needs the extra `vtk` (meshio)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...arrays import FloatArray, IntArray
from ...atomic import check_writable
from ...errors import SpecError
from ...micromechanics.cells import UnitCell
from ...micromechanics.stresses import lay_stress_cloud, projected_stress

N_EXPORTED = 24
"""Hexahedra along an edge: 13 824 of them, a file of about 3 MB."""
SUFFIXES = (".vtu", ".vtk", ".xdmf")
"""Formats of meshio that hold fields on unstructured meshes."""
HEXAHEDRON = ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1))
"""Corners of a cube in VTK's order."""


def write_vtk(
    path: str | Path, cell: UnitCell, evaluate: Callable[[FloatArray], FloatArray], n: int = N_EXPORTED
) -> None:
    """Write displacements at the corners, and stresses, von Mises stress and phase in the middles of n^3 hexahedra.

    Args:
        path: A file ending in .vtu, .vtk or .xdmf; it is replaced.
        cell: Phases and inclusions.
        evaluate: Maps points (n, 3) to displacements (n, 3): a network on any backend, or the reference.
        n: Hexahedra along an edge.

    Raises:
        SpecError: If the suffix is another one, the path cannot be written, or meshio is not installed.
    """
    target = Path(path)
    if target.suffix not in SUFFIXES:
        mend = "Name the file field.vtu."
        raise SpecError("write_vtk.path", f"a suffix out of {', '.join(SUFFIXES)}", target.name, mend)
    check_writable(target)
    try:
        import meshio
    except ImportError as error:
        mend = "Install the extra: pip install 'neuropinn-lava[vtk]'."
        raise SpecError("write_vtk", "meshio is installed", str(error), mend) from error
    index = np.stack(np.meshgrid(*[np.arange(n + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    points = index / n
    cloud = lay_stress_cloud(cell, n)
    stress = projected_stress(cloud, evaluate(cloud.points))
    data = {"stress": stress.stress, "von_mises": stress.von_mises(), "inclusion": stress.inside.astype(np.int32)}
    mesh = meshio.Mesh(
        points,
        [("hexahedron", hexahedra(n))],
        point_data={"displacement": evaluate(points)},
        cell_data={name: [np.ascontiguousarray(values)] for name, values in data.items()},
    )
    mesh.write(target)


def hexahedra(n: int) -> IntArray:
    """Give the corners of the n^3 cubes of a grid, x outermost, in VTK's order, shape (n^3, 8)."""
    low = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    corner = low + np.array(HEXAHEDRON)
    numbers: IntArray = (corner[..., 0] * (n + 1) + corner[..., 1]) * (n + 1) + corner[..., 2]
    return numbers
