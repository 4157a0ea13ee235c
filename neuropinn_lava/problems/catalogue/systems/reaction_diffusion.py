"""`reaction-diffusion`: the Gray-Scott pair on a ring, two substances of which one feeds on the other."""

from __future__ import annotations

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....base.expression_sources import Names
from ....base.expressions import Expression
from ....geometry.domain import Box
from ....geometry.grading import Grading
from ...conditions import Initial, Periodic
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution, restricted_to_domain
from ...solvers.reaction_spectral import Pair, solve_gray_scott

RECIPE = TrainingRecipe(
    network=SOLVER_NETWORK,
    cloud=CloudRecipe(
        n_per_axis=(48, 24),
        n_neighbours=20,
        gradings=(Grading(axis=0, centre=0.0, width=0.3, gain=3.0), Grading(axis=1, centre=0.0, width=0.5, gain=3.0)),
    ),
    phases=accurate_then_sparse(0.22, n_accurate=60, n_sparse=120),
)
"""The two heaps of the start are 0.08 wide, and they react most at the beginning: cells are denser at both. The error of the
accurate network is 4.3e-4; on 40 x 20 such cells 6.4e-4, and 1.5e-3 on 40 x 12 cells of one height."""
HORIZON = 5.0
"""Time at the end; the pair reacts within ten or so."""


def make_reaction_diffusion(*, diffusivity: float = 1e-3) -> PdeProblem:
    """Build the Gray-Scott pair.

        u_t = D u_xx + b (1 - u) - u v^2,  v_t = D / 2 v_xx - d v + u v^2     on (x, t) in [-1, 1] x [0, 5], periodic in x
        u = 1 - exp(-80 (x + 0.05)^2),  v = exp(-80 (x - 0.05)^2) at t = 0          b = 0.04, d = 0.1

    Args:
        diffusivity: D, 1e-4 to 1e-2. PINNacle's pair has 1e-5.

    Raises:
        SpecError: If the parameter is out of range.

    Source: Gray and Scott, Chem. Eng. Sci. 39 (1984) 1087; PINNacle's GrayScott on a line, with more diffusion.
    """
    raise_violations(check_range("make_reaction_diffusion.diffusivity", diffusivity, 1e-4, 1e-2))
    pair = Pair(diffusivity_u=diffusivity, diffusivity_v=diffusivity / 2)
    box = Box.space_time([-1.0, 0.0], [1.0, HORIZON])

    def solution(points: FloatArray) -> FloatArray:
        return solve_gray_scott(pair, HORIZON).evaluate(points)

    def equations(f: Names) -> tuple[Expression, Expression]:
        turned = f.u * f.v**2
        first = f.u_t - pair.diffusivity_u * f.u_xx - pair.feed * (1 - f.u) + turned
        return first, f.v_t - pair.diffusivity_v * f.v_xx + pair.removal * f.v - turned

    return PdeProblem(
        name="reaction-diffusion",
        title="Gray-Scott reaction and diffusion",
        text=f"u_t = {pair.diffusivity_u:g} u_xx + {pair.feed:g} (1 - u) - u v^2, v_t = {pair.diffusivity_v:g} v_xx "
        f"- {pair.removal:g} v + u v^2; u = 1 - exp(-80 (x + 0.05)^2), v = exp(-80 (x - 0.05)^2) at t = 0, periodic in x",
        unknowns=("u", "v"),
        domain=box,
        equations=equations,
        conditions=(
            Periodic("x"),
            Initial(lambda p: 1 - np.exp(-80 * (p.x + 0.05) ** 2), unknown="u", name="u at the start"),
            Initial(lambda p: np.exp(-80 * (p.x - 0.05) ** 2), unknown="v", name="v at the start"),
        ),
        reference=ReferenceSolution(
            evaluate=restricted_to_domain(box, solution, "reaction-diffusion"),
            relative_accuracy=1e-6,
            source="Fourier spectral, 512 points, ETDRK4 with 400 steps",
        ),
        recipe=RECIPE,
    )
