"""Networks on unit cells: their stresses for a report, and their fields as VTK files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...base.checks import as_member
from ...base.errors import SpecError
from ...engine.trace import Backend
from ...network.quantized import Network, QuantizedNetwork
from ..lookup.network_domain import known_problem
from ..lookup.networks import float_network
from .report_sections import evaluator

if TYPE_CHECKING:
    from ...hardware_sim.fields.stresses import SolidSection
    from ...micromechanics.cell_domain import LoadedCell
    from ...problems.problem import PdeProblem


def loaded_cell(network: Network, problem: PdeProblem | None = None) -> LoadedCell | None:
    """Return the unit cell and the load that a network was trained on, or None where its problem is another one."""
    from ...micromechanics.cell_domain import LoadedCell

    problem = problem or known_problem(network)
    return problem.domain if problem is not None and isinstance(problem.domain, LoadedCell) else None


def describe_solid(network: Network, problem: PdeProblem | None = None) -> SolidSection | None:
    """Build the section on stresses, float and deployed; None where there is no unit cell."""
    from ...hardware_sim.fields.stresses import measure_solid

    loaded = loaded_cell(network, problem)
    if loaded is None:
        return None
    backends = (Backend.FLOAT, Backend.INTEGER) if isinstance(network, QuantizedNetwork) else (Backend.FLOAT,)
    return measure_solid(loaded, [(backend, evaluator(network, backend)) for backend in backends])


def check_vtk(network: Network, path: Path | None, problem: PdeProblem | None = None) -> None:
    """Refuse a VTK file that could not be written, before the work whose result it is; None is no file.

    Raises:
        SpecError: If the network was not trained on a unit cell, the path is refused, or meshio is not installed.
    """
    if path is None:
        return
    from ...hardware_sim.fields.vtk_export import check_vtk_path

    if loaded_cell(network, problem) is None:
        source = float_network(network)
        repair = "Leave `vtk=` out; `stream` writes the outputs at any points."
        got = f"{source.name!r}, trained on {source.provenance.problem!r}"
        raise SpecError("export_vtk.vtk", "be asked of a network on a unit cell, as of `elasticity3d`", got, repair)
    check_vtk_path(path)


def export_vtk(
    network: Network,
    path: str | Path,
    backend: Backend | str = Backend.INTEGER,
    problem: PdeProblem | None = None,
) -> None:
    """Write displacements and stresses of a network, those of finite elements and both differences as a VTK file.

    Args:
        network: Float or quantized, trained on a unit cell.
        path: A file ending in .vtu or .vtk.
        backend: Engine that computes the displacements.
        problem: The network's problem; None looks it up.

    Raises:
        SpecError: As `check_vtk`.
        SimulationError: If a Lava run fails.
    """
    from ...hardware_sim.fields.vtk_export import write_vtk
    from ...micromechanics.reference_solution import reference_field

    check_vtk(network, Path(path), problem)
    loaded = loaded_cell(network, problem)
    assert loaded is not None
    field = reference_field(loaded.cell, loaded.load)
    chosen = as_member(Backend, backend, "export_vtk.backend")
    write_vtk(path, loaded.cell, evaluator(network, chosen), field)
