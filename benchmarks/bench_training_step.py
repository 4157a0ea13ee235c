"""What one training step costs: NeuroPINN against a PINN by automatic differentiation, same network size, same points.

    python benchmarks/bench_training_step.py [--rounds 15] [--threads 2]

Poisson's equation on the square, three hidden layers of 50, Adam. Three ways to the same loss:

    neuropinn   Variable Spiking Neurons, derivatives by constant sparse matrices, T = 1 and 2
    autodiff    tanh network in plain torch, second derivatives by differentiating twice
    deepxde     the same through DeepXDE's own model and train step, where it is installed (`pip install deepxde`)

All ways take turns of a few steps in one process, so that other load on the machine meets them alike. The ratio is the median
over the rounds of a step to the peer's step of the same round. Memory is what ten steps add to the peak of a fresh process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("DDE_BACKEND", "pytorch")

import dataclasses
import importlib.util

import numpy as np
import torch
from torch import Tensor, nn

from neuropinn_lava.problems import find_problem
from neuropinn_lava.training.adam import Adam, FlatParameters
from neuropinn_lava.training.clouds import lay_training_cloud
from neuropinn_lava.training.losses import evaluate_loss, weighted_loss
from neuropinn_lava.training.network import build_network

CELLS = {289: (16, 16), 4096: (63, 63)}
"""Grid cells along each axis by number of points."""
WAYS = ("neuropinn T=1", "neuropinn T=2", "autodiff", "deepxde")
PEER = "deepxde"
TURN = 20
"""Steps in a row: with few, a step would find the caches full of another way's data, as no training does."""
WIDTHS = (2, 50, 50, 50, 1)

Step = Callable[[], object]


def neuropinn_step(n_points: int, n_steps: int) -> Step:
    """Make one step of the trainer: loss, backward pass, Adam."""
    problem = find_problem("poisson")
    recipe = dataclasses.replace(
        problem.recipe,
        model=dataclasses.replace(problem.recipe.model, widths=WIDTHS[1:-1], n_steps=n_steps),
        cloud=dataclasses.replace(problem.recipe.cloud, n_per_axis=CELLS[n_points]),
    )
    cloud = lay_training_cloud(problem, recipe, torch.float32, torch.device("cpu"))
    network = build_network(recipe.model, 2, 1, 0)
    parameters = FlatParameters(network)
    adam = Adam(parameters.values)

    def step() -> None:
        parameters.gradient.zero_()
        weighted_loss(evaluate_loss(cloud, network), recipe.phases[0], 0.0).backward()
        adam.step(parameters, 1e-3, 0)

    return step


def grid_points(n_points: int) -> np.ndarray:
    side = np.linspace(0.0, 1.0, CELLS[n_points][0] + 1)
    return np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)


def poisson_source(x: Tensor) -> Tensor:
    return 5 * torch.pi**2 * torch.sin(torch.pi * x[:, :1]) * torch.sin(2 * torch.pi * x[:, 1:])


def autodiff_step(n_points: int) -> Step:
    """Make one step of a tanh PINN in plain torch; boundary values are built in."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(WIDTHS):
        layers += [nn.Linear(n_in, n_out), nn.Tanh()]
    network = nn.Sequential(*layers[:-1])
    x = torch.tensor(grid_points(n_points), dtype=torch.float32, requires_grad=True)
    source = poisson_source(x.detach())
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        d = 16 * x[:, :1] * (1 - x[:, :1]) * x[:, 1:] * (1 - x[:, 1:])
        u = d * network(2 * x - 1)
        (gradient,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        (from_x,) = torch.autograd.grad(gradient[:, 0].sum(), x, create_graph=True)
        (from_y,) = torch.autograd.grad(gradient[:, 1].sum(), x, create_graph=True)
        (from_x[:, :1] + from_y[:, 1:] + source).square().mean().backward()
        optimizer.step()

    return step


def deepxde_step(n_points: int) -> Step:
    """Make DeepXDE's own train step on the same points, with the same network and the boundary values built in."""
    import deepxde

    deepxde.config.set_random_seed(0)

    def equation(x: Tensor, u: Tensor) -> Tensor:
        u_xx = deepxde.grad.hessian(u, x, i=0, j=0)
        u_yy = deepxde.grad.hessian(u, x, i=1, j=1)
        return u_xx + u_yy + poisson_source(x)

    square = deepxde.geometry.Rectangle([0, 0], [1, 1])
    data = deepxde.data.PDE(square, equation, [], num_domain=0, anchors=grid_points(n_points).astype(np.float32))
    network = deepxde.nn.FNN(list(WIDTHS), "tanh", "Glorot uniform")
    network.apply_feature_transform(lambda x: 2 * x - 1)
    network.apply_output_transform(lambda x, u: 16 * x[:, :1] * (1 - x[:, :1]) * x[:, 1:] * (1 - x[:, 1:]) * u)
    model = deepxde.Model(data, network)
    model.compile("adam", lr=1e-3, verbose=0)
    inputs, targets, extra = data.train_next_batch()
    return lambda: model.train_step(inputs, targets, extra)


def make_step(way: str, n_points: int) -> Step:
    if way == "autodiff":
        return autodiff_step(n_points)
    if way == "deepxde":
        return deepxde_step(n_points)
    return neuropinn_step(n_points, int(way.rpartition("=")[2]))


def measure_times(ways: list[str], n_points: int, n_rounds: int) -> dict[str, list[float]]:
    """Let the ways take turns, some steps each as in a training; give the seconds of a step for every turn."""
    steps = {way: make_step(way, n_points) for way in ways}
    for step in steps.values():
        for _ in range(3):
            step()
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(n_rounds):
        for way, step in steps.items():
            start = time.perf_counter()
            for _ in range(TURN):
                step()
            seconds[way].append((time.perf_counter() - start) / TURN)
    return seconds


def resident_mb(field: str) -> float:
    """Give `VmRSS`, the resident memory of this process, or `VmHWM`, its peak since the last reset, in MB (Linux)."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field)]
    return int(line.split()[1]) / 1024


def measure_memory(way: str, n_points: int, n_threads: int) -> float:
    """Run some steps in a fresh process; give what they add to its peak memory, MB."""
    command = [sys.executable, __file__, "--threads", str(n_threads), "--memory-of", way, "--points", str(n_points)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def show_own_memory(way: str, n_points: int) -> None:
    """Print what ten steps add to the peak memory of this process."""
    step = make_step(way, n_points)
    make_step(way, min(CELLS))()  # libraries and thread pools are loaded now
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is resident
    before = resident_mb("VmRSS")
    for _ in range(10):
        step()
    print(json.dumps(resident_mb("VmHWM") - before))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--points", type=int, choices=list(CELLS))
    parser.add_argument("--memory-of", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.memory_of:
        show_own_memory(options.memory_of, options.points)
        return
    ways = [way for way in WAYS if way != PEER or importlib.util.find_spec(PEER)]
    peer = PEER if PEER in ways else "autodiff"
    print(
        f"| points | way | ms a step, median (fastest) | of {peer} | memory of the steps, MB |\n|---|---|---|---|---|"
    )
    for n_points in [options.points] if options.points else CELLS:
        seconds = measure_times(ways, n_points, options.rounds)
        for way in ways:
            median, fastest = 1e3 * np.median(seconds[way]), 1e3 * min(seconds[way])
            ratio = np.median(np.array(seconds[way]) / np.array(seconds[peer]))
            memory = measure_memory(way, n_points, options.threads)
            print(f"| {n_points} | {way} | {median:.2f} ({fastest:.2f}) | {ratio:.2f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
