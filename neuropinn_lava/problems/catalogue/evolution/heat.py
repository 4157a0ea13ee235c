"""`heat`: a rod that is cold at first and at its ends, warmed by a steady source."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....geometry.domain import Box
from ...built_in import vanishing_ansatz, vanishing_polynomial
from ...conditions import Dirichlet
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=20.0),
    cloud=CloudRecipe(n_per_axis=(24, 24)),
    phases=accurate_then_sparse(0.135),
)
"""u / d is 25 at the start and 10 at the end of the default problem. docs/results/training.md lists other settings."""


def make_heat(*, diffusivity: float = 1.0, strength: float = 100.0) -> PdeProblem:
    """Build the heat equation with a source.

        u_t - k u_xx = q sin(pi x)     on (x, t) in [0, 1]^2          u = 0 at t = 0, x = 0 and x = 1
        u = q / (k pi^2) * (1 - exp(-k pi^2 t)) * sin(pi x)

    Args:
        diffusivity: k, 0.01 to 10.
        strength: q, 1e-3 to 1e3.

    Raises:
        SpecError: If a parameter is out of range.

    Source: problem set of the SP-PINN code of Navaneeth and Chakraborty.
    """
    found = [*check_range("make_heat.diffusivity", diffusivity, 0.01, 10.0)]
    raise_violations([*found, *check_range("make_heat.strength", strength, 1e-3, 1e3)])
    box = Box.space_time([0.0, 0.0], [1.0, 1.0])
    decay = diffusivity * np.pi**2

    def solution(points: FloatArray) -> FloatArray:
        x, t = points.T
        u: FloatArray = -strength / decay * np.expm1(-decay * t) * np.sin(np.pi * x)
        return u[:, None]

    return PdeProblem(
        name="heat",
        title="Heat equation with a source",
        text=f"u_t - {diffusivity:g} u_xx = {strength:g} sin(pi x); u = 0 at t = 0, x = 0, x = 1",
        domain=box,
        equations=lambda f: f.u_t - diffusivity * f.u_xx - strength * np.sin(np.pi * f.x),
        residual_scale=strength,
        conditions=(Dirichlet(0.0, name="walls and start"),),
        own_ansatz=vanishing_ansatz(vanishing_polynomial(box)),
        reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-14, source="closed form"),
        recipe=RECIPE,
    )
