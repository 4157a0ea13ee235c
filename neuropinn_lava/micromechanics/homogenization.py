"""Effective stiffness of a unit cell from six mean strains, by finite elements or from any six displacement fields.

    C_pq = int epsilon(u_p) : C : epsilon(u_q) = u_p K u_q        u_p = E_p x + v_p, E_p the p-th unit strain, |cell| = 1

An approximate v_p makes every C_pp too large, never too small: displacements that are only nearly in equilibrium store more
energy. The energy is quadratic, so an error of 1 % in v_p shows as 1e-4 of the fluctuation's share of C_pp.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..base.arrays import FloatArray, Record
from ..base.checks import raise_violations
from ..base.errors import Violation
from .cells import UnitCell
from .loads import SHEAR_AXES, MeanStrain
from .solver import MeshedCell, mesh_cell, periodic_displacement

COMPONENTS = ("xx", "yy", "zz", "yz", "xz", "xy")
"""Components of strain, in the package's order."""
COMPONENT_AXES = ((0, 0), (1, 1), (2, 2), *SHEAR_AXES)
"""Axes of these components."""
ORDERS = ((0, 1, 2), (1, 0, 2), (2, 1, 0), (0, 2, 1))
"""Orders of the axes: unchanged, and with two axes exchanged."""

Evaluate = Callable[[FloatArray], FloatArray]
"""Maps points (n, 3) to displacements (n, 3)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StrainedField(Record):
    """Displacements of a cell under a mean strain, by finite elements or by a network."""

    load: MeanStrain
    """Mean strain of the cell."""
    evaluate: Evaluate
    """Function that returns the displacements, such as a network on any backend."""

    @property
    def component(self) -> int:
        """Index of the largest component of the strain, 0 to 5."""
        return int(np.abs(self.load.strain).argmax())


def unit_strains() -> tuple[MeanStrain, ...]:
    """Return the six load cases: xx, yy, zz, yz, xz, xy."""
    return tuple(MeanStrain(strain=row) for row in np.eye(6))


def effective_stiffness(cell: UnitCell, n: int) -> FloatArray:
    """Compute the effective stiffness of a periodic cell by finite elements, shape (6, 6), in the unit of its moduli.

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
    """Compute the effective stiffness from six displacement fields.

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
    """Compute the stiffness by the mean stress of six displacement fields, C_pq = (E_p x) K u_q.

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


def unit_fields(cell: UnitCell, fields: Sequence[StrainedField]) -> tuple[Evaluate, ...]:
    """Return the displacement fields of the six unit strains; those not given are given ones with exchanged axes.

    A cell that stays the same when two axes are exchanged lends the field of one strain to another: that of xx to yy and zz,
    that of xy to yz and xz, where all three axes are alike.

    Args:
        cell: The cell.
        fields: Fields under one component of strain each, of any size.

    Raises:
        SpecError: If strains have several components, or some unit strain has no field; all of it is listed.
    """
    raise_violations(_field_violations(cell, fields))
    return tuple(_unit_field(cell, fields, component) for component in range(6))


def _unit_field(cell: UnitCell, fields: Sequence[StrainedField], component: int) -> Evaluate:
    found = _find_turned(cell, fields, component)
    assert found is not None
    field, order = found
    size = float(field.load.strain[field.component])
    turned = turned_field(field.evaluate, order)
    return lambda points: turned(points) / size


def _find_turned(
    cell: UnitCell, fields: Sequence[StrainedField], component: int
) -> tuple[StrainedField, tuple[int, int, int]] | None:
    """Find a field, and how to exchange its axes, that is the one of a component of strain, up to its size."""
    for order in ORDERS:
        if not cell.equals(cell.turned(order)):
            continue
        for field in fields:
            if turned_component(field.component, order) == component:
                return field, order
    return None


def turned_component(component: int, order: tuple[int, int, int]) -> int:
    """Return the component of strain that another one becomes when axes are exchanged: xx becomes yy by (1, 0, 2)."""
    first, second = (order[axis] for axis in COMPONENT_AXES[component])
    return COMPONENT_AXES.index((min(first, second), max(first, second)))


def turned_field(evaluate: Evaluate, order: tuple[int, int, int]) -> Evaluate:
    """Exchange axes of a displacement field: u'_order[i](x) = u_i(x[order]); orders here are their own inverses."""
    axes = list(order)
    return lambda points: evaluate(points[:, axes])[:, axes]


def _field_violations(cell: UnitCell, fields: Sequence[StrainedField]) -> Iterator[Violation]:
    mixed = [field for field in fields if np.count_nonzero(field.load.strain) != 1]
    for field in mixed:
        repair = "Give one field for each component; the equations are linear."
        yield Violation("unit_fields.fields", "have one component of strain each", field.load.strain, repair)
    if not mixed:
        missing = [name for k, name in enumerate(COMPONENTS) if _find_turned(cell, fields, k) is None]
        if missing:
            got = f"none for {', '.join(missing)}"
            repair = f"Add a network: `neuropinn-lava train elasticity3d --param strain_{missing[0]}=0.1`."
            yield Violation(
                "unit_fields.fields", "hold a field for every strain that symmetry does not give", got, repair
            )
