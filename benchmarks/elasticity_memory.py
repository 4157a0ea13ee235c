"""Memory of training on 10^5 points: all of them through the network at once, and in batches.

Every row is a process of its own, which takes three steps on `elasticity3d` and tells the largest resident set of its life.

    python benchmarks/elasticity_memory.py
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
import subprocess
import sys
import time

import torch

from neuropinn_lava.problems import find_problem
from neuropinn_lava.training.energy_loss import lay_energy_cloud
from neuropinn_lava.training.losses import evaluate_loss
from neuropinn_lava.training.network import build_network

CELLS = (10, 16, 20, 24)
"""Cubes along an edge: 11 065 to 122 789 nodes."""
BATCH_SIZES = (None, 4096)
N_STEPS = 3


def main() -> None:
    """Print the table, one process a row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, help="measure this mesh in this process")
    parser.add_argument("--batch-size", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.cells is not None:
        print(measure(arguments.cells, arguments.batch_size or None))
        return
    print("cells, batch size: points, seconds a step, MB at the start, MB at most")
    for cells in CELLS:
        for batch_size in BATCH_SIZES:
            command = [sys.executable, __file__, "--cells", str(cells), "--batch-size", str(batch_size or 0)]
            row = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
            print(f"{cells}, {batch_size or 'all'}: {row}", flush=True)


def measure(cells: int, batch_size: int | None) -> str:
    """Take some steps and give points, seconds a step, and megabytes before and at most."""
    torch.set_num_threads(1)
    problem = find_problem("elasticity3d")
    start = peak()
    laid = dataclasses.replace(problem.recipe.cloud, n_per_axis=(cells,) * 3, batch_size=batch_size)
    recipe = dataclasses.replace(problem.recipe, cloud=laid)
    cloud = lay_energy_cloud(problem, recipe, torch.float32, torch.device("cpu"))
    network = build_network(recipe.model, 3, 3, seed=0)
    begin = time.perf_counter()
    for _ in range(N_STEPS):
        evaluate_loss(cloud, network).residual.backward()
    seconds = (time.perf_counter() - begin) / N_STEPS
    return f"{len(cloud.inputs):,}, {seconds:.2f}, {start:.0f}, {peak():.0f}"


def peak() -> float:
    """Give the largest resident set so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
