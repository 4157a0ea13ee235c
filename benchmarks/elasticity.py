"""The table of `elasticity3d`: displacements, stresses, activity and operations of trained networks, float and in integers.

    for s in 0 1 2; do neuropinn-lava train elasticity3d --seed $s --out build/s$s.h5; done
    python benchmarks/elasticity.py build/s0.h5 build/s1.h5 build/s2.h5
    python benchmarks/elasticity.py --baseline --seeds 3

The second form trains a tanh network, without spikes, by the same energy on the same mesh, as wide and for as many steps, with
the learning rate and the initial weights of the best run in docs/results/micromechanics.md. `u - lift` is what is left of u
when the linear lift, which the ansatz brings, is subtracted. Errors are relative L2 on 4000 random points, stresses on 9261
middles of cubes.
"""

from __future__ import annotations

import argparse
import dataclasses
import time

import numpy as np

import neuropinn_lava as nl
from neuropinn_lava.app.lookup.networks import float_network
from neuropinn_lava.app.verbs.solids import describe_solid
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.network.spec import NetworkSpec, Provenance
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.recipes.phases import PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import TANH_NETWORK
from neuropinn_lava.problems.residuals import evaluation_points
from neuropinn_lava.training.run.trainer import train_network

N_POINTS, SEED = 4000, 7
"""Unseen points."""
BASELINE = dataclasses.replace(TANH_NETWORK, widths=(64, 64, 64), initial_gain=2.0, output_scale=0.02)
RATE = 2e-2
"""Initial weights, magnitude and learning rate of the best of 14 short runs (docs/results/micromechanics.md); others stall."""


def main() -> None:
    """Print one row a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="float networks of elasticity3d")
    parser.add_argument("--baseline", action="store_true", help="train and measure the tanh network")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    print("network | u | u - lift | 8 bit: u | u - lift | stress, float | 8 bit | activity | operations / ann_macs | s")
    rows = [measure(file, nl.read_network(file)) for file in arguments.files]
    if arguments.baseline:
        rows += [train_baseline(seed) for seed in range(arguments.seeds)]
    if len(rows) > 1:
        print("median | " + " | ".join(f"{value:.3g}" for value in np.median(rows, axis=0)))


def train_baseline(seed: int) -> list[float]:
    """Train the tanh network, as many steps as the recipe's, and measure it."""
    problem = find_problem("elasticity3d")
    phases = (PhaseRecipe(n_iterations=problem.recipe.n_iterations, learning_rate=RATE),)
    start = time.perf_counter()
    recipe = dataclasses.replace(problem.recipe, network=BASELINE, phases=phases)
    provenance = Provenance(problem="elasticity3d", seed=seed)
    network = train_network(problem, recipe, seed, provenance=provenance).network
    return measure(f"tanh, seed {seed}", network, time.perf_counter() - start)


def measure(name: str, network: NetworkSpec | nl.QuantizedNetwork, seconds: float = 0.0) -> list[float]:
    """Print and give the row of one network."""
    problem = find_problem("elasticity3d")
    points = evaluation_points(problem, N_POINTS, SEED)
    lift, truth = problem.ansatz.evaluate(points)[0], problem.reference.evaluate(points)
    chip = nl.convert(float_network(network)).network
    row: list[float] = []
    for backend in ("float", "integer"):
        trace = nl.run(chip, points, backend=backend)
        row += [relative_l2(trace.outputs, truth), relative_l2(trace.outputs - lift, truth - lift)]
    solid = describe_solid(chip)
    assert solid is not None
    counts = nl.count_operations(chip, trace)
    row += [result.stress.relative_l2 for result in solid.results]
    row += [counts.total.spiking_activity, counts.synaptic_operations_per_sample / counts.ann_macs, seconds]
    print(f"{name} | " + " | ".join(f"{value:.3g}" for value in row), flush=True)
    return row


if __name__ == "__main__":
    main()
