"""The profile of a network: accuracy on every backend, parity, counts, energy, cores; gathered into one report record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...base.arrays import FloatArray
from ...base.points import checked_points
from ...engine.trace import Backend, RunTrace
from ...network.quantized import Network, QuantizedNetwork
from .deploy import DEFAULT_TARGET, run
from .network_domain import draw_points, known_problem
from .networks import float_network
from .report_sections import (
    describe_deployed,
    describe_problem,
    describe_words,
    evaluator,
    gather_fields,
    measure_backends,
    reference_at,
)
from .solids import describe_solid
from .verify import Stage, silent, verify

if TYPE_CHECKING:
    from ...conversion.quantize.report import QuantizationReport
    from ...hardware_sim.costs.hardware_profile import HardwareProfile
    from ...hardware_sim.report.content.sections import Report
    from ...problems.problem import PdeProblem

DEFAULT_POINTS = 2500
"""Evaluation points where the user gives none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareChoices:
    """What a profile is made for; names of shipped records, or paths of TOML files."""

    target: str | Path = DEFAULT_TARGET
    """Hardware target whose cores are filled."""
    timing: str | Path | None = None
    """Timing constants; None takes the target's shipped ones, if there are any."""
    energy: tuple[str | Path, ...] = ()
    """Energy models besides the shipped ones."""
    n_sanafe: int = 0
    """Samples to replay on SANA-FE's Loihi model; more than none needs the extra `sanafe`."""


LOIHI2 = HardwareChoices()


def defining_backend(network: Network) -> Backend:
    """Name the reference engine that defines a network: integers for a quantized one."""
    return Backend.INTEGER if isinstance(network, QuantizedNetwork) else Backend.FLOAT


def _backends_of(network: Network, with_lava: bool) -> tuple[Backend, ...]:
    """List the backends that can run a network."""
    integer = (Backend.INTEGER,) if isinstance(network, QuantizedNetwork) else ()
    return (Backend.FLOAT, *integer, *((Backend.LAVA,) if with_lava else ()))


def profile(
    network: Network,
    points: FloatArray | None = None,
    *,
    reference: FloatArray | None = None,
    n_points: int = DEFAULT_POINTS,
    seed: int = 0,
    with_lava: bool = True,
    with_parity: bool = True,
    cost: QuantizationReport | None = None,
    hardware: HardwareChoices = LOIHI2,
    on_stage: Stage = silent,
) -> Report:
    """Run a network on every backend and gather what there is to say about it.

    Args:
        network: Float or quantized.
        points: Evaluation points, physical, shape (n, n_in); None draws them from the problem's domain or the network's box.
        reference: The user's own reference at these points, shape (n, n_out); None takes the problem's.
        n_points: How many points to draw.
        seed: Seed of the drawn points.
        with_lava: Run Lava too; without it the integer engine stands for the deployed network.
        with_parity: Compare the backends with each other; needs Lava.
        cost: What `convert` measured, for the report.
        hardware: Target, timing and energy models.
        on_stage: Called with what is about to happen.

    Raises:
        SpecError: If points or reference are not what the network takes.
        SimulationError: If Lava is asked for and not available, or a run fails.
    """
    from ... import __version__
    from ...hardware_sim.counts.counting import count_operations
    from ...hardware_sim.fields.gradients import measure_gradients
    from ...hardware_sim.report.content.sections import Report

    source, problem = float_network(network), known_problem(network)
    given = draw_points(network, n_points, seed) if points is None else points
    held = checked_points(given, source.n_in, f"profile: points of network {source.name!r}")
    truth = reference_at(problem, held, reference, source.n_out)
    hardware_of = _hardware_profiler(network, problem, hardware)
    traces = _run_backends(network, held, with_lava, on_stage)
    on_stage("residuals, gradients and hardware")
    accuracy = measure_backends(network, problem, traces, truth, "given by the user" if reference is not None else None)
    return Report(
        package_version=__version__,
        n_points=len(held),
        seed=seed if points is None else None,
        problem=describe_problem(problem) if problem else None,
        network=describe_deployed(network, held, truth),
        quantization=describe_words(network, held, traces[-1], cost),
        backends=accuracy,
        counts=count_operations(network, traces[-1]),
        fields=gather_fields(network, problem, held, traces, truth),
        hardware=hardware_of(traces[-1], held),
        gradients=measure_gradients(problem, evaluator(network, defining_backend(network))) if problem else None,
        solid=describe_solid(network),
        parity=verify(network, held, on_stage=on_stage) if with_lava and with_parity else None,
    )


def _run_backends(network: Network, points: FloatArray, with_lava: bool, on_stage: Stage) -> list[RunTrace]:
    """Run the float engine first, whoever stands for the deployed network last."""
    traces = []
    for backend in _backends_of(network, with_lava):
        on_stage(f"{backend.value}, {len(points):,} points")
        traces.append(run(network, points, backend=backend))
    return traces


def _hardware_profiler(
    network: Network, problem: PdeProblem | None, choices: HardwareChoices
) -> Callable[[RunTrace, FloatArray], HardwareProfile]:
    """Load target, timing and energy models, refuse what cannot be placed, and give the function that profiles a run."""
    from ...conversion import find_target
    from ...hardware_sim.costs.energy_files import find_energy_model, shipped_models
    from ...hardware_sim.costs.hardware_profile import profile_hardware
    from ...hardware_sim.costs.latency import find_timing
    from ...hardware_sim.costs.sanafe_replay import check_replayable
    from ...hardware_sim.mapping.cores import partition_network

    target = find_target(choices.target)
    if isinstance(network, QuantizedNetwork):
        partition_network(network, target)
    if choices.n_sanafe:
        check_replayable(network)
    return partial(
        profile_hardware,
        network,
        target=target,
        timing=find_timing(choices.timing) if choices.timing else None,
        models=(*shipped_models(), *map(find_energy_model, choices.energy)),
        contains=problem.domain.contains if problem else None,
        n_sanafe=choices.n_sanafe,
    )
