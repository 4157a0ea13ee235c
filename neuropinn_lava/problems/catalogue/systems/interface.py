"""`interface`: a heated square of two materials that meet along a line, each with an unknown of its own."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....base.expression_sources import Names
from ....base.expressions import Expression
from ....geometry.domain import Box
from ...conditions import Dirichlet, Interface
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution
from ...solvers.closed_forms import two_materials

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=0.05),
    cloud=CloudRecipe(n_per_axis=(14, 20), n_neighbours=20),
    phases=accurate_then_sparse(0.2, n_accurate=40),
)
"""The kink at the interface is between two unknowns, so that each of them is smooth; value and flux there are rows."""
HALF = 0.5
"""Place of the interface, and width of each half."""


def make_interface(*, conductivity_left: float = 1.0, conductivity_right: float = 10.0) -> PdeProblem:
    """Build the temperature of two materials, folded along their interface: x is the distance from it.

        -k_a (a_xx + a_yy) = sin(pi y),  -k_b (b_xx + b_yy) = sin(pi y)     on [0, 1/2] x [0, 1]
        a = b,  k_a a_x + k_b b_x = 0 at x = 0                              a = b = 0 on the other sides

    The square is [0, 1]^2 with its interface at 1/2: a(x, y) is the temperature at (1/2 - x, y), b that at (1/2 + x, y).

    Args:
        conductivity_left: k_a, 0.01 to 100.
        conductivity_right: k_b, 0.01 to 100.

    Raises:
        SpecError: If a parameter is out of range.

    Source: separation of variables; see `two_materials`.
    """
    found = [*check_range("make_interface.conductivity_left", conductivity_left, 0.01, 100.0)]
    raise_violations([*found, *check_range("make_interface.conductivity_right", conductivity_right, 0.01, 100.0)])
    conductivities = (conductivity_left, conductivity_right)

    def solution(points: FloatArray) -> FloatArray:
        x, y = points.T
        sides = (np.stack([HALF + sign * x, y], axis=1) for sign in (-1.0, 1.0))
        return np.hstack([two_materials(side, conductivities, HALF) for side in sides])

    def equations(f: Names) -> tuple[Expression, ...]:
        heat = np.sin(np.pi * f.y)
        return conductivity_left * (f.a_xx + f.a_yy) + heat, conductivity_right * (f.b_xx + f.b_yy) + heat

    return PdeProblem(
        name="interface",
        title="Two materials with an interface",
        text=f"-{conductivity_left:g} (a_xx + a_yy) = sin(pi y), -{conductivity_right:g} (b_xx + b_yy) = sin(pi y); a = b, "
        f"{conductivity_left:g} a_x + {conductivity_right:g} b_x = 0 at x = 0; a = b = 0 on the other sides",
        unknowns=("a", "b"),
        domain=Box(np.array([0.0, 0.0]), np.array([HALF, 1.0])),
        equations=equations,
        conditions=(
            Dirichlet(0.0, on=("x_upper", "y_lower", "y_upper"), name="walls"),
            Interface(("a", "b"), conductivities=conductivities, on="x_lower", name="interface"),
        ),
        reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-13, source="closed form"),
        recipe=RECIPE,
    )
