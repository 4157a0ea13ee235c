"""`poisson-mixed`: Poisson's equation with three cold sides and a fourth through which heat flows."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....geometry.domain import Box
from ...conditions import Dirichlet, Neumann
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution
from ...solvers.closed_forms import mixed_poisson

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=2.0),
    cloud=CloudRecipe(n_per_axis=(24, 24)),
    phases=accurate_then_sparse(0.15),
)
"""The flux is rows of the residual; the three cold sides are built in."""


def make_poisson_mixed(*, strength: float = 1.0) -> PdeProblem:
    """Build Poisson's equation with one Neumann side.

        -(u_xx + u_yy) = (5 pi^2 / 4) q sin(pi x) sin(pi y / 2)     on [0, 1]^2
        u = 0 at x = 0, x = 1 and y = 0;  u_y = q sin(pi x) at y = 1

    Args:
        strength: q, 0.1 to 10.

    Raises:
        SpecError: If the parameter is out of range.

    Source: manufactured; see `mixed_poisson`.
    """
    raise_violations(check_range("make_poisson_mixed.strength", strength, 0.1, 10.0))

    def solution(points: FloatArray) -> FloatArray:
        u: FloatArray = strength * mixed_poisson(points)
        return u

    source = 1.25 * np.pi**2 * strength
    return PdeProblem(
        name="poisson-mixed",
        title="Poisson equation with a Neumann side",
        text=f"-(u_xx + u_yy) = {source:.6g} sin(pi x) sin(pi y / 2); u = 0 at x = 0, x = 1, y = 0, "
        f"u_y = {strength:g} sin(pi x) at y = 1",
        domain=Box(np.array([0.0, 0.0]), np.array([1.0, 1.0])),
        equations=lambda f: -(f.u_xx + f.u_yy) - source * np.sin(np.pi * f.x) * np.sin(np.pi * f.y / 2),
        conditions=(
            Dirichlet(0.0, on=("x_lower", "x_upper", "y_lower"), name="cold sides"),
            Neumann(lambda p: strength * np.sin(np.pi * p.x), on="y_upper", name="flux"),
        ),
        reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-14, source="closed form"),
        recipe=RECIPE,
    )
