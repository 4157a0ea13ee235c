"""Networks with skips and embeddings: what they compute, how far their spikes go, their records, and their training."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.conversion.formats.torch_modules import from_torch
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.network.nodes import Polarity
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.phases import ActivityMeasure, Optimizer, PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import Embedding, NetworkRecipe, Skips, TrainingRecipe
from neuropinn_lava.training.network.export import export_network
from neuropinn_lava.training.network.recipe_network import RecipeNetwork, build_recipe_network
from neuropinn_lava.training.run.outcome import TrainingOutput, TrainingStatus
from neuropinn_lava.training.run.trainer import train_network
from resumption import stop_at

ROUNDING = 1e-12
RING = Embedding(waves=((1, 0), (2, 0)), passed=(1,))
"""Sines of x in whole cycles, and t as it is."""
RECIPES = {
    "residual": NetworkRecipe(widths=(6, 6, 6), skips=Skips.RESIDUAL, theta=0.1),
    "ring": NetworkRecipe(widths=(6, 5), embedding=RING, theta=0.1),
    "both": NetworkRecipe(widths=(6, 6, 6), skips=Skips.RESIDUAL, embedding=RING, theta=0.1, n_steps=3),
}


def built(recipe: NetworkRecipe, seed: int = 0) -> RecipeNetwork:
    """Build a network whose factors are not one."""
    network = build_recipe_network(recipe, 2, 2, seed, torch.float64)
    assert isinstance(network, RecipeNetwork)
    with torch.no_grad():
        for each in network.parameters():
            if each.dim() == 1:  # factors and biases
                each.copy_(torch.linspace(-0.4, 0.7, len(each)))
    return network


def exported(network: RecipeNetwork) -> NetworkSpec:
    return export_network(network.module, n_steps=network.n_steps, lower=[-1, -1], upper=[1, 1])


def some_points() -> torch.Tensor:
    return torch.rand(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("name", list(RECIPES))
def test_the_record_computes_what_the_module_does_and_so_does_that_of_from_torch(name: str) -> None:
    network, points = built(RECIPES[name]), some_points()
    spec = exported(network)
    read = from_torch(network.module, n_steps=network.n_steps, lower=[-1, -1], upper=[1, 1])
    with torch.no_grad():
        y = network(points).numpy()
    for each in (spec, read):
        assert np.abs(run_float(each, points.numpy()).outputs - y).max() <= ROUNDING * np.abs(y).max()


def test_a_residual_layer_adds_its_share() -> None:
    network, points = built(RECIPES["residual"]), some_points()
    layers, factors = network.module.layers, network.module.factors
    h = layers[1](layers[0](points))
    for index, factor in ((2, factors[0]), (4, factors[1])):
        h = h + factor * layers[index + 1](layers[index](h))
    assert torch.equal(network(points), layers[6](h))


@pytest.mark.parametrize("name", ["ring", "both"])
def test_whole_cycles_are_periodic_whatever_the_weights(name: str) -> None:
    network, points = built(RECIPES[name], seed=3), some_points()
    ends = [torch.cat([torch.full_like(points[:, :1], x), points[:, 1:]], dim=1) for x in (-1.0, 1.0)]
    left, right = (network(each).detach() for each in ends)
    assert (left - right).abs().max() <= ROUNDING * left.abs().max()
    assert left.std(dim=0).min() > 0.0


@pytest.mark.parametrize("name", list(RECIPES))
def test_targets_of_spikes_are_the_operations_that_they_cost(name: str) -> None:
    """Where every neuron fires once, the operations behind the neurons are the sum over layers of width times targets."""
    always = dataclasses.replace(
        RECIPES[name], activation="tanh", polarity=Polarity.BOTH, theta=0.0, n_steps=1, beta=0.0
    )
    network = built(always)
    spec, points = exported(network), some_points().numpy()
    counts = count_operations(spec, run_float(spec, points))
    widths = torch.tensor([layer.n_neurons for layer in network.vsn_layers], dtype=torch.float64)
    behind = float(widths @ network.n_targets()) * len(points)
    sources = {each.name for each in spec.nodes if each.name.startswith("hidden")}
    counted = sum(
        int(np.count_nonzero(link.weight)) * len(points)
        for each in (*spec.nodes, spec.output)
        for link in each.connections
        if link.source in sources
    )
    assert behind == counted
    before = sum(
        int(np.count_nonzero(link.weight)) * len(points)
        for each in spec.nodes
        for link in each.connections
        if link.source not in sources
    )
    assert counts.total.synaptic_operations == behind + before


def test_waves_of_other_coordinates_are_refused() -> None:
    with pytest.raises(SpecError, match=r"Embedding.waves must have 3 numbers each; got 2"):
        build_recipe_network(RECIPES["ring"], 3, 1, 0)


@pytest.mark.parametrize("name", list(RECIPES))
def test_a_training_of_it_is_resumed_to_the_bit(
    problem: PdeProblem, recipe: TrainingRecipe, tmp_path: Path, name: str
) -> None:
    solver = Optimizer.GAUSS_NEWTON
    sparse = PhaseRecipe(
        n_iterations=6,
        optimizer=solver,
        activity_weight=1.0,
        target_activity=0.2,
        activity_measure=ActivityMeasure.OPERATIONS,
    )
    recipe = dataclasses.replace(
        recipe,
        network=dataclasses.replace(RECIPES[name], theta=1e-3),
        phases=(PhaseRecipe(n_iterations=8, optimizer=solver), sparse),
    )
    whole = train_network(problem, recipe)
    assert whole.history.rows[8].loss < 0.5 * whole.history.rows[0].loss
    output = TrainingOutput(checkpoint=tmp_path / "net.safetensors", report_every=1)
    part = train_network(problem, recipe, output=output, on_progress=stop_at(10))
    assert part.status is TrainingStatus.INTERRUPTED
    rest = train_network(problem, recipe, output=dataclasses.replace(output, resume=True))
    assert rest.network.digest() == whole.network.digest()
