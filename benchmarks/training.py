"""The table of all problems and models: error, activity, operations and time.

    python benchmarks/training.py [--problems poisson laplace] [--models neuropinn sp-pinn] [--seeds 3] [--out build/training]

Models, all three hidden layers of 50, the same points and as many steps of Adam as the problem's recipe says:

    neuropinn   Variable Spiking Neurons by the problem's own recipe (a teacher, if it has one, costs what it costs)
    sp-pinn     tanh, derivatives by the same operators, no sparsity phase
    pinn        tanh, derivatives by automatic differentiation at the same points
    converted   the sp-pinn, each tanh turned into neurons that fire on |m| >= 0.05, untrained

A cell (problem, model, seed) is a file named by the digest of its recipe: a run that is stopped goes on where it was, and
a cell whose recipe has changed is trained again. Errors are on 2500 random points; `8 bit` is the deployed integer network.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

import neuropinn_lava as nl
from neuropinn_lava.arrays import record_digest
from neuropinn_lava.atomic import write_text
from neuropinn_lava.metrics import relative_l2
from neuropinn_lava.network import NetworkSpec
from neuropinn_lava.problems import find_problem, list_problems
from neuropinn_lava.problems.problem import DerivativeFields, PdeProblem
from neuropinn_lava.recipe import TANH_MODEL, PhaseRecipe, TrainingRecipe
from neuropinn_lava.residuals import evaluation_points
from neuropinn_lava.training.adam import Adam, FlatParameters, learning_rate
from neuropinn_lava.training.clouds import TrainingCloud, input_transform, lay_training_cloud, output_transform
from neuropinn_lava.training.export import export_network
from neuropinn_lava.training.losses import centre_weights
from neuropinn_lava.training.network import VsnNetwork, build_network
from neuropinn_lava.training.trainer import train_network

MODELS = ("neuropinn", "sp-pinn", "pinn", "converted")
CONVERTED_THETA = 0.05
"""Threshold of the converted networks: at 0 they are the tanh network and every neuron fires."""
N_POINTS = 2500
POINTS_SEED = 0
PROBLEMS = tuple(name for name in list_problems() if name != "elasticity3d")
"""All but the one whose loss is an energy."""


def tanh_recipe(recipe: TrainingRecipe) -> TrainingRecipe:
    """Give the baselines' recipe: tanh, one phase of as many steps as all phases of the spiking network."""
    model = dataclasses.replace(TANH_MODEL, widths=recipe.model.widths, output_scale=recipe.model.output_scale)
    phase = PhaseRecipe(n_iterations=recipe.n_iterations, learning_rate=recipe.phases[0].learning_rate)
    return dataclasses.replace(recipe, model=model, phases=(phase,), teacher=None)


def autodiff_fields(problem: PdeProblem, network: VsnNetwork, cloud: TrainingCloud, points: Tensor) -> DerivativeFields:
    """Give the unknown, its derivatives by automatic differentiation, and the source at points (n, n_in)."""
    transform, ansatz = input_transform(problem), problem.ansatz
    signal = points * torch.tensor(transform.scale).to(points) + torch.tensor(transform.offset).to(points)
    for linear in network.linear_layers[:-1]:
        signal = torch.tanh(linear(signal))
    output = ansatz.link.apply(cloud.output_transform.apply(network.linear_layers[-1](signal)))[:, 0]
    u = ansatz.offset[0].evaluate(points) + ansatz.factor[0].evaluate(points) * output
    values = {"u": u, "source": cloud.source, "viscosity": cloud.viscosity}
    gradients: dict[str, Tensor] = {"": u}
    for name in problem.derivatives:
        letters = name.partition("_")[2]
        for n in range(1, len(letters) + 1):
            if letters[:n] not in gradients:
                before = gradients[letters[: n - 1]]
                (slope,) = torch.autograd.grad(before.sum(), points, create_graph=True)
                gradients |= {letters[: n - 1] + axis: slope[:, k] for k, axis in enumerate(problem.coordinates)}
        values[name] = gradients[letters]
    return DerivativeFields(**values)


