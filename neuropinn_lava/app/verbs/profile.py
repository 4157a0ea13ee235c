"""The verb `profile`: accuracy on every backend, parity, counts, energy and cores of a network, as one report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ... import __version__
from ...base.arrays import FloatArray, Record
from ...base.checks import raise_violations
from ...base.errors import Violation
from ...engine.trace import Backend, RunTrace
from ...network.given_networks import checked_network
from ...network.quantized import Network, QuantizedNetwork
from ...network.spec import Readout
from ..lookup.devices import check_devices, describe_target, measure_on
from ..lookup.network_domain import known_problem
from .convert import DEFAULT_TARGET
from .report_fields import gather_fields
from .report_sections import (
    aligned_truth,
    describe_deployed,
    describe_problem,
    describe_words,
    evaluator,
    measure_backends,
    reference_at,
)
from .run import RunChoices, run_chosen, run_on
from .solids import describe_solid
from .verify import OnStage, announce, check_lava, compare_backends, given_or_drawn

if TYPE_CHECKING:
    from ...conversion.quantize.report import QuantizationReport
    from ...hardware_sim.costs.activity import ActivitySection
    from ...hardware_sim.costs.hardware_profile import HardwareProfile
    from ...hardware_sim.counts.operations import OperationCounts
    from ...hardware_sim.counts.samples import SampleCounts
    from ...hardware_sim.devices.device_result import DeviceResult
    from ...hardware_sim.fields.field_grid import FieldGrid
    from ...hardware_sim.fields.gradients import GradientSection
    from ...hardware_sim.report.content.sections import BackendsSection
    from ...hardware_sim.report.report import Report
    from ...problems.problem import PdeProblem

NO_LAVA = "Or leave Lava out by `with_lava=False`: the integer engine computes the same bits."
"""What to do where Lava does not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareChoices(Record):
    """Hardware target, timing and energy models of a profile: names of shipped ones, or paths of TOML files."""

    target: str | Path = DEFAULT_TARGET
    """Hardware target on whose cores the network is placed."""
    timing: str | Path | None = None
    """Timing constants; None uses the shipped ones of the target, if there are any."""
    energy: tuple[str | Path, ...] = ()
    """Energy models besides the shipped ones."""
    n_sanafe: int = 0
    """Number of samples to replay on SANA-FE's Loihi model, 0 for none; needs the extra `sanafe`."""
    devices: tuple[str, ...] = ()
    """Other hardware to measure the network on, beside the estimate of the target: c99, cortex-m0, cortex-m4, rv32,
    lfe5u-25, lfe5u-45."""


LOIHI2 = HardwareChoices()


def defining_backend(network: Network) -> Backend:
    """Return the reference engine that defines a network: integers for a quantized one, floats for a float one."""
    return Backend.INTEGER if isinstance(network, QuantizedNetwork) else Backend.FLOAT


def profile(
    network: Network,
    problem: PdeProblem | None = None,
    *,
    points: FloatArray | None = None,
    reference: FloatArray | None = None,
    n_points: int | None = None,
    seed: int = 0,
    with_lava: bool = True,
    with_parity: bool | None = None,
    cost: QuantizationReport | None = None,
    hardware: HardwareChoices = LOIHI2,
    on_stage: OnStage = None,
) -> Report:
    """Run a network on every backend and report accuracy, parity, counts and energy: `profile(chip).save("report")`.

    Args:
        network: Float or quantized.
        problem: The problem that the network solves; None looks up the one that its provenance names.
        points: Evaluation points, physical, shape (n, n_in); None draws them from the problem's domain or the network's box.
            Consecutive points of one value of the held inputs share what was computed from it, and are counted so.
        reference: The user's own reference at these points, shape (n, n_out); None evaluates the problem's.
        n_points: Number of points to draw, where none are given; None is 2500.
        seed: Seed of the drawn points.
        with_lava: Run Lava too; otherwise the integer engine computes the deployed network.
        with_parity: Compare the backends with each other; None compares them where Lava runs.
        cost: Report of the conversion, for a quantized network; None measures it at these points.
        hardware: Target, timing and energy models.
        on_stage: Called with a description of each step when it begins.

    Raises:
        SpecError: If points or reference do not fit the network, or an option would have no effect.
        SimulationError: If Lava is asked for and not available, or a run fails.
    """
    from ...hardware_sim.counts.counting import count_operations
    from ...hardware_sim.counts.held import run_held
    from ...hardware_sim.report.report import Report

    network = checked_network(network, "profile.network")
    problem = known_problem(network, problem, "profile.problem")
    held = given_or_drawn(network, points, n_points, seed, "profile", problem)
    raise_violations(_idle_violations(network, points is not None, reference, with_lava, with_parity, cost, hardware))
    truth = reference_at(problem, held, reference, network.n_out, network.readout is Readout.EVERY)
    hardware_of = _hardware_profiler(network, problem, hardware)
    check_devices(hardware.devices, "HardwareChoices.devices")
    traces = _run_backends(network, held, with_lava, on_stage)
    once = run_held(network, held)
    announce(on_stage, "residuals, gradients and hardware")
    profiled = hardware_of(traces[-1], held, once)
    counts = count_operations(network, traces[-1], once)
    backends, fields, error = _solution(network, problem, traces, truth, None if reference is None else held)
    return Report(
        package_version=__version__,
        n_points=len(held),
        seed=seed if points is None else None,
        problem=describe_problem(problem) if problem else None,
        network=describe_deployed(network, held, truth),
        quantization=describe_words(network, held, traces[-1], cost),
        backends=backends,
        counts=counts,
        activity=_activity(network, problem, held, traces[-1], counts, profiled.samples, error),
        fields=fields,
        hardware=profiled,
        devices=_measure_devices(network, held, traces[-1], profiled, hardware.devices, on_stage),
        gradients=_gradients(network, problem),
        solid=describe_solid(network, problem),
        parity=compare_backends(network, held, on_stage) if with_lava and with_parity is not False else None,
    )


