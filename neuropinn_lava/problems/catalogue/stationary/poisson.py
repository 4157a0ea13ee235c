"""`poisson`: Poisson's equation on the unit square with a smooth source, zero on the boundary."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....base.errors import Violation
from ....geometry.domain import Box
from ...built_in import vanishing_ansatz, vanishing_polynomial
from ...conditions import Dirichlet
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=2.0),
    cloud=CloudRecipe(n_per_axis=(24, 24)),
    phases=accurate_then_sparse(0.135),
)
"""u / d reaches 1.6 inside the default problem. docs/results/training.md lists other settings."""
MAX_MODE = 8
"""Highest number of half waves: the recipe's grid has then six points for each wave."""


def make_poisson(*, mode_x: int = 1, mode_y: int = 2) -> PdeProblem:
    """Build Poisson's equation on the unit square.

        -(u_xx + u_yy) = f     on [0, 1]^2          u = 0 on the boundary
        u = sin(a pi x) sin(b pi y)                 f = (a^2 + b^2) pi^2 u

    Args:
        mode_x: a, half waves along x, 1 to `MAX_MODE`.
        mode_y: b, half waves along y, 1 to `MAX_MODE`.

    Raises:
        SpecError: If a mode is no whole number or out of range.

    Source: manufactured; insert u.
    """
    for name, mode in (("mode_x", mode_x), ("mode_y", mode_y)):
        raise_violations(check_range(f"make_poisson.{name}", mode, 1, MAX_MODE))
        if mode != int(mode):
            raise_violations(
                [Violation(f"make_poisson.{name}", "be a whole number", mode, "u is zero on the walls then.")]
            )
    box = Box(lower=np.zeros(2), upper=np.ones(2))
    eigenvalue = (mode_x**2 + mode_y**2) * np.pi**2

    def solution(points: FloatArray) -> FloatArray:
        x, y = points.T
        u: FloatArray = np.sin(mode_x * np.pi * x) * np.sin(mode_y * np.pi * y)
        return u[:, None]

    return PdeProblem(
        name="poisson",
        title="Poisson equation on the square",
        text=f"-(u_xx + u_yy) = {eigenvalue:.6g} sin({mode_x} pi x) sin({mode_y} pi y); u = 0 on the boundary",
        domain=box,
        equations=lambda f: (
            -(f.u_xx + f.u_yy) - eigenvalue * np.sin(mode_x * np.pi * f.x) * np.sin(mode_y * np.pi * f.y)
        ),
        residual_scale=float(eigenvalue),
        conditions=(Dirichlet(0.0, name="walls"),),
        own_ansatz=vanishing_ansatz(vanishing_polynomial(box)),
        reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-14, source="closed form"),
        recipe=RECIPE,
    )
