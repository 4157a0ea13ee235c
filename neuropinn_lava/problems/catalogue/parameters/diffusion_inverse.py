"""`diffusion-inverse`: the diffusivity of a rod from noisy measurements of its temperature."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.arrays import FloatArray
from ....base.checks import check_range, raise_violations
from ....geometry.domain import Box
from ...coefficients import Coefficient
from ...conditions import Data, Dirichlet, Initial
from ...problem import PdeProblem
from ...recipes.phases import accurate_then_sparse
from ...recipes.recipe import SOLVER_NETWORK, CloudRecipe, TrainingRecipe
from ...reference_solution import ReferenceSolution
from ...solvers.closed_forms import decaying_sine
from ...solvers.drawn.observations import observe_diffusion

RECIPE = TrainingRecipe(
    network=dataclasses.replace(SOLVER_NETWORK, output_scale=2.0),
    cloud=CloudRecipe(n_per_axis=(20, 20)),
    phases=accurate_then_sparse(0.17, n_accurate=40),
)
"""The diffusivity is a column of Gauss-Newton's matrix beside the weights."""
N_POINTS = 100
"""Number of measurements."""


def make_diffusion_inverse(*, diffusivity: float = 0.2, noise: float = 0.01, noise_seed: int = 0) -> PdeProblem:
    """Build the heat equation with an unknown diffusivity and 100 measurements at random points.

        u_t = D u_xx     on (x, t) in [0, 1]^2          u = sin(pi x) at t = 0, u = 0 at x = 0 and x = 1

    Args:
        diffusivity: D that the measurements come from, 0.01 to 1; the training starts at a tenth of it.
        noise: Deviation of the noise as a share of the solution's root mean square, 0 to 0.2.
        noise_seed: Seed of the points and of the noise, 0 to 1e6.

    Raises:
        SpecError: If a parameter is out of range.

    Source: DeepXDE's example of an inverse diffusion equation, without its source.
    """
    found = [*check_range("make_diffusion_inverse.diffusivity", diffusivity, 0.01, 1.0)]
    found += check_range("make_diffusion_inverse.noise", noise, 0.0, 0.2)
    raise_violations([*found, *check_range("make_diffusion_inverse.noise_seed", noise_seed, 0, 10**6)])
    measured = observe_diffusion(diffusivity, N_POINTS, noise, int(noise_seed))

    def solution(points: FloatArray) -> FloatArray:
        return decaying_sine(points, diffusivity)

    return PdeProblem(
        name="diffusion-inverse",
        title="Heat equation, diffusivity from data",
        text=f"u_t = D u_xx, D unknown; u = sin(pi x) at t = 0, u = 0 at x = 0, x = 1; {N_POINTS} measurements with "
        f"{noise:.1%} noise",
        domain=Box.space_time([0.0, 0.0], [1.0, 1.0]),
        equations=lambda f: f.u_t - f.D * f.u_xx,
        coefficients={"D": Coefficient(diffusivity / 10)},
        conditions=(
            Initial(lambda p: np.sin(np.pi * p.x), name="start"),
            Dirichlet(0.0, on=("x_lower", "x_upper"), name="ends"),
            Data(measured.points, measured.values[:, 0], name="measurements"),
        ),
        reference=ReferenceSolution(evaluate=solution, relative_accuracy=1e-14, source="closed form"),
        recipe=RECIPE,
    )
