"""L-BFGS: it reaches a known minimum, follows the exact gradient, leaves what it cannot better, and resumes to the bit."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import pytest
import torch

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.phases import Marching, Optimizer, PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import (
    CloudRecipe,
    NetworkRecipe,
    ResidualWeights,
    TeacherRecipe,
    TrainingRecipe,
)
from neuropinn_lava.problems.residuals import evaluation_points
from neuropinn_lava.training.loss.linearization import linearize_residuals
from neuropinn_lava.training.loss.losses import evaluate_loss
from neuropinn_lava.training.neuron.vsn import constant_spikes
from neuropinn_lava.training.optimize.lbfgs import HISTORY_SIZE, LBfgs
from neuropinn_lava.training.optimize.parameters import FlatParameters
from neuropinn_lava.training.optimize.tangents import run_exactly
from neuropinn_lava.training.run.outcome import TrainingStatus
from neuropinn_lava.training.run.trainer import train_network
from optimizer_steps import SMALL_CLOUD, advance, build_cloud, build_module, without_slope
from resumption import assert_resumes

MINIMUM = 1e-6
"""Relative excess over the least squares: 300 steps in 9 unknowns leave what the condition of the features does."""
DIFFERENCE_QUOTIENT = 1e-5
"""Relative: central differences of step 1e-6 lose ten of sixteen digits and err by their step squared."""


def small_recipe(n_iterations: int = 12, **model: object) -> TrainingRecipe:
    return TrainingRecipe(
        network=NetworkRecipe(
            **{"widths": (8, 8), "theta": 1e-3, "output_scale": 2.0, "surrogate_slope": 5.0, **model}
        ),
        cloud=SMALL_CLOUD,
        phases=(PhaseRecipe(n_iterations=n_iterations, optimizer=Optimizer.L_BFGS),),
    )


def test_it_reaches_the_least_squares_of_a_read_out(problem: PdeProblem) -> None:
    """Poisson's residual is linear in u, and u in the weights of the read-out; nothing else is trained here."""
    recipe = small_recipe()
    cloud, network = build_cloud(problem, recipe), build_module(recipe)
    for linear in network.linear_layers[:-1]:
        linear.requires_grad_(False)
    run = run_exactly(network, cloud.inputs)
    features = torch.cat([run.inputs[-1][0].reshape(-1, 8), torch.ones(len(cloud.inputs), 1, dtype=torch.float64)], 1)
    linearized = linearize_residuals(cloud, run.output.detach())
    J = torch.from_numpy(linearized.slopes @ features.numpy())
    least = (linearized.values - J @ torch.linalg.lstsq(J, linearized.values).solution).square().sum().item()
    parameters = FlatParameters(network)
    state = LBfgs(parameters.values)
    for _ in range(300):
        advance(state, cloud, network, parameters, recipe.phases[0])
    assert parameters.values.numel() == 9
    assert evaluate_loss(cloud, network).residual.item() == pytest.approx(least, rel=MINIMUM)


def test_it_learns(problem: PdeProblem) -> None:
    """Quadratic operators on 12 x 12 cells err by about 3e-2; the ansatz alone scores 1."""
    recipe = small_recipe(150, widths=(16, 16))
    recipe = dataclasses.replace(recipe, cloud=dataclasses.replace(recipe.cloud, n_per_axis=(12, 12)))
    result = train_network(problem, recipe)
    points = evaluation_points(problem, 500, 7)
    assert relative_l2(run_float(result.network, points).outputs, problem.reference.evaluate(points)) < 0.05
    losses = result.history.column("loss")
    assert len(losses) == 151  # the start, and every step
    assert all(after <= before for before, after in itertools.pairwise(losses))


def test_an_energy_falls() -> None:
    """The ansatz alone has the energy 1; a network in batches gives the same descent as one at once, to rounding."""
    problem = find_problem("elasticity3d")
    model = dataclasses.replace(problem.recipe.network, widths=(8, 8), theta=1e-3)
    cells = CloudRecipe(n_per_axis=(6, 6, 6))
    phases = small_recipe(15).phases
    recipe = TrainingRecipe(network=model, cloud=cells, phases=phases)
    whole = train_network(problem, recipe)
    batches = train_network(problem, dataclasses.replace(recipe, cloud=dataclasses.replace(cells, batch_size=100)))
    assert whole.loss < 0.9
    assert batches.loss == pytest.approx(whole.loss, rel=1e-6)


def test_it_distils(problem: PdeProblem) -> None:
    phase = dataclasses.replace(small_recipe(60).phases[0], residual_weight=0.0, distillation_weight=1.0)
    teacher = TeacherRecipe(
        phases=small_recipe(30).phases, network=NetworkRecipe(widths=(8,), activation="tanh", output_scale=2.0)
    )
    result = train_network(problem, dataclasses.replace(small_recipe(), phases=(phase,), teacher=teacher))
    rows = result.history.rows
    assert rows[-1].distillation < 0.01 * rows[0].distillation


def test_the_gradient_takes_spikes_for_constants(problem: PdeProblem) -> None:
    recipe = small_recipe(theta=0.05)
    cloud, network = build_cloud(problem, recipe), build_module(recipe)
    parameters = FlatParameters(network)
    former = [layer.rule for layer in network.vsn_layers]
    with constant_spikes(network):
        evaluate_loss(cloud, network).residual.backward()
    assert [layer.rule for layer in network.vsn_layers] == former
    step, g, start = 1e-6, parameters.gradient.clone(), parameters.values.clone()  # no spike flips
    along = g / g.norm()
    losses = []
    for sign in (1, -1):
        parameters.values.copy_(start + sign * step * along)
        losses.append(evaluate_loss(cloud, network).residual.item())
    assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(g.norm().item(), rel=DIFFERENCE_QUOTIENT)


