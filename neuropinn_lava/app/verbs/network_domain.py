"""Where a network lives: the problem that it was trained on, if its provenance names one, and points of its domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...base.arrays import FloatArray
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
    """Count points outside the domain that a network was trained on: its problem's, or its box where it has no problem."""
    source = float_network(network)
    inside = ((points >= source.lower) & (points <= source.upper)).all(axis=1)
    problem = known_problem(network)
    if problem is not None:
        inside &= problem.domain.contains(points)
    return int(np.count_nonzero(~inside))


def draw_points(network: Network, n: int, seed: int) -> FloatArray:
    """Draw n points from the network's problem domain, or from its box where it has no problem, shape (n, n_in)."""
    from ...conversion import sample_box
    from ...problems.residuals import evaluation_points

    problem = known_problem(network)
    return evaluation_points(problem, n, seed) if problem else sample_box(float_network(network), n, seed)
