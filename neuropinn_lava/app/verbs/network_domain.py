"""Where a network lives: the problem that it was trained on, if its provenance names one, and points of its domain."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from ...base.arrays import FloatArray
from ...base.errors import DomainWarning
from ...geometry.domain import Box
from ...network.quantized import Network
from .networks import float_network

if TYPE_CHECKING:
    from ...problems.problem import PdeProblem


def known_problem(network: Network) -> PdeProblem | None:
    """Give the PDE problem that a network was trained on, or None where its provenance names none that is known."""
    from ...problems import find_problem, list_problems

    provenance = float_network(network).provenance
    if provenance.problem not in list_problems():
        return None
    return find_problem(provenance.problem, **{option.name: option.value for option in provenance.parameters})


def output_names(network: Network) -> tuple[str, ...]:
    """Name the outputs: by the problem's unknowns, or u0, u1 … where there is no problem."""
    problem = known_problem(network)
    return problem.unknowns if problem else tuple(f"u{k}" for k in range(float_network(network).n_out))


def count_outside(network: Network, points: FloatArray) -> int:
    """Count points outside the domain that a network was trained on: its problem's, or its box where it has no problem.

    A point on the edge, to the rounding of coordinates, is inside. A problem of another dimension is not the network's own.
    """
    source = float_network(network)
    inside = Box(source.lower, source.upper).contains(points)
    problem = known_problem(network)
    if problem is not None and len(problem.coordinates) == source.n_in and not isinstance(problem.domain, Box):
        inside[inside] = problem.domain.contains(points[inside])
    return int(np.count_nonzero(~inside))


def warn_outside(network: Network, points: FloatArray, where: str, *, stacklevel: int = 3) -> None:
    """Warn once of points outside the domain that a network was trained on (`count_outside`); silent where there are none.

    Args:
        network: Float or quantized.
        points: Checked points, shape (n, n_in).
        where: The function that was called, for the text.
        stacklevel: Frames from here to the caller of that function, which the warning names.
    """
    warn_of_count(network, count_outside(network, points), len(points), where, stacklevel=stacklevel + 1)


def warn_of_count(network: Network, n_outside: int, n_points: int, where: str, *, stacklevel: int = 3) -> None:
    """Warn once of so many points outside, as `warn_outside` does."""
    if not n_outside:
        return
    source = float_network(network)
    box = f"from {source.lower.tolist()} to {source.upper.tolist()}"
    text = (
        f"{where}: {n_outside:,} of {n_points:,} points lie outside the domain that network {source.name!r} was trained on"
        f" ({box}); its outputs there are extrapolated, and an integer network may saturate. Leave such points out."
    )
    warnings.warn(text, DomainWarning, stacklevel=stacklevel)


def draw_points(network: Network, n: int, seed: int) -> FloatArray:
    """Draw n points from the network's problem domain, or from its box where it has no problem, shape (n, n_in)."""
    from ...conversion import sample_box
    from ...problems.residuals import evaluation_points

    problem = known_problem(network)
    return evaluation_points(problem, n, seed) if problem else sample_box(float_network(network), n, seed)
