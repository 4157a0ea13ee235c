"""`kuramoto-sivashinsky`: a flame front on a ring, before it becomes chaotic; its curvature is an unknown of its own."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....base.expressions import Expression, Names
from ....geometry.domain import Box
from ...conditions import Initial, Periodic
from ...phases import accurate_then_sparse
from ...problem import PdeProblem, ReferenceSolution, restricted_to_domain
from ...recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...solvers.kuramoto_sivashinsky import FLAME, solve_kuramoto_sivashinsky

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=2.0),
    cloud=CloudRecipe(n_per_axis=(48, 20)),
    phases=accurate_then_sparse(0.25, n_accurate=80),
)
"""PINNacle's coefficients, up to a fifth of its time."""
WEIGHT = 0.1
"""Unit of the curvature, so that both unknowns are of order one."""


def make_kuramoto_sivashinsky(*, horizon: float = 0.2) -> PdeProblem:
    """Build the Kuramoto-Sivashinsky equation as two equations of second order.

        u_t + a u u_x + b u_xx + c u_xxxx = 0     on (x, t) in [0, 2 pi] x [0, T]
        u = cos x (1 + sin x) at t = 0, periodic in x          a = 100/16, b = 100/16^2, c = 100/16^4
        as     u_t + a u u_x + 10 b w + 10 c w_xx = 0,  u_xx / 10 - w = 0

    Args:
        horizon: T, 0.05 to 0.5. Small differences grow with time.

    Raises:
        SpecError: If the parameter is out of range.

    Source: Kassam and Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214, section 4; PINNacle's KS, whose T is 1.
    """
    raise_violations(check_range("make_kuramoto_sivashinsky.horizon", horizon, 0.05, 0.5))
    box = Box.space_time([0.0, 0.0], [2 * np.pi, horizon])

    def solution(points: FloatArray) -> FloatArray:
        field = solve_kuramoto_sivashinsky(horizon=horizon)
        x, t = points.T
        return np.stack([field.splines[0].ev(x, t), WEIGHT * field.splines[0].ev(x, t, dx=2)], axis=1)

    def equations(f: Names) -> tuple[Expression, Expression]:
        bent = FLAME.growth * f.w + FLAME.damping * f.w_xx
        return f.u_t + FLAME.advection * f.u * f.u_x + bent / WEIGHT, WEIGHT * f.u_xx - f.w

    return PdeProblem(
        name="kuramoto-sivashinsky",
        title="Kuramoto-Sivashinsky equation, short horizon",
        text=f"u_t + {FLAME.advection:g} u u_x + {FLAME.growth:.6g} u_xx + {FLAME.damping:.6g} u_xxxx = 0, "
        f"w = {WEIGHT:g} u_xx; u = cos x (1 + sin x) at t = 0, periodic in x",
        unknowns=("u", "w"),
        domain=box,
        equations=equations,
        conditions=(
            Periodic("x"),
            Initial(lambda p: np.cos(p.x) * (1 + np.sin(p.x)), unknown="u", name="u at the start"),
            Initial(lambda p: -WEIGHT * (np.cos(p.x) + 2 * np.sin(2 * p.x)), unknown="w", name="w at the start"),
        ),
        reference=ReferenceSolution(
            evaluate=restricted_to_domain(box, solution, "kuramoto-sivashinsky"),
            relative_accuracy=1e-5,
            source="Fourier spectral, 512 points, ETDRK4 with 4000 steps; w by its spline of degree 5",
        ),
        recipe=RECIPE,
    )
