"""`poisson-holes`: Laplace's equation on PINNacle's square with four round holes."""

from __future__ import annotations

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....geometry.domain import Box, Domain
from ....geometry.plane_region import Disc
from ...conditions import Dirichlet
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution, restricted_to_domain
from ...solvers.four_holes import CENTRES, HALF_SIDE, RADIUS, solve_four_holes

RECIPE = TrainingRecipe(
    network=SOLVER_NETWORK,
    cloud=CloudRecipe(n_per_axis=(32, 32)),
    phases=accurate_then_sparse(0.2, n_accurate=60, activity_weight=1.0),
)
"""Both values are rows of the residual: no factor is known that vanishes on sides and holes with different values on them."""
SIDES = ("x_lower", "x_upper", "y_lower", "y_upper")
"""Tags of the sides of the square."""
HOLES = tuple(f"hole_{k}" for k in range(1, len(CENTRES) + 1))
"""Tags of the holes."""


def make_poisson_holes(*, level: float = 1.0) -> PdeProblem:
    """Build Laplace's equation on a square with four holes.

        u_xx + u_yy = 0     on [-0.5, 0.5]^2 without discs of radius 0.1 about (+-0.3, +-0.3)
        u = a on the sides, u = 0 on the holes

    Args:
        level: a, 0.1 to 10.

    Raises:
        SpecError: If the parameter is out of range.

    Source: PINNacle, arXiv 2306.08827, Poisson2d-C; reference by a series of harmonic functions.
    """
    raise_violations(check_range("make_poisson_holes.level", level, 0.1, 10.0))
    domain = four_holes_domain()

    def solution(points: FloatArray) -> FloatArray:
        u: FloatArray = level * solve_four_holes().evaluate(points)
        return u

    return PdeProblem(
        name="poisson-holes",
        title="Laplace equation on a square with four holes",
        text=f"u_xx + u_yy = 0; u = {level:g} on the sides of [-0.5, 0.5]^2, u = 0 on four holes",
        domain=domain,
        equations=lambda f: f.u_xx + f.u_yy,
        conditions=(Dirichlet(level, on=SIDES, name="sides"), Dirichlet(0.0, on=HOLES, name="holes")),
        reference=ReferenceSolution(
            evaluate=restricted_to_domain(domain, solution, "poisson-holes"),
            relative_accuracy=1e-9,
            source="harmonic series, whose error on the boundary is measured",
        ),
        recipe=RECIPE,
    )


def four_holes_domain() -> Domain:
    """Build the square without its holes, whose parts are named `SIDES` and `HOLES`."""
    discs = [Disc(centre, RADIUS, name=tag) for centre, tag in zip(CENTRES, HOLES, strict=True)]
    whole = Box(np.array([-HALF_SIDE, -HALF_SIDE]), np.array([HALF_SIDE, HALF_SIDE]))
    first, *others = discs
    region = whole - first
    for disc in others:
        region = region - disc
    return region