def _solution(
    network: Network,
    problem: PdeProblem | None,
    traces: list[RunTrace],
    truth: FloatArray | None,
    own_points: FloatArray | None,
) -> tuple[BackendsSection, FieldGrid | None, FloatArray | None]:
    """Return the errors of all backends, the fields, and the error of the deployed network at every point.

    Args:
        network: Float or quantized.
        problem: The problem that it solves.
        traces: Runs of all backends, the deployed network's last.
        truth: Reference at the points; None without one.
        own_points: The points where the reference is the user's own, else None.
    """
    source = None if own_points is None else "given by the user"
    backends, estimate = measure_backends(network, problem, traces, truth, source)
    wanted = aligned_truth(problem, truth, traces[-1].outputs)
    error = None if wanted is None else traces[-1].outputs - wanted
    own = None if own_points is None else (own_points, error)
    return backends, gather_fields(network, problem, estimate, own=own), error


def _activity(
    network: Network,
    problem: PdeProblem | None,
    points: FloatArray,
    trace: RunTrace,
    counts: OperationCounts,
    samples: SampleCounts,
    error: FloatArray | None,
) -> ActivitySection:
    """Gather the activity, and record the samples of the largest error and of most, median and fewest operations."""
    from ...hardware_sim.costs.activity import choose_samples, measure_activity

    worst = None if error is None else points[int(np.abs(error).reshape(len(points), -1).max(axis=1).argmax())]
    names = problem.coordinates if problem else tuple(f"x{k}" for k in range(points.shape[-1]))
    chosen = RunChoices(backend=defining_backend(network))
    return measure_activity(
        network,
        trace,
        counts,
        choose_samples(samples, worst, names),
        lambda some, probe: run_chosen(network, some, chosen, probe),
    )


def _measure_devices(
    network: Network,
    points: FloatArray,
    trace: RunTrace,
    profiled: HardwareProfile,
    names: tuple[str, ...],
    on_stage: OnStage,
) -> tuple[DeviceResult, ...]:
    """Measure the network on other hardware, and set the estimate of the target before it."""
    if not names:
        return ()
    assert isinstance(network, QuantizedNetwork)
    results = [describe_target(profiled)] if profiled.placement else []
    for name in names:
        announce(on_stage, f"device {name}")
        results.append(measure_on(network, name, points, trace))
    return tuple(results)


def _gradients(network: Network, problem: PdeProblem | None) -> GradientSection | None:
    """Measure the derivatives of the outputs against the reference's, where there is one."""
    from ...hardware_sim.fields.gradients import measure_gradients

    if problem is None or problem.reference is None:
        return None
    return measure_gradients(problem, evaluator(network, defining_backend(network)))


def _idle_violations(
    network: Network,
    own_points: bool,
    reference: FloatArray | None,
    with_lava: bool,
    with_parity: bool | None,
    cost: QuantizationReport | None,
    hardware: HardwareChoices,
) -> Iterator[Violation]:
    """List the arguments of a profile that would have no effect, or a wrong one."""
    if reference is not None and not own_points:
        rule, repair = "be left out without its points", "Give the points at which it was taken, too."
        yield Violation("profile.reference", rule, f"an array of shape {np.shape(reference)}", repair)
    if with_parity and not with_lava:
        yield Violation("profile.with_parity", "be False or None without Lava", True, "Leave it out, or run Lava.")
    if isinstance(network, QuantizedNetwork):
        return
    repair = "Leave it out, or quantize the network first: `neuropinn_lava.convert`."
    if cost is not None:
        yield Violation("profile.cost", "be left out for a float network, which has no words", "a report", repair)
    rule = "be left out for a float network, which is placed on no chip"
    if hardware.timing is not None:
        yield Violation("HardwareChoices.timing", rule, repr(str(hardware.timing)), repair)
    if hardware.devices:
        rule = "be left out for a float network: devices compute integers"
        yield Violation("HardwareChoices.devices", rule, hardware.devices, repair)
    if str(hardware.target) != DEFAULT_TARGET:
        yield Violation("HardwareChoices.target", rule, repr(str(hardware.target)), repair)


def _run_backends(network: Network, points: FloatArray, with_lava: bool, on_stage: OnStage) -> list[RunTrace]:
    """Run the float engine first, and the one that computes the deployed network last."""
    backends = [Backend.FLOAT, Backend.INTEGER] if isinstance(network, QuantizedNetwork) else [Backend.FLOAT]
    if with_lava:
        check_lava("profile", NO_LAVA)
        backends.append(Backend.LAVA)
    traces = []
    for backend in backends:
        announce(on_stage, f"{backend.value}, {len(points):,} points")
        traces.append(run_on(network, points, backend))
    return traces


def _hardware_profiler(
    network: Network, problem: PdeProblem | None, choices: HardwareChoices
) -> Callable[[RunTrace, FloatArray, RunTrace | None], HardwareProfile]:
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
