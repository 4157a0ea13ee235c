"""Damped Gauss-Newton steps in the space of the residuals, so that no matrix is larger than the cloud for thousands of weights.

    minimise |r + J (mu p + d)|^2 + damping |d|^2       r: `linearization.py`,  J = S J_y,  J_y: `tangents.py`
    d = -J^T v,    (J J^T + damping I) v = r + mu J p,       J J^T = S (J_y J_y^T) S^T

by the identity (J^T J + c I)^-1 J^T = J^T (J J^T + c I)^-1; p is the step before, and the network moves by mu p + d. In a
sparsity phase the activity above its target is one residual more, which is zero and has no slope below the target:

    r_n = sqrt(activity_weight) max(activity - target, 0)

Within a step its change is taken to be that of k mean H(m - theta), where H is the smooth step whose slope is the surrogate. So
a step lowers the activity along directions that leave the equation alone, and the gain of a step stays meaningful where a count
of spikes would jump. The step minimises the linear model with this one-sided residual exactly. That model is convex and has a
continuous slope, and c v_n is the value that its last row takes after the step; so the row takes part where v_n >= 0, and
otherwise the system is solved without it.

Damping, in units of the mean diagonal of J J^T, follows the gain (Levenberg-Marquardt): a step that does not lower |r|^2 is
taken back and damped more; after `MOMENTUM_TRIALS` of these p counts as zero.

Source: Guzman-Cordero et al., arXiv 2505.12149, section 3 (the identity, and momentum as in SPRING); Mueller and Zeinhofer,
ICML 2023 (why it is the right metric); Marquardt, J. SIAM 11 (1963) 431; Madsen, Nielsen and Tingleff 2004, section 3.2 (the
gain).
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.sparse import csr_matrix, vstack
from torch import Tensor

from ...base.arrays import FloatArray, IntArray, Record
from ...problems.recipes.phases import Optimizer
from ..collocation.clouds import TrainingCloud
from ..collocation.marching import Front, centre_factors
from ..loss.linearization import (
    Balance,
    LinearResidual,
    linearize_distillation,
    linearize_residuals,
    weighted_residuals,
)
from ..network.coefficients import coefficient_numbers, coefficients_of
from .phase_optimizer import Packed, StepTask, read_number, read_tensor
from .tangents import Direction, ExactRun, Tangents, activity_gradient, find_tangents, move_network, run_exactly

FIRST_DAMPING = 0.1
"""Damping of a phase's first step: with 1e-3 the first three trials of a random network fail, with 1 it takes as many more."""
MAX_TRIALS = 8
"""Number of trials of one step before the phase counts as stalled; the last is damped 4^7 times more than the first."""
HARDER, EASIER, MORE = 4.0, 1.0 / 3.0, 2.0
"""Factors on the damping: after a failed trial, a gain above `GOOD_GAIN`, and one below `POOR_GAIN`."""
MOMENTUM_TRIALS = 3
"""Number of failed trials of one step after which it is taken without momentum."""
REBALANCED = 10
"""Steps between two balances of equations and conditions. Fixed weights scatter from 9e-4 to 6e-3 with the seed where balanced
ones give 7e-4 (a Poisson problem with a Neumann side)."""
GOOD_GAIN, POOR_GAIN = 0.75, 0.25
"""Share of the predicted decrease that came true, above and below which the linear model counts as good and poor."""


