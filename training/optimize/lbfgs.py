"""L-BFGS: torch's own, its line search by the strong Wolfe conditions, one iteration at a time, on all parameters at once.

    d = -H g            H: from the last pairs of s = change of w and y = change of g, the inverse of the curvature along them
    w = w + t d         t: searched so that L and its slope along d have fallen far enough

g takes every spike for a constant, as Gauss-Newton does, and so leaves leaks and thresholds where they are: L along d is
what its slope says, but for jumps of about theta^2 where a spike flips, and those are what ends a descent. The recipe's
surrogate, which is the slope of another function, was tried: it ends about alike (docs/results.md), and is what no line
search is made for. Weights of the centres that depend on u count as constants, too.

A search that finds nothing lower leaves the network where it is and forgets the pairs; where the gradient itself leads
nowhere either, the phase has stalled, and its further steps are not tried. This module knows losses and torch; it does not know
trainings.

Source: Nocedal and Wright, Numerical Optimization, 2006, algorithms 7.4 and 3.5; `torch.optim.LBFGS`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...problems.recipe import PhaseRecipe
from ..collocation.clouds import TrainingCloud
from ..loss.distillation import DistillationTarget
from ..loss.energy_loss import EnergyCloud
from ..loss.losses import evaluate_loss, weighted_loss
from ..network.network import VsnNetwork
from .adam import FlatParameters
from .tangents import constant_spikes

HISTORY_SIZE = 50
"""Most pairs that are kept: two vectors of all parameters each, 4 MB for three layers of 50 neurons."""
MAX_TRIALS = 20
"""Trials of one line search."""
LOSS_SCALE = 2.0**30
"""Factor on the loss, a power of two, so that nothing rounds: torch drops pairs of s . y < 1e-10, as small losses have."""


class LBfgs:
    """What a phase of L-BFGS carries from step to step; changes in place, and a checkpoint holds all but `here`."""

    def __init__(self, values: Tensor) -> None:
        self.n_steps = 0
        """Steps since the pairs were last forgotten; after none of them the next one follows the gradient."""
        self.length = 0.0
        """t of the last step."""
        self.scale = 1.0
        """s . y / y . y of the last pair: the curvature's inverse where no pair tells of it."""
        self.stalled = False
        """Whether nothing lower was found along the gradient itself."""
        self.direction = torch.zeros_like(values)
        """d of the last step, shape (n_parameters,)."""
        self.gradient = torch.zeros_like(values)
        """g before the last step, times `LOSS_SCALE`, same shape."""
        self.moves: list[Tensor] = []
        """s of each pair, the oldest first, shape (n_parameters,)."""
        self.changes: list[Tensor] = []
        """y of each pair, times `LOSS_SCALE`, same shape."""
        self.inverses: list[float] = []
        """1 / (s . y) of each pair."""
        self.here: _Point | None = None
        """The point last gone to, lest it be evaluated twice."""

    def forget(self) -> None:
        """Go on from the gradient alone."""
        self.n_steps, self.moves, self.changes, self.inverses = 0, [], [], []

    def to_torch(self) -> dict[str, Any]:
        """Give the state as `torch.optim.LBFGS` names it."""
        return {
            "n_iter": self.n_steps,
            "func_evals": 0,
            "d": self.direction,
            "t": self.length,
            "H_diag": self.scale,
            "prev_flat_grad": self.gradient,
            "old_stps": self.moves,
            "old_dirs": self.changes,
            "ro": self.inverses,
        }

    def take_torch(self, state: dict[str, Any]) -> None:
        """Take over what torch has made of the state."""
        self.n_steps, self.length, self.scale = state["n_iter"], float(state["t"]), float(state["H_diag"])
        self.direction, self.gradient = state["d"], state["prev_flat_grad"]
        self.moves, self.changes, self.inverses = state["old_stps"], state["old_dirs"], [float(r) for r in state["ro"]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Point:
    """A point of the line search."""

    values: Tensor
    loss: float
    """Times `LOSS_SCALE`; infinite where it is no number."""
    gradient: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Search:
    """The loss along a line; the first point is where the network is."""

    cloud: TrainingCloud | EnergyCloud
    network: VsnNetwork
    parameters: FlatParameters
    phase: PhaseRecipe
    distillation_target: DistillationTarget | None
    points: list[_Point]

    def evaluate(self) -> float:
        """Give the loss at the present parameters, its gradient in theirs."""
        self.parameters.gradient.zero_()
        terms = evaluate_loss(self.cloud, self.network, self.distillation_target)._replace(causal=None)
        loss = LOSS_SCALE * weighted_loss(terms, self.phase, 0.0)
        loss.backward()
        number = loss.item()
        self.points.append(
            _Point(
                values=self.parameters.values.clone(),
                loss=number if math.isfinite(number) else math.inf,
                gradient=self.parameters.gradient.clone(),
            )
        )
        return self.points[-1].loss

    def start(self, here: _Point | None) -> float:
        """Give the loss where the network is, from memory if it was the last point gone to."""
        if here is None or not torch.equal(here.values, self.parameters.values):
            return self.evaluate()
        self.parameters.gradient.copy_(here.gradient)
        self.points.append(here)
        return here.loss

    def reached(self) -> _Point | None:
        """Give the point at which the parameters are, if the loss is lower there than at the first."""
        at = [point for point in self.points if torch.equal(point.values, self.parameters.values)]
        return at[0] if at and at[0].loss < self.points[0].loss else None


def step_l_bfgs(
    state: LBfgs,
    cloud: TrainingCloud | EnergyCloud,
    network: VsnNetwork,
    parameters: FlatParameters,
    phase: PhaseRecipe,
    distillation_target: DistillationTarget | None = None,
) -> None:
    """Move a network by one step, or leave it where the line search finds nothing lower.

    Args:
        state: Of the phase; changed.
        cloud: Residuals or an energy.
        network: Changed.
        parameters: The network's own.
        phase: Its weights; the activity has none.
        distillation_target: Whom the phase imitates.
    """
    if state.stalled:
        return
    search = _Search(
        cloud=cloud,
        network=network,
        parameters=parameters,
        phase=phase,
        distillation_target=distillation_target,
        points=[],
    )
    followed_gradient = state.n_steps == 0
    vector = parameters.values.detach()
    vector.grad = parameters.gradient
    optimizer = torch.optim.LBFGS(
        [vector],
        max_iter=1,
        max_eval=MAX_TRIALS + 1,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        history_size=HISTORY_SIZE,
        line_search_fn="strong_wolfe",
    )
    optimizer.state[vector].update(state.to_torch())
    with constant_spikes(network):
        optimizer.step(lambda: search.evaluate() if search.points else search.start(state.here))
    state.take_torch(optimizer.state[vector])
    state.here = search.reached()
    if state.here is None:
        parameters.values.copy_(search.points[0].values)
        state.forget()
        state.stalled = followed_gradient
