"""The problem that a network was trained on, given by the user or named by its provenance, and points of its domain."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from ...base.arrays import FloatArray
from ...base.errors import DomainWarning, SpecError
from ...geometry.domain import Box
from ...network.given_networks import describe_given
from ...network.quantized import Network
from .networks import float_network

if TYPE_CHECKING:
    from ...problems.problem import PdeProblem


def known_problem(network: Network, given: object = None, where: str = "problem") -> PdeProblem | None:
    """Return the PDE problem that a network solves.

    Args:
        network: Float or quantized.
        given: The user's problem; None looks up the one that the network's provenance names.
        where: The argument, for errors, as in `profile.problem`.

    Returns:
        The problem, its unknown coefficients as the training found them; None where none is given and the provenance names
        none of the package.

    Raises:
        SpecError: If what is given is not a problem, or has other numbers of coordinates or unknowns than the network.
    """
    from ...problems import find_problem, list_problems

    source = float_network(network)
    noted = {option.name: option.value for option in source.provenance.parameters}
    if given is not None:
        problem = checked_problem(given, where)
        if (problem.n_in, problem.n_out) != (source.n_in, source.n_out):
            rule = f"have {source.n_in} coordinates and {source.n_out} unknowns, as network {source.name!r} has"
            got = f"{problem.n_in} and {problem.n_out} of {problem.name!r}"
            raise SpecError(where, rule, got, "Name the problem that the network was trained on.")
        return problem.with_found(noted)
    name = source.provenance.problem
    if name not in list_problems():
        return None
    found = find_problem(name).coefficients if noted else {}
    return find_problem(name, **{each: value for each, value in noted.items() if each not in found}).with_found(noted)


def checked_problem(given: object, where: str) -> PdeProblem:
    """Return what a user gave as a problem.

    Raises:
        SpecError: If it is not a `PdeProblem`; the message says how to build one.
    """
    from ...problems.problem import PdeProblem

    if isinstance(given, PdeProblem):
        return given
    name = repr(given) if isinstance(given, str) else "name"
    repair = f"Build it: `neuropinn_lava.find_problem({name})`, or a `PdeProblem` of your own."
    raise SpecError(where, "be a PdeProblem", describe_given(given), repair)


def output_names(network: Network, problem: PdeProblem | None = None) -> tuple[str, ...]:
    """Return the names of the outputs: the problem's unknowns, or u0, u1 … where there is no problem."""
    problem = problem or known_problem(network)
    return problem.unknowns if problem else tuple(f"u{k}" for k in range(float_network(network).n_out))


def count_outside(
    network: Network, points: FloatArray, problem: PdeProblem | None = None, *, with_held: bool = True
) -> int:
    """Count points outside the domain that a network was trained on: its problem's, or its box where it has no problem.

    A point on the edge, to the rounding of coordinates, is inside. A problem of another dimension is not the network's own.
    Without `with_held` the columns of held inputs are not looked at.
    """
    source = float_network(network)
    if not with_held:
        is_held = np.concatenate([np.full(each.width, each.is_held) for each in source.inputs])
        points = np.where(is_held, (source.lower + source.upper) / 2, points)
    if points.ndim == 3:  # a sequence is outside where one of its steps is
        inside = Box(source.lower, source.upper).contains(points.reshape(-1, source.n_in))
        return int(np.count_nonzero(~inside.reshape(points.shape[:2]).all(axis=1)))
    inside = Box(source.lower, source.upper).contains(points)
    problem = problem or known_problem(network)
    if problem is not None and len(problem.coordinates) == source.n_in and not isinstance(problem.domain, Box):
        inside[inside] = problem.domain.contains(points[inside])
    return int(np.count_nonzero(~inside))


def warn_outside(
    network: Network, points: FloatArray, where: str, problem: PdeProblem | None = None, *, stacklevel: int = 3
) -> None:
    """Warn once of points outside the domain that a network was trained on (`count_outside`); silent where there are none.

    Args:
        network: Float or quantized.
        points: Checked points, shape (n, n_in), or (n, n_steps, n_in).
        where: The function that was called, for the text.
        problem: The network's problem; None looks it up.
        stacklevel: Frames from here to the caller of that function, which the warning names.
    """
    warn_of_count(network, count_outside(network, points, problem), len(points), where, stacklevel=stacklevel + 1)


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


def draw_points(network: Network, n: int, seed: int, problem: PdeProblem | None = None) -> FloatArray:
    """Draw n points from the network's problem domain, or from its box where it has no problem, shape (n, n_in)."""
    from ...conversion import sample_box
    from ...problems.residuals import evaluation_points

    source = float_network(network)
    if source.has_sequences:
        rule = "be given where an input is a sequence, whose length nobody else knows"
        raise SpecError(f"points of network {source.name!r}", rule, None, "Give sequences, (n, n_steps, d).")
    problem = problem or known_problem(network)
    return evaluation_points(problem, n, seed) if problem else sample_box(source, n, seed)
