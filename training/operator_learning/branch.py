"""Training of the branch: from a function to the coefficients of the trunk's features.

The coefficients of many functions are solved for by the equation alone. They are learned in the norm of the solution, which is
what an error costs: with root the Cholesky factor of the features' second moments, |root^T (c - c')| is the distance of two
solutions. Where the equation is linear the coefficients are affine in the function's, and no neuron is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ...base.arrays import FloatArray, Record
from ...geometry.parametric_domain import ParametricDomain
from ...problems.problem import PdeProblem
from ...problems.recipes.operator_recipe import OperatorRecipe
from ..network.operator_module import Branch, Layers
from .span import fit_span, make_batch
from .trunk import RAMP, OnStep, cosine_rate, descend

N_NEWTON = 5
"""Steps of Gauss-Newton from zero for each function."""
N_KEPT = 24
"""Most directions of the solutions that the branch learns; the others hold less than a thousandth of their energy."""
N_BATCH = 256
"""Functions of a step."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SolvedFunctions(Record):
    """Functions with the coefficients of their solutions."""

    columns: FloatArray
    """Columns of the parameters, shape (n_functions, n_columns)."""
    coefficients: FloatArray
    """Coefficients of the features, shape (n_functions, n_features)."""
    moments: FloatArray
    """Second moments of the features with the built-in factor, over points and functions, shape (n_features, n_features)."""


def solve_functions(
    problem: PdeProblem, recipe: OperatorRecipe, features: FloatArray, n_functions: int, rng: np.random.Generator
) -> SolvedFunctions:
    """Solve the equation in the span of features for functions that are drawn.

    Args:
        problem: Problem with one unknown.
        recipe: Points and operators.
        features: The trunk's at the points of the region, shape (n_points, n_features).
        n_functions: Number of functions, rounded up to whole groups.
        rng: Draws them.
    """
    assert isinstance(problem.domain, ParametricDomain)
    cloud = problem.domain.cloud(recipe.cloud.n_per_axis, recipe.cloud.gradings)
    columns, coefficients, moments = [], [], np.zeros((features.shape[1],) * 2)
    scales = None
    n_groups = -(-n_functions // len(cloud.draws))
    for _ in range(n_groups):
        batch = make_batch(problem, cloud, recipe.cloud, problem.domain.draw(len(cloud.draws), rng), scales)
        scales = batch.scales
        columns.append(batch.columns)
        coefficients.append(fit_span(batch, features, n_steps=N_NEWTON).coefficients)
        moved = (batch.factor[:, :, None] * features).reshape(-1, features.shape[1])
        moments += moved.T @ moved / (len(moved) * n_groups)
    return SolvedFunctions(columns=np.concatenate(columns), coefficients=np.concatenate(coefficients), moments=moments)


def train_branch(
    branch: Branch,
    solved: SolvedFunctions,
    recipe: OperatorRecipe,
    scale: FloatArray,
    seed: int,
    on_step: OnStep | None = None,
) -> None:
    """Train a branch in place: its affine part by least squares, its neurons by Adam.

    Args:
        branch: The branch, in float64.
        solved: Functions and their coefficients.
        recipe: Steps and activity.
        scale: Factors on the columns, shape (n_columns,), that the host applies.
        seed: Draws the functions of the steps.
        on_step: Called after every step.
    """
    x = solved.columns * scale
    root = _root(solved.moments)
    wanted = solved.coefficients @ root
    mean = wanted.mean(axis=0)
    _, _, directions = np.linalg.svd(wanted - mean, full_matrices=False)
    kept = directions[: min(N_KEPT, len(directions))].T
    back = kept.T @ np.linalg.pinv(root)
    design = np.hstack([x, np.ones((len(x), 1))])
    affine = np.linalg.lstsq(design, (wanted - mean) @ kept, rcond=None)[0]
    with torch.no_grad():
        branch.direct.weight.copy_(torch.from_numpy((affine[:-1] @ back).T))
        branch.direct.bias.copy_(torch.from_numpy(affine[-1] @ back + mean @ np.linalg.pinv(root)))
    if branch.layers is None or branch.added is None:
        return
    left = (wanted - mean) @ kept - design @ affine
    size = float(np.sqrt(np.mean(left**2))) or 1.0
    head = _train_layers(branch.layers, torch.from_numpy(x), torch.from_numpy(left / size), recipe, seed, on_step)
    with torch.no_grad():
        branch.added.weight.copy_(torch.from_numpy(size * (head.T @ back).T))


def _train_layers(
    layers: Layers, x: Tensor, wanted: Tensor, recipe: OperatorRecipe, seed: int, on_step: OnStep | None
) -> FloatArray:
    """Train layers of neurons and a linear map behind them; return the weights of the map, shape (n_kept, width)."""
    width = int(layers.layers[-1].n_neurons)  # type: ignore[arg-type]
    head = nn.Linear(width, wanted.shape[1], bias=False, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        head.weight.normal_(0.0, width**-0.5, generator=generator)
    optimizer = torch.optim.Adam([*layers.parameters(), *head.parameters()], lr=recipe.learning_rate)
    for step in range(recipe.n_branch):
        done = step / recipe.n_branch
        chosen = torch.randint(len(x), (N_BATCH,), generator=generator)
        payload, activities = layers.watch(x[chosen])
        loss = ((head(payload) - wanted[chosen]) ** 2).mean()
        excess = torch.relu(activities - recipe.activity).sum()
        cost = recipe.activity_weight * min(1.0, RAMP * done) * excess
        rate = cosine_rate(recipe.learning_rate, done)
        descend(optimizer, torch.log(loss) + cost, rate)
        if on_step is not None:
            on_step(step, rate, float(loss.detach()), float(activities.detach().mean()))
    weights: FloatArray = head.weight.detach().numpy()
    return weights


def _root(moments: FloatArray) -> FloatArray:
    """Return root with root root^T = moments, shape (n, n); directions of almost no size are raised a little."""
    values, vectors = np.linalg.eigh(moments)
    root: FloatArray = vectors * np.sqrt(np.maximum(values, 1e-12 * values[-1]))
    return root
