"""`diffusion-operator`: diffusion through a random medium, by one network that takes the logarithm of the conductivity."""

from __future__ import annotations

from dataclasses import replace

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

MEDIA = GaussianField(along="xy", length=0.5, scale=0.5, least_weight=0.02)
"""Logarithms of the conductivity, with a standard deviation of 0.5: e-fold between one medium and another."""
SOURCE = 10.0
"""Source of the equation, the same everywhere."""
TRUNK, BRANCH = (replace(OPERATOR_NETWORK, widths=widths) for widths in ((96, 96), (128, 128)))
"""Layers. The features reach 0.1 %; their coefficients are harder to learn, 2.6 % with 96 neurons a layer of the branch."""
RECIPE = OperatorRecipe(
    trunk=TRUNK,
    branch=BRANCH,
    cloud=CloudRecipe(n_per_axis=(20, 20, 8)),
    n_solved=6000,
    n_branch=14_000,
    learning_rate=3e-3,
    activity=0.14,
    activity_weight=60.0,
)


def make_diffusion_operator() -> PdeProblem:
    """Build the diffusion equation with a random conductivity, as in Darcy's flow.

        (a u_x)_x + (a u_y)_y + 10 = 0,  a = exp(g(x, y))     on [0, 1]^2          u = 0 on the boundary
        u_xx + u_yy + g_x u_x + g_y u_y + 10 exp(-g) = 0      the same, divided by a

    Source: problem made here; reference by Chebyshev collocation.
    """

    def coefficients(places: FloatArray, column: FloatArray) -> Coefficients:
        g, g_x, g_y = MEDIA.values_and_slopes(column, places)
        return Coefficients(np.ones(len(places)), g_x, g_y, SOURCE * np.exp(-g))

    def solution(points: FloatArray) -> FloatArray:
        return solve_on_square(points, coefficients)

    return PdeProblem(
        name="diffusion-operator",
        title="Diffusion through a random medium",
        text="div(exp(g) grad u) + 10 = 0, g a Gaussian field of length 0.5 and size 0.5; u = 0 on the boundary",
        domain=Box(np.array([0.0, 0.0]), np.array([1.0, 1.0])),
        equations=lambda f: (
            f.u_xx
            + f.u_yy
            + f.medium.derivative("x") * f.u_x
            + f.medium.derivative("y") * f.u_y
            + SOURCE * np.exp(-f.medium)
        ),
        parameters={"medium": MEDIA},
        conditions=(Dirichlet(0.0, name="walls"),),
        reference=ReferenceSolution(
            evaluate=solution, relative_accuracy=1e-6, source="Chebyshev collocation of degree 20"
        ),
        recipe=RECIPE,
    )
