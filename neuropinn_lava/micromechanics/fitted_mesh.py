"""Tetrahedral meshes of a unit cell whose faces follow the surfaces of the inclusions.

    1  a grid of n^3 cubes, six tetrahedra in each, mirrored from cube to cube, so that opposite faces of the cell match
    2  vertices near a surface move onto it, along the ray from the inclusion's centre
    3  edges that still cross a surface get a vertex on it, and their tetrahedra are split there
    4  vertices on a surface move out a little, so that the faceted inclusion has the volume of the true one

Step 3 splits the crossed edge with the highest number first, whatever tetrahedron is asked: so neighbours agree. Without
step 4 a facet's sagitta would make inclusions too small by O(h^2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from ..base.arrays import ArrayRecord, BoolArray, FloatArray, IntArray, freeze_arrays
from ..base.checks import raise_violations
from ..base.errors import Violation
from .cells import UnitCell

EDGES = np.array(list(combinations(range(4), 2)))
"""Vertex pairs of a tetrahedron's six edges, in the order of its midpoints."""
SNAP = 0.25
"""Vertices this near to a surface move onto it, in cells. Below half, so that no tetrahedron turns over."""
MIN_CELLS_PER_AXIS = 1.3
"""Fewest cells along the shortest semi-axis and along the smallest gap: with fewer, a surface meets faces or vanishes."""

