"""`advection`: a sine that is carried round a ring."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....geometry.domain import Box
from ...conditions import Initial, Periodic
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution
from ...solvers.closed_forms import travelling_sine

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=2.0),
    cloud=CloudRecipe(n_per_axis=(24, 24), n_neighbours=20),
    phases=accurate_then_sparse(0.2, n_accurate=40, least_damping=1e-5),
)
"""The cloud closes on itself in x. Its discrete equations are right to 1.4e-4."""


def make_advection(*, speed: float = 2 * np.pi) -> PdeProblem:
    """Build the advection equation on a ring.

        u_t + c u_x = 0     on (x, t) in [0, 2 pi] x [0, 1]          u = sin x at t = 0, periodic in x
        u = sin(x - c t)

    Args:
        speed: c, 0.1 to 10.

    Raises:
        SpecError: If the parameter is out of range.

    Source: Krishnapriyan et al., NeurIPS 34 (2021) 26548, section 4.1, whose c goes up to 30 and more.
    """
    raise_violations(check_range("make_advection.speed", speed, 0.1, 10.0))

    def solution(points: FloatArray) -> FloatArray:
        return travelling_sine(points, speed)

    return PdeProblem(
        name="advection",
        title="Advection round a ring",
        text=f"u_t + {speed:.6g} u_x = 0; u = sin x at t = 0, periodic in x",
        domain=Box.space_time([0.0, 0.0], [2 * np.pi, 1.0]),
        equations=lambda f: f.u_t + speed * f.u_x,
        conditions=(Periodic("x"), Initial(lambda p: np.sin(p.x), name="start")),
        reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-13, source="closed form"),
        recipe=RECIPE,
    )
