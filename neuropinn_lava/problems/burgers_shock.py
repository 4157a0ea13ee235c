"""`burgers-shock`: Burgers' equation with little viscosity, whose solution steepens to a shock at x = 0."""

from __future__ import annotations

import numpy as np

from ..arrays import FloatArray
from ..checks import check_range, raise_violations
from ..geometry import Box
from ..recipe import CloudRecipe, Grading, ModelRecipe, TrainingRecipe
from ..transforms import Ansatz
from .cole_hopf import solve_burgers
from .hard_conditions import vanishing_polynomial, wave_along
from .problem import Condition, PdeProblem, ReferenceSolution, covered_by, no_source

RECIPE = TrainingRecipe(
    model=ModelRecipe(output_scale=3.0),
    cloud=CloudRecipe(n_per_axis=(96, 24), gradings=(Grading(axis=0, centre=0.0, width=0.03, gain=20.0),)),
)
"""(u - g) / d lies within 5. The shock is 2 v = 0.0064 wide; the grading makes cells of 0.002 there and 0.04 at the walls."""


def make_burgers_shock(*, viscosity: float = 0.01 / np.pi) -> PdeProblem:
    """Make Burgers' equation with a shock.

        u_t + u u_x = v u_xx     on (x, t) in [-1, 1] x [0, 1]          u = -sin(pi x) at t = 0, u = 0 at x = -1 and x = 1

    Args:
        viscosity: v, 0.002 to 0.1.

    Raises:
        SpecError: If the parameter is out of range.

    Source: Basdevant et al., Computers and Fluids 14 (1986) 23; the usual test of physics-informed networks.
    """
    raise_violations(check_range("make_burgers_shock.viscosity", viscosity, 0.002, 0.1))
    box = Box.space_time([-1.0, 0.0], [1.0, 1.0])
    start = wave_along(0, 2, np.pi, amplitude=-1.0)

    def solution(points: FloatArray) -> FloatArray:
        return solve_burgers(points, viscosity, -1.0)

    def prescribed(points: FloatArray) -> FloatArray:
        wave: FloatArray = start.evaluate(points)
        return wave[:, None]  # zero on the walls, too

    return PdeProblem(
        name="burgers-shock",
        title="Burgers equation with a shock",
        equation=f"u_t + u u_x = {viscosity:.6g} u_xx; u = -sin(pi x) at t = 0, u = 0 at x = -1, x = 1",
        coordinates=("x", "t"),
        domain=box,
        derivatives=("u_t", "u_x", "u_xx"),
        source=no_source,
        residual=lambda f: (f.u_t + f.u * f.u_x - viscosity * f.u_xx,),
        residual_scale=np.pi,
        conditions=(Condition(name="walls and start", applies=box.on_boundary, value=prescribed),),
        ansatz=Ansatz(offset=(start,), factor=(vanishing_polynomial(box),)),
        reference=ReferenceSolution(
            evaluate=covered_by(box, solution, "burgers-shock"), relative_accuracy=1e-10, source="Cole-Hopf quadrature"
        ),
        recipe=RECIPE,
    )
