"""`helmholtz`: Helmholtz' equation with one half wave one way and four whole ones the other."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....geometry.domain import Box
from ...conditions import Dirichlet
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution
from ...solvers.closed_forms import helmholtz_mode

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, initial_gain=2.0),
    cloud=CloudRecipe(n_per_axis=(26, 74)),
    phases=accurate_then_sparse(0.28, n_accurate=60, least_damping=1e-5),
)
"""First weights of a gain of 3 oscillate between the points: on 23 x 66 cells seed 1 ended at 6.6e-3, with a gain of 2 at
2.9e-3, and with the cells above at 1.2e-3."""
MODES = (1, 4)
"""Numbers of whole waves along x and y."""


def make_helmholtz(*, wave_number: float = 1.0) -> PdeProblem:
    """Build Helmholtz' equation.

        u_xx + u_yy + k^2 u = f     on [-1, 1]^2          u = 0 on the boundary
        u = sin(pi x) sin(4 pi y)                         f = (k^2 - 17 pi^2) u

    Args:
        wave_number: k, 0 to 2; further up lie values at which the equation has no unique solution.

    Raises:
        SpecError: If the parameter is out of range.

    Source: Wang, Teng and Perdikaris, SIAM J. Sci. Comput. 43 (2021) A3055, section 4.1.
    """
    raise_violations(check_range("make_helmholtz.wave_number", wave_number, 0.0, 2.0))
    square = wave_number**2
    size = 17 * np.pi**2 - square

    def solution(points: FloatArray) -> FloatArray:
        return helmholtz_mode(points, MODES)

    return PdeProblem(
        name="helmholtz",
        title="Helmholtz equation",
        text=f"u_xx + u_yy + {square:g} u = {-size:.6g} sin(pi x) sin(4 pi y); u = 0 on the boundary",
        domain=Box(np.array([-1.0, -1.0]), np.array([1.0, 1.0])),
        equations=lambda f: f.u_xx + f.u_yy + square * f.u + size * np.sin(np.pi * f.x) * np.sin(4 * np.pi * f.y),
        conditions=(Dirichlet(0.0, name="walls"),),
        reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-13, source="closed form"),
        recipe=RECIPE,
    )
