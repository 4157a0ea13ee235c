"""`burgers-inverse`: the viscosity of Burgers' equation from noisy measurements of its solution."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....geometry.domain import Box
from ...coefficients import Coefficient
from ...conditions import Data, Dirichlet
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution
from ...solvers.cole_hopf import solve_burgers
from ...solvers.drawn.observations import observe_burgers

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=2.0),
    cloud=CloudRecipe(n_per_axis=(20, 20)),
    phases=accurate_then_sparse(0.17, n_accurate=40),
)
"""The viscosity is a column of Gauss-Newton's matrix beside the weights."""
N_POINTS = 100
"""Number of measurements."""


def make_burgers_inverse(*, viscosity: float = 0.1, noise: float = 0.01, noise_seed: int = 0) -> PdeProblem:
    """Build Burgers' equation with an unknown viscosity and 100 measurements at random points.

        u_t + u u_x = v u_xx     on (x, t) in [0, 1]^2          u = sin(pi x) at t = 0, u = 0 at x = 0 and x = 1

    Args:
        viscosity: v that the measurements come from, 0.05 to 1; the training starts at a tenth of it.
        noise: Deviation of the noise as a share of the solution's root mean square, 0 to 0.2.
        noise_seed: Seed of the points and of the noise, 0 to 1e6.

    Raises:
        SpecError: If a parameter is out of range.

    Source: Raissi, Perdikaris and Karniadakis, J. Comput. Phys. 378 (2019) 686, section 4.1, with more viscosity and
    fewer points.
    """
    found = [*check_range("make_burgers_inverse.viscosity", viscosity, 0.05, 1.0)]
    found += check_range("make_burgers_inverse.noise", noise, 0.0, 0.2)
    raise_violations([*found, *check_range("make_burgers_inverse.noise_seed", noise_seed, 0, 10**6)])
    measured = observe_burgers(viscosity, N_POINTS, noise, int(noise_seed))

    def solution(points: FloatArray) -> FloatArray:
        return solve_burgers(points, viscosity, 1.0)

    return PdeProblem(
        name="burgers-inverse",
        title="Burgers equation, viscosity from data",
        text=f"u_t + u u_x = nu u_xx, nu unknown; u = sin(pi x) at t = 0, u = 0 at x = 0, x = 1; {N_POINTS} measurements with "
        f"{noise:.1%} noise",
        domain=Box.space_time([0.0, 0.0], [1.0, 1.0]),
        equations=lambda f: f.u_t + f.u * f.u_x - f.nu * f.u_xx,
        coefficients={"nu": Coefficient(viscosity / 10)},
        conditions=(
            Dirichlet(lambda p: np.sin(np.pi * p.x), name="walls and start"),
            Data(measured.points, measured.values[:, 0], name="measurements"),
        ),
        reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-10, source="Cole-Hopf quadrature"),
        recipe=RECIPE,
    )
