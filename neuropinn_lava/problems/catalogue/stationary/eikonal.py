"""`eikonal`: the distance to the boundary of the L-shaped region, as the solution of a differential equation."""

from __future__ import annotations

from ....base.arrays import FloatArray
from ....network.transforms import Link
from ....operators.operator_kind import OperatorKind
from ...built_in import vanishing_ansatz
from ...conditions import Dirichlet
from ...problem import PdeProblem
from ...recipes.phases import PhaseRecipe
from ...recipes.recipe import CloudRecipe, NetworkRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution, restricted_to_domain
from ...solvers.lshape import distance_in_lshape, lshape_domain

RECIPE = TrainingRecipe(
    network=NetworkRecipe(output_scale=1.0),
    cloud=CloudRecipe(n_per_axis=(40, 40), operator=OperatorKind.QUADRATIC, n_neighbours=9),
    phases=(
        PhaseRecipe(n_iterations=2000, learning_rate=5e-3),
        PhaseRecipe(n_iterations=2500, learning_rate=3e-3, activity_weight=1.0, target_activity=0.35, ramp=0.5),
    ),
    viscosity=0.02,
)
"""The distance has ridges, which a quartic fit would overshoot; viscosity rounds them off and makes the solution unique.
On this cloud the viscous equation solved exactly by fits is off by 2.9e-2, by 3.5e-2 with a viscosity of 0.03 and by 3.3e-2
with 0.014, where the cells are too wide for it; on 32 x 32 cells the best is 3.7e-2."""


def make_eikonal() -> PdeProblem:
    """Build the eikonal equation on the L-shaped region.

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
        text="|grad u| = 1; u = 0 on the boundary of [-1, 1]^2 without x, y > 0",
        domain=domain,
        equations=lambda f: f.u_x**2 + f.u_y**2 - f.viscosity * (f.u_xx + f.u_yy) - 1,
        residual_scale=1.0,
        conditions=(Dirichlet(0.0, name="walls"),),
        own_ansatz=vanishing_ansatz(domain.factor(), Link.SOFTPLUS),
        reference=ReferenceSolution(
            evaluate=restricted_to_domain(domain, solution, "eikonal"), relative_accuracy=1e-14, source="closed form"
        ),
        recipe=RECIPE,
    )
