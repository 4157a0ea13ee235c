"""A report with every section, made once for all tests that look at one: `report_cases.full_report()`."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

import builders
from neuropinn_lava.conversion.quantize.post_training import quantize_network
from neuropinn_lava.conversion.search.error_budget import measure_error_budget
from neuropinn_lava.conversion.targets.target import find_target
from neuropinn_lava.engine.reference import run_float, run_integer
from neuropinn_lava.engine.trace import Backend, LavaMode, RunTrace
from neuropinn_lava.hardware_sim.costs.activity import ActivitySection, choose_samples, measure_activity
from neuropinn_lava.hardware_sim.costs.hardware_profile import HardwareProfile, profile_hardware
from neuropinn_lava.hardware_sim.costs.sanafe_replay import SanafeReplay
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.samples import count_samples
from neuropinn_lava.hardware_sim.fields.field_grid import FieldGrid, evaluate_inside, grid_points, region_axes
from neuropinn_lava.hardware_sim.fields.gradients import GradientSection
from neuropinn_lava.hardware_sim.fields.scattered import map_scattered
from neuropinn_lava.hardware_sim.fields.stresses import SolidResult, SolidSection, SolidView
from neuropinn_lava.hardware_sim.parity.certificate import ModeParity, ParitySection, TorchParity
from neuropinn_lava.hardware_sim.parity.compare_traces import FirstDifference
from neuropinn_lava.hardware_sim.report.content.sections import (
    BackendResult,
    BackendsSection,
    ProblemSection,
    describe_network,
    describe_quantization,
)
from neuropinn_lava.hardware_sim.report.figures.all_figures import draw_report
from neuropinn_lava.hardware_sim.report.figures.figure import Figure
from neuropinn_lava.hardware_sim.report.report import Report
from neuropinn_lava.hardware_sim.steps.choices import LayerModel
from neuropinn_lava.micromechanics.stresses import StressErrors
from neuropinn_lava.network.quantized import QuantizedNetwork

N_POINTS = 120
HOSTILE = "<script>alert('x')</script> & \"quoted\" | piped"
"""A name that must not get out of its cell."""


@cache
def full_report() -> Report:
    """Give a report with every section, of a small random network that solves nothing."""
    source = replace(builders.random_spec(0, widths=(2, 9, 8, 1), n_steps=2), name=HOSTILE)
    quantized = quantize_network(source)
    network = quantized.network
    points = builders.random_points(network, N_POINTS)
    deployed = run_integer(network, points)
    return Report(
        package_version="0.0.test",
        n_points=N_POINTS,
        seed=3,
        problem=ProblemSection(
            name="unsolved", title="No problem", equation="0 < u & u = 1", coordinates=("x", "y"), unknowns=("u",)
        ),
        network=describe_network(network, 0.5),
        quantization=describe_quantization(
            network, deployed.n_saturated, quantized.report, measure_error_budget(network, points)
        ),
        backends=_backends(),
        parity=_parity(),
        counts=count_operations(network, deployed),
        hardware=_hardware(profile_hardware(network, deployed, points, target=find_target("loihi2"))),
        gradients=_gradients(points),
        solid=_solid(),
        fields=_fields(network),
        activity=_activity(network, deployed, points),
    )


@cache
def full_figures() -> tuple[Figure, ...]:
    """Give its figures, which take seconds to draw."""
    return draw_report(full_report())


def empty_report() -> Report:
    """Give a report in which nothing exists."""
    return Report(package_version="0.0.test", n_points=1, seed=None)


def failed_parity() -> ParitySection:
    """Give a certificate of a comparison that failed."""
    return ParitySection(
        modes=(ModeParity(mode=LavaMode.BATCHED, n_samples=8, values_compared=1000, mismatches=3),),
        first_difference=FirstDifference(
            layer="hidden1", step=1, sample=2, neuron=None, quantity="payload", expected=5.0, found=6.0
        ),
    )


def _fields(network: QuantizedNetwork) -> FieldGrid:
    """Evaluate the network on a grid of its box without a corner; the reference is 0.01 larger than the float outputs."""
    source = network.source
    axes = region_axes(("x", "y"), source.lower, source.upper, False, (), source.n_out)
    shares = (grid_points(axes) - source.lower) / (source.upper - source.lower)
    inside = ~(shares > 0.6).all(axis=1)
    exact = evaluate_inside(axes, inside, lambda some: run_float(source, some).outputs, source.n_out)
    deployed = evaluate_inside(axes, inside, lambda some: run_integer(network, some).outputs, source.n_out)
    return FieldGrid(
        axes=axes,
        unknowns=("u",),
        float_outputs=exact,
        deployed_outputs=deployed,
        reference_outputs=exact + 0.01,
        estimated_error=0.9 * (deployed - exact),
    )


def _activity(network: QuantizedNetwork, trace: RunTrace, points: np.ndarray) -> ActivitySection:
    chosen = choose_samples(count_samples(network, points), points[0], ("x", "y"))
    counts = count_operations(network, trace)
    return measure_activity(network, trace, counts, chosen, lambda some, probe: run_integer(network, some, probe))


def _backends() -> BackendsSection:
    result = BackendResult(
        backend=Backend.FLOAT,
        relative_l2=0.003,
        max_abs_error=0.01,
        residual_rms=0.02,
        boundary_rms=0.0,
        seconds=0.5,
        samples_per_second=240.0,
    )
    deployed = replace(result, backend=Backend.LAVA, relative_l2=0.004)
    return BackendsSection(results=(result, deployed), residual_operator="quartic", reference_residual_rms=float("nan"))


def _parity() -> ParitySection:
    mode = ModeParity(mode=LavaMode.FAITHFUL, n_samples=64, values_compared=100_000, mismatches=0)
    return ParitySection(
        torch_vs_float=TorchParity(max_error_over_max_u=2e-14, n_compared=119, n_excluded=1),
        modes=(
            mode,
            replace(mode, mode=LavaMode.BATCHED, values_compared=1_000_000),
            replace(mode, model=LayerModel.DENSE, n_samples=16),
        ),
    )


def _hardware(profile: HardwareProfile) -> HardwareProfile:
    """Add what SANA-FE would have said."""
    replay = SanafeReplay(
        n_samples=3,
        n_steps=2,
        synapse_joules=1e-9,
        soma_joules=2e-9,
        network_joules=3e-9,
        seconds=1e-5,
        version="0.0.test",
    )
    return replace(profile, sanafe=replay)


def _solid() -> SolidSection:
    """Five cubes a side, not deformed, with a stress that grows along x and is a tenth too large."""
    along_x = np.broadcast_to(np.arange(1.0, 6.0)[:, None, None], (5, 5, 5))
    views = [
        SolidView(name=name, corners=np.zeros((6, 6, 6, 3)), von_mises=factor * along_x)
        for name, factor in (("deployed", 1.1), ("reference", 1.0))
    ]
    errors = StressErrors(relative_l2=0.2, von_mises_relative_l2=0.1)
    return SolidSection(
        results=(SolidResult(backend=Backend.INTEGER, fluctuation_relative_l2=0.03, stress=errors),),
        floor=StressErrors(relative_l2=0.04, von_mises_relative_l2=0.02),
        operator="quadratic",
        deployed=views[0],
        reference=views[1],
    )


def _gradients(points: np.ndarray) -> GradientSection:
    exact = np.stack([np.ones(len(points)), np.zeros(len(points))], axis=1)
    return GradientSection(
        coordinates=("x", "y"),
        points=points,
        names=("u_x", "u_y"),
        deployed=exact + 0.1,
        reference=exact,
        operator="quartic",
        conductivity=2.0,
        plane=map_scattered(points, exact + 0.1),
    )
