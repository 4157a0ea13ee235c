"""Training of the trunk: features of a point in whose span the equation can be solved for every function.

In each step the coefficients of a group of functions are solved for by Gauss-Newton; then Adam moves the features along the
slope of what is left, the coefficients being constants. An activity above its target costs in every layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...base.arrays import FloatArray
from ...geometry.parametric_domain import ParametricCloud, ParametricDomain
from ...problems.problem import PdeProblem
from ...problems.recipes.operator_recipe import OperatorRecipe
from ..network.operator_module import Layers
from .span import FunctionBatch, SpanFit, fit_span, make_batch

N_FIRST = 4
"""Steps of Gauss-Newton for functions that are new."""
RAMP = 3.0
"""Inverse of the share of the steps after which activity costs its full weight."""

OnStep = Callable[[int, float, float, float], None]
"""Called with the step, its learning rate, the mean square of what is left, and the activity."""


@dataclass(slots=True)
class _Pool:
    """Groups of functions with the coefficients that the last step found."""

    problem: PdeProblem
    recipe: OperatorRecipe
    cloud: ParametricCloud
    rng: np.random.Generator
    batches: list[FunctionBatch]
    coefficients: list[FloatArray | None]

    @classmethod
    def drawn(cls, problem: PdeProblem, recipe: OperatorRecipe, rng: np.random.Generator) -> _Pool:
        """Draw all groups."""
        assert isinstance(problem.domain, ParametricDomain)
        cloud = problem.domain.cloud(recipe.cloud.n_per_axis, recipe.cloud.gradings)
        pool = cls(problem, recipe, cloud, rng, [], [None] * recipe.n_pool)
        for _ in range(recipe.n_pool):
            pool.batches.append(pool.draw())
        return pool

    def draw(self) -> FunctionBatch:
        """Draw a group of functions."""
        domain = self.problem.domain
        assert isinstance(domain, ParametricDomain)
        draws = domain.draw(len(self.cloud.draws), self.rng)
        scales = self.batches[0].scales if self.batches else None
        return make_batch(self.problem, self.cloud, self.recipe.cloud, draws, scales)

    def fit(self, step: int, features: FloatArray) -> SpanFit:
        """Solve for the coefficients of the group whose turn it is; now and then it is a new one."""
        turn = step % len(self.batches)
        if step and step % self.recipe.redraw_every == 0:
            self.batches[turn], self.coefficients[turn] = self.draw(), None
        start = self.coefficients[turn]
        fit = fit_span(self.batches[turn], features, start, N_FIRST if start is None else 1)
        self.coefficients[turn] = fit.coefficients
        return fit


def train_trunk(
    trunk: Layers,
    problem: PdeProblem,
    recipe: OperatorRecipe,
    rng: np.random.Generator,
    normalised: Callable[[FloatArray], FloatArray],
    on_step: OnStep | None = None,
) -> None:
    """Train a trunk in place.

    Args:
        trunk: Layers from normalised coordinates to features, in float64.
        problem: Problem with one unknown and at least one function.
        recipe: Points, steps and activity.
        rng: Draws the functions.
        normalised: Maps coordinates of the region, (n_points, n_axes), to what the trunk reads.
        on_step: Called after every step.

    Raises:
        SpecError: If the problem has several unknowns, or a condition that joins all points.
    """
    pool = _Pool.drawn(problem, recipe, rng)
    x = torch.from_numpy(normalised(pool.cloud.region.points))
    optimizer = torch.optim.Adam(trunk.parameters(), lr=recipe.learning_rate)
    for step in range(recipe.n_trunk):
        done = step / recipe.n_trunk
        rate = cosine_rate(recipe.learning_rate, done)
        features, activities = trunk.watch(x)
        fit = pool.fit(step, features.detach().numpy())
        pull = (features * torch.from_numpy(fit.feature_slope / max(fit.loss, 1e-30))).sum()  # the slope of log(loss)
        excess = torch.relu(activities - recipe.activity).sum()
        descend(optimizer, pull + recipe.activity_weight * min(1.0, RAMP * done) * excess, rate)
        if on_step is not None:
            on_step(step, rate, fit.loss, float(activities.detach().mean()))


def descend(optimizer: torch.optim.Optimizer, loss: Tensor, rate: float) -> None:
    """Take one step of an optimizer at a learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def cosine_rate(rate: float, done: float) -> float:
    """Return a learning rate that falls to zero along a cosine, at a share of all steps."""
    return rate * 0.5 * (1.0 + math.cos(math.pi * done))
