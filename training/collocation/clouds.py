"""The training cloud: collocation points, built-in conditions, source and operators of a problem, as tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix, vstack
from torch import Tensor

from ...base.arrays import FloatArray, Record
from ...geometry.domain import Cloud
from ...network.transforms import AffineTransform
from ...operators.projection import DerivativeOperators
from ...problems.problem import DerivativeFields, PdeProblem
from ...problems.recipe import CloudRecipe, ResidualWeights, TrainingRecipe
from ...problems.residuals import problem_operators
from .adaptation import relative_cell_volumes
from .derivatives import SparseMap

SAME_TIME = 9
"""Decimals to which the times of centres on one grid line agree."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnknownMap(Record):
    """A map from one unknown to all of its derivatives, computed as one product."""

    names: tuple[str, ...]
    """Names of the derivatives in the equation: ("u_t", "u_xx")."""
    operator: SparseMap
    """Matrices of the derivatives on top of each other, shape (n_names * n_inside, n_points)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instants(Record):
    """The distinct times of the centres of a cloud, in ascending order."""

    index: Tensor
    """Index of the time of each centre, shape (n_inside,)."""
    n_centres: Tensor
    """Number of centres of each time, shape (n_times,)."""

    def means(self, values: Tensor) -> Tensor:
        """Compute the mean over the centres of each time, shape (n_times,), of values (n_inside,)."""
        return torch.zeros_like(self.n_centres).index_add(0, self.index, values) / self.n_centres


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingCloud(Record):
    """A problem on its cloud, with all that the residuals of a network's outputs need."""

    problem: PdeProblem
    """Problem with the equation and the ansatz."""
    n_inside: int
    """Number of points that are centres of the residual; they come first."""
    inputs: Tensor
    """Points in the coordinates of the network, shape (n_points, n_in)."""
    offset: Tensor
    """Offset g of the ansatz, shape (n_points, n_out)."""
    factor: Tensor
    """Factor d of the ansatz, shape (n_points, n_out)."""
    source: Tensor
    """Source of the equation at the centres, shape (n_inside,)."""
    viscosity: float
    """Viscosity of the recipe, which equations without a smoothing term ignore."""
    weights: ResidualWeights
    """Residual weights of the recipe."""
    cell_weights: Tensor | None
    """Weights V^p at the centres, shape (n_inside,), mean 1; None where all are one."""
    instants: Instants | None
    """Times of the centres; None where the weights are not causal."""
    output_transform: AffineTransform
    """Transform of the network's outputs before the ansatz."""
    unknowns: tuple[UnknownMap, ...]
    """Maps to the derivatives, one entry per unknown of the problem."""
    batch_size: int | None
    """Largest number of points that go through the network at once; None for all."""

    def solution(self, outputs: Tensor) -> Tensor:
        """Compute u at all points, shape (n_points, n_out), for the network's outputs of that shape."""
        linked: Tensor = self.problem.ansatz.link.apply(self.output_transform.apply(outputs))
        return self.offset + self.factor * linked

    def fields(self, u: Tensor) -> DerivativeFields:
        """Compute the unknowns, their derivatives and the source at the centres for u of shape (n_points, n_out)."""
        values: dict[str, Any] = {"source": self.source, "viscosity": self.viscosity}
        for column, (name, unknown) in enumerate(zip(self.problem.unknowns, self.unknowns, strict=True)):
            held = u[:, column]
            values[name] = held[: self.n_inside]
            if unknown.names:
                stacked = unknown.operator(held).view(len(unknown.names), self.n_inside)
                values.update(zip(unknown.names, stacked.unbind(0), strict=True))
        return DerivativeFields(**values)


def input_transform(problem: PdeProblem) -> AffineTransform:
    """Return the transform that maps the bounding box of a problem to [-1, 1]^n."""
    return AffineTransform.to_unit_box(problem.domain.lower, problem.domain.upper)


