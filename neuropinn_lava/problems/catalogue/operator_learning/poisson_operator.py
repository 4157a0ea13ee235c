"""`poisson-operator`: a nonlinear Poisson equation with a random source, by one network that takes the source."""

from __future__ import annotations

import numpy as np

from ....base.arrays import FloatArray
from ....geometry.domain import Box
from ....geometry.function_space import GaussianField
from ...conditions import Dirichlet
from ...problem import PdeProblem
from ...recipes.operator_recipe import OPERATOR_NETWORK, OperatorRecipe
from ...recipes.recipe import CloudRecipe
from ...reference_solution import ReferenceSolution
from ...solvers.chebyshev_square import Coefficients, solve_on_square

CUBIC = 5.0
"""Factor on u**3."""
SOURCES = GaussianField(along="xy", length=0.35, scale=10.0, least_weight=0.02)
"""Sources f(x, y) with a standard deviation of 10."""
RECIPE = OperatorRecipe(
    branch=OPERATOR_NETWORK, cloud=CloudRecipe(n_per_axis=(20, 20, 8)), activity=0.17, activity_weight=40.0
)


def make_poisson_operator() -> PdeProblem:
    """Build a nonlinear Poisson equation with a random source.

        -(u_xx + u_yy) + 5 u**3 = f(x, y)     on [0, 1]^2          u = 0 on the boundary

    Source: problem made here; reference by Chebyshev collocation and Newton's method.
    """

    def coefficients(places: FloatArray, column: FloatArray) -> Coefficients:
        ones, zeros = np.ones(len(places)), np.zeros(len(places))
        return Coefficients(ones, zeros, zeros, SOURCES.values(column[None], places)[0])

    def solution(points: FloatArray) -> FloatArray:
        return solve_on_square(points, coefficients, CUBIC)

    return PdeProblem(
        name="poisson-operator",
        title="Nonlinear Poisson equation, random source",
        text="-(u_xx + u_yy) + 5 u**3 = f(x, y), f a Gaussian field of length 0.35 and size 10; u = 0 on the boundary",
        domain=Box(np.array([0.0, 0.0]), np.array([1.0, 1.0])),
        equations=lambda f: f.u_xx + f.u_yy - CUBIC * f.u**3 + f.source,
        parameters={"source": SOURCES},
        conditions=(Dirichlet(0.0, name="walls"),),
        reference=ReferenceSolution(
            evaluate=solution, relative_accuracy=1e-6, source="Chebyshev collocation of degree 20 and Newton's method"
        ),
        recipe=RECIPE,
    )
