"""The finite-element solution of the default problem, shipped with the package.

The file holds displacements at the nodes of a mesh that `fit_mesh` makes again in a second; a digest of the mesh guards
against a machine that rounds a node to another side. Values are 16-bit integers times a scale: a step of 3e-5 of the largest
fluctuation, a hundredth of the mesh's own error. `benchmarks/elasticity_reference.py` writes it.

HDF5, read whole: attributes `cell`, `load`, `mesh` (digests), `n`, `scale`; data set `fluctuation`, int16, (n_nodes, 3).
"""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

import numpy as np

from ..base.arrays import FloatArray, record_digest
from ..files.atomic import replacing
from .cells import UnitCell
from .fitted_mesh import FittedMesh, fit_mesh
from .loads import Load
from .tet_field import TetField

FILE_NAME = "elasticity3d_reference.h5"
LARGEST = 32767
"""Largest 16-bit word."""
DIGITS = 9
"""Decimal places of node coordinates that enter the digest of a mesh: they differ by 1e-16 between machines."""


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
    """Give the shipped solution if it is that of this cell and load, on a mesh that comes out the same here; else None."""
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
