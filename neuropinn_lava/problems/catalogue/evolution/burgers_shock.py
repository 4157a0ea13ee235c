"""`burgers-shock`: Burgers' equation with little viscosity, whose solution steepens to a shock at x = 0."""

from __future__ import annotations

import dataclasses

import numpy as np

from ....base.checks import check_range, raise_violations
from ....geometry.grading import Grading
from ...phases import Marching, Optimizer, PhaseRecipe, imitate_then_solve
from ...problem import PdeProblem
from ...recipe import TANH_NETWORK, CloudRecipe, NetworkRecipe, ResidualWeights, TeacherRecipe, TrainingRecipe
from .burgers import build_burgers

TEACHER = TeacherRecipe(
    network=dataclasses.replace(TANH_NETWORK, output_scale=0.5),
    phases=(
        PhaseRecipe(
            n_iterations=70,
            optimizer=Optimizer.GAUSS_NEWTON,
            least_damping=1e-7,
            marching=Marching(n_windows=24, tolerance=2e-5, patience=6, width=0.03),
        ),
    ),
)
RECIPE = TrainingRecipe(
    network=NetworkRecipe(theta=1e-3, output_scale=0.5, surrogate_slope=20.0, initial_gain=2.0),
    cloud=CloudRecipe(n_per_axis=(96, 24), gradings=(Grading(axis=0, centre=0.0, width=0.03, gain=20.0),)),
    weights=ResidualWeights(cell_power=1.0, steepness=0.15),
    teacher=TEACHER,
    phases=imitate_then_solve(20),
)
"""(u - g) / d lies within 5. The shock is 2 v = 0.0064 wide; the grading makes cells of 0.002 there and 0.04 at the walls; on
this cloud the equation solved exactly by quartic fits is off by 2.2e-3, by quadratic ones by 1.4e-2. Half of the points lie
in the shock, where residuals are a hundred times as large: counted alike, they hold every network on a wrong branch (0.41 for
tanh), and so does a large output_scale. The spiking network stays there all the same (0.29): it imitates a teacher first, and
ends with steps of Gauss-Newton on the equation."""


def make_burgers_shock(*, viscosity: float = 0.01 / np.pi) -> PdeProblem:
    """Build Burgers' equation with a shock.

        u_t + u u_x = v u_xx     on (x, t) in [-1, 1] x [0, 1]          u = -sin(pi x) at t = 0, u = 0 at x = -1 and x = 1

    Args:
        viscosity: v, 0.002 to 0.1.

    Raises:
        SpecError: If the parameter is out of range.

    Source: Basdevant et al., Computers and Fluids 14 (1986) 23; the usual test of physics-informed networks.
    """
    raise_violations(check_range("make_burgers_shock.viscosity", viscosity, 0.002, 0.1))
    title = "Burgers equation with a shock"
    return build_burgers(
        "burgers-shock", title, viscosity, left=-1.0, amplitude=-1.0, recipe=RECIPE, residual_scale=np.pi
    )
