"""The reference displacement of any cell and load: shipped where it is the default's, otherwise solved when first asked for.

Solutions are kept for the life of the process, so that several problems on one cell solve once.
"""

from __future__ import annotations

from ..arrays import FloatArray, record_digest
from .cells import UnitCell
from .loads import Load
from .reference_file import read_reference
from .solver import mesh_cell, solve_load
from .tet_field import TetField

N_SOLVED = 16
"""Cubes along an edge where no solution is shipped: within 1 % of u - lift of the finest mesh, about 10 s (docs/results.md)."""

_solved: dict[tuple[str, str, int], TetField] = {}


def reference_field(cell: UnitCell, load: Load, n: int = N_SOLVED) -> TetField:
    """Give the displacement of a cell under a load, from the package's file or by finite elements.

    Args:
        cell: Any cell.
        load: Any load.
        n: Cubes along an edge, where it has to be solved.

    Raises:
        SpecError: If n is odd or too coarse for the cell.
        SimulationError: If the solution does not converge.
    """
    key = (cell.digest(), record_digest(load), n)
    if key not in _solved:
        shipped = read_reference(cell, load) if n == N_SOLVED else None
        _solved[key] = shipped or solve_load(mesh_cell(cell, n), load)
    return _solved[key]


def reference_displacement(cell: UnitCell, load: Load, points: FloatArray) -> FloatArray:
    """Give u at points (n, 3) of the cube, shape (n, 3)."""
    return reference_field(cell, load).evaluate(points)
