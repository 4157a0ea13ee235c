"""`laplace`: Laplace's equation on the unit square with smooth data on its edges."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.arrays import FloatArray
from ....geometry.domain import Box
from ....network.transforms import Ansatz
from ...built_in import vanishing_polynomial
from ...conditions import Dirichlet
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution
from ...solvers.transfinite import coons_polynomial

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=0.07),
    cloud=CloudRecipe(n_per_axis=(20, 20)),
    phases=accurate_then_sparse(0.08),
)
"""(u - g) / d lies within -0.073 and -0.018: the edge data determine most of this solution, so few spikes are enough."""


def make_laplace() -> PdeProblem:
    """Build Laplace's equation on the unit square.

        u_xx + u_yy = 0     on [0, 1]^2          u = y / ((1 + x)^2 + y^2) on the boundary, and so inside

    The ansatz blends the data of the four edges; it knows nothing of the inside.

    Source: problem set of the SP-PINN code of Navaneeth and Chakraborty; u is the imaginary part of -1 / (1 + x + i y).
    """
    box = Box(lower=np.zeros(2), upper=np.ones(2))
    data = coons_polynomial(
        left=lambda y: y / (1 + y**2),
        right=lambda y: y / (4 + y**2),
        bottom=np.zeros_like,
        top=lambda x: 1 / ((1 + x) ** 2 + 1),
    )

    def solution(points: FloatArray) -> FloatArray:
        x, y = points.T
        u: FloatArray = y / ((1 + x) ** 2 + y**2)
        return u[:, None]

    return PdeProblem(
        name="laplace",
        title="Laplace equation on the square",
        text="u_xx + u_yy = 0; u = y / ((1 + x)^2 + y^2) on the boundary",
        domain=box,
        equations=lambda f: f.u_xx + f.u_yy,
        residual_scale=1.0,
        conditions=(Dirichlet(lambda p: p.y / ((1 + p.x) ** 2 + p.y**2), name="edges"),),
        own_ansatz=Ansatz(offset=(data,), factor=(vanishing_polynomial(box),)),
        reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-14, source="closed form"),
        recipe=RECIPE,
    )
