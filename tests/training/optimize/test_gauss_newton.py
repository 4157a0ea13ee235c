"""Gauss-Newton in kernel form: its step is the explicit Jacobian's, the loss falls, and a training resumes to the bit."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from scipy.sparse import random as sparse_matrix

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.operators.operator_kind import OperatorKind
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.phases import ActivityMeasure, Marching, Optimizer, PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import (
    CloudRecipe,
    NetworkRecipe,
    ResidualWeights,
    Surrogate,
    TrainingRecipe,
)
from neuropinn_lava.problems.residuals import evaluation_points
from neuropinn_lava.training.collocation.marching import Front, centre_factors
from neuropinn_lava.training.loss.distillation import build_distillation_target
from neuropinn_lava.training.loss.linearization import (
    LinearResidual,
    distillation_residuals,
    linearize_distillation,
    linearize_residuals,
    weighted_residuals,
)
from neuropinn_lava.training.loss.losses import evaluate_loss
from neuropinn_lava.training.network.network import VsnNetwork, build_network
from neuropinn_lava.training.optimize.gauss_newton import GaussNewton
from neuropinn_lava.training.optimize.parameters import FlatParameters
from neuropinn_lava.training.optimize.tangents import activity_gradient, find_tangents, move_network, run_exactly
from neuropinn_lava.training.run.outcome import TrainingOutput
from neuropinn_lava.training.run.trainer import train_network
from optimizer_steps import SMALL_CLOUD, advance, build_cloud, build_module, without_slope
from resumption import assert_resumes

ROUNDING = 1e-10
"""Relative to the largest entry: sums of some hundred float64 terms in another order."""
DIFFERENCE_QUOTIENT = 1e-5
"""Relative: central differences of step 1e-6 lose ten of sixteen digits and err by their step squared."""


def small_recipe(**changes: object) -> TrainingRecipe:
    return TrainingRecipe(
        network=NetworkRecipe(widths=(8, 7), theta=1e-3, output_scale=2.0, surrogate_slope=5.0),
        cloud=SMALL_CLOUD,
        phases=(
            PhaseRecipe(n_iterations=12, optimizer=Optimizer.GAUSS_NEWTON),
            PhaseRecipe(
                n_iterations=12, optimizer=Optimizer.GAUSS_NEWTON, activity_weight=0.1, target_activity=0.25, ramp=0.5
            ),
        ),
        **changes,
    )


def explicit_jacobian(network: VsnNetwork, inputs: torch.Tensor) -> torch.Tensor:
    """Give dy/dw row by row, shape (n_points, n_parameters), layer after layer, weight before bias."""
    held = [p for linear in network.linear_layers for p in (linear.weight, linear.bias)]
    output = run_exactly(network, inputs).output[:, 0]
    rows = [torch.autograd.grad(y, held, retain_graph=True) for y in output]
    return torch.stack([torch.cat([part.reshape(-1) for part in row]) for row in rows])


def flat(direction: object) -> torch.Tensor:
    pairs = zip(direction.weights, direction.biases, strict=True)
    return torch.cat([part.reshape(-1) for pair in pairs for part in pair])


@pytest.mark.parametrize("n_steps", [1, 3])
def test_tangents_are_the_explicit_jacobian(problem: PdeProblem, n_steps: int) -> None:
    recipe = small_recipe()
    recipe = dataclasses.replace(recipe, network=dataclasses.replace(recipe.network, n_steps=n_steps, theta=0.05))
    cloud, network = build_cloud(problem, recipe), build_module(recipe)
    J = explicit_jacobian(network, cloud.inputs)
    tangents = find_tangents(network, run_exactly(network, cloud.inputs))
    K = J @ J.T
    assert (tangents.kernel_columns(slice(None)) - K).abs().max() <= ROUNDING * K.abs().max()
    v = torch.linspace(-1.0, 1.0, len(J), dtype=torch.float64)
    pulled = tangents.pulled_back(v)
    assert (flat(pulled) - J.T @ v).abs().max() <= ROUNDING * (J.T @ v).abs().max()
    assert (tangents.pushed_forward(pulled) - K @ v).abs().max() <= ROUNDING * (K @ v).abs().max()


@pytest.mark.parametrize("n_out", [1, 2])
def test_the_sandwich_is_the_product_of_three_matrices(n_out: int) -> None:
    """150 points: two blocks of columns for one output, three for two."""
    rng = np.random.default_rng(3)
    network = build_network(small_recipe().network, 2, n_out, 0, torch.float64)
    tangents = find_tangents(network, run_exactly(network, torch.from_numpy(rng.uniform(-1.0, 1.0, (150, 2)))))
    S = sparse_matrix(40, 150 * n_out, density=0.1, format="csr", random_state=rng)
    expected = S.toarray() @ tangents.kernel_columns(slice(None)).numpy() @ S.toarray().T
    assert np.abs(tangents.sandwiched(S).numpy() - expected).max() <= ROUNDING * np.abs(expected).max()


def test_tangents_at_some_points_are_those_rows() -> None:
    network = build_network(small_recipe().network, 2, 2, 0, torch.float64)
    inputs = torch.rand(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    tangents = find_tangents(network, run_exactly(network, inputs))
    rows = torch.tensor([1, 4, 8, 10, 13, 17])  # points 1, 4, 8 of the first output, then of the second
    K = tangents.kernel_columns(slice(None))[rows][:, rows]
    some = tangents.at(torch.tensor([1, 4, 8])).kernel_columns(slice(None))
    assert (some - K).abs().max() <= ROUNDING * K.abs().max()


def test_rows_without_weight_are_left_out_with_their_points() -> None:
    slopes = csr_matrix(
        np.array([[1.0, 0, 0, 0, 2.0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 3.0, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
    )
    values, blocks = torch.tensor([1.0, 2.0, 3.0, 0.0], dtype=torch.float64), np.array([0, 0, 1, 1])
    whole = LinearResidual(values=values, slopes=slopes, blocks=blocks)
    rest, points = whole.compressed(n_points=3)  # two unknowns at points 0, 1, 2
    assert rest.values.tolist() == [1.0, 2.0, 3.0]  # the second row moves with nothing, and still counts
    assert points.tolist() == [0, 1, 2]
    assert rest.blocks.tolist() == [0, 0, 1]
    assert (rest.slopes.toarray() == slopes.toarray()[:3]).all()
    ahead = LinearResidual(values=whole.values[2:], slopes=slopes[2:], blocks=blocks[2:])
    rest, points = ahead.compressed(n_points=3)
    assert points.tolist() == [2]
    assert rest.slopes.toarray().tolist() == [[3.0, 0.0]]


@pytest.mark.parametrize("name", ["poisson", "burgers", "eikonal", "allen-cahn"])
def test_slopes_of_the_residual_are_difference_quotients(name: str) -> None:
    problem = find_problem(name)
    cells = CloudRecipe(n_per_axis=(10, 10), operator=OperatorKind.QUADRATIC, n_neighbours=9)
    recipe = dataclasses.replace(problem.recipe, cloud=cells, weights=ResidualWeights(cell_power=1.0))
    cloud = build_cloud(problem, recipe)
    generator = torch.Generator().manual_seed(5)
    y, e = (torch.randn(len(cloud.inputs), 1, dtype=torch.float64, generator=generator) for _ in range(2))
    linear = linearize_residuals(cloud, y)
    step = 1e-6
    quotient = (weighted_residuals(cloud, y + step * e) - weighted_residuals(cloud, y - step * e)) / (2 * step)
    expected = torch.from_numpy(linear.slopes @ e[:, 0].numpy())
    assert (quotient - expected).abs().max() <= DIFFERENCE_QUOTIENT * expected.abs().max()


def test_residuals_square_to_the_loss(problem: PdeProblem) -> None:
    recipe = small_recipe()
    cloud, network = build_cloud(problem, recipe), build_module(recipe)
    loss = evaluate_loss(cloud, network).residual.item()
    assert weighted_residuals(cloud, network(cloud.inputs).detach()).square().sum().item() == pytest.approx(loss)


@pytest.mark.parametrize("marching", [None, Marching(n_windows=4, width=0.02)])
def test_a_step_is_the_explicit_one(marching: Marching | None) -> None:
    """Behind a front that stands at a quarter of the time, the later half takes no part."""
    problem = find_problem("burgers")
    recipe = small_recipe()
    cloud, network = build_cloud(problem, recipe), build_module(recipe)
    by_output = explicit_jacobian(network, cloud.inputs)
    factor = None if marching is None else centre_factors(cloud, marching, Front())
    linear = linearize_residuals(cloud, network(cloud.inputs).detach(), factor)
    assert (np.diff(linear.slopes.nonzero()[0]).max() > 1) == (marching is not None)  # some rows are zero
    J = torch.from_numpy(linear.slopes @ by_output.numpy())
    before = torch.cat([p.detach().reshape(-1).clone() for p in network.parameters()])
    state = GaussNewton(damping=10.0)  # enough that the first trial succeeds
    phase = dataclasses.replace(recipe.phases[0], marching=marching)
    advance(state, cloud, network, FlatParameters(network), phase)
    rows = linear.slopes.getnnz(axis=1) > 0
    damping = 10.0 * (J @ J.T).diagonal()[torch.from_numpy(rows)].mean()
    expected = -torch.linalg.solve(J.T @ J + damping * torch.eye(J.shape[1], dtype=J.dtype), J.T @ linear.values)
    moved = torch.cat([p.detach().reshape(-1) for p in network.parameters()]) - before
    assert (moved - expected).abs().max() <= ROUNDING * expected.abs().max()
    assert state.damping != 10.0 * 4.0  # no trial failed


@pytest.mark.parametrize("kind", list(Surrogate))
def test_slope_of_the_smooth_activity(problem: PdeProblem, kind: Surrogate) -> None:
    recipe = small_recipe()
    recipe = dataclasses.replace(recipe, network=dataclasses.replace(recipe.network, surrogate=kind))
    cloud, network = build_cloud(problem, recipe), build_module(recipe)
    run = run_exactly(network, cloud.inputs)
    row = activity_gradient(network, run)
    step = 1e-7  # no spike flips
    move_network(network, row, step)
    forwards = run_exactly(network, cloud.inputs).smooth_activity.item()
    move_network(network, row, -2 * step)
    backwards = run_exactly(network, cloud.inputs).smooth_activity.item()
    assert (forwards - backwards) / (2 * step) == pytest.approx(row.dot(row).item(), rel=1e-3)


def test_it_learns_and_becomes_sparse(problem: PdeProblem) -> None:
    """Quadratic operators on 12 x 12 cells err by about 3e-2, and so do both networks; the ansatz alone scores 1."""
    recipe = small_recipe()
    recipe = dataclasses.replace(
        recipe,
        network=dataclasses.replace(recipe.network, widths=(16, 16), surrogate=Surrogate.SQUARED_FAST_SIGMOID),
        cloud=dataclasses.replace(recipe.cloud, n_per_axis=(12, 12)),
        phases=tuple(dataclasses.replace(phase, n_iterations=60) for phase in recipe.phases),
    )
    points = evaluation_points(problem, 500, 7)
    truth = problem.reference.evaluate(points)
    dense = train_network(problem, dataclasses.replace(recipe, phases=recipe.phases[:1]))
    sparse = train_network(problem, recipe)
    errors = [relative_l2(run_float(result.network, points).outputs, truth) for result in (dense, sparse)]
    assert max(errors) < 0.05
    assert sparse.history.rows[-1].activity < 0.3 < dense.history.rows[-1].activity


def test_a_rate_below_its_target_is_left_alone(problem: PdeProblem) -> None:
    """A target that no step reaches changes no bit of the training: the activity costs nothing below it."""
    recipe = small_recipe()
    dense = recipe.phases[0]
    bounded = dataclasses.replace(dense, activity_weight=0.1, target_activity=0.95)
    free, kept = (train_network(problem, dataclasses.replace(recipe, phases=(phase,))) for phase in (dense, bounded))
    assert free.activity < 0.9
    assert kept.network.digest() == free.network.digest()
    assert kept.loss == free.loss


@pytest.mark.parametrize("measure", list(ActivityMeasure))
@pytest.mark.parametrize("share", [-0.5, 0.5, 2.0])
def test_a_step_minimises_the_one_sided_model(problem: PdeProblem, share: float, measure: ActivityMeasure) -> None:
    """The activity is above its target, below it but carried over it by a step of the equation alone, and well below it."""
    recipe = small_recipe()
    cloud, network = build_cloud(problem, recipe), build_module(recipe, seed=1)
    network.measure = measure
    run = run_exactly(network, cloud.inputs)
    linear = linearize_residuals(cloud, run.output.detach())
    J = torch.from_numpy(linear.slopes @ explicit_jacobian(network, cloud.inputs).numpy())
    damping = 10.0 * (J @ J.T).diagonal().mean()
    weight = 0.1
    slope = math.sqrt(weight) * flat(activity_gradient(network, run))
    hessian, unit = J.T @ J, torch.eye(J.shape[1], dtype=J.dtype)
    free = -torch.linalg.solve(hessian + damping * unit, J.T @ linear.values)
    carried = slope @ free / math.sqrt(weight)
    assert carried > 0  # the equation alone raises the activity
    target = run.activity.item() + share * carried.item()
    slack = math.sqrt(weight) * (run.activity.item() - target)
    bounded = hessian + torch.outer(slope, slope) + damping * unit
    held = -torch.linalg.solve(bounded, J.T @ linear.values + slack * slope)
    expected = free if share > 1.0 else held
    parameters = FlatParameters(network)
    before, state = parameters.values.clone(), GaussNewton(damping=10.0)
    phase = dataclasses.replace(recipe.phases[0], activity_weight=weight, target_activity=0.1)
    advance(state, cloud, network, parameters, phase, target)
    moved = parameters.values - before
    assert (moved - expected).abs().max() <= ROUNDING * expected.abs().max()


def test_a_step_with_momentum_minimises_its_model(problem: PdeProblem) -> None:
    """|r + J (mu p + d)|^2 + damping |d|^2, and the network moves by mu p + d."""
    recipe = small_recipe()
    cloud, network = build_cloud(problem, recipe), build_module(recipe)
    parameters = FlatParameters(network)
    linear = linearize_residuals(cloud, run_exactly(network, cloud.inputs).output.detach())
    J = torch.from_numpy(linear.slopes @ explicit_jacobian(network, cloud.inputs).numpy())
    damping = 10.0 * (J @ J.T).diagonal().mean()
    p = 1e-3 * torch.linspace(-1.0, 1.0, J.shape[1], dtype=J.dtype)
    phase = dataclasses.replace(recipe.phases[0], momentum=0.4)
    residuals = linear.values + J @ (0.4 * p)
    d = -torch.linalg.solve(J.T @ J + damping * torch.eye(J.shape[1], dtype=J.dtype), J.T @ residuals)
    before, state = parameters.values.clone(), GaussNewton(damping=10.0, last_step=p)
    advance(state, cloud, network, parameters, phase)
    expected = 0.4 * p + d
    assert (parameters.values - before - expected).abs().max() <= ROUNDING * expected.abs().max()
    assert torch.equal(state.last_step, parameters.values - before)


def stepped(problem: PdeProblem, state: GaussNewton, momentum: float) -> torch.Tensor:
    """Return the parameters after one step from the same network."""
    recipe = small_recipe()
    cloud, network = build_cloud(problem, recipe), build_module(recipe)
    parameters = FlatParameters(network)
    advance(state, cloud, network, parameters, dataclasses.replace(recipe.phases[0], momentum=momentum))
    return parameters.values


def test_no_momentum_is_the_plain_step_to_the_bit(problem: PdeProblem) -> None:
    p = torch.ones_like(stepped(problem, GaussNewton(), 0.5))
    assert torch.equal(stepped(problem, GaussNewton(last_step=p), 0.0), stepped(problem, GaussNewton(), 0.5))


def test_momentum_is_dropped_after_three_failed_trials(problem: PdeProblem) -> None:
    """A step of 1000 in every weight lowers nothing; the fourth trial is the first one without it, 4^3 times more damped."""
    p = torch.full_like(stepped(problem, GaussNewton(), 0.5), 1e3)
    state, plain = GaussNewton(damping=10.0, last_step=p), GaussNewton(damping=640.0)
    assert torch.equal(stepped(problem, state, 0.5), stepped(problem, plain, 0.5))
    assert state.damping == plain.damping


def test_marching_follows_an_evolution() -> None:
    problem = find_problem("burgers")
    recipe = dataclasses.replace(
        small_recipe(),
        phases=(
            PhaseRecipe(
                n_iterations=40,
                optimizer=Optimizer.GAUSS_NEWTON,
                marching=Marching(n_windows=5, tolerance=1e-3, patience=6),
            ),
        ),
    )
    result = train_network(problem, recipe, output=TrainingOutput(report_every=1))
    assert result.loss < 0.05 * result.history.rows[0].residual


@pytest.mark.parametrize("iteration", [6, 11, 12, 18])
def test_interrupted_and_resumed_is_uninterrupted(tmp_path: Path, iteration: int) -> None:
    problem = find_problem("burgers")
    recipe = small_recipe()
    marching = dataclasses.replace(recipe.phases[0], marching=Marching(n_windows=4, patience=2))
    recipe = dataclasses.replace(recipe, phases=(marching, recipe.phases[1]))

    assert_resumes(problem, recipe, tmp_path, iteration)


def test_slopes_of_the_distillation(problem: PdeProblem) -> None:
    recipe = small_recipe()
    cloud, network = build_cloud(problem, recipe), build_module(recipe)
    distillation_target = build_distillation_target(cloud, build_module(recipe, seed=1))
    y = network(cloud.inputs).detach()
    linear = linearize_distillation(cloud, distillation_target, y)
    assert linear.values.square().sum().item() == pytest.approx(distillation_target.distance(cloud.solution(y)).item())
    moved = distillation_residuals(cloud, distillation_target, y + 0.5)  # u is linear in y here
    expected = linear.values + torch.from_numpy(linear.slopes @ np.full(len(y), 0.5))
    assert (moved - expected).abs().max() <= ROUNDING * expected.abs().max()


def test_a_stalled_phase_leaves_the_network(problem: PdeProblem) -> None:
    recipe = small_recipe()
    flat_problem = without_slope(problem)
    cloud, network = build_cloud(flat_problem, recipe), build_module(recipe)
    parameters = FlatParameters(network)
    before, state = parameters.values.clone(), GaussNewton()
    advance(state, cloud, network, parameters, recipe.phases[0])
    assert torch.equal(parameters.values, before)
    assert state.stalled_target == 0.0


def test_a_step_lost_in_rounding_is_a_stall(problem: PdeProblem) -> None:
    recipe = small_recipe()
    cloud, network = (
        build_cloud(problem, recipe),
        build_module(recipe, seed=2),
    )  # of six seeds, here the loss rounds downwards
    parameters, state = FlatParameters(network), GaussNewton()
    state.damping = 1e18
    advance(state, cloud, network, parameters, recipe.phases[1], 0.25)
    assert state.stalled_target == 0.25


def test_what_gauss_newton_cannot_do_is_refused() -> None:
    with pytest.raises(SpecError, match="be None in a phase of adam"):
        PhaseRecipe(n_iterations=1, n_warmup=0, marching=Marching())
    with pytest.raises(SpecError, match="a residual_weight or a distillation_weight for gauss-newton; got 0 and 0"):
        PhaseRecipe(n_iterations=1, optimizer=Optimizer.GAUSS_NEWTON, residual_weight=0.0)
    with pytest.raises(SpecError, match=r"Marching.width must lie in \[0.001, 1\]"):
        Marching(width=0.0)
    assert np.isfinite(Marching().tolerance)


def test_operations_are_a_target_of_their_own(problem: PdeProblem) -> None:
    """The rate of neurons that is reported stays the rate; what the phase counts is the share of operations."""
    sparse = small_recipe().phases[1]
    phase = dataclasses.replace(sparse, activity_measure="operations", n_iterations=20, target_activity=0.2)
    result = train_network(problem, dataclasses.replace(small_recipe(), phases=(phase,)))
    assert result.module.measure is ActivityMeasure.RATE
    points = torch.as_tensor(np.random.default_rng(3).uniform(-1, 1, (4000, 2)))
    run = result.module.run(points)
    by_layer = run.activities
    operations = ((8 * 7 * by_layer[0] + 7 * by_layer[1]) / 63).item()
    assert result.history.rows[-1].activity == pytest.approx(
        operations, abs=0.05
    )  # on the cloud in place of random points
    assert abs(run.activity.item() - (8 * by_layer[0] + 7 * by_layer[1]).item() / 15) < ROUNDING
