"""Piecewise quadratic functions on a product of two grids: what finite elements leave behind, evaluated by index arithmetic.

The cell of a point is found by two binary searches, which cannot lose points on an edge as a search in a mesh can. This
module knows numpy; it does not know meshes or problems.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, IntArray, freeze_arrays


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TensorSolution(ArrayRecord):
    """A piecewise quadratic function of two parameters, from its values at nodes and midpoints."""

    a: FloatArray
    """Nodes and midpoints along the first parameter, ascending, shape (2 n_a + 1,)."""
    b: FloatArray
    """The same along the second one, shape (2 n_b + 1,)."""
    values: FloatArray
    """Shape (2 n_a + 1, 2 n_b + 1)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, a=np.float64, b=np.float64, values=np.float64)

    def evaluate(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """Give the function at parameters of shape (n,) each; a little beyond the ends the last cells go on."""
        i, weights_a = _quadratic_weights(self.a, a)
        j, weights_b = _quadratic_weights(self.b, b)
        block = self.values[i[:, None, None] + np.arange(3)[:, None], j[:, None, None] + np.arange(3)]
        value: FloatArray = np.einsum("nij,ni,nj->n", block, weights_a, weights_b)
        return value


def _quadratic_weights(nodes: FloatArray, at: FloatArray) -> tuple[IntArray, FloatArray]:
    """Give the first of the three nodes of each point's cell, shape (n,), and the Lagrange weights there, (n, 3)."""
    cells = nodes[::2]
    cell = np.clip(np.searchsorted(cells, at, side="right") - 1, 0, len(cells) - 2)
    q = (at - cells[cell]) / (cells[cell + 1] - cells[cell])
    return 2 * cell, np.stack([(2 * q - 1) * (q - 1), 4 * q * (1 - q), q * (2 * q - 1)], axis=1)


def with_midpoints(cells: FloatArray) -> FloatArray:
    """Insert the midpoint of every cell, shape (n,) to (2 n - 1,)."""
    both = np.empty(2 * len(cells) - 1)
    both[::2] = cells
    both[1::2] = (cells[1:] + cells[:-1]) / 2
    return both
