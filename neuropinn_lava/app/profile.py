"""The profile of a network: accuracy on every backend, parity, counts, energy, cores; gathered into one report record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..arrays import FloatArray
from ..metrics import ansatz_relative_l2, max_abs_error, relative_l2
from ..points import checked_points
from ..quantized import QuantizedNetwork
from ..traces import Backend, LavaMode, RunTrace
from .models import Network, float_network
from .verbs import DEFAULT_TARGET, known_problem, run
from .verify import Stage, draw_points, silent, verify

if TYPE_CHECKING:
    from ..conversion.report import QuantizationReport
    from ..hardware_sim.report import (
        BackendsSection,
        FieldSection,
        ProblemSection,
        Report,
    )
    from ..problems.problem import PdeProblem

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


def backends_of(network: Network, with_lava: bool) -> tuple[Backend, ...]:
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
    from .. import __version__
    from ..conversion import find_target
    from ..hardware_sim.cores import partition_network
    from ..hardware_sim.counting import count_operations
    from ..hardware_sim.energy_files import find_energy_model, shipped_models
    from ..hardware_sim.gradients import measure_gradients
    from ..hardware_sim.hardware_profile import profile_hardware
    from ..hardware_sim.latency import find_timing
    from ..hardware_sim.report import Report, describe_network, describe_quantization

    source, problem = float_network(network), known_problem(network)
    given = draw_points(network, n_points, seed) if points is None else points
    held = checked_points(given, source.n_in, f"profile: points of network {source.name!r}")
    truth = reference_at(problem, held, reference, source.n_out)
    target, models = find_target(hardware.target), (*shipped_models(), *map(find_energy_model, hardware.energy))
    if isinstance(network, QuantizedNetwork):
        partition_network(network, target)  # refuses what cannot be placed before anything runs
    traces = []
    for backend in backends_of(network, with_lava):
        on_stage(f"{backend.value}, {len(held):,} points")
        traces.append(run(network, held, backend=backend))
    deployed = traces[-1]
    on_stage("residuals and gradients")
    backends = measure_backends(network, problem, traces, truth, "given by the user" if reference is not None else None)
    gradients = measure_gradients(problem, evaluator(network, defining_backend(network))) if problem else None
    parity = verify(network, held, on_stage=on_stage) if with_lava and with_parity else None
    return Report(
        package_version=__version__,
        n_points=len(held),
        seed=seed if points is None else None,
        problem=describe_problem(problem) if problem else None,
        network=describe_network(
            network, ansatz_relative_l2(source.ansatz, held, truth) if truth is not None else None
        ),
        quantization=describe_quantization(network, deployed.n_saturated, cost)
        if isinstance(network, QuantizedNetwork)
        else None,
        backends=backends,
        parity=parity,
        counts=count_operations(network, deployed),
        fields=gather_fields(network, problem, held, traces, truth),
        hardware=profile_hardware(
            network,
            deployed,
            held,
            target=target,
            timing=find_timing(hardware.timing) if hardware.timing else None,
            models=models,
            contains=problem.domain.contains if problem else None,
            n_sanafe=hardware.n_sanafe,
        ),
        gradients=gradients,
    )


def reference_at(
    problem: PdeProblem | None, points: FloatArray, given: FloatArray | None, n_out: int
) -> FloatArray | None:
    """Give the reference at the points: the user's own, the problem's, or none.

    Raises:
        SpecError: If the user's own has another shape or holds what is not finite.
    """
    from ..checks import check_finite, check_shape, raise_violations

    if given is None:
        return problem.reference.evaluate(points) if problem else None
    where = "profile.reference"
    raise_violations([*check_shape(where, given, (len(points), n_out), "(n, n_out)"), *check_finite(where, given)])
    return given


def describe_problem(problem: PdeProblem) -> ProblemSection:
    """Make the section that names the problem."""
    from ..hardware_sim.report import ProblemSection

    return ProblemSection(
        name=problem.name,
        title=problem.title,
        equation=problem.equation,
        coordinates=problem.coordinates,
        unknowns=problem.unknowns,
    )


def measure_backends(
    network: Network, problem: PdeProblem | None, traces: list[RunTrace], truth: FloatArray | None, source: str | None
) -> BackendsSection:
    """Judge every backend by the reference and, where there is a problem, by its equation."""
    from ..hardware_sim.report import BackendResult, BackendsSection
    from ..residuals import measure_residual

    results, operator, floor = [], None, None
    for trace in traces:
        residual = None
        if problem is not None:
            residual = measure_residual(problem, evaluator(network, trace.backend))
            operator, floor = residual.operator.value, residual.reference_residual_rms
        seconds = trace.seconds or None
        results.append(
            BackendResult(
                backend=trace.backend,
                relative_l2=relative_l2(trace.outputs, truth) if truth is not None and truth.any() else None,
                max_abs_error=max_abs_error(trace.outputs, truth) if truth is not None else None,
                residual_rms=residual.residual_rms if residual else None,
                boundary_rms=residual.boundary_rms if residual else None,
                seconds=seconds,
                samples_per_second=trace.n_samples / seconds if seconds else None,
            )
        )
    words = source or (f"the problem's solution: {problem.reference.source}" if problem else None)
    return BackendsSection(
        results=tuple(results), residual_operator=operator, reference_residual_rms=floor, reference=words
    )


def evaluator(network: Network, backend: Backend) -> Callable[[FloatArray], FloatArray]:
    """Give the function points (n, n_in) -> outputs (n, n_out) of a network on a backend."""
    return lambda points: run(network, points, backend=backend, mode=LavaMode.BATCHED).outputs


def gather_fields(
    network: Network, problem: PdeProblem | None, points: FloatArray, traces: list[RunTrace], truth: FloatArray | None
) -> FieldSection:
    """Make the section of the maps: the float network, the deployed one, and the reference."""
    from ..hardware_sim.report import FieldSection
    from ..hardware_sim.triangulation import triangulate_points

    source = float_network(network)
    coordinates = problem.coordinates if problem else tuple(f"x{k}" for k in range(source.n_in))
    unknowns = problem.unknowns if problem else tuple(f"u{k}" for k in range(source.n_out))
    inside = problem.domain.contains if problem else None
    return FieldSection(
        coordinates=coordinates,
        unknowns=unknowns,
        points=points,
        float_outputs=traces[0].outputs,
        deployed_outputs=traces[-1].outputs,
        reference_outputs=truth,
        triangles=triangulate_points(points, inside) if source.n_in == 2 and len(points) >= 3 else None,
    )