@dataclass(slots=True, kw_only=True)
class GaussNewton:
    """Gauss-Newton for one phase."""

    kind: ClassVar[Optimizer] = Optimizer.GAUSS_NEWTON

    damping: float = FIRST_DAMPING
    """Damping of the next trial, in units of the mean diagonal of J J^T."""
    front: Front = field(default_factory=Front)
    """Position of the front up to which an evolution has been followed."""
    balance: Balance = ()
    """Factors on the weights of the equations and of each condition; empty for one."""
    last_step: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.float64))
    """The step p before, shape (n_parameters,); empty where there is none."""
    stalled_target: float = math.nan
    """Target activity at which no trial lowered |r|^2, so that further steps toward it are skipped; NaN: none."""

    def advance(self, task: StepTask) -> None:
        """Move the network by one step, or leave it where no trial lowers |r|^2. The cloud is in float64 on the CPU."""
        assert isinstance(task.cloud, TrainingCloud)
        marching, loss = task.phase.marching, math.inf
        if self.stalled_target != task.target_activity:
            factor = None if marching is None else centre_factors(task.cloud, marching, self.front)
            system = _build_system(task, task.cloud, factor, self.balance)
            if len(task.cloud.blocks) > 1 and task.iteration % REBALANCED == 0:
                self.balance = _balanced(system, self.balance)
                system = _build_system(task, task.cloud, factor, self.balance)
            loss = self._try_steps(system)
            self.stalled_target = task.target_activity if loss == math.inf else math.nan
        if marching is not None and self.front.advance(marching, loss):
            self.stalled_target = math.nan

    def begin_draw(self) -> None:
        """Forget that the phase has stalled."""
        self.stalled_target = math.nan

    def pack(self) -> Packed:
        """Return damping, front, stall, balance and the last step."""
        front = {"window": self.front.window, "n_stayed": self.front.n_stayed}
        balance = {"balance": torch.tensor(self.balance, dtype=torch.float64)}
        held = {"damping": self.damping, "stalled_target": self.stalled_target, "last_step": self.last_step}
        return {**held, **front, **balance}

    def unpack(self, packed: Packed) -> None:
        """Restore damping, front, stall, balance and the last step."""
        self.damping, self.stalled_target = (read_number(packed, name) for name in ("damping", "stalled_target"))
        window, n_stayed = (read_number(packed, name, int) for name in ("window", "n_stayed"))
        self.front = Front(window=window, n_stayed=n_stayed)
        balance, self.last_step = (
            read_tensor(packed, name, torch.empty(0, dtype=torch.float64)) for name in ("balance", "last_step")
        )
        self.balance = tuple(balance.tolist())

    def _try_steps(self, system: _System) -> float:
        """Try steps, each damped more than the one before, until one lowers |r|^2.

        Returns:
            |r|^2 of the equation and the distillation target after the step; infinite where no trial lowered the whole.
        """
        task, unit = system.task, system.matrix.diagonal()[: system.n_equations].mean()
        values, before = task.parameters.values, system.square
        start, carried = values.clone(), self._carried(task)
        ahead = None if carried is None else system.pushed_forward(carried)
        for trial in range(MAX_TRIALS):
            if trial == MOMENTUM_TRIALS:
                carried = ahead = None
            damping = self.damping * unit
            v = _solve(system, damping, system.residuals if ahead is None else system.residuals + ahead)
            if v is not None:
                move_network(task.network, system.direction(v), -1.0)
                system.move_coefficients(v)
                if carried is not None:
                    values.add_(carried)
                loss, excess = _measure(system)
                predicted = before - (damping * v).square().sum().item()
                if loss + excess < before and predicted > 0.0:  # else the step is so small that only rounding is seen
                    gain = (before - loss - excess) / predicted
                    self.damping = _next_damping(self.damping, gain, task.phase.least_damping)
                    self.last_step = values - start
                    return loss
                values.copy_(start)
            self.damping *= HARDER
        self.last_step = values.new_empty(0)
        self.damping = FIRST_DAMPING
        return math.inf

    def _carried(self, task: StepTask) -> Tensor | None:
        """Return mu p, shape (n_parameters,); None where it is zero."""
        momentum = task.phase.momentum
        return momentum * self.last_step if momentum > 0.0 and len(self.last_step) else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _System(Record):
    """The linear system of a step."""

    task: StepTask
    cloud: TrainingCloud
    factor: Tensor | None
    """Factor on the weight of every centre, shape (n_inside,); None for one."""
    balance: Balance
    """Factor on the weight of every block of rows; empty for one."""
    blocks: IntArray
    """Block that each row of the equations belongs to, shape (n_equations,); -1 for a teacher's."""
    columns: Tensor | None
    """Derivatives of these rows by the trained coefficients, shape (n_equations, n_coefficients); None without any."""
    tangents: Tangents
    slopes: csr_matrix
    """S of the equation and the distillation target, shape (n_equations, n_out n_points)."""
    matrix: Tensor
    """Kernel J J^T, shape (n_rows, n_rows)."""
    residuals: Tensor
    """Residuals r, shape (n_rows,); their last entry is negative where the activity is below its target."""
    activity: float
    """Activity before the step, 0 to 1."""
    smooth_activity: float
    """Smooth activity before the step, which also changes where no spike flips."""
    activity_row: Direction | None = None
    """The row of J that belongs to the activity, the last one."""

    @property
    def n_equations(self) -> int:
        """Number of rows of the equation and the distillation target, without that of the activity."""
        return int(self.slopes.shape[0])

    @property
    def square(self) -> float:
        """|r|^2, where an activity below its target counts as zero."""
        excess = self.residuals[self.n_equations :].clamp_min(0.0)
        return (self.residuals[: self.n_equations].square().sum() + excess.square().sum()).item()

    def move_coefficients(self, v: Tensor) -> None:
        """Move the coefficients beside the network by -columns^T v."""
        held = coefficients_of(self.task.network)
        if held is not None and self.columns is not None:
            with torch.no_grad():
                held.free.sub_(self.columns.T @ v[: self.n_equations])

    def direction(self, v: Tensor) -> Direction:
        """Return J^T v for v over all rows, or over those of the equation alone."""
        pulled = self.tangents.pulled_back(torch.from_numpy(self.slopes.T @ v[: self.n_equations].numpy()))
        return (
            pulled if len(v) == self.n_equations or self.activity_row is None else pulled.plus(v[-1], self.activity_row)
        )

    def pushed_forward(self, step: Tensor) -> Tensor:
        """Return J times a step of all parameters, shape (n_rows,)."""
        parameters, held = self.task.parameters, coefficients_of(self.task.network)
        direction = parameters.direction(self.task.network, step)
        ahead = torch.from_numpy(self.slopes @ self.tangents.pushed_forward(direction).numpy())
        if held is not None and self.columns is not None:
            ahead += self.columns @ step[parameters.parts[id(held.free)]]
        row = self.activity_row
        return ahead if row is None else torch.cat([ahead, row.dot(direction).view(1)])


