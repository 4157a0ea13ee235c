"""`heat-robin`: a square plate that cools, with a condition of its own kind on each side."""

from __future__ import annotations

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....geometry.domain import Box
from ....geometry.grading import Grading
from ...conditions import Dirichlet, Initial, Neumann, Robin
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution
from ...solvers.closed_forms import robin_neumann_heat

RECIPE = TrainingRecipe(
    network=SOLVER_NETWORK,
    cloud=CloudRecipe(
        n_per_axis=(8, 8, 8),
        n_neighbours=60,
        gradings=(Grading(axis=0, centre=1.0, width=0.2, gain=2.0), Grading(axis=2, centre=0.0, width=0.2, gain=3.0)),
    ),
    phases=accurate_then_sparse(0.2, n_accurate=40, n_sparse=80),
)
"""Start and cold sides are built in; the insulated side and the one that loses heat are rows of the residual. The start fits
the loss of heat to the first order only, so the solution bends within a short time at x = 1. Graded towards both, 8 x 8 x 8
cells make discrete equations that are right to 4e-4; of one size, they make 2.5e-3, and 12 x 12 x 12 cells 1.1e-3."""


def make_heat_robin(*, diffusivity: float = 0.2, exchange: float = 1.0) -> PdeProblem:
    """Build the heat equation on a square with Robin, Neumann and Dirichlet sides.

        u_t = D (u_xx + u_yy)     on (x, y, t) in [0, 1]^3          u = (x - b x^3) cos(pi y / 2) at t = 0
        u = 0 at x = 0 and y = 1;  u_x + h u = 0 at x = 1;  u_y = 0 at y = 0          b = (1 + h) / (3 + h)

    Args:
        diffusivity: D, 0.05 to 1.
        exchange: h, 0.1 to 10.

    Raises:
        SpecError: If a parameter is out of range.

    Source: Carslaw and Jaeger, Conduction of Heat in Solids (1959), 3.9, times a mode across.
    """
    found = [*check_range("make_heat_robin.diffusivity", diffusivity, 0.05, 1.0)]
    raise_violations([*found, *check_range("make_heat_robin.exchange", exchange, 0.1, 10.0)])
    b = (1 + exchange) / (3 + exchange)

    def solution(points: FloatArray) -> FloatArray:
        return robin_neumann_heat(points, diffusivity, exchange)

    return PdeProblem(
        name="heat-robin",
        title="Heat equation with Robin and Neumann sides",
        text=f"u_t = {diffusivity:g} (u_xx + u_yy); u = (x - {b:.6g} x^3) cos(pi y / 2) at t = 0, u = 0 at x = 0, y = 1, "
        f"u_x + {exchange:g} u = 0 at x = 1, u_y = 0 at y = 0",
        domain=Box.space_time([0.0, 0.0, 0.0], [1.0, 1.0, 1.0]),
        equations=lambda f: f.u_t - diffusivity * (f.u_xx + f.u_yy),
        conditions=(
            Initial(lambda p: (p.x - b * p.x**3) * np.cos(np.pi * p.y / 2), name="start"),
            Dirichlet(0.0, on=("x_lower", "y_upper"), name="cold sides"),
            Robin(0.0, coefficient=exchange, on="x_upper", name="side that loses heat"),
            Neumann(0.0, on="y_lower", name="insulated side"),
        ),
        reference=ReferenceSolution(
            evaluate=solution,
            relative_accuracy=1e-6,
            source="series of 80 terms; beyond t = 1e-3 / D exact to rounding",
        ),
        recipe=RECIPE,
    )
