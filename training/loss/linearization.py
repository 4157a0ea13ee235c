"""The weighted residuals of a cloud as one vector, and their derivatives by the network's outputs as one sparse matrix.

    r_i = sqrt(w_i / n) R_i / scale                           n: rows of the block; |r|^2 is the loss of `losses.py`
    S   = dr / dy = A diag(du / dy)                           A: `problems/discretization.py`, y: the network's outputs

and for a distillation target, r_i = (u_i - u_teacher_i) / |u_teacher|, whose S is du / dy.

Weights count as constants.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix, diags, vstack
from torch import Tensor

from ...base.arrays import FloatArray, IntArray, Record
from ..collocation.clouds import TrainingCloud
from .distillation import DistillationTarget
from .losses import centre_weights

Centres = Tensor | None
"""Factor on the weight of every centre, shape (n_inside,); None for one."""
Balance = tuple[float, ...]
"""Factor on the weight of every block of rows; empty for one."""
NONE: Mapping[str, float] = MappingProxyType({})
"""No unknown coefficients."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearResidual(Record):
    """The linear model r(y + e) ~ r + S e of weighted residuals."""

    values: Tensor
    """Weighted residuals r, block after block, shape (n_rows,)."""
    slopes: csr_matrix
    """Derivatives S, shape (n_rows, n_out n_points), unknown after unknown."""
    blocks: IntArray
    """Block of rows of the discretization that each row belongs to, shape (n_rows,); -1 for those of a teacher."""
    columns: FloatArray | None = None
    """Derivatives by the unknown coefficients, shape (n_rows, n_coefficients); None without any."""

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
        held = None if self.columns is None else self.columns[rows]
        smaller = LinearResidual(
            values=self.values[rows], slopes=S[rows][:, columns], blocks=self.blocks[rows], columns=held
        )
        return smaller, seen


def weighted_residuals(
    cloud: TrainingCloud,
    outputs: Tensor,
    factor: Centres = None,
    balance: Balance = (),
    coefficients: Mapping[str, float] = NONE,
) -> Tensor:
    """Compute r for the network's outputs (n_points, n_out), shape (n_rows,)."""
    u = cloud.solution(outputs.detach()).numpy()
    names = [cloud.held.names_at(block, u, cloud.constants(coefficients)) for block in cloud.held.blocks]
    return torch.from_numpy(_rows_of(cloud, names) * _root_weights(cloud, names[0], factor, balance))


def _rows_of(cloud: TrainingCloud, names: Sequence[Mapping[str, Any]]) -> FloatArray:
    """Compute the rows of all blocks, not weighted, from the values of their names, shape (n_rows,)."""
    rows = [block.evaluate(values) for block, values in zip(cloud.held.blocks, names, strict=True)]
    return np.concatenate([each.ravel() for each in rows])


def linearize_residuals(
    cloud: TrainingCloud,
    outputs: Tensor,
    factor: Centres = None,
    balance: Balance = (),
    coefficients: Mapping[str, float] = NONE,
) -> LinearResidual:
    """Compute r and S at the network's outputs (n_points, n_out).

    Args:
        cloud: Collocation points, in float64 on the CPU.
        outputs: Outputs y; their graph is not followed.
        factor: Factor on the weight of every centre.
        balance: Factor on the weight of every block of rows; empty for one.
        coefficients: Present values of the problem's unknown coefficients.
    """
    constants = cloud.constants(coefficients)
    y = outputs.detach().requires_grad_()
    solution = cloud.solution(y)
    (du,) = torch.autograd.grad(solution.sum(), y)
    u = solution.detach().numpy()
    names = [cloud.held.names_at(block, u, constants) for block in cloud.held.blocks]
    roots = _root_weights(cloud, names[0], factor, balance)
    pairs = zip(cloud.held.blocks, names, strict=True)
    jacobian = vstack([cloud.held.block_jacobian(block, values) for block, values in pairs], format="csr")
    blocks = np.repeat(np.arange(len(cloud.blocks)), [block.n_rows for block in cloud.held.blocks])
    return LinearResidual(
        values=torch.from_numpy(_rows_of(cloud, names) * roots),
        slopes=csr_matrix(diags(roots) @ jacobian @ diags(du.T.reshape(-1).numpy())),
        blocks=blocks,
        columns=roots[:, None] * cloud.held.coefficient_slopes(u, constants) if coefficients else None,
    )


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
        blocks=np.full(du.numel(), -1),
    )


def _root_weights(cloud: TrainingCloud, names: Mapping[str, Any], factor: Centres, balance: Balance) -> FloatArray:
    """Compute sqrt(w / (n n_eq)) / scale for every row, block after block, shape (n_rows,)."""
    roots = []
    for index, (block, scale) in enumerate(zip(cloud.held.blocks, cloud.scales, strict=True)):
        weight = block.weight * (balance[index] if balance else 1.0)
        each = np.full(len(block.index), weight / block.n_rows)
        if index == 0:
            each *= _centre_factors(cloud, names, factor)
        roots.append((np.sqrt(each) / scale[:, None]).ravel())
    return np.concatenate(roots)


def _centre_factors(cloud: TrainingCloud, names: Mapping[str, Any], factor: Centres) -> FloatArray | float:
    followed = {each: torch.from_numpy(value) for each, value in names.items() if isinstance(value, np.ndarray)}
    weights = centre_weights(cloud, followed)
    held: FloatArray | float = 1.0 if weights is None else weights.numpy()
    return held if factor is None else held * factor.numpy()
