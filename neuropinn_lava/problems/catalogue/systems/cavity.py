"""`cavity`: steady flow in a square cavity under a moving lid."""

from __future__ import annotations

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....base.expression_sources import Names
from ....geometry.domain import Box
from ...conditions import Dirichlet
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution, restricted_to_domain
from ...solvers.cavity import PARABOLIC_LID, solve_cavity
from .momentum import steady_flow

RECIPE = TrainingRecipe(
    network=SOLVER_NETWORK,
    cloud=CloudRecipe(n_per_axis=(24, 24)),
    phases=accurate_then_sparse(0.2, n_accurate=60, n_sparse=120, activity_weight=2.0),
)
"""Velocities are built in; the pressure has a mean of zero."""


def make_cavity(*, reynolds: float = 100.0) -> PdeProblem:
    """Build the flow in a cavity whose lid is faster in its middle.

        u u_x + v u_y + p_x - nu (u_xx + u_yy) = 0,  u v_x + v v_y + p_y - nu (v_xx + v_yy) = 0,  u_x + v_y = 0,  nu = 1 / Re
        on [0, 1]^2,  u = 4 x (1 - x), v = 0 at y = 1;  u = v = 0 on the other walls;  mean of p = 0

    Args:
        reynolds: Re, 1 to 400.

    Raises:
        SpecError: If the parameter is out of range.

    Source: PINNacle, arXiv 2306.08827, NS2d-C; reference computed here, checked under a plain lid against Ghia, Ghia and Shin,
    J. Comput. Phys. 48 (1982) 387.
    """
    raise_violations(check_range("make_cavity.reynolds", reynolds, 1.0, 400.0))
    box = Box(np.array([0.0, 0.0]), np.array([1.0, 1.0]))

    def solution(points: FloatArray) -> FloatArray:
        return solve_cavity(PARABOLIC_LID, reynolds).evaluate(points)

    def equations(f: Names) -> object:
        return steady_flow(f, 1 / reynolds)

    return PdeProblem(
        name="cavity",
        title="Flow in a cavity under a lid",
        text=f"steady Navier-Stokes equations, Re = {reynolds:g}; u = 4 x (1 - x) at y = 1, u = v = 0 on the other walls",
        unknowns=("u", "v", "p"),
        domain=box,
        equations=equations,
        conditions=(
            Dirichlet(lambda p: 4 * p.x * (1 - p.x), unknown="u", on="y_upper", name="lid"),
            Dirichlet(0.0, unknown="u", on=("x_lower", "x_upper", "y_lower"), name="u on the walls"),
            Dirichlet(0.0, unknown="v", name="v on the walls"),
        ),
        reference=ReferenceSolution(
            evaluate=restricted_to_domain(box, solution, "cavity"),
            relative_accuracy=2e-5,
            source="Galerkin method of degree 40 with the corners' flow split off; velocity 5e-7, pressure 2e-5",
        ),
        recipe=RECIPE,
    )
