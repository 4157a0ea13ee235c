"""The weighted residuals of a cloud as one vector, and their derivatives by the network's outputs as one sparse matrix.

    r_i = sqrt(w_i / (n n_eq)) R_i / residual_scale           |r|^2 is the loss of `losses.py`
    S   = dr / dy = sum_k diag(dr / dD_k u) D_k diag(du / dy)      D_k: the operators, y: the network's outputs

and for a distillation target, r_i = (u_i - u_teacher_i) / |u_teacher|, whose S is du / dy.

An equation is an expression of derivative fields at one point, so dR/dD_k u is one number per centre, and S has the pattern of
the operators. Weights count as constants.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix, diags, hstack, vstack
from torch import Tensor

from ...base.arrays import IntArray, Record
from ...problems.problem import DerivativeFields
from ..collocation.clouds import TrainingCloud
from .distillation import DistillationTarget
from .losses import centre_weights

Centres = Tensor | None
"""Factor on the weight of every centre, shape (n_inside,); None for one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearResidual(Record):
    """The linear model r(y + e) ~ r + S e of weighted residuals."""

    values: Tensor
    """Weighted residuals r, equation after equation, shape (n_rows,), n_rows = n_equations n_inside."""
    slopes: csr_matrix
    """Derivatives S, shape (n_rows, n_out n_points), unknown after unknown."""

    def compressed(self, n_points: int) -> tuple[LinearResidual, IntArray]:
        """Return the model without zero rows, as those ahead of a front are, and without points that no other row uses.

        Args:
            n_points: Number of points of the cloud.

        Returns:
            The smaller model, and the indices of its points, shape (n_used,).
        """
        S = self.slopes.copy()
        S.eliminate_zeros()
        rows = np.flatnonzero((np.diff(S.indptr) > 0) | (self.values.numpy() != 0))
        seen = np.unique(S.indices % n_points)
        columns = (np.arange(S.shape[1] // n_points)[:, None] * n_points + seen).reshape(-1)
        return LinearResidual(values=self.values[rows], slopes=S[rows][:, columns]), seen


def weighted_residuals(cloud: TrainingCloud, outputs: Tensor, factor: Centres = None) -> Tensor:
    """Compute r for the network's outputs (n_points, n_out), shape (n_rows,)."""
    with torch.no_grad():
        fields = cloud.fields(cloud.solution(outputs))
        return _weighted(cloud, fields, torch.stack(cloud.problem.residual(fields)), factor)


def linearize_residuals(cloud: TrainingCloud, outputs: Tensor, factor: Centres = None) -> LinearResidual:
    """Compute r and S at the network's outputs (n_points, n_out).

    Args:
        cloud: Collocation points, in float64 on the CPU.
        outputs: Outputs y; their graph is not followed.
        factor: Factor on the weight of every centre.
    """
    y = outputs.detach().requires_grad_()
    solution = cloud.solution(y)
    (du,) = torch.autograd.grad(solution.sum(), y)
    fields = cloud.fields(solution.detach())
    leaves = {name: getattr(fields, name).clone().requires_grad_() for name in _names(cloud)}
    followed = DerivativeFields(source=cloud.source, viscosity=cloud.viscosity, **leaves)
    equations = cloud.problem.residual(followed)
    rows = [_equation_slopes(cloud, equation, leaves, du) for equation in equations]
    with torch.no_grad():
        values = _weighted(cloud, fields, torch.stack(equations), factor)
        root = _root_weights(cloud, fields, len(equations), factor)
    scaled = diags(root.repeat(len(equations)).numpy()) @ vstack(rows)
    return LinearResidual(values=values, slopes=csr_matrix(scaled))


def distillation_residuals(cloud: TrainingCloud, distillation_target: DistillationTarget, outputs: Tensor) -> Tensor:
    """Compute (u - u_teacher) / |u_teacher| for the network's outputs (n_points, n_out), unknown after unknown."""
    with torch.no_grad():
        apart = cloud.solution(outputs) - distillation_target.values
        return apart.T.reshape(-1) / math.sqrt(apart.numel() * distillation_target.square)


def linearize_distillation(
    cloud: TrainingCloud, distillation_target: DistillationTarget, outputs: Tensor
) -> LinearResidual:
    """Compute r and S of the distance to a teacher at the network's outputs (n_points, n_out)."""
    y = outputs.detach().requires_grad_()
    (du,) = torch.autograd.grad(cloud.solution(y).sum(), y)
    unit = math.sqrt(du.numel() * distillation_target.square)
    return LinearResidual(
        values=distillation_residuals(cloud, distillation_target, y.detach()),
        slopes=csr_matrix(diags(du.T.reshape(-1).numpy() / unit)),
    )


def _names(cloud: TrainingCloud) -> tuple[str, ...]:
    return (*cloud.problem.unknowns, *(name for unknown in cloud.unknowns for name in unknown.names))


def _weighted(cloud: TrainingCloud, fields: DerivativeFields, residuals: Tensor, factor: Centres) -> Tensor:
    """Scale residuals (n_equations, n_inside) to r."""
    return (residuals * _root_weights(cloud, fields, len(residuals), factor)).reshape(-1)


def _root_weights(cloud: TrainingCloud, fields: DerivativeFields, n_equations: int, factor: Centres) -> Tensor:
    """Compute sqrt(w / (n n_eq)) / residual_scale, shape (n_inside,)."""
    weights = centre_weights(cloud, fields)
    held = torch.ones(cloud.n_inside, dtype=cloud.inputs.dtype) if weights is None else weights
    unit = cloud.problem.residual_scale * math.sqrt(cloud.n_inside * n_equations)
    return (held if factor is None else held * factor).sqrt() / unit


def _equation_slopes(cloud: TrainingCloud, equation: Tensor, leaves: dict[str, Tensor], du: Tensor) -> Any:
    """Compute dR/dy of one equation, shape (n_inside, n_out n_points)."""
    slopes = torch.autograd.grad(equation.sum(), list(leaves.values()), retain_graph=True, allow_unused=True)
    by_name = dict(zip(leaves, slopes, strict=True))
    columns = []
    for column, (name, unknown) in enumerate(zip(cloud.problem.unknowns, cloud.unknowns, strict=True)):
        total = csr_matrix((cloud.n_inside, len(du)))
        stacked = unknown.operator.forward
        if by_name[name] is not None:
            centres = diags(by_name[name].numpy(), shape=(cloud.n_inside, len(du)))
            total = total + centres
        for index, derivative in enumerate(unknown.names):
            if by_name[derivative] is not None:
                part = stacked[index * cloud.n_inside : (index + 1) * cloud.n_inside]
                total = total + diags(by_name[derivative].numpy()) @ part
        columns.append(total @ diags(du[:, column].numpy()))
    return hstack(columns)