def train_autodiff(problem: PdeProblem, recipe: TrainingRecipe, seed: int) -> VsnNetwork:
    """Train a tanh network on the same centres, with derivatives by automatic differentiation; keep the lowest loss."""
    cloud = lay_training_cloud(problem, recipe, torch.float32, torch.device("cpu"))
    laid = problem.domain.cloud(recipe.cloud.n_per_axis, recipe.cloud.gradings)
    points = torch.tensor(laid.centres, dtype=torch.float32).requires_grad_()
    network = build_network(recipe.model, problem.n_in, problem.n_out, seed)
    parameters = FlatParameters(network)
    adam, phase = Adam(parameters.values), recipe.phases[0]
    best, kept = float("inf"), parameters.values.clone()
    for iteration in range(phase.n_iterations):
        parameters.gradient.zero_()
        fields = autodiff_fields(problem, network, cloud, points)
        squares = problem.residual(fields)[0].square()
        weights = centre_weights(cloud, fields)
        loss = (squares if weights is None else squares * weights).mean() / problem.residual_scale**2
        if loss.item() < best:
            best, kept = loss.item(), parameters.values.clone()
        loss.backward(inputs=[p for p in network.parameters() if p.requires_grad])
        adam.step(parameters, learning_rate(phase, iteration), iteration)
    parameters.values.copy_(kept)
    return network


def exported(problem: PdeProblem, recipe: TrainingRecipe, network: VsnNetwork) -> NetworkSpec:
    return export_network(
        network,
        name=problem.name,
        input_transform=input_transform(problem),
        output_transform=output_transform(problem, recipe),
        ansatz=problem.ansatz,
        lower=problem.domain.lower,
        upper=problem.domain.upper,
    )


def converted(network: NetworkSpec) -> NetworkSpec:
    """Raise the thresholds of a tanh network, which is then sparse and untrained."""
    layers = [dataclasses.replace(layer, theta=np.full(layer.n_out, CONVERTED_THETA)) for layer in network.layers]
    return dataclasses.replace(network, layers=tuple(layers))


def train_cell(problem: PdeProblem, model: str, seed: int) -> NetworkSpec:
    """Train what a cell asks for."""
    if model == "neuropinn":
        return train_network(problem, seed=seed).network
    recipe = tanh_recipe(problem.recipe)
    if model == "pinn":
        return exported(problem, recipe, train_autodiff(problem, recipe, seed))
    network = train_network(problem, recipe, seed).network
    return converted(network) if model == "converted" else network


def measure(problem: PdeProblem, network: NetworkSpec) -> dict[str, Any]:
    """Judge a network before and after 8-bit deployment."""
    points = evaluation_points(problem, N_POINTS, POINTS_SEED)
    truth = problem.reference.evaluate(points)
    chip = nl.convert(network).network
    trace = nl.run(chip, points, backend="integer")
    counts = nl.count_operations(chip, trace)
    return {
        "relative_l2": relative_l2(nl.run(network, points, backend="float").outputs, truth),
        "relative_l2_8_bit": relative_l2(trace.outputs, truth),
        "activity": [layer.spiking_activity for layer in counts.spiking],
        "total_activity": counts.total.spiking_activity,
        "operations": counts.synaptic_operations_per_sample,
        "ann_macs": counts.ann_macs,
    }


def cell(folder: Path, name: str, model: str, seed: int) -> dict[str, Any]:
    """Give a cell from its file, or train and write it."""
    problem = find_problem(name)
    recipe = problem.recipe if model == "neuropinn" else tanh_recipe(problem.recipe)
    path = folder / f"{name}-{model}-{seed}-{record_digest(recipe)[:12]}.json"
    if not path.exists():
        start = time.perf_counter()
        network = train_cell(problem, model, seed)
        seconds = time.perf_counter() - start
        write_text(path, json.dumps(measure(problem, network) | {"seconds": seconds}, indent=1) + "\n")
    held: dict[str, Any] = json.loads(path.read_text())
    return held


def row(name: str, model: str, cells: list[dict[str, Any]]) -> str:
    """Format the medians of a problem's and model's cells, the errors with their range."""

    def middle(key: str) -> float:
        return median(held[key] for held in cells)

    def spread(key: str) -> str:
        values = [held[key] for held in cells]
        around = f" ({min(values):.1e} – {max(values):.1e})" if len(values) > 1 else ""
        return f"{median(values):.1e}{around}"

    layers = ", ".join(f"{median(rates):.2f}" for rates in zip(*(held["activity"] for held in cells), strict=True))
    errors = f"{spread('relative_l2')} | {spread('relative_l2_8_bit')}"
    costs = f"{middle('total_activity'):.2f} ({layers}) | {middle('operations') / middle('ann_macs'):.2f}"
    return f"| `{name}` | {model} | {errors} | {costs} | {middle('seconds'):.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=PROBLEMS)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build/training"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    print("| problem | model | relative L2 | 8 bit | activity (by layer) | operations / ann_macs | seconds |")
    print("|---|---|---|---|---|---|---|")
    for name in options.problems:
        for model in options.models:
            cells = [cell(options.out, name, model, seed) for seed in range(options.seeds)]
            print(row(name, model, cells), flush=True)


if __name__ == "__main__":
    main()
