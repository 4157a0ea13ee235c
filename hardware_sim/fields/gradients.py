"""Gradients and fluxes of a deployed network: derivatives of its own outputs, by the operators that judge its residual.

    u_x = D_x u            D_x: sparse derivative operator of a cloud (stochastic projection or a polynomial fit)
    q   = -k grad u        over the space coordinates; k = 1 unless given

A spiking network's own derivative is zero almost everywhere or undefined; differences of its values at neighbouring points are
not. The reference solution goes through the same operators, so that what is compared is the networks, not the operators.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, freeze_arrays
from ...base.checks import check_range, raise_violations
from ...problems.default_recipe import any_recipe_of
from ...problems.discretization import cloud_operators
from ...problems.problem import PdeProblem
from ...problems.residuals import measuring_cells
from .scattered import PlaneMap, map_scattered

Evaluate = Callable[[FloatArray], FloatArray]
"""Points (n, n_in) to outputs (n, n_out), physical."""

TIME = "t"
"""The coordinate along which nothing flows."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GradientSection(ArrayRecord):
    """First derivatives of the deployed outputs at the centres of a cloud."""

    coordinates: tuple[str, ...]
    """Name of each column of `points`: a letter, or the name of a parameter."""
    points: FloatArray
    """Where the derivatives are taken, physical, shape (n, n_dim)."""
    names: tuple[str, ...]
    """One per column: `u_x`, `u_y`, `u_t`, …"""
    deployed: FloatArray
    """Derivatives of the deployed network's outputs, shape (n, n_names)."""
    reference: FloatArray
    """Derivatives of the reference solution by the same operators, same shape."""
    operator: str
    """How they were taken."""
    conductivity: float = 1.0
    """k of the flux."""
    plane: PlaneMap | None = None
    """The derivatives of the deployed network over the domain, interpolated between the points; None beyond the plane."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points=np.float64, deployed=np.float64, reference=np.float64)

    def flux(self, unknown: str) -> FloatArray:
        """Return the flux -k grad u of one unknown, shape (n, n_space)."""
        columns = [self.names.index(f"{unknown}_{letter}") for letter in self.space]
        return -self.conductivity * self.deployed[:, columns]

    def relative_l2(self, name: str) -> float | None:
        """Return |u_x - u_x,ref| / |u_x,ref| over the points; None where the reference's is zero everywhere."""
        column = self.names.index(name)
        size = float(np.linalg.norm(self.reference[:, column]))
        error = float(np.linalg.norm(self.deployed[:, column] - self.reference[:, column]))
        return error / size if size else None

    @property
    def space(self) -> tuple[str, ...]:
        """Coordinates in space: neither time nor a parameter of the equations, along which nothing is differentiated."""
        along = {name.rpartition("_")[2] for name in self.names}
        return tuple(letter for letter in self.coordinates if letter != TIME and letter in along)

    @property
    def unknowns(self) -> tuple[str, ...]:
        """Outputs whose derivatives these are, in order."""
        return tuple(dict.fromkeys(name.rpartition("_")[0] for name in self.names))


def measure_gradients(problem: PdeProblem, evaluate: Evaluate, conductivity: float = 1.0) -> GradientSection:
    """Take the first derivatives of anything that maps points to outputs, along all coordinates but parameters.

    Args:
        problem: Gives the cloud and the kind of operator.
        evaluate: The deployed network, on any backend.
        conductivity: k of the flux, 0 or more, in the user's own unit.

    Raises:
        SpecError: If the conductivity is negative or not finite.
    """
    raise_violations(check_range("measure_gradients.conductivity", conductivity, 0.0, float(np.finfo(float).max)))
    recipe = any_recipe_of(problem).cloud
    cloud = problem.domain.cloud(measuring_cells(recipe.n_per_axis), recipe.gradings)
    operators = cloud_operators(cloud, problem.axes, problem.axes, recipe.operator, recipe.n_neighbours)

    def gradient(values: FloatArray) -> FloatArray:
        columns = [operators.apply(letter, u) for u in values.T for letter in problem.axes]
        return np.stack(columns, axis=1)

    deployed = gradient(evaluate(cloud.points))
    return GradientSection(
        coordinates=problem.coordinates,
        points=cloud.centres,
        names=tuple(f"{unknown}_{letter}" for unknown in problem.unknowns for letter in problem.axes),
        deployed=deployed,
        reference=gradient(problem.exact(cloud.points)),
        operator=operators.kind.value,
        conductivity=conductivity,
        plane=map_scattered(cloud.centres, deployed, problem.domain.contains),
    )


def gradients_csv(section: GradientSection) -> str:
    """Return the gradients and fluxes as a table: coordinates, derivatives, fluxes; one row per point."""
    heads = [*section.coordinates, *section.names, *(f"flux_{u}_{x}" for u in section.unknowns for x in section.space)]
    columns = np.hstack([section.points, section.deployed, *(section.flux(unknown) for unknown in section.unknowns)])
    rows = (",".join(f"{value:.12g}" for value in row) for row in columns.tolist())
    return "\n".join([",".join(heads), *rows]) + "\n"
