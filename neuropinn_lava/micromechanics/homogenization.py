"""Effective stiffness of a unit cell from six mean strains, by finite elements or from any six displacement fields.

    C_pq = int epsilon(u_p) : C : epsilon(u_q) = u_p K u_q        u_p = E_p x + v_p, E_p the p-th unit strain, |cell| = 1

An approximate v_p makes every C_pp too large, never too small: displacements that are only nearly in equilibrium store more
energy. The energy is quadratic, so an error of 1 % in v_p shows as 1e-4 of the fluctuation's share of C_pp.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..arrays import FloatArray
from .cells import UnitCell
from .loads import MeanStrain
from .solver import MeshedCell, mesh_cell, periodic_displacement

NORMAL_ORDERS = ((0, 1, 2), (1, 0, 2), (2, 1, 0))
"""Orders of the axes that turn the strain xx into xx, yy, zz."""
SHEAR_ORDERS = ((2, 1, 0), (0, 2, 1), (0, 1, 2))
"""Orders that turn the shear xy into yz, xz, xy."""

Evaluate = Callable[[FloatArray], FloatArray]
"""Maps points (n, 3) to displacements (n, 3)."""


def unit_strains() -> tuple[MeanStrain, ...]:
    """Give the six load cases: xx, yy, zz, yz, xz, xy."""
    return tuple(MeanStrain(strain=row) for row in np.eye(6))


def effective_stiffness(cell: UnitCell, n: int) -> FloatArray:
    """Give the effective stiffness of a periodic cell by finite elements, shape (6, 6), in the unit of its moduli.

    Args:
        cell: Any cell; it needs no symmetry.
        n: Cubes along an edge of the mesh, even.

    Raises:
        SpecError: If n is odd or too coarse for the cell.
        SimulationError: If a load case does not converge.
    """
    meshed = mesh_cell(cell, n)
    return stiffness_of_fields(meshed, [periodic_displacement(meshed, load) for load in unit_strains()])


def stiffness_of_fields(meshed: MeshedCell, displacements: Sequence[FloatArray]) -> FloatArray:
    """Give the stiffness that six displacement fields amount to, whoever computed them.

    Args:
        meshed: The cell and where the fields are given.
        displacements: u of the six unit strains at the mesh's nodes, each (n_nodes, 3): outputs of a network, for instance.

    Returns:
        C, symmetric, shape (6, 6).
    """
    fields = np.stack([u.T.ravel() for u in displacements], axis=1)
    C: FloatArray = fields.T @ (meshed.stiffness @ fields)
    return (C + C.T) / 2


def mean_stress_stiffness(meshed: MeshedCell, displacements: Sequence[FloatArray]) -> FloatArray:
    """Give the stiffness by the mean stress of six displacement fields, C_pq = (E_p x) K u_q.

    Where the energy squares whatever is rough in a field, the mean stress averages it out: the figure for networks, above
    all deployed ones. Its error is of first order in that of u_q, and of either sign.

    Args:
        meshed: The cell and where the fields are given.
        displacements: As for `stiffness_of_fields`.

    Returns:
        C, made symmetric, shape (6, 6).
    """
    affine = np.stack([(meshed.mesh.nodes @ load.tensor()).T.ravel() for load in unit_strains()], axis=1)
    fields = np.stack([u.T.ravel() for u in displacements], axis=1)
    C: FloatArray = affine.T @ (meshed.stiffness @ fields)
    return (C + C.T) / 2


def cubic_fields(points: FloatArray, normal: Evaluate, shear: Evaluate) -> tuple[FloatArray, ...]:
    """Give the six displacement fields of a cell with cubic symmetry from two of them: the other four are theirs, turned.

    Args:
        points: Where they are wanted, shape (n, 3): the nodes of a mesh.
        normal: u under the mean strain xx = 1: a network on any backend, for instance, divided by the strain of its load.
        shear: u under the mean shear xy = 1.

    Returns:
        u of the six unit strains, each (n, 3).
    """
    turned = [turned_field(normal, order) for order in NORMAL_ORDERS]
    turned += [turned_field(shear, order) for order in SHEAR_ORDERS]
    return tuple(field(points) for field in turned)


def turned_field(evaluate: Evaluate, order: tuple[int, int, int]) -> Evaluate:
    """Exchange axes of a displacement field: u'_order[i](x) = u_i(x[order]); orders here are their own inverses."""
    axes = list(order)
    return lambda points: evaluate(points[:, axes])[:, axes]
