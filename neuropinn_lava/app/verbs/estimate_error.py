"""The estimated error of a network on its problem's equations, without a reference: float, integers, or Lava."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...base.errors import SpecError
from ...engine.trace import Backend
from ...network.given_networks import checked_network
from ...network.quantized import Network
from ..lookup.network_domain import known_problem
from .profile import defining_backend
from .report_sections import evaluator

if TYPE_CHECKING:
    from ...problems.error_estimate import ErrorEstimate
    from ...problems.problem import PdeProblem


def estimate_error(
    network: Network, problem: PdeProblem | None = None, *, backend: Backend | str | None = None
) -> ErrorEstimate:
    """Estimate the relative L2 error of a network: `estimate_error(chip).relative_l2`.

    One Newton correction of the discrete equations and conditions is solved on a cloud half as fine again as the training's. It
    is an estimate; docs/results/equations.md says how well it did on the problems that have a reference.

    Equations with a smoothing term are taken with the viscosity of the recipe, without which they may have no unique solution.

    Args:
        network: Float or quantized.
        problem: The problem that the network solves; None looks up the one that its provenance names.
        backend: Backend that computes the outputs; None takes the reference engine of the network.

    Raises:
        SpecError: If no problem is known, its training is by energy, or its system is too large.
    """
    from ...problems import error_estimate
    from ...problems.default_recipe import any_recipe_of
    from ...problems.residuals import residual_cloud

    found = checked_network(network, "estimate_error.network")
    known = known_problem(found, problem, "estimate_error.problem")
    if known is None:
        repair = "Give `problem=`, with the equations that the network was trained on."
        raise SpecError("estimate_error.problem", "be given, or be named by the network", None, repair)
    measuring = residual_cloud(known)
    if not error_estimate.can_estimate(measuring):
        got = f"{known.name!r} with {measuring.n_points * known.n_out:,} values"
        repair = "Coarsen the cloud of the problem's recipe, or compare with a reference."
        raise SpecError("estimate_error.problem", "have a residual, on a cloud that can be factorised", got, repair)
    where = defining_backend(found) if backend is None else Backend(backend)
    u = evaluator(found, where)(measuring.points)
    return error_estimate.estimate_error(measuring, u, known.rest_values(any_recipe_of(known).viscosity))