def output_transform(problem: PdeProblem, recipe: TrainingRecipe) -> AffineTransform:
    """Return the transform that scales network outputs of magnitude one to the magnitude of the unknowns."""
    scale = np.full(problem.n_out, recipe.network.output_scale)
    return AffineTransform(scale=scale, offset=np.zeros(problem.n_out))


def cell_weights(
    centres: FloatArray, recipe: CloudRecipe, power: float, volumes: FloatArray | float = 1.0
) -> FloatArray:
    """Compute V^p for centres (n, n_in) of a graded grid, shape (n,), mean 1; V is one over the density of the grid lines.

    Args:
        centres: Coordinates of the centres.
        recipe: Recipe with the gradings of the grid.
        power: Exponent p.
        volumes: Factor on V where points were added (`relative_cell_volumes`), shape (n,) or one for all.
    """
    density = np.ones(len(centres))
    for axis in range(centres.shape[1]):
        gradings = [grading for grading in recipe.gradings if grading.axis == axis]
        distances = [(centres[:, axis] - grading.centre) / grading.width for grading in gradings]
        density *= 1 + sum(grading.gain / (1 + d**2) for grading, d in zip(gradings, distances, strict=True))
    weights: FloatArray = (volumes / density) ** power
    return weights / weights.mean()


def _instants(times: FloatArray, dtype: torch.dtype, device: torch.device) -> Instants:
    _, index, counts = np.unique(times.round(SAME_TIME), return_inverse=True, return_counts=True)
    return Instants(
        index=torch.as_tensor(index).to(device), n_centres=torch.as_tensor(counts).to(device=device, dtype=dtype)
    )


def build_training_cloud(
    problem: PdeProblem, recipe: TrainingRecipe, dtype: torch.dtype, device: torch.device, changed: Cloud | None = None
) -> TrainingCloud:
    """Build the cloud of a recipe and evaluate on it all that stays fixed, in float64, before it is rounded to `dtype`.

    Args:
        problem: The problem.
        recipe: Recipe with cells, operators and weights.
        dtype: Type of the tensors.
        device: Device of the tensors.
        changed: Cloud after refinement and jitter (`adaptation.py`); None builds the cloud of the recipe.
    """
    cloud = changed or problem.domain.cloud(recipe.cloud.n_per_axis, recipe.cloud.gradings)
    settings = (recipe.cloud.operator, recipe.cloud.n_neighbours)
    operators = problem_operators(problem, cloud, *settings) if problem.derivatives else None
    offset, factor = problem.ansatz.evaluate(cloud.points)
    power, volumes = recipe.weights.cell_power, 1.0 if changed is None else relative_cell_volumes(cloud)

    def tensor(values: Any) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(values)).to(device=device, dtype=dtype)

    return TrainingCloud(
        problem=problem,
        n_inside=cloud.n_inside,
        inputs=tensor(input_transform(problem).apply(cloud.points)),
        offset=tensor(offset),
        factor=tensor(factor),
        source=tensor(problem.source(cloud.centres)),
        viscosity=recipe.viscosity,
        weights=recipe.weights,
        instants=_instants(cloud.centres[:, -1], dtype, device) if recipe.weights.causality > 0 else None,
        cell_weights=tensor(cell_weights(cloud.centres, recipe.cloud, power, volumes)) if power > 0 else None,
        output_transform=output_transform(problem, recipe),
        unknowns=tuple(
            _unknown_map(problem, name, operators, cloud.n_points, dtype, device) for name in problem.unknowns
        ),
        batch_size=recipe.cloud.batch_size,
    )


def _unknown_map(
    problem: PdeProblem,
    unknown: str,
    operators: DerivativeOperators | None,
    n_points: int,
    dtype: torch.dtype,
    device: torch.device,
) -> UnknownMap:
    names = tuple(name for name in problem.derivatives if name.partition("_")[0] == unknown)
    matrices = [operators.matrix(name.partition("_")[2]) for name in names] if operators else []
    stacked = vstack(matrices) if matrices else csr_matrix((0, n_points))
    return UnknownMap(names=names, operator=SparseMap(stacked, dtype, device))
