"""`poisson-steep`: Poisson's equation whose solution has a steep inner layer along x = 0."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....base.expression_sources import Names
from ....geometry.domain import Box
from ....geometry.fields.scalar_fields import Trigonometric
from ....geometry.grading import Grading
from ....network.transforms import Ansatz
from ...built_in import vanishing_polynomial
from ...conditions import Dirichlet
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=2.0, initial_gain=2.0),
    cloud=CloudRecipe(n_per_axis=(40, 32), gradings=(Grading(axis=0, centre=0.0, width=0.15, gain=3.0),)),
    phases=accurate_then_sparse(0.27, n_accurate=40, n_sparse=80, activity_weight=0.3),
)
"""(u - g) / d lies within 2.9; on this cloud the equation solved exactly by fits is off by 6.4e-4.
The layer is 1/10 wide; the grading makes cells of 0.026 in it and 0.08 at the walls."""


def make_poisson_steep(*, steepness: float = 10.0) -> PdeProblem:
    """Build Poisson's equation with a steep layer.

        u_xx + u_yy = f     on [-1, 1]^2          u = x tanh(k) sin(2 pi y) on the boundary
        u = (0.1 sin 2 pi x + tanh k x) sin 2 pi y
        f = -[0.8 pi^2 sin 2 pi x + 2 k^2 tanh k x (1 - tanh^2 k x) + 4 pi^2 tanh k x] sin 2 pi y

    Args:
        steepness: k, 1 to 20; the layer is 1/k wide.

    Raises:
        SpecError: If the parameter is out of range.

    Source: problem set of the SP-PINN code of Navaneeth and Chakraborty.
    """
    raise_violations(check_range("make_poisson_steep.steepness", steepness, 1.0, 20.0))
    box = Box(lower=-np.ones(2), upper=np.ones(2))
    data = Trigonometric(
        coefficients=np.array([np.tanh(steepness)]),
        exponents=np.array([[1, 0]]),
        frequencies=np.array([[0.0, 2 * np.pi]]),
        phases=np.array([[0.0, np.pi / 2]]),
    )

    def solution(points: FloatArray) -> FloatArray:
        x, y = points.T
        u: FloatArray = (0.1 * np.sin(2 * np.pi * x) + np.tanh(steepness * x)) * np.sin(2 * np.pi * y)
        return u[:, None]

    def source(f: Names) -> Any:
        step = np.tanh(steepness * f.x)
        wave = 0.8 * np.pi**2 * np.sin(2 * np.pi * f.x)
        return -(wave + (2 * steepness**2 * (1 - step**2) + 4 * np.pi**2) * step) * np.sin(2 * np.pi * f.y)

    def edges(p: Names) -> Any:
        return (0.1 * np.sin(2 * np.pi * p.x) + np.tanh(steepness * p.x)) * np.sin(2 * np.pi * p.y)

    return PdeProblem(
        name="poisson-steep",
        title="Poisson equation with a steep layer",
        text=f"u_xx + u_yy = f; f and u on the boundary from u = (0.1 sin 2 pi x + tanh {steepness:g} x) sin 2 pi y",
        domain=box,
        equations=lambda f: f.u_xx + f.u_yy - source(f),
        residual_scale=50.0,
        conditions=(Dirichlet(edges, name="walls"),),
        own_ansatz=Ansatz(offset=(data,), factor=(vanishing_polynomial(box),)),
        reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-14, source="closed form"),
        recipe=RECIPE,
    )
