"""`burgers`: Burgers' equation with enough viscosity to stay smooth."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....geometry.domain import Box
from ....geometry.fields.scalar_fields import Trigonometric
from ....network.transforms import Ansatz
from ...built_in import vanishing_polynomial
from ...conditions import Dirichlet
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution, restricted_to_domain
from ...solvers.cole_hopf import solve_burgers

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=2.0),
    cloud=CloudRecipe(n_per_axis=(24, 24)),
    phases=accurate_then_sparse(0.17),
)
"""(u - g) / d lies within -3.4 and 1.8."""


def make_burgers(*, viscosity: float = 0.1) -> PdeProblem:
    """Build Burgers' equation on the unit interval.

        u_t + u u_x = v u_xx     on (x, t) in [0, 1]^2          u = sin(pi x) at t = 0, u = 0 at x = 0 and x = 1

    Args:
        viscosity: v, 0.02 to 1; below, a shock forms at x = 1 that this grid does not resolve.

    Raises:
        SpecError: If the parameter is out of range.

    Source: problem set of the SP-PINN code of Navaneeth and Chakraborty.
    """
    raise_violations(check_range("make_burgers.viscosity", viscosity, 0.02, 1.0))
    return build_burgers("burgers", "Burgers equation, smooth", viscosity, left=0.0, amplitude=1.0, recipe=RECIPE)


def build_burgers(
    name: str,
    title: str,
    viscosity: float,
    *,
    left: float,
    amplitude: float,
    recipe: TrainingRecipe,
    residual_scale: float = 1.0,
) -> PdeProblem:
    """Build Burgers' equation on (x, t) in [left, 1] x [0, 1] with u = amplitude sin(pi x) at first and 0 at both ends.

    `f.viscosity`, which is 0 in the problem itself, is what a solver may add and take away again.

    Args:
        name: Name of the problem.
        title: Title of the problem.
        viscosity: v, positive.
        left: Left end of the interval, 0 or -1, where the sine is zero.
        amplitude: Amplitude of the initial sine, 1 or -1.
        recipe: Recipe of the training.
        residual_scale: Typical magnitude of the equation's terms.
    """
    box = Box.space_time([left, 0.0], [1.0, 1.0])
    start = Trigonometric(
        coefficients=np.array([amplitude]),
        exponents=np.zeros((1, 2), dtype=np.int64),
        frequencies=np.array([[np.pi, 0.0]]),
        phases=np.array([[np.pi / 2, 0.0]]),
    )
    sine = "sin(pi x)" if amplitude > 0 else "-sin(pi x)"

    def solution(points: FloatArray) -> FloatArray:
        return solve_burgers(points, viscosity, amplitude)

    return PdeProblem(
        name=name,
        title=title,
        text=f"u_t + u u_x = {viscosity:g} u_xx; u = {sine} at t = 0, u = 0 at x = {left:g}, x = 1",
        domain=box,
        equations=lambda f: f.u_t + f.u * f.u_x - (viscosity + f.viscosity) * f.u_xx,
        residual_scale=residual_scale,
        conditions=(Dirichlet(lambda p: amplitude * np.sin(np.pi * p.x), name="walls and start"),),
        own_ansatz=Ansatz(offset=(start,), factor=(vanishing_polynomial(box),)),
        reference=ReferenceSolution(
            evaluate=restricted_to_domain(box, solution, name),
            relative_accuracy=1e-10,
            source="Cole-Hopf quadrature",
        ),
        recipe=recipe,
    )
