"""`conductivity-inverse`: the conductivity of a plate, a field, from noisy measurements of its temperature."""

from __future__ import annotations

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....base.expression_sources import Names
from ....base.expressions import Expression
from ....geometry.domain import Box
from ...conditions import Data, Dirichlet, Smooth
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution
from ...solvers.drawn.observations import observe

RECIPE = TrainingRecipe(
    network=SOLVER_NETWORK,
    cloud=CloudRecipe(n_per_axis=(14, 14)),
    phases=accurate_then_sparse(0.2, n_accurate=30, n_sparse=60),
)
"""One network has two outputs, the temperature and the logarithm of the conductivity."""
N_POINTS = 100
"""Number of measurements."""
CONTRAST = 0.5
"""Largest logarithm of the conductivity."""


def make_conductivity_inverse(*, noise: float = 0.01, noise_seed: int = 0) -> PdeProblem:
    """Build a heat balance with an unknown conductivity k = exp(q) and 100 measurements of u at random points.

        (k u_x)_x + (k u_y)_y + f = 0     on [0, 1]^2          u = 0 on the boundary
        u = sin(pi x) sin(pi y),  q = sin(pi x) cos(pi y) / 2,  f is what belongs to them

    Args:
        noise: Deviation of the noise as a share of the solution's root mean square, 0 to 0.2.
        noise_seed: Seed of the points and of the noise, 0 to 1e6.

    Raises:
        SpecError: If a parameter is out of range.

    Source: manufactured; Kaipio and Somersalo, Statistical and Computational Inverse Problems (2005), section 2.2, for why rows
    that keep q smooth are needed.
    """
    found = [*check_range("make_conductivity_inverse.noise", noise, 0.0, 0.2)]
    raise_violations([*found, *check_range("make_conductivity_inverse.noise_seed", noise_seed, 0, 10**6)])

    def solution(points: FloatArray) -> FloatArray:
        x, y = np.pi * points.T
        return np.stack([np.sin(x) * np.sin(y), CONTRAST * np.sin(x) * np.cos(y)], axis=1)

    def equation(f: Names) -> Expression:
        """Return the balance divided by k."""
        x, y = np.pi * f.x, np.pi * f.y
        q = CONTRAST * np.sin(x) * np.cos(y)
        slopes = CONTRAST * (np.cos(x) ** 2 - np.sin(x) ** 2) * np.sin(y) * np.cos(y)
        source = np.pi**2 * np.exp(q) * (2.0 * np.sin(x) * np.sin(y) - slopes)
        balance: Expression = f.u_xx + f.u_yy + f.q_x * f.u_x + f.q_y * f.u_y + source * np.exp(-f.q)
        return balance

    measured = observe(
        lambda points: solution(points)[:, :1], np.zeros(2), np.ones(2), N_POINTS, noise, int(noise_seed)
    )
    return PdeProblem(
        name="conductivity-inverse",
        title="Heat balance, conductivity field from data",
        text=f"(k u_x)_x + (k u_y)_y + f = 0, k = exp(q) an unknown field; u = 0 on the boundary; {N_POINTS} measurements with "
        f"{noise:.1%} noise",
        unknowns=("u", "q"),
        domain=Box(np.array([0.0, 0.0]), np.array([1.0, 1.0])),
        equations=equation,
        conditions=(
            Dirichlet(0.0, unknown="u", name="walls"),
            Data(measured.points, measured.values[:, 0], unknown="u", name="measurements"),
            Smooth("q", along="xy", name="smooth q"),
        ),
        reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-14, source="manufactured"),
        recipe=RECIPE,
    )
