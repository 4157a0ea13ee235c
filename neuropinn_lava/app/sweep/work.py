"""What is done at a point of a sweep, as two functions that a worker anywhere can call: train, and measure.

    train_for_sweep    problem, recipe, seed                            ──▶ TrainedNetwork
    measure_point      float network, word lengths                      ──▶ MeasuredPoint: deployed network and its row

Both depend on their arguments alone. What the package refuses is an error of its own, and becomes a row without numbers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...base.errors import NeuroPinnError, TrainingError
from ...base.metrics import relative_l2
from ...engine.trace import Backend
from ...network.quantized import QuantizedNetwork
from ...network.spec import NetworkSpec
from .grid import SweepPoint, changes_of
from .plan import SweepPlan
from .rows import SweepRow

if TYPE_CHECKING:
    from ...conversion import Quantization


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedNetwork:
    """A finished training."""

    network: NetworkSpec
    """The float network."""
    seconds: float
    """Wall time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredPoint:
    """A finished point."""

    point: SweepPoint
    """Which one."""
    row: SweepRow
    """Its numbers."""
    network: QuantizedNetwork | None
    """What was deployed; None where it failed."""


def train_for_sweep(plan: SweepPlan, point: SweepPoint) -> TrainedNetwork:
    """Train the network of a point, on one thread.

    Raises:
        TrainingError: If the training diverges.
        KeyboardInterrupt: If it is interrupted.
    """
    from ...training.run.outcome import TrainingStatus
    from ..verbs.train import train

    result = train(plan.posed(), seed=plan.seed, changes=changes_of(point, plan.changes), threads=1)
    if result.status is TrainingStatus.INTERRUPTED:
        raise KeyboardInterrupt
    if result.status is TrainingStatus.DIVERGED:
        mend = "Try a smaller threshold, or another seed."
        raise TrainingError(f"training of {point.training_name}", "keep a finite loss to the end", "divergence", mend)
    return TrainedNetwork(network=result.network, seconds=result.seconds)


def measure_point(plan: SweepPlan, point: SweepPoint, trained: TrainedNetwork) -> MeasuredPoint:
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
        return failed_point(plan, point, str(error), trained.seconds)
    row = _profiled_row(plan, point, trained, quantization, start)
    return MeasuredPoint(point=point, row=row, network=quantization.network)


def failed_point(plan: SweepPlan, point: SweepPoint, why: str, training_seconds: float | None = None) -> MeasuredPoint:
    """Give a point without numbers."""
    row = _row(plan, point, failure=why, training_seconds=training_seconds)
    return MeasuredPoint(point=point, row=row, network=None)


def _profiled_row(
    plan: SweepPlan, point: SweepPoint, trained: TrainedNetwork, quantization: Quantization, start: float
) -> SweepRow:
    """Deploy and profile: errors, operations, energy, cores."""
    from ...engine.reference import run_float
    from ...hardware_sim.costs.hardware_profile import profile_hardware
    from ...hardware_sim.counts.counting import count_operations
    from ..verbs.network_domain import draw_points
    from ..verbs.run import run_on

    chip, tuning = quantization.network, quantization.report.tuning
    points = draw_points(chip, plan.n_points, plan.seed)
    truth = plan.posed().reference.evaluate(points)
    trace = run_on(chip, points, Backend.LAVA if plan.with_lava else Backend.INTEGER)
    counts = count_operations(chip, trace)
    hardware = profile_hardware(chip, trace, points, target=plan.target, models=(plan.energy,))
    (energy,) = hardware.energies
    return _row(
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
        synaptic_bits=sum(affine.weight.size * affine.weight_bits for affine in chip.affines),
        n_cores=hardware.placement.partition.n_cores if hardware.placement else None,
        n_saturated=trace.n_saturated,
        network_digest=chip.digest(),
        training_seconds=trained.seconds,
        seconds=time.perf_counter() - start,
    )


def _row(plan: SweepPlan, point: SweepPoint, **found: Any) -> SweepRow:
    """Fill in what is known before anything is measured."""
    recipe = plan.recipe_of(point)
    bits = point.weight_bits if isinstance(point.weight_bits, tuple) else (point.weight_bits,)
    targets = [phase.target_activity for phase in recipe.phases if phase.activity_weight > 0]
    return SweepRow(
        problem=plan.problem,
        weight_bits=" ".join(map(str, bits)),
        payload_bits=point.payload_bits,
        n_steps=recipe.network.n_steps,
        theta=recipe.network.theta,
        target_activity=targets[-1] if targets else None,
        energy_model=plan.energy.name,
        energy_kind=plan.energy.kind.value,
        energy_source=plan.energy.source,
        backend=(Backend.LAVA if plan.with_lava else Backend.INTEGER).value,
        seed=plan.seed,
        n_points=plan.n_points,
        training_key=plan.training_key(point),
        **found,
    )
