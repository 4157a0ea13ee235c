"""Dirichlet data built into the output beside the same data as rows of the residual: errors, activity and time.

    python benchmarks/soft_conditions.py [NAME …] [--seeds 3] [--first-seed 3]

Both columns have the problem's own recipe and seeds; the soft problem has no ansatz and `hard=False` on every condition.
Rows are medians: relative L2 error at unseen points, error at unseen points of the boundary relative to the same size,
estimated error, activity, seconds of the processor for training.
"""

from __future__ import annotations

import argparse
import dataclasses
import time

import numpy as np

import neuropinn_lava as nl
from neuropinn_lava.base.metrics import relative_l2, rms
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.residuals import evaluation_points

NAMES = ("poisson", "heat", "burgers")
N_POINTS, POINTS_SEED = 2000, 11


def softened(problem: PdeProblem) -> PdeProblem:
    """Return a problem with all its prescribed values as rows of the residual."""
    conditions = [
        dataclasses.replace(each, hard=False) if isinstance(each, nl.Dirichlet) else each for each in problem.conditions
    ]
    return dataclasses.replace(problem, conditions=conditions, own_ansatz=None)


def measure(problem: PdeProblem, seeds: range) -> str:
    """Train a problem with some seeds and return the cells of the table."""
    inside = evaluation_points(problem, N_POINTS, POINTS_SEED)
    rim = problem.domain.sample_boundary(N_POINTS, np.random.default_rng(POINTS_SEED))
    truth, on_rim, found = problem.exact(inside), problem.exact(rim), []
    for seed in seeds:
        start = time.process_time()
        result = nl.train(problem, seed=seed)
        seconds = time.process_time() - start
        errors = [
            relative_l2(run_float(result.network, inside).outputs, truth),
            rms(run_float(result.network, rim).outputs - on_rim) / rms(truth),
        ]
        found.append([*errors, result.estimated_l2, result.activity, seconds])
        print(f"  {problem.name} seed {seed}: " + " ".join(f"{each:.3g}" for each in found[-1]), flush=True)
    error, edge, estimated, activity, seconds = np.median(found, axis=0)
    return f"{error:.1e} | {edge:.1e} | {estimated:.1e} | {activity:.3f} | {seconds:.0f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=3)
    chosen = parser.parse_args()
    seeds = range(chosen.first_seed, chosen.first_seed + chosen.seeds)
    print("| problem | data | relative L2 | on the boundary | estimated | activity | seconds |")
    print("|---|---|---|---|---|---|---|")
    for each in chosen.names:
        problem = nl.find_problem(each)
        print(f"| {each} | built in | {measure(problem, seeds)} |", flush=True)
        print(f"| {each} | rows | {measure(softened(problem), seeds)} |", flush=True)


if __name__ == "__main__":
    main()
