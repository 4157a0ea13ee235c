"""Damped Gauss-Newton steps in the space of the residuals: thousands of weights, but no matrix larger than the cloud.

    minimise |r + J d|^2 + damping |d|^2            r: `linearization.py`,  J = S J_y,  J_y: `tangents.py`
    d = -J^T v,    (J J^T + damping I) v = r,       J J^T = S (J_y J_y^T) S^T

by the identity (J^T J + c I)^-1 J^T = J^T (J J^T + c I)^-1. In a sparsity phase the activity above its target is one residual
more, which is zero and has no slope below the target:

    r_n = sqrt(activity_weight) max(activity - target, 0)         its change within a step is that of k mean H(m - theta)

H is the smooth step whose slope is the surrogate: so a step lowers the activity along directions that leave the equation alone, and
the gain of a step stays meaningful where a count of spikes would jump. The step minimises the linear model with this one-sided
residual exactly. That model is convex and has a continuous slope, and c v_n is the value that its last row takes after the
step; so the row takes part where v_n >= 0, and otherwise the system is solved without it.

Damping, in units of the mean diagonal of J J^T, follows the gain (Levenberg-Marquardt): a step that does not lower |r|^2 is
taken back and damped more.

Source: Guzman-Cordero et al., arXiv 2505.12149, section 3 (the identity); Mueller and Zeinhofer, ICML 2023 (why it is the right
metric); Marquardt, J. SIAM 11 (1963) 431; Madsen, Nielsen and Tingleff 2004, section 3.2 (the gain).
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

import torch
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.sparse import csr_matrix, vstack
from torch import Tensor

from ...problems.recipe import PhaseRecipe
from ..collocation.clouds import TrainingCloud
from ..collocation.marching import Front, centre_factors
from ..loss.distillation import DistillationTarget
from ..loss.linearization import LinearResidual, linearize_distillation, linearize_residuals, weighted_residuals
from ..network.network import VsnNetwork
from .adam import FlatParameters
from .tangents import Direction, ExactRun, Tangents, activity_gradient, find_tangents, move_network, run_exactly

FIRST_DAMPING = 0.1
"""Damping of a phase's first step: with 1e-3 the first three trials of a random network fail, with 1 it takes as many more."""
MAX_TRIALS = 8
"""Trials of one step before the phase counts as stalled; the last is damped 4^7 times more than the first."""
HARDER, EASIER, MORE = 4.0, 1.0 / 3.0, 2.0
"""Factors on the damping: after a failed trial, a gain above `GOOD_GAIN`, and one below `POOR_GAIN`."""
GOOD_GAIN, POOR_GAIN = 0.75, 0.25
"""Share of the predicted decrease that came true, above and below which the linear model counts as good and poor."""