def _balanced(system: _System, balance: Balance) -> Balance:
    """Return factors by which every block of rows gets the mean diagonal of the kernel that the equations have."""
    diagonal = system.matrix.diagonal()[: system.n_equations].numpy()
    n_blocks = len(system.cloud.blocks)
    sums = [diagonal[system.blocks == index].sum() for index in range(n_blocks)]
    held = balance or (1.0,) * n_blocks
    weights = [block.weight for block in system.cloud.held.blocks]
    return tuple(
        float(own * weight * sums[0] / total) if total > 0.0 else own
        for own, weight, total in zip(held, weights, sums, strict=True)
    )


def _build_system(task: StepTask, cloud: TrainingCloud, factor: Tensor | None, balance: Balance = ()) -> _System:
    """Linearize the residuals at the present weights."""
    run = run_exactly(task.network, cloud.inputs)
    tangents = find_tangents(task.network, run)
    linear, points = _linearize(task, cloud, factor, balance, tangents.outputs).compressed(len(tangents.outputs))
    tangents = tangents.at(torch.from_numpy(points))
    held, matrix = coefficients_of(task.network), tangents.sandwiched(linear.slopes)
    columns = None if held is None or linear.columns is None else torch.from_numpy(linear.columns) * held.slopes()
    system = _System(
        task=task,
        cloud=cloud,
        factor=factor,
        balance=balance,
        blocks=linear.blocks,
        tangents=tangents,
        slopes=linear.slopes,
        matrix=matrix if columns is None else matrix + columns @ columns.T,
        columns=columns,
        residuals=linear.values,
        activity=run.activity.item(),
        smooth_activity=run.smooth_activity.item(),
    )
    return system if task.phase.activity_weight == 0.0 else _with_activity(system, run)


