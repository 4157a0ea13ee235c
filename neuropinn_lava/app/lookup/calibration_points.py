"""Calibration points of a conversion, and the searches that compare errors on points of the problem's domain.

Points are drawn from the problem's domain where the problem is known. A box that contains a star also contains points that the
network is never asked for; ranges measured there would waste bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...base.arrays import FloatArray
from ...base.checks import check_range, raise_violations
from ...base.errors import SpecError
from ...base.metrics import relative_l2
from ...engine.reference import run_float
from ...geometry.parametric_domain import ParametricDomain
from ...network.given_points import checked_samples
from ...network.spec import NetworkSpec
from .network_domain import count_outside, known_problem

if TYPE_CHECKING:
    from ...conversion import QuantizationScheme
    from ...conversion.search.sparsify import Sparsification
    from ...problems.problem import PdeProblem

SHARE_ON_BOUNDARY = 8
"""One point of so many lies on the boundary, where drives are often largest."""
SOLID_POINTS = 8192
"""Number of points in three coordinates and more, where fewer leave gaps: 8-bit stresses of `elasticity3d` are off by 7.5 %
with 2048 points and by 6.4 % with these."""
N_JUDGED = 2000
"""Points on which the search measures errors; they stand to a few percent."""


def calibration_points(
    network: NetworkSpec, points: FloatArray | None, for_tuning: bool, seed: int, problem: PdeProblem | None
) -> FloatArray | None:
    """Return the user's points, or points drawn from the problem's domain, or None where there is no problem.

    Raises:
        SpecError: If points of the user lie outside the domain.
    """
    from ...conversion import TUNING_POINTS

    if points is None:
        return _domain_points(problem, TUNING_POINTS if for_tuning else _n_points(problem), seed)
    held = checked_samples(points, network, f"calibration points of network {network.name!r}")
    n_outside = count_outside(network, held, problem)
    if n_outside:
        repair = "Leave them out: their ranges would cost bits where the network is used."
        rule = f"lie inside the domain that {network.name!r} was trained on"
        raise SpecError("calibration points", rule, f"{n_outside} of {len(held)} outside", repair)
    return held


def _n_points(problem: PdeProblem | None) -> int:
    """Return how many points are drawn by default."""
    from ...conversion import DEFAULT_POINTS

    if problem is None or len(problem.domain.lower) < 3:
        return DEFAULT_POINTS
    has_functions = isinstance(problem.domain, ParametricDomain) and problem.domain.has_functions
    return DEFAULT_POINTS if has_functions else SOLID_POINTS


def _domain_points(problem: PdeProblem | None, n: int, seed: int) -> FloatArray | None:
    """Draw points of the problem's domain, boundary included and in random order, shape (n, n_in); None without a problem.

    Where parameters are functions, every point has one of its own. Integers fitted to 103 functions with 20 points each
    changed the output of `poisson-operator` by 2.6 % on others, those fitted to 2048 by 0.5 %, with the joint rounding of then.
    """
    if problem is None:
        return None
    rng, domain = np.random.default_rng(seed), problem.domain
    n_boundary = n // SHARE_ON_BOUNDARY
    points = np.concatenate([domain.sample(n - n_boundary, rng), domain.sample_boundary(n_boundary, rng)])
    shuffled: FloatArray = points[rng.permutation(len(points))]
    if isinstance(domain, ParametricDomain) and domain.has_functions:
        return domain.with_own_draws(shuffled, rng)
    return shuffled


def search_within(
    network: NetworkSpec,
    scheme: QuantizationScheme,
    factor: float,
    points: FloatArray | None,
    seed: int,
    problem: PdeProblem | None,
    on_stage: Callable[[str], None] | None = None,
) -> QuantizationScheme:
    """Find the weight bits with the fewest synaptic bits whose error is at most `factor` times the float network's.

    Args:
        network: The float network.
        scheme: Quantization scheme, whose weight bits are replaced.
        factor: Largest error in units of the float network's own, at least one.
        points: Calibration points, shape (n, n_in).
        seed: Seed of the points on which errors are measured, which differ from the calibration points.
        problem: The problem with the reference solution.
        on_stage: Called with a sentence about each trial.

    Raises:
        SpecError: If the factor is below one, or the problem is not known.
        FixedPointError: If no weight bits are within it.
    """
    from ...conversion.search.bit_search import BitTrial, ErrorLimit, search_bits

    if problem is None:
        repair = "Choose the weight bits, or give `problem=`."
        raise SpecError(
            "error budget", "be asked of a network whose problem has a reference", network.provenance.problem, repair
        )
    if not factor >= 1.0:
        repair = "Give a factor on the float network's own error, such as 1.2."
        raise SpecError("error budget", "be at least 1", factor, repair)
    judged = problem.domain.sample(N_JUDGED, np.random.default_rng(seed + 1))
    wanted = problem.exact(judged)
    own = relative_l2(run_float(network, judged).outputs, wanted)
    limit = ErrorLimit(points=judged, wanted=wanted, relative_l2=factor * own)

    def tell(trial: BitTrial) -> None:
        if on_stage:
            bits = ",".join(map(str, trial.weight_bits))
            on_stage(f"weight bits {bits}: error {trial.error:.3%}, at most {limit.relative_l2:.3%} is allowed")

    found = search_bits(network, scheme, limit, points, on_trial=tell)
    return replace(scheme, weight_bits=found.chosen.weight_bits)


def sparsify_within(
    network: NetworkSpec, change: float, seed: int, problem: PdeProblem | None = None
) -> Sparsification:
    """Raise a float network's thresholds while its output changes by at most `change` (relative L2).

    Raises:
        SpecError: If the change is not between 0 and 1.
    """
    from ...conversion import DEFAULT_POINTS, sample_box
    from ...conversion.search.bit_search import ErrorLimit
    from ...conversion.search.sparsify import sparsify_network

    raise_violations(check_range("convert.sparsify", change, 0.0, 1.0))
    known = known_problem(network, problem)
    drawn = [_domain_points(known, DEFAULT_POINTS, seed + k) for k in (0, 1)]
    points, judged = (sample_box(network, DEFAULT_POINTS, seed + k) if p is None else p for k, p in enumerate(drawn))
    wanted = run_float(network, judged).outputs
    return sparsify_network(network, ErrorLimit(points=judged, wanted=wanted, relative_l2=change), points)
