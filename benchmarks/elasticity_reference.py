"""Mesh convergence of the default elastic cube, and the reference file that the package ships.

python benchmarks/elasticity_reference.py                 the table of docs/results/micromechanics.md, about two minutes
python benchmarks/elasticity_reference.py --write         besides, neuropinn_lava/micromechanics/elasticity3d_reference.h5
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from neuropinn_lava.base.arrays import FloatArray
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.micromechanics import reference_solution
from neuropinn_lava.micromechanics.cells import sphere_cell
from neuropinn_lava.micromechanics.loads import FaceLoad
from neuropinn_lava.micromechanics.reference_solution import write_reference
from neuropinn_lava.micromechanics.solver import mesh_cell, solve_load

MESHES = (8, 10, 12, 16, 20)
"""Cubes along an edge; the last one is shipped."""
N_POINTS = 20000
"""Random points on which displacements are compared."""


def main(write: bool) -> None:
    cell, load = sphere_cell(radius=0.27, contrast=10.0), FaceLoad(top=np.array([0.0, 0.0, -0.1]))
    points = np.random.default_rng(0).uniform(size=(N_POINTS, 3))
    lift = load.ansatz(cell).evaluate(points)[0]
    found: dict[int, FloatArray] = {}
    for n in MESHES:
        start = time.perf_counter()
        field = solve_load(mesh_cell(cell, n), load)
        found[n] = field.evaluate(points) - lift
        print(f"n = {n:2d}: {field.mesh.n_nodes} nodes, {time.perf_counter() - start:.1f} s", flush=True)
    finest = found[MESHES[-1]]
    for n in MESHES[:-1]:
        print(f"n = {n:2d}: u - lift differs from n = {MESHES[-1]} by {relative_l2(found[n], finest):.2e}")
    if write:
        path = Path(reference_solution.__file__).with_name(reference_solution.FILE_NAME)
        write_reference(path, cell, load, MESHES[-1], field)
        print(f"wrote {path.name}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the shipped file")
    main(parser.parse_args().write)
