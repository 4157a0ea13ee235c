"""`kovasznay`: steady flow behind a grid, two velocities and a pressure."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....base.expression_sources import Names
from ....geometry.domain import Box
from ...conditions import Dirichlet
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution
from ...solvers.closed_forms import kovasznay_flow
from .momentum import steady_flow

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=1.0),
    cloud=CloudRecipe(n_per_axis=(24, 24)),
    phases=accurate_then_sparse(0.2, n_accurate=40, n_sparse=120, activity_weight=2.0),
)
"""Velocities are built in on all four sides; the pressure is determined by its gradient, and a mean of zero."""


def make_kovasznay(*, reynolds: float = 40.0) -> PdeProblem:
    """Build Kovasznay's flow.

        u u_x + v u_y + p_x - nu (u_xx + u_yy) = 0,  u v_x + v v_y + p_y - nu (v_xx + v_yy) = 0,  u_x + v_y = 0,  nu = 1 / Re
        on [-0.5, 1] x [-0.5, 0.5],  u and v of the solution on the boundary,  mean of p = 0
        u = 1 - e^(k x) cos(2 pi y)          v = k / (2 pi) e^(k x) sin(2 pi y)          p = (1 - e^(2 k x)) / 2 - mean
        k = Re / 2 - sqrt(Re^2 / 4 + 4 pi^2)

    Args:
        reynolds: Re, 10 to 100.

    Raises:
        SpecError: If the parameter is out of range.

    Source: Kovasznay, Proc. Camb. Phil. Soc. 44 (1948) 58; DeepXDE's example of the same name.
    """
    raise_violations(check_range("make_kovasznay.reynolds", reynolds, 10.0, 100.0))
    k = reynolds / 2 - np.sqrt(reynolds**2 / 4 + 4 * np.pi**2)

    def solution(points: FloatArray) -> FloatArray:
        return kovasznay_flow(points, reynolds)

    def equations(f: Names) -> object:
        return steady_flow(f, 1 / reynolds)

    return PdeProblem(
        name="kovasznay",
        title="Kovasznay flow",
        text=f"steady Navier-Stokes equations, Re = {reynolds:g}; u and v of Kovasznay's solution on the boundary",
        unknowns=("u", "v", "p"),
        domain=Box(np.array([-0.5, -0.5]), np.array([1.0, 0.5])),
        equations=equations,
        conditions=(
            Dirichlet(lambda p: 1 - np.exp(k * p.x) * np.cos(2 * np.pi * p.y), unknown="u", name="u on the boundary"),
            Dirichlet(
                lambda p: k / (2 * np.pi) * np.exp(k * p.x) * np.sin(2 * np.pi * p.y),
                unknown="v",
                name="v on the boundary",
            ),
        ),
        reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-14, source="closed form"),
        recipe=RECIPE,
    )
