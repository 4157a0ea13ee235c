"""The verb `demo`: a shipped network is quantized, run on Lava, compared with its reference, counted, and reported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...base.errors import SpecError
from ..lookup.networks import find_network, float_network, list_models
from .convert import convert
from .profile import NO_LAVA, profile
from .solids import check_vtk, export_vtk
from .verify import OnStage, announce, check_lava

if TYPE_CHECKING:
    from ...hardware_sim.report.report import Report

DEFAULT_MODEL = "poisson"
"""Shipped network of the demonstration by default."""


def demo(
    name: str = DEFAULT_MODEL,
    directory: str | Path | None = None,
    *,
    vtk: str | Path | None = None,
    with_lava: bool = True,
    seed: int = 0,
    force: bool = False,
    on_stage: OnStage = None,
) -> Report:
    """Deploy a shipped network end to end and write its report.

    Args:
        name: A shipped network.
        directory: Folder of the report; None writes none.
        vtk: VTK file for displacements and stresses, where the network is one of a solid; None writes none.
        with_lava: Run Lava too; otherwise the integer engine computes the deployed network.
        seed: Seed of the evaluation points.
        force: Write into a folder that is neither empty nor a report.
        on_stage: Called with a description of each step when it begins.

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
    announce(on_stage, f"quantizing {name}")
    quantization = convert(source)
    report = profile(quantization.network, seed=seed, with_lava=with_lava, cost=quantization.report, on_stage=on_stage)
    if directory is not None:
        announce(on_stage, "writing the report")
        report.save(directory, force)
    if vtk is not None:
        export_vtk(quantization.network, vtk)
    return report
