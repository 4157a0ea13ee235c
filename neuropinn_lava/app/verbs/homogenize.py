"""The verb `homogenize`: the effective stiffness of a periodic cell, by finite elements and from networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, freeze_arrays
from ...base.checks import as_member, raise_violations
from ...base.errors import SpecError, Violation
from ...engine.trace import Backend
from ...network.given_networks import checked_network
from ...network.quantized import Network, QuantizedNetwork
from ...network.spec import ProblemParameter
from ..lookup.networks import float_network
from .report_sections import evaluator
from .solids import loaded_cell

if TYPE_CHECKING:
    from ...micromechanics.bounds import StiffnessBounds
    from ...micromechanics.cells import UnitCell
    from ...micromechanics.homogenization import StrainedField
    from ...micromechanics.solver import MeshedCell

DEFAULT_CELLS = 10
"""Cubes along an edge of the mesh: C is within 0.1 % of that of 12 cubes (docs/results/micromechanics.md)."""

LOADS = ("compression", "shear")
"""Options of `elasticity3d` that are no options of the cell, besides mean strains."""

BOUND_SLACK = 2e-4
"""Share of the Voigt bound's size by which a mesh may leave a bound: a sphere all but reaches that of Hashin and Shtrikman,
and 6 cubes along the edge take a soft one 1.4e-4 beyond it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Homogenization(ArrayRecord):
    """Effective stiffness of a cell, in the unit of its matrix's modulus, in the order xx, yy, zz, yz, xz, xy."""

    finite_elements: FloatArray
    """C by finite elements, shape (6, 6)."""
    network: FloatArray | None
    """C by the networks' mean stress, same shape; None without networks."""
    voigt: FloatArray
    """Upper bound, same shape."""
    reuss: FloatArray
    """Lower bound, same shape."""
    bulk_bounds: tuple[float, float]
    """Hashin-Shtrikman bounds of the bulk modulus."""
    within_bounds: bool
    """Whether all bounds hold within `BOUND_SLACK`, for the networks' C where there are any."""
    backend: Backend | None
    """Engine that computed the networks' displacements; None without networks."""
    n: int
    """Number of cubes along an edge of the mesh."""

    def __post_init__(self) -> None:
        freeze_arrays(self, finite_elements=np.float64, voigt=np.float64, reuss=np.float64)
        if self.network is not None:
            freeze_arrays(self, network=np.float64)

    @property
    def largest_error(self) -> float | None:
        """The largest relative difference of the networks' entries from those that finite elements find non-zero."""
        if self.network is None:
            return None
        counted = np.abs(self.finite_elements) > 1e-3 * np.abs(self.finite_elements).max()
        difference = np.abs(self.network - self.finite_elements)[counted]
        return float((difference / np.abs(self.finite_elements)[counted]).max())


def homogenize(
    networks: Sequence[Network] = (),
    *,
    parameters: tuple[ProblemParameter, ...] = (),
    n: int = DEFAULT_CELLS,
    backend: Backend | str | None = None,
) -> Homogenization:
    """Compute the effective stiffness of a periodic cell, by finite elements and, if there are any, from networks.

    Args:
        networks: Trained on `elasticity3d` under one component of mean strain each; strains that the cell's symmetry turns
            into one another need one network.
        parameters: Options of `elasticity3d` that choose the cell, where there are no networks.
        n: Cubes along an edge of the mesh, even.
        backend: Engine that computes displacements; None is the integer one for quantized networks.

    Raises:
        SpecError: If networks belong to no cell, to different ones, to no mean strain, or a strain is missing; if parameters
            come with networks, or say a load; if a backend is given without networks.
        SimulationError: If finite elements do not converge, or a Lava run fails.
    """
    from ...micromechanics.bounds import is_within_bounds, stiffness_bounds
    from ...micromechanics.homogenization import effective_stiffness
    from ...micromechanics.solver import mesh_cell

    networks = [checked_network(network, "homogenize.networks") for network in networks]
    if backend is not None and not networks:
        repair = "Leave it out: without networks there are finite elements only."
        raise SpecError(
            "homogenize.backend", "be left out without networks, where it would have no effect", backend, repair
        )
    raise_violations(_parameter_violations(networks, parameters))
    chosen = _backend(networks, backend)
    fields = [_strained_field(network, chosen) for network in networks]
    cell = _common_cell(networks) if networks else _cell_of(parameters)
    found = _network_stiffness(mesh_cell(cell, n), fields) if fields else None
    solved = effective_stiffness(cell, n)
    bounds: StiffnessBounds = stiffness_bounds(cell)
    return Homogenization(
        finite_elements=solved,
        network=found,
        voigt=bounds.voigt,
        reuss=bounds.reuss,
        bulk_bounds=(bounds.bulk_lower, bounds.bulk_upper),
        within_bounds=is_within_bounds(solved if found is None else found, cell, BOUND_SLACK),
        backend=chosen if networks else None,
        n=n,
    )