BLOCK = 4096
"""Tetrahedra whose edges are numbered at a time; bounds the memory, nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedMesh(ArrayRecord):
    """Quadratic tetrahedra, four vertices and six midpoints each."""

    nodes: FloatArray
    """Vertices first, then midpoints of edges, shape (n_nodes, 3)."""
    cells: NDArray[np.int32]
    """Nodes of each tetrahedron: vertices, then midpoints in the order of `EDGES`, shape (n_cells, 10)."""
    inside: BoolArray
    """Which tetrahedra belong to inclusions, shape (n_cells,)."""
    n_vertices: int
    """How many nodes are vertices."""

    def __post_init__(self) -> None:
        freeze_arrays(self, nodes=np.float64, cells=np.int32, inside=np.bool_)

    @property
    def n_nodes(self) -> int:
        return int(self.nodes.shape[0])


def fit_mesh(cell: UnitCell, n: int) -> FittedMesh:
    """Mesh a unit cell with about n cubes along each edge.

    Args:
        cell: What is meshed.
        n: Cubes along an edge, an even number of 2 or more.

    Raises:
        SpecError: If n is odd, or too coarse to see an inclusion or the gap beside it.
    """
    raise_violations(_violations(cell, n))
    points, tets = _grid(n)
    points, level = _snapped(cell, points, SNAP / n)
    points, tets, level = _split(cell, points, tets, level)
    inside = (level[tets] <= 0).all(axis=1)
    inside[inside] = cell.contains(points[tets[inside]].mean(axis=1))
    points = _inflated(cell, points, tets[inside], level == 0)
    return _with_midpoints(points, tets, inside)


def _violations(cell: UnitCell, n: int) -> Iterator[Violation]:
    if n < 2 or n % 2:
        yield Violation(
            "fit_mesh.n", "an even number of 2 or more, so that opposite faces match", n, "Take the next one."
        )
        return
    needed = needed_cells(cell)
    if n < needed:
        smallest = _smallest_length(cell)
        rule = f"{MIN_CELLS_PER_AXIS} cells or more along the smallest semi-axis or gap, {smallest:.3g}"
        got = f"{n} cells along the edge, {smallest * n:.2g} along it"
        yield Violation("fit_mesh.n", rule, got, f"Take n >= {needed}.")


def needed_cells(cell: UnitCell) -> int:
    """Give the smallest n with which `fit_mesh` sees every inclusion and every gap of a cell; even, 2 or more."""
    return max(2 * int(np.ceil(MIN_CELLS_PER_AXIS / _smallest_length(cell) / 2)), 2)


def _smallest_length(cell: UnitCell) -> float:
    """Give the shortest semi-axis or gap, infinite without inclusions."""
    return min([*(float(body.semi_axes.min()) for body in cell.inclusions), cell.gap()])


def _grid(n: int) -> tuple[FloatArray, IntArray]:
    """Give the vertices of the grid ((n + 1)^3, 3) and its tetrahedra (6 n^3, 4).

    Each starts at the corner whose indices are even and goes to the opposite one along the axes in some order.
    """
    points = _index_grid(n + 1) / n
    corner = _index_grid(n)
    start, sign = corner + corner % 2, 1 - 2 * (corner % 2)
    tets = []
    for order in permutations(range(3)):
        at, path = start.copy(), [start.copy()]
        for axis in order:
            at[:, axis] += sign[:, axis]
            path.append(at.copy())
        tets.append(np.stack([(p[:, 0] * (n + 1) + p[:, 1]) * (n + 1) + p[:, 2] for p in path], axis=1))
    return points, np.concatenate(tets)


def _index_grid(n: int) -> IntArray:
    index: IntArray = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return index


def _snapped(cell: UnitCell, points: FloatArray, nearness: float) -> tuple[FloatArray, FloatArray]:
    """Move vertices near a surface onto it; give them and their level r - 1, exactly zero on a surface."""
    target = cell.projected(points)
    level = cell.nearest(points)[1] - 1
    near = (np.linalg.norm(target - points, axis=1) < nearness) & np.isfinite(level)
    return np.where(near[:, None], target, points), np.where(near, 0.0, level)


def _split(
    cell: UnitCell, points: FloatArray, tets: IntArray, level: FloatArray
) -> tuple[FloatArray, IntArray, FloatArray]:
    """Put a vertex on every edge that crosses a surface, and split its tetrahedra there."""
    n, whole = len(points), []
    crossed = _is_crossed(level[tets])
    whole.append(tets[~crossed])
    tets = tets[crossed]
    numbers = np.unique(_crossed_edges(tets, level, n))[1:]  # the first is -1, of edges that are not crossed
    a, b = np.divmod(numbers, n)
    share = level[a] / (level[a] - level[b])
    new = cell.projected(points[a] + share[:, None] * (points[b] - points[a]))
    points, level = np.concatenate([points, new]), np.concatenate([level, np.zeros(len(new))])
    while len(tets):
        highest = _crossed_edges(tets, level, n).max(axis=1, keepdims=True)
        middle = n + np.searchsorted(numbers, highest)
        tets = np.concatenate([np.where(tets == end, middle, tets) for end in np.divmod(highest, n)])
        crossed = _is_crossed(level[tets])
        whole.append(tets[~crossed])
        tets = tets[crossed]
    return points, np.concatenate(whole), level


def _is_crossed(level: FloatArray) -> BoolArray:
    """Tell which tetrahedra have vertices on both sides of a surface, from the levels (n_tets, 4) of their vertices."""
    crossed: BoolArray = (level.min(axis=1) < 0) & (level.max(axis=1) > 0)
    return crossed


def _edge_numbers(tets: IntArray, n: int) -> IntArray:
    """Number the edges of tetrahedra (n_tets, 4): a n + b for vertices a < b, shape (n_tets, 6); n is above every a and b."""
    first, second = tets[:, EDGES[:, 0]], tets[:, EDGES[:, 1]]
    numbers: IntArray = np.minimum(first, second) * n + np.maximum(first, second)
    return numbers


def _crossed_edges(tets: IntArray, level: FloatArray, n: int) -> IntArray:
    """Give the numbers of those edges, shape (n_tets, 6), -1 where an edge does not cross a surface.

    Vertices that have been put on a surface, with indices of n and more, are on no edge that crosses it.
    """
    crosses = level[tets[:, EDGES[:, 0]]] * level[tets[:, EDGES[:, 1]]] < 0
    numbers: IntArray = np.where(crosses, _edge_numbers(tets, n), -1)
    return numbers


def _volumes(points: FloatArray, tets: IntArray) -> FloatArray:
    corners = points[tets]
    volumes: FloatArray = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 6
    return volumes


def _inflated(cell: UnitCell, points: FloatArray, inner: IntArray, on_surface: BoolArray) -> FloatArray:
    """Scale the surface of each inclusion about its centre until its facets enclose its true volume."""
    points, volumes = points.copy(), _volumes(points, inner)
    surface_of, inner_of = cell.nearest(points)[0], cell.nearest(points[inner].mean(axis=1))[0]
    for k, body in enumerate(cell.inclusions):
        moved = on_surface & (surface_of == k)
        factor = (body.volume / volumes[inner_of == k].sum()) ** (1 / 3)
        points[moved] = body.centre + factor * (points[moved] - body.centre)
    return points


def _with_midpoints(points: FloatArray, tets: IntArray, inside: BoolArray) -> FittedMesh:
    """Add the midpoints of all edges, in the order of the edges' numbers, block by block."""
    n = len(points)
    blocks = [slice(start, start + BLOCK) for start in range(0, len(tets), BLOCK)]
    numbers = np.unique(np.concatenate([np.unique(_edge_numbers(tets[block], n)) for block in blocks]))
    cells = np.empty((len(tets), 10), dtype=np.int32)
    cells[:, :4] = tets
    for block in blocks:
        cells[block, 4:] = n + np.searchsorted(numbers, _edge_numbers(tets[block], n))
    a, b = np.divmod(numbers, n)
    nodes = np.concatenate([points, (points[a] + points[b]) / 2])
    return FittedMesh(nodes=nodes, cells=cells, inside=inside, n_vertices=n)
