"""The demonstration: a shipped network quantized, run on Lava, compared with its reference, counted, and reported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...base.errors import SpecError
from .convert import convert
from .networks import find_network, float_network, list_models
from .profile import NO_LAVA, profile
from .solids import check_vtk, export_vtk
from .verify import Stage, check_lava, silent

if TYPE_CHECKING:
    from ...hardware_sim.report.content.sections import Report

DEFAULT_MODEL = "poisson"
"""What is shown where nothing is named."""


def demo(
    name: str = DEFAULT_MODEL,
    directory: str | Path | None = None,
    *,
    vtk: str | Path | None = None,
    with_lava: bool = True,
    seed: int = 0,
    force: bool = False,
    on_stage: Stage = silent,
) -> Report:
    """Deploy a shipped network end to end and write its report.

    Args:
        name: A shipped network.
        directory: Folder of the report; None writes none.
        vtk: VTK file for displacements and stresses, where the network is one of a solid; None writes none.
        with_lava: Run Lava too; without it the integer engine stands for the deployed network.
        seed: Seed of the evaluation points.
        force: Write into a folder that is neither empty nor a report.
        on_stage: Called with what is about to happen.

    Raises:
        SpecError: If the name or the folder is refused.
        SimulationError: If Lava is asked for and not available, before any work, or if a run fails.
    """
    from ...hardware_sim.report.folder import check_report_directory

    if name not in list_models():
        shipped = ", ".join(list_models())
        raise SpecError("demo.name", f"be a shipped network: {shipped}", repr(name), "Choose one of them.")
    if with_lava:
        check_lava("demo", NO_LAVA)
    if directory is not None:
        check_report_directory(directory, force)
    source = float_network(find_network(name))
    check_vtk(source, None if vtk is None else Path(vtk))
    on_stage(f"quantizing {name}")
    quantization = convert(source)
    report = profile(quantization.network, seed=seed, with_lava=with_lava, cost=quantization.report, on_stage=on_stage)
    if directory is not None:
        on_stage("writing the report")
        report.save(directory, force)
    if vtk is not None:
        export_vtk(quantization.network, vtk)
    return report
