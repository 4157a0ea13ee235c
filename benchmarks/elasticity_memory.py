"""Memory of training on up to 10^5 points: all of them through the network at once, and in batches.

Every row is a process of its own. It trains on the smallest mesh first, which loads all code and the reference solution; what
is resident then, and at most in a training of three steps on the row's mesh, are its last two figures.

    python benchmarks/elasticity_memory.py
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import subprocess
import sys
import time
from pathlib import Path

import torch

from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.recipes.phases import PhaseRecipe
from neuropinn_lava.training.run.outcome import TrainingOutput
from neuropinn_lava.training.run.trainer import train_network

CELLS = (10, 16, 20, 24)
"""Cubes along an edge: 11 065 to 122 789 nodes."""
BATCH_SIZES = (None, 4096)
N_STEPS = 3
SMALLEST, FEW = 6, 512
"""Cells and batch size of the training that loads everything: 2257 nodes."""


def main() -> None:
    """Print the table, one process a row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, help="measure this mesh in this process")
    parser.add_argument("--batch-size", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.cells is not None:
        print(measure(arguments.cells, arguments.batch_size or None))
        return
    print("cells, batch size: seconds a step, MB before, MB at most")
    for batch_size, cells in itertools.product(BATCH_SIZES, CELLS):
        command = [sys.executable, __file__, "--cells", str(cells), "--batch-size", str(batch_size or 0)]
        row = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        print(f"{cells}, {batch_size or 'all'}: {row}", flush=True)


def measure(cells: int, batch_size: int | None) -> str:
    """Train for some steps and give seconds a step, and megabytes before and at most."""
    train(SMALLEST, FEW)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is resident now; see proc(5)
    seconds = train(cells, batch_size)
    return f"{seconds:.2f}, {before:.0f}, {resident('VmHWM'):.0f}"


def train(cells: int, batch_size: int | None) -> float:
    """Train for some steps and give the seconds of the shortest."""
    problem = find_problem("elasticity3d")
    recipe = dataclasses.replace(
        problem.recipe,
        cloud=dataclasses.replace(problem.recipe.cloud, n_per_axis=(cells,) * 3, batch_size=batch_size),
        phases=(PhaseRecipe(n_iterations=N_STEPS, n_warmup=0),),
    )
    times: list[float] = []
    output = TrainingOutput(report_every=1)
    train_network(problem, recipe, output=output, on_progress=lambda _: times.append(time.perf_counter()))
    return min(later - earlier for earlier, later in itertools.pairwise(times))


def resident(name: str) -> float:
    """Give a figure of this process's memory in megabytes: VmRSS, what is resident, or VmHWM, its peak. Linux only."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
