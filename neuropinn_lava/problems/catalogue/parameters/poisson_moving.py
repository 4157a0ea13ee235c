"""`poisson-moving`: Poisson's equation whose source may stand anywhere on a line, by one network that takes its place."""

from __future__ import annotations

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....geometry.domain import Box
from ....geometry.parametric_domain import Range
from ...conditions import Dirichlet
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution
from ...solvers.drawn.moving_source import solve_moving_source

RECIPE = TrainingRecipe(
    network=SOLVER_NETWORK,
    cloud=CloudRecipe(n_per_axis=(18, 18, 6)),
    phases=accurate_then_sparse(0.2, n_accurate=60, n_sparse=120, activity_weight=1.0),
)
"""Six places are drawn anew at every step."""
STRENGTH = 100.0
"""Height of the source."""


def make_poisson_moving(*, width: float = 0.1) -> PdeProblem:
    """Build Poisson's equation with the place of its source as a parameter.

        -(u_xx + u_yy) = 100 exp(-((x - s)^2 + (y - 1/2)^2) / (2 w^2))     on [0, 1]^2, s in [0.25, 0.75]
        u = 0 on the boundary

    Args:
        width: w, 0.08 to 0.15.

    Raises:
        SpecError: If the parameter is out of range.

    Source: problem made here; reference by a double sine series.
    """
    raise_violations(check_range("make_poisson_moving.width", width, 0.08, 0.15))

    def solution(points: FloatArray) -> FloatArray:
        return solve_moving_source(points, width, STRENGTH)

    return PdeProblem(
        name="poisson-moving",
        title="Poisson equation, a family of sources",
        text=f"-(u_xx + u_yy) = {STRENGTH:g} exp(-((x - s)^2 + (y - 1/2)^2) / (2 * {width:g}^2)), s in [0.25, 0.75]; u = 0 on "
        "the boundary",
        domain=Box(np.array([0.0, 0.0]), np.array([1.0, 1.0])),
        equations=lambda f: (
            f.u_xx + f.u_yy + STRENGTH * np.exp(-((f.x - f.s) ** 2 + (f.y - 0.5) ** 2) / (2 * width**2))
        ),
        parameters={"s": Range(0.25, 0.75)},
        conditions=(Dirichlet(0.0, name="walls"),),
        reference=ReferenceSolution(
            evaluate=solution, relative_accuracy=3e-5, source="double sine series, 96 x 48 terms"
        ),
        recipe=RECIPE,
    )
