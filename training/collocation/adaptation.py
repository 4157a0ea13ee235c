"""Adaptive clouds: points are added where the residual is large, and centres are moved at random.

    refine:  indicator_c = sqrt(mean over candidates within two steps of c of |R|^2)       c: candidates, on a finer grid
             those with the largest indicators become centres, the finer boundary points next to them come along
    jitter:  x_c -> x_c + share * cell * U(-1, 1)                                          where that stays in the domain

A network that satisfies an equation on its own cloud need not satisfy it between the points; a finer cloud, with operators of
its own, shows where it does not. No indicator contains the reference solution.

Source: Lu, Meng, Mao and Karniadakis, SIAM Review 63 (2021) 208, section 2.8 (residual-based adaptive refinement); Wu, Zhu,
Tan, Kartha and Lu, CMAME 403 (2023) 115671 (re-sampling compared with it).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.spatial import cKDTree

from ...base.arrays import BoolArray, FloatArray, IntArray
from ...base.checks import check_finite, check_shape, raise_violations
from ...geometry.domain import ON_FACE, Cloud, Domain
from ...operators.neighbours import TIE, find_neighbours, points_tree, wrapped_cells
from ...problems.recipes.recipe import CloudRecipe

APART = 0.5
"""Distance in steps of the finer grid below which a candidate is a point of the cloud already."""
NEAR = 2.0
"""Steps of the finer grid around a candidate over which its indicator is a mean, so that whole patches are refined and not
single points; the finer boundary points within this distance of a chosen one come along."""
FAR = 0.25
"""Distance in cells along an axis from which a neighbour says how wide the cell is there."""


def build_candidates(domain: Domain, recipe: CloudRecipe, finer: int = 2) -> Cloud:
    """Build the finer cloud on which the residuals are evaluated, in the cell coordinates of the cloud of the recipe.

    Args:
        domain: Domain of the cloud.
        recipe: Cells and gradings of the cloud.
        finer: Factor by which the grid is finer; one cell is cut into finer^n_dim.
    """
    fine = domain.cloud(tuple(finer * n for n in recipe.n_per_axis), recipe.gradings)
    return dataclasses.replace(
        fine, cell_coordinates=fine.cell_coordinates / finer, cell_periods=fine.cell_periods / finer
    )


def refine_cloud(cloud: Cloud, candidates: Cloud, residuals: FloatArray, share: float, finer: int = 2) -> Cloud:
    """Add the centres of a finer cloud around which the residual is largest.

    Args:
        cloud: Cloud before the refinement.
        candidates: Finer cloud, as `build_candidates` builds it.
        residuals: Residuals R at the candidates' centres, shape (n_equations, n_candidates).
        share: Number of centres to add, as a share of those of `cloud`, above 0; fewer are added where candidates run out.
        finer: Factor by which the grid of the candidates is finer than that of the recipe.

    Raises:
        SpecError: If the residuals do not fit or are not finite.
    """
    where, shape = "refine_cloud.residuals", (None, candidates.n_inside)
    raise_violations([*check_shape(where, residuals, shape, "(n_equations, n_candidates)")])
    raise_violations(check_finite(where, residuals))
    free = points_tree(cloud, cloud.n_points).query(wrapped_cells(candidates))[0] > APART / finer
    indicator = np.where(free[: candidates.n_inside], _smoothed(candidates, residuals, NEAR / finer), -1.0)
    n_added = min(int(np.ceil(share * cloud.n_inside)), int(free[: candidates.n_inside].sum()))
    chosen = np.sort(np.argsort(-indicator, kind="stable")[:n_added])
    beside = _rim_beside(candidates, chosen, free, NEAR / finer)

    def joined(old: FloatArray, fine: FloatArray) -> FloatArray:
        n = cloud.n_inside
        return np.concatenate([old[:n], fine[chosen], old[n:], fine[beside]])

    return dataclasses.replace(
        cloud,
        points=joined(cloud.points, candidates.points),
        cell_coordinates=joined(cloud.cell_coordinates, candidates.cell_coordinates),
        n_inside=cloud.n_inside + len(chosen),
    )


def jitter_cloud(cloud: Cloud, domain: Domain, share: float, rng: np.random.Generator) -> Cloud:
    """Move every centre at random within a share of its cell; one that would leave the domain stays, and so does the boundary.

    Centres on a face of the bounding box, such as those at final time, move along that face.

    Args:
        cloud: Cloud before the draw, the same for every draw.
        domain: Domain in which its centres stay.
        share: Largest move along each axis, in cells, 0 to 0.4.
        rng: Random numbers of the moves.
    """
    centres = cloud.centres
    span = domain.upper - domain.lower
    on_face = np.minimum(np.abs(centres - domain.lower), np.abs(centres - domain.upper)) <= ON_FACE * span
    moves = np.where(on_face, 0.0, share * rng.uniform(-1.0, 1.0, size=centres.shape))
    moved = centres + moves * _cell_sizes(cloud)
    inside = domain.contains(moved)[:, None]
    points, cells = cloud.points.copy(), cloud.cell_coordinates.copy()
    points[: cloud.n_inside] = np.where(inside, moved, centres)
    cells[: cloud.n_inside] += np.where(inside, moves, 0.0)
    return dataclasses.replace(cloud, points=points, cell_coordinates=cells)


def relative_cell_volumes(cloud: Cloud) -> FloatArray:
    """Compute the volume of the cell of each centre, shape (n_inside,): 1 in the unrefined grid, 2^-n_dim where it is refined.

    V = (mean distance of the 2 n_dim nearest neighbours, in cells)^n_dim
    """
    near = find_neighbours(cloud, cloud.n_inside, 2 * cloud.n_dim)
    sizes: FloatArray = near.distances[:, : 2 * cloud.n_dim].mean(axis=1) ** cloud.n_dim
    return sizes


def _cell_sizes(cloud: Cloud) -> FloatArray:
    """Compute the width of the cell of each centre along each axis in units of the points, shape (n_inside, n_dim)."""
    near = find_neighbours(cloud, cloud.n_inside, 3**cloud.n_dim - 1)
    cells = cloud.cell_coordinates[near.index] - cloud.cell_coordinates[: cloud.n_inside, None, :]
    cells -= cloud.cell_periods * np.rint(cells / np.where(cloud.cell_periods > 0, cloud.cell_periods, np.inf))
    far = np.abs(cells) >= FAR
    sizes: FloatArray = np.min(
        np.abs(near.offsets) / np.where(far, np.abs(cells), np.inf), axis=1, where=far, initial=np.inf
    )
    return np.where(np.isfinite(sizes), sizes, 0.0)


def _smoothed(candidates: Cloud, residuals: FloatArray, radius: float) -> FloatArray:
    """Compute the root mean square of the residuals within a radius of each candidate, shape (n_candidates,)."""
    squares = (residuals**2).mean(axis=0)
    tree = points_tree(candidates, candidates.n_inside)
    around = tree.query_ball_point(wrapped_cells(candidates)[: candidates.n_inside], radius * (1 + TIE))
    return np.sqrt([squares[near].mean() for near in around])


def _rim_beside(candidates: Cloud, chosen: IntArray, free: BoolArray, radius: float) -> IntArray:
    """Find the free boundary points of a finer cloud within a radius of chosen centres, and return their indices."""
    rim = np.arange(candidates.n_inside, candidates.n_points)
    cells = wrapped_cells(candidates)
    distances = cKDTree(cells[chosen]).query(cells[rim])[0]
    beside: IntArray = rim[(distances <= radius) & free[rim]]
    return beside