def test_rules_come_back_after_an_error(problem: PdeProblem) -> None:
    network = build_module(small_recipe())
    former = [layer.rule for layer in network.vsn_layers]
    with pytest.raises(ZeroDivisionError), constant_spikes(network):
        1 / 0  # noqa: B018
    assert [layer.rule for layer in network.vsn_layers] == former


def test_leaks_and_thresholds_stay(problem: PdeProblem) -> None:
    recipe = small_recipe(30, n_steps=2, learn_beta=True, learn_theta=True, theta=0.01)
    network = train_network(problem, recipe).module
    for layer in network.vsn_layers:
        assert (layer.beta == recipe.network.beta).all()
        assert (layer.theta == recipe.network.theta).all()


def test_a_causal_factor_is_not_descended(problem: PdeProblem) -> None:
    recipe = small_recipe(20)
    causal = dataclasses.replace(recipe, weights=ResidualWeights(causality=5.0))
    burgers = find_problem("burgers")
    assert train_network(burgers, causal).loss == train_network(burgers, recipe).loss


@pytest.mark.parametrize("iteration", [11, 12, 13, 40, 12 + HISTORY_SIZE + 5])
def test_interrupted_and_resumed_is_uninterrupted(problem: PdeProblem, tmp_path: Path, iteration: int) -> None:
    """At the seam behind Adam, with few pairs, and with as many as are kept."""
    adam = PhaseRecipe(n_iterations=12, n_warmup=5)
    recipe = dataclasses.replace(small_recipe(), phases=(adam, *small_recipe(HISTORY_SIZE + 15).phases))

    assert_resumes(problem, recipe, tmp_path, iteration)


def test_a_stalled_phase_leaves_the_network(problem: PdeProblem) -> None:
    recipe = small_recipe()
    flat_problem = without_slope(problem)
    cloud, network = build_cloud(flat_problem, recipe), build_module(recipe)
    parameters = FlatParameters(network)
    before, state = parameters.values.clone(), LBfgs(parameters.values)
    for _ in range(3):
        advance(state, cloud, network, parameters, recipe.phases[0])
        assert torch.equal(parameters.values, before)
        assert state.stalled


def test_a_stall_lasts_to_the_end_of_the_phase(problem: PdeProblem, tmp_path: Path) -> None:
    flat_problem = without_slope(problem)
    result = train_network(flat_problem, small_recipe(5))
    assert result.status is TrainingStatus.FINISHED
    assert len(result.history.rows) == 6


def test_pairs_that_lead_upwards_are_forgotten(problem: PdeProblem) -> None:
    recipe = small_recipe()
    cloud, network = build_cloud(problem, recipe), build_module(recipe)
    parameters = FlatParameters(network)
    state = LBfgs(parameters.values)
    zero, none = torch.zeros_like(parameters.values), torch.empty((0, parameters.values.numel()), dtype=torch.float64)
    packed = {"stalled": False, "n_steps": 3, "length": 0.0, "scale": -1.0, "direction": zero, "former_gradient": zero}
    pairs = {"pair_moves": none, "pair_changes": none, "inverses": torch.empty(0, dtype=torch.float64)}
    state.unpack({**packed, **pairs})  # d = g
    before, loss = parameters.values.clone(), evaluate_loss(cloud, network).residual.item()
    advance(state, cloud, network, parameters, recipe.phases[0])
    assert torch.equal(parameters.values, before)
    assert (state.memory, state.stalled) == ({}, False)
    advance(state, cloud, network, parameters, recipe.phases[0])
    assert evaluate_loss(cloud, network).residual.item() < loss


def test_a_loss_that_is_no_number_is_not_gone_to(problem: PdeProblem) -> None:
    """Everywhere but at the start the loss is not finite; the search ends where it began."""
    recipe = small_recipe()
    cloud, network = build_cloud(problem, recipe), build_module(recipe)
    parameters = FlatParameters(network)
    start = parameters.values.clone()

    class Row:
        def evaluate(self, values: dict[str, torch.Tensor]) -> torch.Tensor:
            r = problem.residuals[0].evaluate(values)
            return r if torch.equal(parameters.values, start) else r / 0.0

    broken = dataclasses.replace(cloud, blocks=(dataclasses.replace(cloud.blocks[0], rows=(Row(),)),))
    state = LBfgs(parameters.values)
    advance(state, broken, network, parameters, recipe.phases[0])
    assert torch.equal(parameters.values, start)
    assert state.stalled


def test_what_l_bfgs_cannot_do_is_refused() -> None:
    with pytest.raises(SpecError, match=r"PhaseRecipe.marching must be None in a phase of l-bfgs; got a Marching"):
        PhaseRecipe(n_iterations=1, optimizer=Optimizer.L_BFGS, marching=Marching())
    with pytest.raises(
        SpecError,
        match=r"PhaseRecipe.activity_weight must be 0 in a phase of l-bfgs; got 0.1\. Choose another optimizer",
    ):
        PhaseRecipe(n_iterations=1, optimizer=Optimizer.L_BFGS, activity_weight=0.1)
    with pytest.raises(SpecError, match="a residual_weight or a distillation_weight for l-bfgs; got 0 and 0"):
        PhaseRecipe(n_iterations=1, optimizer=Optimizer.L_BFGS, residual_weight=0.0)


def test_double_precision_where_lines_are_searched(problem: PdeProblem) -> None:
    assert small_recipe().needs_double_precision
    assert next(train_network(problem, small_recipe(1)).module.parameters()).dtype == torch.float64
