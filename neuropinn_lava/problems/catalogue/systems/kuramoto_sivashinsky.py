"""`kuramoto-sivashinsky`: a flame front on a ring, before it becomes chaotic; its curvature is an unknown of its own."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....base.expression_sources import Names
from ....base.expressions import Expression
from ....geometry.domain import Box
from ...conditions import Initial, Periodic
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, Embedding, TrainingRecipe
from ...reference_solution import ReferenceSolution, restricted_to_domain
from ...solvers.kuramoto_sivashinsky import Flame, solve_kuramoto_sivashinsky

RING = Embedding(waves=((1, 0), (2, 0)), passed=(1,))
"""One and two waves round the ring, and the time: whatever its weights, the network is periodic in x with all derivatives."""
RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=2.0, embedding=RING),
    cloud=CloudRecipe(n_per_axis=(60, 14)),
    phases=accurate_then_sparse(0.17, n_accurate=15, n_sparse=60, activity_weight=1.0),
)
"""Four derivatives of one unknown would leave quartic fits one order of accuracy; two of two leave them three. They limit the
error along x: the equations solved exactly are off by 2.4e-3 on 40 x 20 cells, by 5.5e-4 on 60 x 14."""
BEND = 10.0
"""Unit of the curvature, so that both unknowns are of order one."""


def make_kuramoto_sivashinsky(*, damping: float = 0.1, horizon: float = 0.5) -> PdeProblem:
    """Build the Kuramoto-Sivashinsky equation as two equations of second order.

        u_t + u u_x + u_xx + c u_xxxx = 0     on (x, t) in [0, 2 pi] x [0, T]
        u = cos x (1 + sin x) at t = 0, periodic in x
        as     u_t + u u_x + 10 w + 10 c w_xx = 0,  u_xx / 10 - w = 0

    Waves up to the number c^(-1/2) grow, three with the default, the second fastest: small differences by e^2.4 within a unit
    of time. PINNacle's coefficients (10 waves, and a front of 0.03 within 0.1) need more points than Gauss-Newton has room for.

    Args:
        damping: c, 0.05 to 1.
        horizon: T, 0.1 to 2.

    Raises:
        SpecError: If the parameter is out of range.

    Source: Kassam and Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214, section 4; PINNacle's KS, whose T is 1.
    """
    found = [*check_range("make_kuramoto_sivashinsky.damping", damping, 0.05, 1.0)]
    raise_violations([*found, *check_range("make_kuramoto_sivashinsky.horizon", horizon, 0.1, 2.0)])
    flame = Flame(advection=1.0, growth=1.0, damping=damping)
    box = Box.space_time([0.0, 0.0], [2 * np.pi, horizon])

    def solution(points: FloatArray) -> FloatArray:
        (spline,) = solve_kuramoto_sivashinsky(flame, horizon).splines
        x, t = points.T
        return np.stack([spline.ev(x, t), spline.ev(x, t, dx=2) / BEND], axis=1)

    def equations(f: Names) -> tuple[Expression, Expression]:
        return f.u_t + f.u * f.u_x + BEND * (f.w + damping * f.w_xx), f.u_xx / BEND - f.w

    return PdeProblem(
        name="kuramoto-sivashinsky",
        title="Kuramoto-Sivashinsky equation, short horizon",
        text=f"u_t + u u_x + u_xx + {damping:g} u_xxxx = 0, w = u_xx / {BEND:g}; "
        "u = cos x (1 + sin x) at t = 0, periodic in x",
        unknowns=("u", "w"),
        domain=box,
        equations=equations,
        conditions=(
            Periodic("x"),
            Initial(lambda p: np.cos(p.x) * (1 + np.sin(p.x)), unknown="u", name="u at the start"),
            Initial(lambda p: -(np.cos(p.x) + 2 * np.sin(2 * p.x)) / BEND, unknown="w", name="w at the start"),
        ),
        reference=ReferenceSolution(
            evaluate=restricted_to_domain(box, solution, "kuramoto-sivashinsky"),
            relative_accuracy=1e-5,
            source="Fourier spectral, 512 points, ETDRK4 with 4000 steps; w by its spline of degree 5",
        ),
        recipe=RECIPE,
    )