@dataclass(slots=True, kw_only=True)
class GaussNewton:
    """What a phase of Gauss-Newton carries from step to step; changes in place, and a checkpoint holds it."""

    damping: float = FIRST_DAMPING
    """In units of the mean diagonal of J J^T."""
    front: Front = field(default_factory=Front)
    """How far an evolution has been followed."""
    stalled_target: float = math.nan
    """Target activity at which no trial lowered |r|^2; further steps toward it are not tried. NaN: none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _System:
    """The linear system of a step."""

    tangents: Tangents
    slopes: csr_matrix
    matrix: Tensor
    """J J^T, shape (n_rows, n_rows)."""
    residuals: Tensor
    """r, shape (n_rows,); its last entry is negative where the activity is below its target."""
    activity: float
    """Activity before the step."""
    smooth_activity: float
    """Its smooth double, which tells changes of it apart that are too small to flip a spike."""
    activity_row: Direction | None = None
    """The row of J that belongs to the activity, the last one."""

    @property
    def n_equations(self) -> int:
        """Rows that belong to the equation and the distillation target."""
        return int(self.slopes.shape[0])

    @property
    def square(self) -> float:
        """|r|^2, where an activity below its target counts as zero."""
        excess = self.residuals[self.n_equations :].clamp_min(0.0)
        return (self.residuals[: self.n_equations].square().sum() + excess.square().sum()).item()

    def direction(self, v: Tensor) -> Direction:
        """Return J^T v for v over all rows, or over those of the equation alone."""
        pulled = self.tangents.pulled_back(torch.from_numpy(self.slopes.T @ v[: self.n_equations].numpy()))
        return (
            pulled if len(v) == self.n_equations or self.activity_row is None else pulled.plus(v[-1], self.activity_row)
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _StepTask:
    """What stays fixed during a step."""

    cloud: TrainingCloud
    network: VsnNetwork
    parameters: FlatParameters
    phase: PhaseRecipe
    target: float
    factor: Tensor | None
    """Factor on the weight of every centre, shape (n_inside,)."""
    distillation_target: DistillationTarget | None


def step_gauss_newton(
    state: GaussNewton,
    cloud: TrainingCloud,
    network: VsnNetwork,
    parameters: FlatParameters,
    phase: PhaseRecipe,
    target: float,
    distillation_target: DistillationTarget | None = None,
) -> None:
    """Move a network by one step, or leave it where no trial lowers |r|^2.

    Args:
        state: Of the phase; changed.
        cloud: In float64 on the CPU.
        network: Changed.
        parameters: The network's own.
        phase: Its weights and `marching`.
        target: Activity to aim at in this step.
        distillation_target: Whom the phase imitates.
    """
    factor = None if phase.marching is None else centre_factors(cloud, phase.marching, state.front)
    loss = math.inf
    if state.stalled_target != target:
        task = _StepTask(
            cloud=cloud,
            network=network,
            parameters=parameters,
            phase=phase,
            target=target,
            factor=factor,
            distillation_target=distillation_target,
        )
        loss = _try_steps(state, task, _build_system(task))
        state.stalled_target = target if loss == math.inf else math.nan
    if phase.marching is not None and state.front.advance(phase.marching, loss):
        state.stalled_target = math.nan


def _build_system(task: _StepTask) -> _System:
    """Linearize everything at the present weights."""
    run = run_exactly(task.network, task.cloud.inputs)
    tangents = find_tangents(run)
    linear, points = _linearized(task, tangents.outputs).compressed(len(tangents.outputs))
    tangents = tangents.at(torch.from_numpy(points))
    system = _System(
        tangents=tangents,
        slopes=linear.slopes,
        matrix=tangents.sandwiched(linear.slopes),
        residuals=linear.values,
        activity=run.activity.item(),
        smooth_activity=run.smooth_activity.item(),
    )
    return system if task.phase.activity_weight == 0.0 else _with_activity(task, system, run)


def _linearized(task: _StepTask, outputs: Tensor) -> LinearResidual:
    """Give r and S of all that the phase weighs, the activity apart."""
    parts = []
    if task.phase.residual_weight > 0.0:
        parts.append((task.phase.residual_weight, linearize_residuals(task.cloud, outputs, task.factor)))
    if task.phase.distillation_weight > 0.0 and task.distillation_target is not None:
        parts.append(
            (task.phase.distillation_weight, linearize_distillation(task.cloud, task.distillation_target, outputs))
        )
    return LinearResidual(
        values=torch.cat([math.sqrt(weight) * part.values for weight, part in parts]),
        slopes=csr_matrix(vstack([math.sqrt(weight) * part.slopes for weight, part in parts])),
    )


def _with_activity(task: _StepTask, system: _System, run: ExactRun) -> _System:
    """Add the row of the activity."""
    weight = math.sqrt(task.phase.activity_weight)
    row = activity_gradient(task.network, run).scaled(weight)
    across = torch.from_numpy(system.slopes @ system.tangents.pushed_forward(row).numpy())[:, None]
    above = torch.cat([system.matrix, across], 1)
    below = torch.cat([across.T, row.dot(row).view(1, 1)], 1)
    excess = system.residuals.new_tensor([weight * (system.activity - task.target)])
    return dataclasses.replace(
        system, matrix=torch.cat([above, below]), residuals=torch.cat([system.residuals, excess]), activity_row=row
    )


def _try_steps(state: GaussNewton, task: _StepTask, system: _System) -> float:
    """Try steps, each damped more than the one before, until one lowers |r|^2; give the equation's part of it, or inf."""
    unit = system.matrix.diagonal()[: system.n_equations].mean()
    values = task.parameters.values
    before, start = system.square, values.clone()
    for _ in range(MAX_TRIALS):
        damping = state.damping * unit
        v = _solved(system, damping)
        if v is not None:
            move_network(task.network, system.direction(v), -1.0)
            loss, excess = _measured(task, system)
            predicted = before - (damping * v).square().sum().item()
            if loss + excess < before and predicted > 0.0:  # else the step is so small that only rounding is seen
                gain = (before - loss - excess) / predicted
                state.damping = _next_damping(state.damping, gain, task.phase.least_damping)
                return loss
            values.copy_(start)
        state.damping *= HARDER
    state.damping = FIRST_DAMPING
    return math.inf


def _solved(system: _System, damping: Tensor) -> Tensor | None:
    """Solve for v, shape (n_rows,), or (n_equations,) where the step leaves the activity below its target.

    Returns:
        v, or None where rounding leaves the matrix indefinite.
    """
    v = _solved_rows(system, damping, len(system.residuals))
    if system.activity_row is None or v is None or v[-1] >= 0.0:
        return v
    return _solved_rows(system, damping, system.n_equations)


def _solved_rows(system: _System, damping: Tensor, n_rows: int) -> Tensor | None:
    """Solve the system of the first rows for v, shape (n_rows,)."""
    matrix = system.matrix[:n_rows, :n_rows].numpy().copy()
    matrix.flat[:: n_rows + 1] += damping.item()
    try:  # scipy's Cholesky: torch's takes twice as long on processors that its MKL does not know
        factor = cho_factor(matrix.T, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return None
    return torch.from_numpy(cho_solve(factor, system.residuals[:n_rows].numpy(), check_finite=False))


@torch.no_grad()
def _measured(task: _StepTask, system: _System) -> tuple[float, float]:
    """Measure |r|^2 of the equation, and of the activity: the activity before the step, moved by the change of the smooth activity."""
    run = run_exactly(task.network, task.cloud.inputs)
    activity = system.activity + run.smooth_activity.item() - system.smooth_activity
    loss = 0.0
    if task.phase.residual_weight > 0.0:
        residuals = weighted_residuals(task.cloud, run.output, task.factor)
        loss += task.phase.residual_weight * residuals.square().sum().item()
    if task.phase.distillation_weight > 0.0 and task.distillation_target is not None:
        loss += (
            task.phase.distillation_weight * task.distillation_target.distance(task.cloud.solution(run.output)).item()
        )
    return loss, task.phase.activity_weight * max(activity - task.target, 0.0) ** 2


def _next_damping(damping: float, gain: float, least: float) -> float:
    if gain > GOOD_GAIN:
        return max(damping * EASIER, least)
    return damping * MORE if gain < POOR_GAIN else damping
