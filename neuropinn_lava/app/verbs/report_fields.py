"""The fields of a report: float, deployed and reference outputs on a regular grid over the domain, and their errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...base.arrays import BoolArray, FloatArray
from ...engine.trace import Backend
from ...geometry.domain import Box
from ...geometry.parametric_domain import ParametricDomain, Range
from ...network.quantized import Network, QuantizedNetwork
from ..lookup.networks import float_network
from .report_sections import evaluator

if TYPE_CHECKING:
    from ...hardware_sim.fields.field_grid import FieldGrid, GridAxis
    from ...problems.error_estimate import ErrorEstimate
    from ...problems.problem import PdeProblem

N_DRAWS = 6
"""Number of draws of parameters that are functions, or of several parameters at once."""
DRAW_SEED = 0
"""Seed of those draws."""
MOST_AXES = 4
"""Inputs of a network without a problem that become axes; with more, all but two stay in the middle of their range."""


def gather_fields(
    network: Network,
    problem: PdeProblem | None,
    estimate: ErrorEstimate | None = None,
    own: tuple[FloatArray, FloatArray | None] | None = None,
) -> FieldGrid | None:
    """Evaluate a network, its float source and the reference on a grid over the domain.

    Args:
        network: Float or quantized.
        problem: The problem that the network solves, with its domain and reference; None takes the network's box.
        estimate: Estimated error of the deployed network on a cloud; None without one.
        own: The user's own points, shape (n, n_in), and the error there against the user's own reference, shape (n, n_out),
            which is shown in place of the problem's.

    Returns:
        The fields; None for a network of sequences.
    """
    from ...hardware_sim.fields.field_grid import FieldGrid, evaluate_inside, grid_points

    source = float_network(network)
    if source.has_sequences:
        return None
    axes = _problem_axes(problem) if problem else _box_axes(network)
    contains = problem.domain.contains if problem else Box(source.lower, source.upper).contains
    inside = contains(grid_points(axes))
    deployed_backend = Backend.INTEGER if isinstance(network, QuantizedNetwork) else Backend.FLOAT

    def outputs(backend: Backend) -> FloatArray:
        return evaluate_inside(axes, inside, evaluator(network, backend), source.n_out)

    deployed = outputs(deployed_backend)
    return FieldGrid(
        axes=axes,
        unknowns=problem.unknowns if problem else tuple(f"u{k}" for k in range(source.n_out)),
        float_outputs=outputs(Backend.FLOAT),
        deployed_outputs=deployed,
        reference_outputs=_reference(problem, axes, inside, deployed) if own is None else None,
        measured_error=None if own is None else _spread(axes, inside, *own),
        estimated_error=None if estimate is None else _spread(axes, inside, estimate.points, -estimate.error),
    )


def _problem_axes(problem: PdeProblem) -> tuple[GridAxis, ...]:
    """Build the axes over a problem's region, and one for its parameters."""
    from ...hardware_sim.fields.field_grid import region_axes

    region = problem.region
    return region_axes(
        problem.axes, region.lower, region.upper, region.has_time, _parameter_axes(problem), len(problem.unknowns)
    )


def _parameter_axes(problem: PdeProblem) -> tuple[GridAxis, ...]:
    """Build the axis of a number's range, or of a few draws of everything where there are functions or several parameters."""
    from ...hardware_sim.fields.field_grid import N_SLICES, AxisRole, GridAxis

    if not isinstance(problem.domain, ParametricDomain):
        return ()
    names = " and ".join(problem.parameters)
    (first, *others) = problem.domain.parameters
    if isinstance(first, Range) and not others:
        columns = np.linspace(first.lower, first.upper, N_SLICES[len(problem.axes) > 2])
        values = np.exp(columns[:, 0]) if first.logarithmic else columns[:, 0]
        labels = tuple(f"{names} = {value:.3g}" for value in values)
    else:
        columns = problem.domain.draw(N_DRAWS, np.random.default_rng(DRAW_SEED))
        labels = tuple(f"{names}: draw {k + 1} of {N_DRAWS}" for k in range(N_DRAWS))
    return (GridAxis(name=names, role=AxisRole.PARAMETER, columns=columns, labels=labels),)


def _box_axes(network: Network) -> tuple[GridAxis, ...]:
    """Build the axes over the box of a network whose problem is not known."""
    from ...hardware_sim.fields.field_grid import AxisRole, GridAxis, region_axes

    source = float_network(network)
    names = tuple(f"x{k}" for k in range(source.n_in))
    n: int = source.n_in
    rest: tuple[GridAxis, ...] = ()
    if source.n_in > MOST_AXES:
        n, middle = 2, (source.lower + source.upper)[2:] / 2
        label = f"{names[2]} to {names[-1]} in the middle of their ranges"
        rest = (GridAxis(name="the rest", role=AxisRole.PARAMETER, columns=middle[None], labels=(label,)),)
    return region_axes(names[:n], source.lower[:n], source.upper[:n], False, rest, source.n_out)


def _reference(
    problem: PdeProblem | None, axes: tuple[GridAxis, ...], inside: BoolArray, deployed: FloatArray
) -> FloatArray | None:
    """Evaluate the problem's reference on the grid, on the level of the deployed outputs where an unknown has none."""
    from ...hardware_sim.fields.field_grid import evaluate_inside

    if problem is None or problem.reference is None:
        return None
    n_out = deployed.shape[-1]
    shown = deployed.reshape(-1, n_out)[inside]
    evaluate = problem.reference.evaluate
    return evaluate_inside(axes, inside, lambda points: problem.aligned(evaluate(points), shown), n_out)


def _spread(
    axes: tuple[GridAxis, ...], inside: BoolArray, points: FloatArray, values: FloatArray | None
) -> FloatArray | None:
    """Interpolate values at scattered points to the points of the grid that lie inside; None where that is impossible."""
    from ...hardware_sim.fields.field_grid import grid_points
    from ...hardware_sim.fields.scattered import interpolate_scattered

    targets = grid_points(axes)
    if values is None or points.shape[1] != targets.shape[1]:
        return None
    found = interpolate_scattered(points, values, targets[inside])
    if found is None:
        return None
    spread = np.full((len(targets), values.shape[1]), np.nan)
    spread[inside] = found
    return spread.reshape(*(axis.n for axis in axes), -1)
