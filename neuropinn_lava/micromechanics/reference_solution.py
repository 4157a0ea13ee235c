"""The reference displacement of any cell and load: shipped where it is the default's, otherwise solved when first asked for.

Solutions are kept for the life of the process, so that several problems on one cell solve once.
"""

from __future__ import annotations

from ..base.arrays import FloatArray, record_digest
from ..base.errors import SpecError
from .cells import UnitCell
from .fitted_mesh import needed_cells
from .loads import Load
from .reference_file import read_reference
from .solver import mesh_cell, solve_load
from .tet_field import TetField

N_SOLVED = 16
"""Cubes along an edge where no solution is shipped: within 1 % of u - lift of the finest mesh, about 10 s (docs/results.md)."""

N_MOST = 24
"""Most cubes along an edge that are solved without being asked for by number: 130 000 nodes."""

_solved: dict[tuple[str, str, int], TetField] = {}


def reference_field(cell: UnitCell, load: Load, n: int | None = None) -> TetField:
    """Give the displacement of a cell under a load, from the package's file or by finite elements.

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
        rule = f"inclusions and gaps that {N_MOST} cubes along an edge can see"
        mend = "Make them larger, or solve on a finer mesh: `reference_field(cell, load, n)`."
        raise SpecError("reference_field.cell", rule, f"a cell that needs {chosen}", mend)
    return chosen


def reference_displacement(cell: UnitCell, load: Load, points: FloatArray) -> FloatArray:
    """Give u at points (n, 3) of the cube, shape (n, 3)."""
    return reference_field(cell, load).evaluate(points)
