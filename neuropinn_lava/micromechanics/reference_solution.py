"""The reference displacement of any cell and load: shipped for the default problem, solved for any other.

Solutions are kept for the life of the process, so that several problems on one cell solve once. The shipped file holds
displacements at the nodes of a mesh that `fit_mesh` builds again in a second; a digest of the mesh guards against a machine
that rounds a node to another side. Values are 16-bit integers times a scale: a step of 3e-5 of the largest fluctuation, a
hundredth of the mesh's own error. `benchmarks/elasticity_reference.py` writes it.

HDF5, read whole: attributes `cell`, `load`, `mesh` (digests), `n`, `scale`; data set `fluctuation`, int16, (n_nodes, 3).
"""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

import numpy as np

from ..base.arrays import FloatArray, record_digest
from ..base.errors import SpecError
from ..files.atomic import replacing
from .cells import UnitCell
from .fitted_mesh import FittedMesh, fit_mesh, needed_cells
from .loads import Load
from .solver import mesh_cell, solve_load
from .tet_field import TetField

N_SOLVED = 16
"""Cubes along an edge where no solution is shipped: within 1 % of u - lift of the finest mesh, about 10 s
(docs/results/micromechanics.md)."""
N_MOST = 24
"""Largest number of cubes along an edge that is chosen automatically: 130 000 nodes."""
FILE_NAME = "elasticity3d_reference.h5"
LARGEST = 32767
"""Largest 16-bit word."""
DIGITS = 9
"""Decimal places of node coordinates that enter the digest of a mesh: they differ by 1e-16 between machines."""

_solved: dict[tuple[str, str, int], TetField] = {}


def reference_field(cell: UnitCell, load: Load, n: int | None = None) -> TetField:
    """Return the displacement of a cell under a load, from the package's file or by finite elements.

    Args:
        cell: Any cell.
        load: Any load.
        n: Cubes along an edge; None takes `N_SOLVED`, or more where an inclusion or a gap is too small for it.

    Raises:
        SpecError: If n is odd or too coarse for the cell, or would have to be above `N_MOST` without being given.
        SimulationError: If the solution does not converge.
    """
    chosen = _chosen_cells(cell) if n is None else n
    key = (cell.digest(), record_digest(load), chosen)
    if key not in _solved:
        shipped = read_reference(cell, load) if n is None else None
        _solved[key] = shipped or solve_load(mesh_cell(cell, chosen), load)
    return _solved[key]


def _chosen_cells(cell: UnitCell) -> int:
    chosen = max(N_SOLVED, needed_cells(cell))
    if chosen > N_MOST:
        rule = f"have inclusions and gaps that {N_MOST} cubes along an edge resolve"
        repair = "Make them larger, or solve on a finer mesh: `reference_field(cell, load, n)`."
        raise SpecError("reference_field.cell", rule, f"a cell that needs {chosen}", repair)
    return chosen


def reference_displacement(cell: UnitCell, load: Load, points: FloatArray) -> FloatArray:
    """Return u at points (n, 3) of the cube, shape (n, 3)."""
    return reference_field(cell, load).evaluate(points)


def write_reference(path: Path, cell: UnitCell, load: Load, n: int, field: TetField) -> None:
    """Write a solution on `fit_mesh(cell, n)` to an HDF5 file."""
    import h5py

    fluctuation = field.values - load.ansatz(cell).evaluate(field.mesh.nodes)[0]
    scale = float(np.abs(fluctuation).max()) / LARGEST
    with replacing(path) as temporary, h5py.File(temporary, "w", libver=("earliest", "v110")) as file:
        file.attrs.update(cell=cell.digest(), load=record_digest(load), mesh=mesh_digest(field.mesh), n=n, scale=scale)
        words = np.rint(fluctuation / scale).astype(np.int16)
        file.create_dataset("fluctuation", data=words, compression="gzip", compression_opts=9, shuffle=True)


def read_reference(cell: UnitCell, load: Load) -> TetField | None:
    """Return the shipped solution if it is that of this cell and load, on a mesh that comes out the same here; else None."""
    import h5py

    source = resources.files(__package__) / FILE_NAME
    if not source.is_file():
        return None
    with resources.as_file(source) as path, h5py.File(path, "r") as file:
        if (file.attrs["cell"], file.attrs["load"]) != (cell.digest(), record_digest(load)):
            return None
        mesh = fit_mesh(cell, int(file.attrs["n"]))
        if mesh_digest(mesh) != file.attrs["mesh"]:
            return None
        fluctuation = file["fluctuation"][...] * float(file.attrs["scale"])
    lift: FloatArray = load.ansatz(cell).evaluate(mesh.nodes)[0]
    return TetField(mesh, lift + fluctuation)


def mesh_digest(mesh: FittedMesh) -> str:
    """Identity of a mesh up to the rounding of its coordinates, as 64 hex digits."""
    sha = hashlib.sha256(np.ascontiguousarray(mesh.cells, dtype="<i8").tobytes())
    sha.update(np.rint(mesh.nodes * 10**DIGITS).astype("<i8").tobytes())
    return sha.hexdigest()
