"""The sections of a report, built from a network, a problem and the traces of the runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...base.arrays import FloatArray
from ...base.metrics import max_abs_error, relative_l2
from ...engine.trace import Backend, RunTrace
from ...network.quantized import Network, QuantizedNetwork
from ...network.transforms import ansatz_relative_l2
from ..lookup.networks import float_network
from .run import run_on

if TYPE_CHECKING:
    from ...conversion.quantize.report import QuantizationReport
    from ...hardware_sim.report.content.sections import (
        BackendsSection,
        NetworkSection,
        ProblemSection,
        QuantizationSection,
    )
    from ...problems.error_estimate import ErrorEstimate
    from ...problems.problem import PdeProblem


BUDGET_POINTS = 1000
"""Largest number of points for the error budget, which runs the network some twenty times."""


def describe_deployed(network: Network, points: FloatArray, truth: FloatArray | None) -> NetworkSection:
    """Build the section on the deployed network, with the error of its ansatz alone where there is a reference."""
    from ...hardware_sim.report.content.sections import describe_network

    if truth is None or not truth.any():
        return describe_network(network)
    return describe_network(network, ansatz_relative_l2(float_network(network).ansatz, points, truth))


def describe_words(
    network: Network, points: FloatArray, deployed: RunTrace, cost: QuantizationReport | None
) -> QuantizationSection | None:
    """Build the section on word lengths and the sources of error; None for a float network.

    Without the report of the conversion, the cost is measured on these points.
    """
    from ...conversion import calibrate_network
    from ...conversion.quantize.report import measure_quantization
    from ...conversion.search.error_budget import measure_error_budget
    from ...hardware_sim.report.content.sections import describe_quantization

    if not isinstance(network, QuantizedNetwork):
        return None
    thinned = points[:: -(-len(points) // BUDGET_POINTS)]
    budget = measure_error_budget(network, thinned)
    measured = cost or measure_quantization(network, calibrate_network(network.source, thinned))
    return describe_quantization(network, deployed.n_saturated, measured, budget)


def reference_at(
    problem: PdeProblem | None, points: FloatArray, given: FloatArray | None, n_out: int, every_step: bool = False
) -> FloatArray | None:
    """Return the reference at the points: the user's own, the problem's, or None.

    Raises:
        SpecError: If the user's own has another shape, or values that are not finite.
    """
    from ...base.checks import check_finite, check_shape, raise_violations

    if given is None:
        return problem.reference.evaluate(points) if problem and problem.reference else None
    where = "profile.reference"
    shape = (len(points), *points.shape[1:-1], n_out) if every_step else (len(points), n_out)
    raise_violations([*check_shape(where, given, shape, "(n, n_out)"), *check_finite(where, given)])
    return given


def describe_problem(problem: PdeProblem) -> ProblemSection:
    """Build the section that names the problem."""
    from ...hardware_sim.report.content.sections import ProblemSection

    return ProblemSection(
        name=problem.name,
        title=problem.title,
        equation=problem.equation,
        coordinates=problem.coordinates,
        unknowns=problem.unknowns,
    )


def aligned_truth(problem: PdeProblem | None, truth: FloatArray | None, outputs: FloatArray) -> FloatArray | None:
    """Return the reference on the level of the outputs, where an unknown has none; None without a reference."""
    if problem is None or truth is None or outputs.ndim != 2:
        return truth
    return problem.aligned(truth, outputs)


def measure_backends(
    network: Network, problem: PdeProblem | None, traces: list[RunTrace], truth: FloatArray | None, source: str | None
) -> tuple[BackendsSection, ErrorEstimate | None]:
    """Measure the error of every backend against the reference and, where there is a problem, its residual.

    Returns:
        The section, and the error of the backend that ran last as the equations estimate it; None without an estimate.
    """
    from ...hardware_sim.report.content.sections import BackendResult, BackendsSection
    from ...problems.residuals import measure_residual

    results, residual = [], None
    operator, floor = None, None
    for trace in traces:
        wanted = aligned_truth(problem, truth, trace.outputs)
        if problem is not None:
            residual = measure_residual(problem, evaluator(network, trace.backend))
            operator, floor = residual.operator.value, residual.reference_residual_rms
        seconds = trace.seconds or None
        results.append(
            BackendResult(
                backend=trace.backend,
                relative_l2=relative_l2(trace.outputs, wanted) if wanted is not None and wanted.any() else None,
                max_abs_error=max_abs_error(trace.outputs, wanted) if wanted is not None else None,
                residual_rms=residual.residual_rms if residual else None,
                boundary_rms=residual.boundary_rms if residual else None,
                condition_rms=residual.condition_rms if residual else (),
                estimated_l2=residual.estimate.relative_l2 if residual and residual.estimate else None,
                seconds=seconds,
                samples_per_second=trace.n_samples / seconds if seconds else None,
            )
        )
    words = source or (f"the problem's solution: {problem.reference.source}" if problem and problem.reference else None)
    section = BackendsSection(
        results=tuple(results),
        residual_operator=operator,
        reference_residual_rms=floor,
        reference=words,
    )
    return section, residual.estimate if residual else None


def evaluator(network: Network, backend: Backend) -> Callable[[FloatArray], FloatArray]:
    """Return the function from points (n, n_in) to outputs (n, n_out) of a network on a backend."""
    return lambda points: run_on(network, points, backend).outputs
