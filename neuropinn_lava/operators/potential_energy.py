"""Potential energies as quadratic forms of nodal values: what training by energy makes small.

    E(u) = u K u / 2        u: values at the nodes of a mesh, component after component

Between the nodes the mesh's own shape functions stand in for the field, so that strains are linear in what the network says
at the nodes: no derivative of a spike is taken, and the integral of the form is exact. This module knows arrays only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from scipy.sparse import csr_matrix
from scipy.sparse.linalg import LinearOperator

from ..base.arrays import ArrayRecord, FloatArray, freeze_arrays
from ..base.checks import check_range, check_shape, raise_violations


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuadraticEnergy(ArrayRecord):
    """A potential energy over the nodal values of n_out unknowns."""

    points: FloatArray
    """The nodes, shape (n_points, n_dim)."""
    matrix: csr_matrix | LinearOperator
    """K, symmetric, shape (n_out * n_points, n_out * n_points), component after component; or what multiplies by it."""
    unit: float
    """Energy by which losses are divided, positive: that of the ansatz without a network, say."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points="float64")
        found = [*check_shape("QuadraticEnergy.points", self.points, (None, None), "(n_points, n_dim)")]
        raise_violations([*found, *check_range("QuadraticEnergy.unit", self.unit, 1e-300, 1e300)])

    def evaluate(self, values: FloatArray) -> float:
        """Give E / unit of nodal values (n_points, n_out)."""
        stacked = values.T.ravel()
        return float(stacked @ (self.matrix @ stacked)) / (2 * self.unit)


@runtime_checkable
class EnergyDomain(Protocol):
    """A domain whose problem has a potential energy; training then takes the energy and not the residual."""

    def energy(self, n_per_axis: tuple[int, ...], batch_size: int | None = None) -> QuadraticEnergy:
        """Give the energy on a mesh with the given number of cells along each axis.

        Args:
            n_per_axis: The numbers.
            batch_size: Most points that are worked on at once; None: all.
        """
