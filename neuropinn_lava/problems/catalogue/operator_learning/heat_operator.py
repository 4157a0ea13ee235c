"""`heat-operator`: the heat equation with a random source, by one network that takes the source."""

from __future__ import annotations

from ....base.arrays import FloatArray
from ....geometry.domain import Box
from ....geometry.function_space import GaussianField
from ...conditions import Dirichlet
from ...problem import PdeProblem
from ...recipes.operator_recipe import OperatorRecipe
from ...reference_solution import ReferenceSolution
from ...solvers.drawn.random_source import solve_heated_rod

DIFFUSIVITY = 0.1
"""Diffusivity of the rod."""
SOURCES = GaussianField(length=0.2)
"""Sources f(x) of unit variance."""
RECIPE = OperatorRecipe(activity_weight=60.0)


def make_heat_operator() -> PdeProblem:
    """Build the heat equation with a random source that does not change in time.

        u_t = 0.1 u_xx + f(x)     x in [0, 1], t in [0, 1]          u = 0 at the start and at both ends

    Source: the family is that of SPINONet's heat equation (arXiv 2603.21674) in kind, with other sizes; reference: sine series.
    """

    def solution(points: FloatArray) -> FloatArray:
        return solve_heated_rod(points, SOURCES, DIFFUSIVITY)

    return PdeProblem(
        name="heat-operator",
        title="Heat equation, random source",
        text="u_t = 0.1 u_xx + f(x), f a Gaussian field of length 0.2; u = 0 at the start and at both ends",
        domain=Box.space_time([0.0, 0.0], [1.0, 1.0]),
        equations=lambda f: f.u_t - DIFFUSIVITY * f.u_xx - f.source,
        parameters={"source": SOURCES},
        conditions=(Dirichlet(0.0, name="start and ends"),),
        reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-5, source="sine series of 400 terms"),
        recipe=RECIPE,
    )
