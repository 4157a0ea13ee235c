"""The work at a point of a sweep, as two functions that a worker anywhere can call: train, and measure.

    train_for_sweep    problem, recipe, seed                            ──▶ TrainedNetwork
    measure_point      float network, word lengths                      ──▶ SweepRow with the deployed network

Both depend on their arguments alone. Words that cannot hold a network make a row without numbers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...base.arrays import Record
from ...base.errors import NeuroPinnError, TrainingError
from ...base.metrics import relative_l2
from ...network.spec import NetworkSpec, Provenance
from .grid import SweepPoint
from .plan import SweepPlan
from .result import SweepRow

if TYPE_CHECKING:
    from ...conversion import Quantization


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedNetwork(Record):
    """A finished training."""

    network: NetworkSpec
    """The trained float network."""
    seconds: float
    """Wall time of the training."""


def train_for_sweep(plan: SweepPlan, point: SweepPoint) -> TrainedNetwork:
    """Train the network of a point, on one thread.

    Raises:
        TrainingError: If the training diverges.
        KeyboardInterrupt: If it is interrupted.
    """
    from ... import __version__
    from ...training.run.outcome import TrainingStatus
    from ...training.run.trainer import train_network

    problem = plan.problem
    provenance = Provenance(
        problem=problem.name, parameters=problem.options, seed=plan.seed, package_version=__version__
    )
    result = train_network(problem, plan.recipe_of(point), plan.seed, provenance=provenance)
    if result.status is TrainingStatus.INTERRUPTED:
        raise KeyboardInterrupt
    if result.status is TrainingStatus.DIVERGED:
        repair = "Try a smaller threshold, or another seed."
        raise TrainingError(f"training of {point.training_name}", "keep a finite loss to the end", "divergence", repair)
    return TrainedNetwork(network=result.network, seconds=result.seconds)


def measure_point(plan: SweepPlan, point: SweepPoint, trained: TrainedNetwork) -> SweepRow:
    """Convert, tune, deploy and profile a trained network in the words of a point.

    Raises:
        SimulationError: If Lava is asked for and does not run.
    """
    from ...conversion import require_fit
    from ..verbs.convert import convert

    start = time.perf_counter()
    try:
        quantization = convert(trained.network, plan.scheme_of(point), target=None, tuning=plan.tuning, seed=plan.seed)
        require_fit(quantization.network, plan.target, strict=False)
    except NeuroPinnError as error:  # words too short to hold the network, or too long for the target
        return build_row(plan, point, failure=str(error), training_seconds=trained.seconds)
    return _profiled_row(plan, point, trained, quantization, start)


def _profiled_row(
    plan: SweepPlan, point: SweepPoint, trained: TrainedNetwork, quantization: Quantization, start: float
) -> SweepRow:
    """Deploy and profile: errors, operations, energy, cores."""
    from ...engine.reference import run_float
    from ...hardware_sim.costs.hardware_profile import profile_hardware
    from ...hardware_sim.counts.counting import count_operations
    from ...hardware_sim.counts.held import run_held
    from ...problems.residuals import evaluation_points
    from ..verbs.run import run_on

    chip, tuning = quantization.network, quantization.report.tuning
    points = evaluation_points(plan.problem, plan.n_points, plan.seed)
    truth = plan.problem.exact(points)
    trace = run_on(chip, points, plan.backend)
    held = run_held(chip, points)
    counts = count_operations(chip, trace, held)
    hardware = profile_hardware(chip, trace, points, held, target=plan.target, models=(plan.energy,))
    (energy,) = hardware.energies
    return build_row(
        plan,
        point,
        relative_l2=relative_l2(trace.outputs, truth),
        relative_l2_float=relative_l2(run_float(trained.network, points).outputs, truth),
        quantization_change=tuning.change_before if tuning else quantization.report.relative_change,
        spiking_activity=counts.total.spiking_activity,
        synaptic_operations=counts.synaptic_operations_per_sample,
        ann_macs=counts.ann_macs,
        joules=energy.dynamic_joules_per_sample,
        joules_dense=energy.dense_joules_per_sample,
        joules_total=energy.joules_per_sample,
        joules_total_low=energy.low,
        joules_total_high=energy.high,
        synaptic_bits=sum(
            each.weight.size * each.weight_bits for affine in chip.affines for each in affine.connections
        ),
        n_cores=hardware.placement.partition.n_cores if hardware.placement else None,
        n_saturated=trace.n_saturated,
        network_digest=chip.digest(),
        network=chip,
        training_seconds=trained.seconds,
        seconds=time.perf_counter() - start,
    )


def build_row(plan: SweepPlan, point: SweepPoint, **found: Any) -> SweepRow:
    """Build the row of a point from what is known before it is measured, and what was found (or `failure`, why not)."""
    recipe = plan.recipe_of(point)
    bits = point.weight_bits if isinstance(point.weight_bits, tuple) else (point.weight_bits,)
    targets = [phase.target_activity for phase in recipe.phases if phase.activity_weight > 0]
    return SweepRow(
        name=point.name,
        problem=plan.problem.name,
        weight_bits=" ".join(map(str, bits)),
        payload_bits=point.payload_bits,
        n_steps=recipe.network.n_steps,
        theta=recipe.network.theta,
        target_activity=targets[-1] if targets else None,
        energy_model=plan.energy.name,
        energy_kind=plan.energy.kind.value,
        energy_source=plan.energy.source,
        backend=plan.backend.value,
        seed=plan.seed,
        n_points=plan.n_points,
        training_key=plan.training_key(point),
        **found,
    )
