"""`wave2d`: a square membrane that swings in its lowest mode."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....geometry.domain import Box
from ...conditions import Dirichlet, Initial, InitialDerivative
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution
from ...solvers.closed_forms import membrane_mode

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=2.0),
    cloud=CloudRecipe(n_per_axis=(8, 8, 12), n_neighbours=60),
    phases=accurate_then_sparse(0.2, n_accurate=40, n_sparse=80),
)
"""A step of Gauss-Newton on 600 centres in three coordinates, whose discrete equations are right to 2.8e-3."""


def make_wave2d(*, speed: float = 1.0) -> PdeProblem:
    """Build the wave equation on a square.

        u_tt = c^2 (u_xx + u_yy)     on (x, y, t) in [0, 1]^3
        u = sin(pi x) sin(pi y), u_t = 0 at t = 0;  u = 0 on the sides
        u = sin(pi x) sin(pi y) cos(sqrt(2) c pi t)

    Args:
        speed: c, 0.1 to 2.

    Raises:
        SpecError: If the parameter is out of range.

    Source: Courant and Hilbert, Methods of Mathematical Physics I (1953), V.5.
    """
    raise_violations(check_range("make_wave2d.speed", speed, 0.1, 2.0))

    def solution(points: FloatArray) -> FloatArray:
        return membrane_mode(points, speed)

    return PdeProblem(
        name="wave2d",
        title="Wave equation on a membrane",
        text=f"u_tt = {speed**2:g} (u_xx + u_yy); u = sin(pi x) sin(pi y), u_t = 0 at t = 0, u = 0 on the sides",
        domain=Box.space_time([0.0, 0.0, 0.0], [1.0, 1.0, 1.0]),
        equations=lambda f: f.u_tt - speed**2 * (f.u_xx + f.u_yy),
        conditions=(
            Dirichlet(0.0, on=("x_lower", "x_upper", "y_lower", "y_upper"), name="sides"),
            Initial(lambda p: np.sin(np.pi * p.x) * np.sin(np.pi * p.y), name="start"),
            InitialDerivative(0.0, name="speed at the start"),
        ),
        reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-13, source="closed form"),
        recipe=RECIPE,
    )
