"""`eikonal`: the distance to the boundary of the L-shaped region, as the solution of a differential equation."""

from __future__ import annotations

from ..arrays import FloatArray
from ..recipe import CloudRecipe, ModelRecipe, OperatorKind, TrainingRecipe
from ..transforms import Link
from .hard_conditions import vanishing_with
from .lshape import distance_in_lshape, lshape_domain
from .problem import Condition, PdeProblem, ReferenceSolution, covered_by, held_at

RECIPE = TrainingRecipe(
    model=ModelRecipe(output_scale=1.0),
    cloud=CloudRecipe(n_per_axis=(32, 32), operator=OperatorKind.QUADRATIC, n_neighbours=9),
    viscosity=0.02,
)
"""The distance has ridges, which a quartic fit would overshoot; viscosity rounds them off and makes the solution unique."""


def make_eikonal() -> PdeProblem:
    """Make the eikonal equation on the L-shaped region.

        u_x^2 + u_y^2 - e (u_xx + u_yy) = 1     on [-1, 1]^2 without x, y > 0          u = 0 on the boundary

    e is the recipe's viscosity while training, and zero where a residual is measured. The network's output is made
    positive: of all functions of slope one, the distance is the one that rises from every wall.

    Source: reference in closed form.
    """
    domain = lshape_domain()

    def solution(points: FloatArray) -> FloatArray:
        return distance_in_lshape(points)[:, None]

    return PdeProblem(
        name="eikonal",
        title="Eikonal equation on the L-shape",
        equation="|grad u| = 1; u = 0 on the boundary of [-1, 1]^2 without x, y > 0",
        coordinates=("x", "y"),
        domain=domain,
        derivatives=("u_x", "u_y", "u_xx", "u_yy"),
        source=lambda points: held_at(1.0)(points)[:, 0],
        residual=lambda f: (f.u_x * f.u_x + f.u_y * f.u_y - f.viscosity * (f.u_xx + f.u_yy) - f.source,),
        conditions=(Condition(name="walls", applies=domain.on_boundary, value=held_at(0.0)),),
        ansatz=vanishing_with(domain.factor(), Link.SOFTPLUS),
        reference=ReferenceSolution(
            evaluate=covered_by(domain, solution, "eikonal"), relative_accuracy=1e-14, source="closed form"
        ),
        recipe=RECIPE,
    )
