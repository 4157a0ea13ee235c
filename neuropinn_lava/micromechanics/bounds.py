"""Bounds that hold for the effective stiffness of every two-phase cell, whatever its geometry.

    Voigt             C_V = f C_i + (1 - f) C_m                C_V - C_eff is positive semi-definite
    Reuss             C_R = (f C_i^-1 + (1 - f) C_m^-1)^-1     C_eff - C_R too
    Hashin-Shtrikman  k_1 + f_2 / (1 / (k_2 - k_1) + 3 f_1 / (3 k_1 + 4 mu_1))     kappa; lower where phase 1 is the softer

The Hashin-Shtrikman bounds on kappa, the mean of the nine entries C_11 ... C_33, hold for cubic cells too.
Source: Hashin and Shtrikman, J. Mech. Phys. Solids 11 (1963) 127, equations 3.21 and 3.22 (bulk modulus).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..base.arrays import FloatArray
from .cells import UnitCell
from .phases import IsotropicPhase


class StiffnessBounds(NamedTuple):
    """Bounds in the unit of the phases' moduli."""

    voigt: FloatArray
    """Upper, shape (6, 6)."""
    reuss: FloatArray
    """Lower, shape (6, 6)."""
    bulk_lower: float
    """Hashin-Shtrikman."""
    bulk_upper: float
    """Hashin-Shtrikman."""


def stiffness_bounds(cell: UnitCell) -> StiffnessBounds:
    """Give the bounds of a cell's effective stiffness."""
    f = cell.volume_fraction
    matrix, inclusion = cell.matrix.stiffness(), cell.inclusion.stiffness()
    reuss = np.linalg.inv(f * np.linalg.inv(inclusion) + (1 - f) * np.linalg.inv(matrix))
    bulk = sorted((_bulk_bound(cell.matrix, cell.inclusion, f), _bulk_bound(cell.inclusion, cell.matrix, 1 - f)))
    return StiffnessBounds(voigt=f * inclusion + (1 - f) * matrix, reuss=reuss, bulk_lower=bulk[0], bulk_upper=bulk[1])


def _bulk_bound(around: IsotropicPhase, within: IsotropicPhase, share: float) -> float:
    """Give kappa of spheres of `within`, together a share of the volume, each coated by `around`."""
    if within.bulk == around.bulk:
        return around.bulk
    inverse = 1 / (within.bulk - around.bulk) + 3 * (1 - share) / (3 * around.bulk + 4 * around.shear)
    return around.bulk + share / inverse


def bulk_modulus(stiffness: FloatArray) -> float:
    """Give the mean of the nine entries C_11 ... C_33 of a stiffness (6, 6): kappa where it is isotropic or cubic."""
    return float(np.mean(stiffness[:3, :3]))


def is_within_bounds(stiffness: FloatArray, cell: UnitCell, slack: float = 1e-6) -> bool:
    """Tell whether a stiffness (6, 6) keeps all three bounds, but for a share `slack` of the Voigt bound's size."""
    bounds = stiffness_bounds(cell)
    room = slack * float(np.linalg.norm(bounds.voigt, 2))
    above = float(np.linalg.eigvalsh(bounds.voigt - stiffness).min())
    below = float(np.linalg.eigvalsh(stiffness - bounds.reuss).min())
    bulk = bulk_modulus(stiffness)
    return min(above, below, bulk - bounds.bulk_lower, bounds.bulk_upper - bulk) >= -room
