"""DeepXDE on two of the problems, by settings that its authors and PINNacle's published: error, operations and seconds.

    python benchmarks/deepxde_runs.py [helmholtz] [poisson-holes] [--seed 0] [--minutes 5]

`helmholtz` is DeepXDE's example of the Helmholtz equation with its own network and optimizer (3 x 150 neurons, sin, boundary
built in, Adam at 1e-3, 5000 steps, ten points a wave along each axis) on sin(pi x) sin(4 pi y); `poisson-holes` is PINNacle's
baseline for Poisson2d-C (5 x 100, tanh, boundary as terms of the loss, Adam at 1e-3, 20 000 steps, 8192 + 2048 points). A run
ends with its steps or after the minutes, whichever comes first, and says so. Needs the extra `deepxde`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("DDE_BACKEND", "pytorch")

import deepxde as dde
import numpy as np
import torch

from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.residuals import evaluation_points
from neuropinn_lava.problems.solvers.four_holes import CENTRES, HALF_SIDE, RADIUS

N_POINTS, POINTS_SEED = 5000, 99
"""Unseen points at which the shipped networks are tested as well."""
POINTS_A_WAVE = 10
"""Training points for a wave along an axis, as in DeepXDE's example."""


def laplacian(x: Any, u: Any) -> Any:
    """Compute u_xx + u_yy."""
    return dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)


def helmholtz() -> tuple[dde.Model, int]:
    """Build DeepXDE's example, Helmholtz_Dirichlet_2d, for one wave along x and four along y."""

    def pde(x: Any, u: Any) -> Any:
        source = (17 * np.pi**2 - 1) * torch.sin(np.pi * x[:, :1]) * torch.sin(4 * np.pi * x[:, 1:])
        return laplacian(x, u) + u + source

    square = dde.geometry.Rectangle([-1, -1], [1, 1])
    n = 4 * POINTS_A_WAVE
    data = dde.data.PDE(square, pde, [], num_domain=n**2, num_boundary=4 * n)
    net = dde.nn.FNN([2, 150, 150, 150, 1], "sin", "Glorot uniform")
    net.apply_output_transform(lambda x, u: (1 - x[:, :1] ** 2) * (1 - x[:, 1:] ** 2) * u)
    return dde.Model(data, net), 5000


def poisson_holes() -> tuple[dde.Model, int]:
    """Build PINNacle's Poisson2d-C with its baseline network."""
    region = dde.geometry.Rectangle([-HALF_SIDE] * 2, [HALF_SIDE] * 2)
    for centre in CENTRES:
        region = dde.geometry.CSGDifference(region, dde.geometry.Disk(centre, RADIUS))

    def on_sides(x: Any, on_boundary: bool) -> bool:
        return bool(on_boundary and np.isclose(np.abs(x), HALF_SIDE).any())

    conditions = [
        dde.icbc.DirichletBC(region, lambda x: 1.0, on_sides),
        dde.icbc.DirichletBC(region, lambda x: 0.0, lambda x, on: on and not on_sides(x, on)),
    ]
    data = dde.data.PDE(region, laplacian, conditions, num_domain=8192, num_boundary=2048)
    return dde.Model(data, dde.nn.FNN([2, *[100] * 5, 1], "tanh", "Glorot normal")), 20_000


RUNS: dict[str, Callable[[], tuple[dde.Model, int]]] = {"helmholtz": helmholtz, "poisson-holes": poisson_holes}
"""Models with their number of steps, by the name of the problem here."""


def measure(name: str, seed: int, minutes: float) -> str:
    """Train by Adam and return the row of the table."""
    dde.config.set_random_seed(seed)
    model, n_steps = RUNS[name]()
    model.compile("adam", lr=1e-3)
    start, busy = time.perf_counter(), time.process_time()
    model.train(iterations=n_steps, display_every=max(n_steps // 10, 1), callbacks=[dde.callbacks.Timer(minutes)])
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    problem = find_problem(name)
    points = evaluation_points(problem, N_POINTS, POINTS_SEED)
    error = relative_l2(model.predict(points).astype(np.float64), problem.exact(points))
    operations = sum(layer.weight.numel() for layer in model.net.linears)
    return (
        f"| {name} | {model.train_state.step} of {n_steps} | {operations} | {error:.2e} | {busy:.0f} | {seconds:.0f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", choices=[*RUNS, []])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=5.0, help="longest time of a run")
    chosen = parser.parse_args()
    rows = [measure(name, chosen.seed, chosen.minutes) for name in chosen.names or RUNS]
    print("| problem | steps | multiplications a point | relative L2 | seconds of the processor | by the clock |")
    print("|---|---|---|---|---|---|", *rows, sep="\n")


if __name__ == "__main__":
    main()
