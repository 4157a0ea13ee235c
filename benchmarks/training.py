"""The table of all problems and models: error, activity, operations and time.

    python benchmarks/training.py [--problems poisson laplace] [--models neuropinn sp-pinn] [--seeds 3] [--out build/training]

Models, all of the widths and at the points of the problem's recipe:

    neuropinn          Variable Spiking Neurons by the problem's own recipe (a teacher, if it has one, is in its time)
    sp-pinn            tanh, derivatives by the same operators
    sp-pinn-own        the same, trained by the optimizer and the steps that the recipe has for accuracy
    pinn               tanh, derivatives by automatic differentiation
    converted          the sp-pinn, its tanh turned into neurons that fire on |m| >= theta, untrained
    rate-coded         a ReLU network that imitates the sp-pinn, as integrate-and-fire neurons over T steps
    sigma-delta        the sp-pinn as sigma-delta neurons, each point from rest
    sigma-delta-scan   the same along a path through the points

Baselines have a budget of their own (`_baselines.BUDGET`), conversions a stated error that they may add
(`_converted.ADDED_ERROR`). Trained networks and measurements are files named by digests of what they depend on: a run that is
stopped goes on where it was, and what has changed is made again.

Errors are relative L2 on 2500 random points that nothing was trained or searched on, medians over the seeds with their range;
`8 bit` is the deployed integer network (of rate-coded and sigma-delta networks: 8-bit weights, all else in float). Activity is
events per neuron and step. Operations of a rate code are additions, of all others multiplications; updates are neurons x steps,
and what T costs. Seconds are CPU time of the training on one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from _baselines import baseline_digest, train_baseline
from _converted import ADDED_ERROR, convert_to_vsn, measure_coded

import neuropinn_lava as nl
from neuropinn_lava.base.arrays import record_digest
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.files.atomic import write_text
from neuropinn_lava.files.network_file import read_network, write_network
from neuropinn_lava.network.spec import NetworkSpec
from neuropinn_lava.problems import find_problem, list_problems
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.residuals import evaluation_points
from neuropinn_lava.training.run.trainer import train_network

TRAINED_AS = {
    "neuropinn": "neuropinn",
    "sp-pinn": "sp-pinn",
    "sp-pinn-own": "sp-pinn-own",
    "pinn": "pinn",
    "converted": "sp-pinn",
    "rate-coded": "relu",
    "sigma-delta": "sp-pinn",
    "sigma-delta-scan": "sp-pinn",
}
"""The network that each model is made from."""
CODED = ("rate-coded", "sigma-delta", "sigma-delta-scan")
"""Models that are no Variable Spiking Neurons."""
N_POINTS = 2500
POINTS_SEED = 0
PROBLEMS = tuple(name for name in list_problems() if name != "elasticity3d")
"""All but the one whose loss is an energy."""

Cell = dict[str, Any]


def trained(folder: Path, problem: PdeProblem, kind: str, seed: int) -> tuple[NetworkSpec, float]:
    """Give a trained network and the CPU seconds that it took, from their files or by training it."""
    digest = record_digest(problem.recipe)[:12] if kind == "neuropinn" else baseline_digest(problem, kind)
    path = folder / f"{problem.name}-{kind}-{seed}-{digest}.h5"
    clock = path.with_suffix(".seconds")
    if not (path.exists() and clock.exists()):
        teacher = trained(folder, problem, "sp-pinn", seed)[0] if kind == "relu" else None
        start = time.process_time()
        if kind == "neuropinn":
            network = train_network(problem, seed=seed).network
        else:
            network = train_baseline(problem, kind, seed, teacher)
        write_text(clock, f"{time.process_time() - start:.1f}\n")
        write_network(network, path)
    network = read_network(path)
    assert isinstance(network, NetworkSpec)
    return network, float(clock.read_text())


def measure_vsn(problem: PdeProblem, network: NetworkSpec) -> Cell:
    """Judge a network of Variable Spiking Neurons before and after 8-bit deployment."""
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
        "updates": sum(network.widths[1:-1]) * network.n_steps,
        "ann_macs": counts.ann_macs,
        "setting": None,
    }


def cell(folder: Path, name: str, model: str, seed: int) -> Cell:
    """Give a cell from its file, or train, measure and write it."""
    problem = find_problem(name)
    network, seconds = trained(folder, problem, TRAINED_AS[model], seed)
    path = folder / f"{name}-{model}-{seed}-{network.digest()[:12]}.json"
    if not path.exists():
        if model in CODED:
            measured = measure_coded(problem, network, model, evaluation_points(problem, N_POINTS, POINTS_SEED))
        else:
            measured = measure_vsn(problem, convert_to_vsn(problem, network) if model == "converted" else network)
        write_text(path, json.dumps(measured, indent=1) + "\n")
    held: Cell = json.loads(path.read_text())
    return held | {"seconds": seconds}


def setting_words(model: str, settings: list[float | None]) -> str:
    """Say which T or threshold a conversion took."""
    if None in settings:
        return ""
    return f", T = {median(settings):.0f}" if model == "rate-coded" else f", q = {median(settings):.2g}"


def row(name: str, model: str, cells: list[Cell]) -> str:
    """Format the medians of a problem's and model's cells, the errors with their range."""

    def middle(key: str) -> float:
        return median(held[key] for held in cells)

    def spread(key: str) -> str:
        values = [held[key] for held in cells]
        around = f" ({min(values):.1e} – {max(values):.1e})" if len(values) > 1 else ""
        return f"{median(values):.1e}{around}"

    layers = ", ".join(f"{median(rates):.2f}" for rates in zip(*(held["activity"] for held in cells), strict=True))
    setting = setting_words(model, [held["setting"] for held in cells])
    errors = f"{spread('relative_l2')} | {spread('relative_l2_8_bit')}"
    costs = f"{middle('total_activity'):.2f} ({layers}) | {middle('operations') / middle('ann_macs'):.2f}"
    return f"| `{name}` | {model}{setting} | {errors} | {costs} | {middle('updates'):.0f} | {middle('seconds'):.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=PROBLEMS)
    parser.add_argument("--models", nargs="+", choices=TRAINED_AS, default=tuple(TRAINED_AS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build/training"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    print(f"Conversions may add {ADDED_ERROR:.0%} of error.\n")
    print("| problem | model | relative L2 | 8 bit | activity (by layer) | operations / ann_macs | updates | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for name in options.problems:
        for model in options.models:
            cells = [cell(options.out, name, model, seed) for seed in range(options.seeds)]
            print(row(name, model, cells), flush=True)


if __name__ == "__main__":
    main()