def _linearize(
    task: StepTask, cloud: TrainingCloud, factor: Tensor | None, balance: Balance, outputs: Tensor
) -> LinearResidual:
    """Return r and S of the equation and of the distillation target, as the phase weighs them."""
    phase, parts, coefficients = task.phase, [], coefficient_numbers(task.network)
    if phase.residual_weight > 0.0:
        parts.append(
            (
                phase.residual_weight,
                linearize_residuals(cloud, outputs, factor, balance, coefficients),
            )
        )
    if phase.distillation_weight > 0.0 and task.distillation_target is not None:
        parts.append((phase.distillation_weight, linearize_distillation(cloud, task.distillation_target, outputs)))
    return LinearResidual(
        values=torch.cat([math.sqrt(weight) * part.values for weight, part in parts]),
        slopes=csr_matrix(vstack([math.sqrt(weight) * part.slopes for weight, part in parts])),
        blocks=np.concatenate([part.blocks for _, part in parts]),
        columns=_stacked_columns(parts),
    )


def _stacked_columns(parts: list[tuple[float, LinearResidual]]) -> FloatArray | None:
    """Stack the derivatives by the coefficients, zero for the rows of a teacher; None without any."""
    widths = [part.columns.shape[1] for _, part in parts if part.columns is not None]
    if not widths:
        return None
    held = [
        np.zeros((len(part.values), widths[0])) if part.columns is None else math.sqrt(weight) * part.columns
        for weight, part in parts
    ]
    return np.concatenate(held)


def _with_activity(system: _System, run: ExactRun) -> _System:
    """Return the system with the row of the activity as its last one."""
    weight = math.sqrt(system.task.phase.activity_weight)
    row = activity_gradient(system.task.network, run).scaled(weight)
    across = torch.from_numpy(system.slopes @ system.tangents.pushed_forward(row).numpy())[:, None]
    above = torch.cat([system.matrix, across], 1)
    below = torch.cat([across.T, row.dot(row).view(1, 1)], 1)
    excess = system.residuals.new_tensor([weight * (system.activity - system.task.target_activity)])
    return dataclasses.replace(
        system, matrix=torch.cat([above, below]), residuals=torch.cat([system.residuals, excess]), activity_row=row
    )


def _solve(system: _System, damping: Tensor, residuals: Tensor) -> Tensor | None:
    """Solve for v, shape (n_rows,), or (n_equations,) where the step leaves the activity below its target.

    Args:
        system: The linear system.
        damping: Damping, a scalar.
        residuals: Residuals r + mu J p, shape (n_rows,).

    Returns:
        v, or None where rounding leaves the matrix indefinite.
    """
    v = _solve_rows(system, damping, residuals)
    if system.activity_row is None or v is None or v[-1] >= 0.0:
        return v
    return _solve_rows(system, damping, residuals[: system.n_equations])


def _solve_rows(system: _System, damping: Tensor, residuals: Tensor) -> Tensor | None:
    """Solve the system of the first rows for v, shape (n_rows,), as many as there are residuals."""
    n_rows = len(residuals)
    matrix = system.matrix[:n_rows, :n_rows].numpy().copy()
    matrix.flat[:: n_rows + 1] += damping.item()
    try:  # scipy's Cholesky: torch's takes twice as long on processors that its MKL does not know
        factor = cho_factor(matrix.T, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return None
    return torch.from_numpy(cho_solve(factor, residuals.numpy(), check_finite=False))


@torch.no_grad()
def _measure(system: _System) -> tuple[float, float]:
    """Measure |r|^2 after a trial: that of the equation and the distillation target, and that of the activity.

    The activity is the one before the step, moved by the change of the smooth activity.
    """
    task, cloud = system.task, system.cloud
    run = run_exactly(task.network, cloud.inputs)
    activity = system.activity + run.smooth_activity.item() - system.smooth_activity
    loss = 0.0
    if task.phase.residual_weight > 0.0:
        residuals = weighted_residuals(
            cloud, run.output, system.factor, system.balance, coefficient_numbers(task.network)
        )
        loss += task.phase.residual_weight * residuals.square().sum().item()
    if task.phase.distillation_weight > 0.0 and task.distillation_target is not None:
        loss += task.phase.distillation_weight * task.distillation_target.distance(cloud.solution(run.output)).item()
    return loss, task.phase.activity_weight * max(activity - task.target_activity, 0.0) ** 2


def _next_damping(damping: float, gain: float, least: float) -> float:
    if gain > GOOD_GAIN:
        return max(damping * EASIER, least)
    return damping * MORE if gain < POOR_GAIN else damping
