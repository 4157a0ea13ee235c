"""`burgers`: Burgers' equation with enough viscosity to stay smooth."""

from __future__ import annotations

import dataclasses

import numpy as np

from ...base.arrays import FloatArray
from ...base.checks import check_range, raise_violations
from ...geometry.domain import Box
from ...network.transforms import Ansatz
from ..conditions import vanishing_polynomial, wave_along
from ..problem import Condition, PdeProblem, ReferenceSolution, covered_by, no_source
from ..recipe import SOLVER_MODEL, CloudRecipe, TrainingRecipe, accurate_then_sparse
from ..solvers.cole_hopf import solve_burgers

RECIPE = TrainingRecipe(
    model=dataclasses.replace(SOLVER_MODEL, output_scale=2.0),
    cloud=CloudRecipe(n_per_axis=(24, 24)),
    phases=accurate_then_sparse(0.17),
)
"""(u - g) / d lies within -3.4 and 1.8."""


def make_burgers(*, viscosity: float = 0.1) -> PdeProblem:
    """Make Burgers' equation on the unit interval.

        u_t + u u_x = v u_xx     on (x, t) in [0, 1]^2          u = sin(pi x) at t = 0, u = 0 at x = 0 and x = 1

    Args:
        viscosity: v, 0.02 to 1; below, a shock forms at x = 1 that this grid does not resolve.

    Raises:
        SpecError: If the parameter is out of range.

    Source: problem set of the SP-PINN code of Navaneeth and Chakraborty.
    """
    raise_violations(check_range("make_burgers.viscosity", viscosity, 0.02, 1.0))
    box = Box.space_time([0.0, 0.0], [1.0, 1.0])
    start = wave_along(0, 2, np.pi)

    def solution(points: FloatArray) -> FloatArray:
        return solve_burgers(points, viscosity, 1.0)

    def prescribed(points: FloatArray) -> FloatArray:
        wave: FloatArray = start.evaluate(points)
        return wave[:, None]  # zero on the walls, too

    return PdeProblem(
        name="burgers",
        title="Burgers equation, smooth",
        equation=f"u_t + u u_x = {viscosity:g} u_xx; u = sin(pi x) at t = 0, u = 0 at x = 0, x = 1",
        coordinates=("x", "t"),
        domain=box,
        derivatives=("u_t", "u_x", "u_xx"),
        source=no_source,
        residual=lambda f: (f.u_t + f.u * f.u_x - viscosity * f.u_xx,),
        conditions=(Condition(name="walls and start", applies=box.on_boundary, value=prescribed),),
        ansatz=Ansatz(offset=(start,), factor=(vanishing_polynomial(box),)),
        reference=ReferenceSolution(
            evaluate=covered_by(box, solution, "burgers"), relative_accuracy=1e-10, source="Cole-Hopf quadrature"
        ),
        recipe=RECIPE,
    )
