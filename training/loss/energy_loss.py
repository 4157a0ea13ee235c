"""Deep energy: the loss of a problem that has a potential, as a quadratic form of the network's values at nodes.

    u = g + v,   v = d * link(scale * y + offset)          y: the network's outputs at the nodes of a mesh
    L = g K g / 2 + v . (K g) + v K v / 2                  in units of the energy's own `unit`

The mesh's shape functions integrate the energy exactly, so no derivative of the network is taken and the loss is smooth in its
outputs. The force of g is computed in float64 beforehand, because its rounding in float32 would exceed the force of a small v.
An `EnergyCloud` takes the place that a `TrainingCloud` has for residuals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...base.arrays import Record
from ...base.checks import raise_violations
from ...base.errors import Violation
from ...network.transforms import AffineTransform
from ...operators.potential_energy import EnergyDomain
from ...problems.problem import PdeProblem
from ...problems.recipes.recipe import TrainingRecipe
from ..collocation.clouds import TrainingCloud, build_training_cloud, input_transform, output_transform
from ..collocation.derivatives import multiply, place_matrix


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EnergyCloud(Record):
    """A problem on the nodes of its energy's mesh, ready to turn a network's outputs into an energy."""

    problem: PdeProblem
    """Problem with its ansatz."""
    inputs: Tensor
    """Nodes in the coordinates of the network, shape (n_points, n_in)."""
    offset: Tensor
    """Offset g of the ansatz, shape (n_points, n_out)."""
    factor: Tensor
    """Factor d of the ansatz, shape (n_points, n_out)."""
    output_transform: AffineTransform
    """Transform of the network's outputs before the ansatz."""
    stiffness: Any
    """Stiffness matrix K / unit, in the form that `multiply` takes."""
    force: Tensor
    """Force K g / unit, component after component, shape (n_out * n_points,)."""
    level: float
    """Energy of g alone, g K g / (2 unit)."""
    batch_size: int | None
    """Largest number of points that go through the network at once; None for all."""

    def solution(self, outputs: Tensor) -> Tensor:
        """Compute u at all nodes, shape (n_points, n_out), for the network's outputs of that shape."""
        linked: Tensor = self.problem.ansatz.link.apply(self.output_transform.apply(outputs))
        return self.offset + self.factor * linked

    def loss(self, u: Tensor) -> Tensor:
        """Compute L for u at all nodes, shape (n_points, n_out)."""
        v = (u - self.offset).T.reshape(-1)
        rest: Tensor = _Energy.apply(v, self)
        return rest + self.level


class _Energy(torch.autograd.Function):
    """The energy v . f + v K v / 2, whose gradient f + K v needs no second product."""

    @staticmethod
    def forward(ctx: Any, v: Tensor, cloud: EnergyCloud) -> Tensor:
        slope = multiply(cloud.stiffness, v.detach()).add_(cloud.force)
        ctx.save_for_backward(slope)
        return torch.dot(v, slope + cloud.force) / 2

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return gradients[0] * slope, None


def build_energy_cloud(
    problem: PdeProblem, recipe: TrainingRecipe, dtype: torch.dtype, device: torch.device
) -> EnergyCloud:
    """Build the mesh of a problem by its recipe, and evaluate in float64 all that stays fixed, before it is rounded to `dtype`.

    Raises:
        SpecError: If the problem has no energy, or the mesh does not fit.
    """
    raise_violations(_violations(problem))
    assert isinstance(problem.domain, EnergyDomain)
    energy = problem.domain.energy(recipe.cloud.n_per_axis, recipe.cloud.batch_size)
    offset, factor = problem.ansatz.evaluate(energy.points)
    lift = offset.T.ravel()
    force = energy.matrix @ lift / energy.unit

    def tensor(values: Any) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(values)).to(device=device, dtype=dtype)

    return EnergyCloud(
        problem=problem,
        inputs=tensor(input_transform(problem).apply(energy.points)),
        offset=tensor(offset),
        factor=tensor(factor),
        output_transform=output_transform(problem, recipe),
        stiffness=place_matrix(energy.matrix * (1.0 / energy.unit), dtype, device),
        force=tensor(force),
        level=float(lift @ force) / 2,
        batch_size=recipe.cloud.batch_size,
    )


def build_loss_cloud(
    problem: PdeProblem, recipe: TrainingRecipe, dtype: torch.dtype, device: torch.device
) -> TrainingCloud | EnergyCloud:
    """Build what a problem is trained on: its energy where it has one, otherwise the cloud of its residual."""
    build = build_energy_cloud if isinstance(problem.domain, EnergyDomain) else build_training_cloud
    return build(problem, recipe, dtype, device)


def _violations(problem: PdeProblem) -> Iterator[Violation]:
    if not isinstance(problem.domain, EnergyDomain):
        where, repair = f"training of {problem.name!r} by energy", "Train on the residual: `build_training_cloud`."
        yield Violation(where, "have a domain with a potential energy", type(problem.domain).__name__, repair)
