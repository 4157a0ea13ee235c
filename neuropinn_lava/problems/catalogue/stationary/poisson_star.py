"""`poisson-star`: Poisson's equation between a five-petal star and a round hole."""

from __future__ import annotations

import dataclasses

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ...built_in import vanishing_ansatz
from ...conditions import Dirichlet
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution, restricted_to_domain
from ...solvers.star import LEVEL_SET, Forces, solve_star, star_domain, to_polar

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=0.5),
    cloud=CloudRecipe(n_per_axis=(52, 52)),
    phases=accurate_then_sparse(0.25, n_accurate=60, n_sparse=200, activity_weight=1.0),
)
"""u / d lies within 0.12 and 0.92 for strength 5. The valleys between the petals want small cells: on 36 x 36, quartic fits
reach too far around them (4.7e-3). Adam on 36 x 36 cells that move, with quadratic fits, ended at 3.8e-3."""


def make_poisson_star(*, strength: float = 5.0) -> PdeProblem:
    """Build Poisson's equation on the star with a hole.

        -(u_xx + u_yy) = f     inside r = 0.75 + 0.2 cos 5a, outside the circle of radius 0.25 about (0.1, 0.05)
        u = 0                  on both

    Args:
        strength: f, 0.1 to 100.

    Raises:
        SpecError: If the parameter is out of range.
    """
    raise_violations(check_range("make_poisson_star.strength", strength, 0.1, 100.0))
    domain = star_domain()

    def solution(points: FloatArray) -> FloatArray:
        unit = solve_star(Forces(1.0, (0.0, 0.0), 1.0))
        u: FloatArray = strength * unit.evaluate(*to_polar(points))
        return u[:, None]

    return PdeProblem(
        name="poisson-star",
        title="Poisson equation on a star with a hole",
        text=f"-(u_xx + u_yy) = {strength:g}; u = 0 on the star r = 0.75 + 0.2 cos 5a and on the hole",
        domain=domain,
        equations=lambda f: -(f.u_xx + f.u_yy) - strength,
        residual_scale=strength,
        conditions=(Dirichlet(0.0, name="walls"),),
        own_ansatz=vanishing_ansatz(LEVEL_SET),
        reference=ReferenceSolution(
            evaluate=restricted_to_domain(domain, solution, "poisson-star"),
            relative_accuracy=5e-5,
            source="curved quadratic finite elements, 32 x 160; with half as many each way 2.8e-4 off",
        ),
        recipe=RECIPE,
    )
