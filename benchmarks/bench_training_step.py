"""What a training step costs, and a training: NeuroPINN against PINNs by automatic differentiation, same size, same points.

    python benchmarks/bench_training_step.py [--rounds 15] [--threads 2] [--seeds 3]

The ways are those of `_training_ways.py`. For the steps they take turns in one process, so that other load on the machine meets
them alike; the ratio is the median over the rounds of a step to the peer's step of the same round. Memory is what ten steps add
to the peak of a fresh process. The steps to an error are those until u on 1000 unseen points is as close to the solution, at
the better of two learning rates, median over the seeds, on the smaller cloud; the time to it is that number times the median
of a step.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from _training_ways import CELLS, PEER, WAYS, TrainingWay, make_way

from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.residuals import evaluation_points

TURN = 20
"""Steps in a row: with few, a step would find the caches full of another way's data, as no training does."""
LIMITS = (1e-2, 3e-3)
"""Errors that the time is taken to."""
RATES = (1e-3, 5e-3)
"""Learning rates that each way may choose from; DeepXDE's examples use the first, this package's recipes the second."""
LOOK_EVERY, MOST_STEPS = 25, 1000
"""Steps between two looks at the error, and how many there are."""
UNSEEN_SEED = 1


def measure_steps(ways: tuple[str, ...], n_points: int, n_rounds: int) -> dict[str, list[float]]:
    """Let the ways take turns, some steps each as in a training; give the seconds of a step for every turn."""
    made = {way: make_way(way, n_points) for way in ways}
    for training in made.values():
        for _ in range(3):
            training.step()
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(n_rounds):
        for way, training in made.items():
            start = time.perf_counter()
            for _ in range(TURN):
                training.step()
            seconds[way].append((time.perf_counter() - start) / TURN)
    return seconds


def steps_to(training: TrainingWay, limits: tuple[float, ...]) -> list[float]:
    """Train until the error is below all limits, or out of steps; give the steps to each, infinite where not reached."""
    problem = find_problem("poisson")
    points = evaluation_points(problem, 1000, UNSEEN_SEED)
    truth = problem.reference.evaluate(points)
    found = [float("inf")] * len(limits)
    for n_steps in range(LOOK_EVERY, MOST_STEPS + 1, LOOK_EVERY):
        for _ in range(LOOK_EVERY):
            training.step()
        error = relative_l2(training.predict(points), truth)
        found = [min(known, n_steps) if error <= limit else known for known, limit in zip(found, limits, strict=True)]
        if max(found) < float("inf"):
            break
    return found


def steps_to_errors(way: str, n_points: int, n_seeds: int) -> list[float]:
    """Give the median steps to each limit at the better rate."""
    medians = [
        np.median([steps_to(make_way(way, n_points, rate, seed), LIMITS) for seed in range(n_seeds)], axis=0)
        for rate in RATES
    ]
    return np.min(medians, axis=0).tolist()


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
    training = make_way(way, n_points)
    make_way(way, min(CELLS)).step()  # libraries and thread pools are loaded now
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is resident
    before = resident_mb("VmRSS")
    for _ in range(10):
        training.step()
    print(json.dumps(resident_mb("VmHWM") - before))


def show_table(n_points: int, n_rounds: int, n_threads: int, n_seeds: int) -> None:
    """Measure and print the rows of one number of points."""
    peer = PEER if PEER in WAYS else "autodiff"
    seconds = measure_steps(WAYS, n_points, n_rounds)
    for way in WAYS:
        median, fastest = 1e3 * np.median(seconds[way]), 1e3 * min(seconds[way])
        ratio = np.median(np.array(seconds[way]) / np.array(seconds[peer]))
        memory = measure_memory(way, n_points, n_threads)
        wanted = n_seeds and n_points == min(CELLS)
        steps = steps_to_errors(way, n_points, n_seeds) if wanted else [np.inf] * len(LIMITS)
        reached = " | ".join(f"{n * median / 1e3:.2f} ({n:.0f})" if np.isfinite(n) else "–" for n in steps)
        print(
            f"| {n_points} | {way} | {median:.2f} ({fastest:.2f}) | {ratio:.2f} | {memory:.0f} | {reached} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3, help="Trainings for the steps to an error; 0 leaves them out.")
    parser.add_argument("--points", type=int, choices=list(CELLS))
    parser.add_argument("--memory-of", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.memory_of:
        show_own_memory(options.memory_of, options.points)
        return
    limits = " | ".join(f"s (steps) to {limit:.1%}" for limit in LIMITS)
    print(f"| points | way | ms a step, median (fastest) | of the peer | memory of the steps, MB | {limits} |")
    print("|---|---|---|---|---|---|---|")
    for n_points in [options.points] if options.points else CELLS:
        show_table(n_points, options.rounds, options.threads, options.seeds)


if __name__ == "__main__":
    main()