def _parameter_violations(networks: Sequence[Network], parameters: tuple[ProblemParameter, ...]) -> Iterator[Violation]:
    names = ", ".join(option.name for option in parameters)
    if networks and parameters:
        repair = "Leave the options out: the networks' files say what their cell is."
        yield Violation("homogenize.parameters", "be networks or options of a cell, not both", names, repair)
    loads = [option.name for option in parameters if option.name in LOADS or option.name.startswith("strain_")]
    if loads:
        repair = "Leave them out: all six mean strains are solved."
        yield Violation("homogenize.parameters", "be options of the cell, not of the load", ", ".join(loads), repair)


def _backend(networks: Sequence[Network], backend: Backend | str | None) -> Backend:
    if backend is not None:
        return as_member(Backend, backend, "homogenize.backend")
    integers = bool(networks) and all(isinstance(network, QuantizedNetwork) for network in networks)
    return Backend.INTEGER if integers else Backend.FLOAT


def _network_stiffness(meshed: MeshedCell, fields: Sequence[StrainedField]) -> FloatArray:
    from ...micromechanics.homogenization import mean_stress_stiffness, unit_fields

    six = unit_fields(meshed.cell, fields)
    return mean_stress_stiffness(meshed, [field(meshed.mesh.nodes) for field in six])


def _strained_field(network: Network, backend: Backend) -> StrainedField:
    from ...micromechanics.homogenization import StrainedField
    from ...micromechanics.loads import MeanStrain

    loaded = loaded_cell(network)
    if loaded is None or not isinstance(loaded.load, MeanStrain):
        source = float_network(network)
        options = " ".join(f"{option.name}={option.value:g}" for option in source.provenance.parameters)
        repair = "Train one: `neuropinn-lava train elasticity3d --param strain_xx=0.1 --out xx.h5`."
        got = f"{source.name!r}, trained on {source.provenance.problem!r} {options}".rstrip()
        raise SpecError("homogenize.networks", "be networks of a cell under a mean strain", got, repair)
    return StrainedField(load=loaded.load, evaluate=evaluator(network, backend))


def _common_cell(networks: Sequence[Network]) -> UnitCell:
    loaded = [cell for cell in map(loaded_cell, networks) if cell is not None]
    others = [k for k, other in enumerate(loaded) if not loaded[0].cell.equals(other.cell)]
    if others:
        repair = "Train all of them with the same options but the strain."
        got = f"network {others[0]} differs from network 0"
        raise_violations([Violation("homogenize.networks", "be networks of one and the same cell", got, repair)])
    return loaded[0].cell


def _cell_of(parameters: tuple[ProblemParameter, ...]) -> UnitCell:
    from ...micromechanics.cell_domain import LoadedCell
    from ...problems import find_problem

    domain = find_problem("elasticity3d", **{option.name: option.value for option in parameters}).domain
    assert isinstance(domain, LoadedCell)
    return domain.cell
