"""Networks that take functions: the error on unseen functions, float and 8 bits, activity and operations, by problem and seed.

    python benchmarks/operators.py heat-operator --seeds 0 1 2 --twins
    python benchmarks/operators.py --shipped                             the networks of the package, without training

Each network is trained by its catalogue recipe, on the equation alone. The error is the mean over 100 unseen functions of the
relative L2 error on 200 points each. A twin has dense tanh neurons in place of the spiking ones and is trained by the same
recipe. The last figure is the network folded at 200 points: operations for a function and all of its values. Minutes for each
seed.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np

import neuropinn_lava as nl
from neuropinn_lava.problems.recipes.operator_recipe import OperatorRecipe
from neuropinn_lava.problems.recipes.recipe import NetworkRecipe

N_FUNCTIONS, N_POINTS = 100, 200
"""Unseen functions, and points of each."""
PROBLEMS = ("heat-operator", "poisson-operator", "diffusion-operator", "burgers-operator")


def unseen(problem: nl.PdeProblem) -> tuple[np.ndarray, np.ndarray]:
    """Return a grid of unseen functions and points, (n, n_in), and the reference there, (n_functions, n_points)."""
    rng = np.random.default_rng(99)
    functions, places = problem.domain.draw(N_FUNCTIONS, rng), problem.region.sample(N_POINTS, rng)
    points = np.hstack([np.tile(places, (N_FUNCTIONS, 1)), np.repeat(functions, N_POINTS, axis=0)])
    return points, problem.exact(points).reshape(N_FUNCTIONS, N_POINTS)


def error_of(outputs: np.ndarray, reference: np.ndarray) -> float:
    """Return the mean over functions of the relative L2 error."""
    apart = np.linalg.norm(outputs.reshape(reference.shape) - reference, axis=1)
    return float(np.mean(apart / np.linalg.norm(reference, axis=1)))


def twin_recipe(recipe: OperatorRecipe) -> OperatorRecipe:
    """Return the recipe of a dense network of the same size: tanh neurons that all send, and no price on that."""

    def dense(network: NetworkRecipe) -> NetworkRecipe:
        return replace(network, activation="tanh", polarity=nl.Polarity.BOTH, theta=0.0)

    branch = None if recipe.branch is None else dense(recipe.branch)
    return replace(recipe, trunk=dense(recipe.trunk), branch=branch, activity=1.0, activity_weight=0.0)


def trained(name: str, seed: int, is_twin: bool) -> tuple[nl.NetworkSpec, str]:
    """Train a network, and return it with what it is and took."""
    problem, start = nl.find_problem(name), time.process_time()
    assert isinstance(problem.recipe, OperatorRecipe)
    network = nl.train(problem, twin_recipe(problem.recipe) if is_twin else None, seed=seed).network
    seconds = time.process_time() - start
    return network, f"{name} seed {seed}{', tanh twin' if is_twin else ''}, {seconds:.0f} s of the processor"


def measure(name: str, network: nl.NetworkSpec, is_twin: bool = False) -> str:
    """Deploy a network and describe it in a line."""
    problem = nl.find_problem(name)
    points, reference = unseen(problem)
    error = error_of(nl.run_float(network, points).outputs, reference)
    if is_twin:
        return f"float {error:.4f}"
    chip = nl.convert(network).network
    trace = nl.run_integer(chip, points)
    held = nl.run_held(chip, points)
    counts = nl.count_operations(chip, trace, held)
    assert held is not None
    of_function = sum(row.synaptic_operations for row in counts.rows if row.n_samples == held.n_samples)
    of_points = counts.total.synaptic_operations - of_function
    every = nl.count_operations(chip, trace).total.spiking_activity
    return (
        f"float {error:.4f}, 8 bits {error_of(trace.outputs, reference):.4f}, ansatz alone"
        f" {error_of(problem.ansatz.apply(points, np.zeros((len(points), 1))), reference):.3f},"
        f" activity {counts.total.spiking_activity:.3f} ({every:.3f} with the branch at every point),"
        f" operations {of_function / held.n_samples:.0f} a function and"
        f" {of_points / len(points):.0f} a point of {counts.ann_macs} dense, folded {folded(network, points):.0f} a function"
    )


def folded(network: nl.NetworkSpec, points: np.ndarray) -> float:
    """Return the operations for one function and its values at all points of the grid, by the folded network."""
    n_axes = network.inputs[0].width
    plain = nl.convert(nl.fold_at(network, points[:N_POINTS, :n_axes]), points=points[::N_POINTS, n_axes:], target=None)
    functions = points[::N_POINTS, n_axes:]
    counts = nl.count_operations(plain.network, nl.run_integer(plain.network, functions))
    return counts.total.synaptic_operations / len(functions)


def main() -> None:
    """Measure the problems that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="*", default=PROBLEMS)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--twins", action="store_true", help="train the dense twins, too")
    parser.add_argument("--shipped", action="store_true", help="measure the networks of the package instead")
    chosen = parser.parse_args()
    for name in chosen.problems:
        if chosen.shipped:
            shipped = nl.find_network(name)
            assert isinstance(shipped, nl.NetworkSpec)
            print(f"{name}: {measure(name, shipped)}", flush=True)
            continue
        for is_twin in (False, True)[: 1 + chosen.twins]:
            for seed in chosen.seeds:
                network, told = trained(name, seed, is_twin)
                print(f"{told}: {measure(name, network, is_twin)}", flush=True)


if __name__ == "__main__":
    main()
