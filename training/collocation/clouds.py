"""The training cloud: collocation points, built-in conditions, source and operators of a problem, as tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.sparse import vstack
from torch import Tensor

from ...base.arrays import FloatArray, Record
from ...base.checks import check_choice, raise_violations
from ...base.expressions import Expression
from ...geometry.domain import Cloud
from ...geometry.parametric_domain import ParametricCloud
from ...network.transforms import AffineTransform
from ...problems.discretization import Block, Discretization, discretize
from ...problems.error_estimate import row_scales
from ...problems.problem import PdeProblem
from ...problems.recipes.recipe import CloudRecipe, ResidualWeights, TrainingRecipe
from .adaptation import relative_cell_volumes
from .derivatives import SparseMap

SAME_TIME = 9
"""Decimals to which the times of centres on one grid line agree."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnknownMap(Record):
    """A map from one unknown to all of its derivatives in a block of rows, computed as one product."""

    column: int
    """Index of the unknown."""
    names: tuple[str, ...]
    """Names of the derivatives: ("u_t", "u_xx"); the unknown's own name where it is averaged."""
    operator: SparseMap
    """Their matrices on top of each other, shape (n_names * n, n_points)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TensorBlock(Record):
    """A block of a discretization as tensors (`problems/discretization.py`)."""

    rows: tuple[Expression, ...]
    """Expressions that are to be zero."""
    index: Tensor
    """Points where they stand, shape (n,)."""
    values: dict[str, Any]
    """Coordinates, fields, normals and data there by name, each (n,), and the recipe's viscosity."""
    maps: tuple[UnknownMap, ...]
    """Maps to derivatives and means."""
    units: Tensor
    """One over the scale of each expression, shape (n_expressions, 1)."""
    weight: float
    """Factor on the mean square of the rows in the loss."""

    def names_at(self, u: Tensor, unknowns: tuple[str, ...], coefficients: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return the values of all names for u of shape (n_points, n_out) and coefficients by name."""
        found = {**self.values, **coefficients}
        for column, unknown in enumerate(unknowns):
            found[unknown] = u[self.index, column]
        for each in self.maps:
            stacked = each.operator(u[:, each.column]).view(len(each.names), -1)
            found.update(zip(each.names, stacked.unbind(0), strict=True))
        return found

    def scaled_rows(self, values: dict[str, Any]) -> Tensor:
        """Compute the rows in units of their scales, shape (n_expressions, n)."""
        like = self.units.new_zeros(len(self.index))
        return torch.stack([row.evaluate(values) + like for row in self.rows]) * self.units


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

    held: Discretization
    """Problem, points and rows, in numpy."""
    scales: tuple[FloatArray, ...]
    """Scale of every expression, for each block (n_expressions,)."""
    blocks: tuple[TensorBlock, ...]
    """Equations first, then the conditions that are not built in."""
    inputs: Tensor
    """Points in the coordinates of the network, shape (n_points, n_in)."""
    offset: Tensor
    """Offset g of the ansatz, shape (n_points, n_out)."""
    factor: Tensor
    """Factor d of the ansatz, shape (n_points, n_out)."""
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
    batch_size: int | None
    """Largest number of points that go through the network at once; None for all."""

    def solution(self, outputs: Tensor) -> Tensor:
        """Compute u at all points, shape (n_points, n_out), for the network's outputs of that shape."""
        linked: Tensor = self.problem.ansatz.link.apply(self.output_transform.apply(outputs))
        return self.offset + self.factor * linked

    def constants(self, coefficients: Mapping[str, float]) -> dict[str, float]:
        """Return the values of the names that are no fields, with the present ones of the coefficients."""
        return {**self.problem.rest_values(self.viscosity), **coefficients}

    @property
    def problem(self) -> PdeProblem:
        """The problem with its equations and ansatz."""
        return self.held.problem

    @property
    def n_inside(self) -> int:
        """Number of points that are centres of the equations; they come first."""
        return self.held.cloud.n_inside


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
    problem: PdeProblem,
    recipe: TrainingRecipe,
    dtype: torch.dtype,
    device: torch.device,
    changed: Cloud | None = None,
    scales: tuple[FloatArray, ...] | None = None,
) -> TrainingCloud:
    """Build the cloud of a recipe and evaluate on it all that stays fixed, in float64, before it is rounded to `dtype`.

    Args:
        problem: The problem.
        recipe: Recipe with cells, operators and weights.
        dtype: Type of the tensors.
        device: Device of the tensors.
        changed: Cloud after refinement and jitter (`adaptation.py`); None builds the cloud of the recipe.
        scales: Scales of the rows, measured on another cloud of the problem; None measures them here.
    """
    if recipe.weights.steepness > 0.0:
        raise_violations(check_choice("ResidualWeights.derivative", recipe.weights.derivative, problem.derivatives))
    cloud = changed or problem.domain.cloud(recipe.cloud.n_per_axis, recipe.cloud.gradings)
    held = discretize(problem, cloud, recipe.cloud.operator, recipe.cloud.n_neighbours)
    scales = scales or row_scales(held, problem.rest_values(recipe.viscosity))
    offset, factor = problem.ansatz.evaluate(held.points)
    power = recipe.weights.cell_power
    is_graded_only = changed is None or isinstance(changed, ParametricCloud) or power == 0.0
    volumes = 1.0 if is_graded_only else relative_cell_volumes(cloud)

    def tensor(values: Any) -> Tensor:
        return torch.tensor(np.asarray(values), dtype=dtype, device=device)

    return TrainingCloud(
        held=held,
        scales=scales,
        blocks=tuple(
            _tensor_block(problem, block, scale, recipe.viscosity, tensor)
            for block, scale in zip(held.blocks, scales, strict=True)
        ),
        inputs=tensor(input_transform(problem).apply(held.points)),
        offset=tensor(offset),
        factor=tensor(factor),
        viscosity=recipe.viscosity,
        weights=recipe.weights,
        instants=_instants(cloud.centres[:, -1], dtype, device) if recipe.weights.causality > 0 else None,
        cell_weights=tensor(cell_weights(cloud.centres, recipe.cloud, power, volumes)) if power > 0 else None,
        output_transform=output_transform(problem, recipe),
        batch_size=recipe.cloud.batch_size,
    )


def _tensor_block(
    problem: PdeProblem, block: Block, scale: FloatArray, viscosity: float, tensor: Callable[[Any], Tensor]
) -> TensorBlock:
    units = tensor(1.0 / scale[:, None])
    maps = []
    for column, unknown in enumerate(problem.unknowns):
        names = tuple(each for each in block.maps if each.partition("_")[0] == unknown)
        if names:
            stacked = vstack([block.maps[each] for each in names], format="csr")
            maps.append(UnknownMap(column=column, names=names, operator=SparseMap(stacked, units.dtype, units.device)))
    return TensorBlock(
        rows=block.rows,
        index=torch.as_tensor(block.index, device=units.device),
        values={"viscosity": viscosity, **{each: tensor(values) for each, values in block.values.items()}},
        maps=tuple(maps),
        units=units,
        weight=block.weight,
    )
