"""The table of optimizers: a dense phase, without any cost of spikes, by each of them for the same CPU time.

    OMP_NUM_THREADS=1 python benchmarks/optimizers.py [--problems poisson poisson-star] [--ways L-BFGS Adam] [--seeds 3]

Networks, clouds and first weights are the same in all rows: widths and output scale of the problem's recipe,
`SOLVER_NETWORK`, another threshold where a row says so. A step is what the trainer does in one, its reports left out: the
loss, the best network kept, the optimizer. Adam decays to zero over its share of each budget, so it runs once for each, in
float32 where it is alone, as the trainer would; rows of two optimizers give each half. Gauss-Newton and L-BFGS run once and
are looked at on the way. CPU time is this process's on one thread; loading the cloud, the points and torch is not in it.

Loss is the mean square residual on the cloud in units of the problem's `residual_scale`, error the relative L2 on 2500
random points that nothing was trained on, both of the network of the lowest loss; steps are those that moved the network.
Medians over the seeds with their range.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import time
from dataclasses import dataclass
from statistics import median

import torch

from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.phases import Optimizer, PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import SOLVER_NETWORK, TrainingRecipe
from neuropinn_lava.problems.residuals import evaluation_points
from neuropinn_lava.training.collocation.clouds import build_training_cloud, input_transform
from neuropinn_lava.training.loss.distillation import CollocationSet
from neuropinn_lava.training.network.network import build_network
from neuropinn_lava.training.run.state import PhasePlace, TrainingState, start_state
from neuropinn_lava.training.run.steps import Point, measure_point, take_step

N_POINTS, POINTS_SEED = 2500, 0
"""Unseen points."""
N_TIMED = 50
"""Steps of Adam from which its time for one is taken."""
NO_END = 10**9
"""Steps of a phase that its budget ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A row of the table."""

    name: str
    optimizers: tuple[Optimizer, ...]
    """One after the other, each for the same share of the time."""
    theta: float = SOLVER_NETWORK.theta


GN, LB, ADAM = Optimizer.GAUSS_NEWTON, Optimizer.L_BFGS, Optimizer.ADAM
WAYS = (
    Way(name="Gauss-Newton", optimizers=(GN,)),
    Way(name="L-BFGS", optimizers=(LB,)),
    Way(name="L-BFGS, theta 0", optimizers=(LB,), theta=0.0),
    Way(name="Adam, then L-BFGS", optimizers=(ADAM, LB)),
    Way(name="Adam, then L-BFGS, theta 0", optimizers=(ADAM, LB), theta=0.0),
    Way(name="Adam, then L-BFGS, theta 0.02", optimizers=(ADAM, LB), theta=0.02),
    Way(name="Adam", optimizers=(ADAM,)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Where a training stands when a budget is spent."""

    loss: float
    error: float
    n_steps: int


class Descent:
    """A network on its way down."""

    def __init__(self, problem: PdeProblem, way: Way, seed: int) -> None:
        dtype = torch.float32 if way.optimizers == (ADAM,) else torch.float64
        old = problem.recipe.network
        model = dataclasses.replace(SOLVER_NETWORK, widths=old.widths, output_scale=old.output_scale, theta=way.theta)
        recipe: TrainingRecipe = dataclasses.replace(problem.recipe, network=model, teacher=None)
        self.problem = problem
        cloud = build_training_cloud(problem, recipe, dtype, torch.device("cpu"))
        self.collocation = CollocationSet(cloud=cloud, distillation_target=None)
        self.points = evaluation_points(problem, N_POINTS, POINTS_SEED)
        self.inputs = torch.as_tensor(input_transform(problem).apply(self.points)).to(dtype)
        self.output_transform = cloud.output_transform
        self.truth = problem.reference.evaluate(self.points)
        self.state: TrainingState = start_state(build_network(model, problem.n_in, problem.n_out, seed, dtype))
        self.point: Point | None = None
        self.seconds = 0.0
        self.n_steps = self.n_idle = 0

    def begin_phase(self, phase: PhaseRecipe) -> None:
        """Start a phase from the best network so far."""
        self.state.begin_phase(phase.optimizer)
        self.point, self.n_idle = None, 0

    def step(self, phase: PhaseRecipe, iteration: int) -> None:
        """Take one step of a phase, and measure its CPU time."""
        start, before = time.process_time(), self.state.parameters.values.clone()
        if self.point is None:
            self.point = measure_point(self.state, self.collocation, phase)
            self.state.update_best(self.point.objective)
        place = PhasePlace(index=0, phase=phase, iteration=iteration)
        self.point = take_step(self.state, self.collocation, place, self.point)
        self.seconds += time.process_time() - start
        moved = not torch.equal(before, self.state.parameters.values)
        self.n_steps, self.n_idle = self.n_steps + moved, 0 if moved else self.n_idle + 1

    def run_until(self, phase: PhaseRecipe, seconds: float) -> None:
        """Take steps until the time is spent, or two in a row have left the network where it was: the phase has stalled."""
        while self.seconds < seconds and self.n_idle < 2:
            self.step(phase, 0)

    def run_adam(self, seconds: float) -> None:
        """Take as many steps of Adam as the time is enough for."""
        values, n_before = self.state.parameters.values.clone(), self.n_steps
        phase = PhaseRecipe(n_iterations=NO_END)
        for iteration in range(N_TIMED // 5):
            self.step(phase, iteration)
        self.seconds = 0.0
        for iteration in range(N_TIMED):
            self.step(phase, iteration)
        phase = PhaseRecipe(n_iterations=int(seconds / self.seconds * N_TIMED))
        self.state.best_values.copy_(values)
        self.begin_phase(phase)
        self.seconds, self.n_steps = 0.0, n_before
        for iteration in range(phase.n_iterations):
            self.step(phase, iteration)

    def reached(self) -> Reached:
        """Measure the best network so far."""
        state = self.state
        present = state.parameters.values.clone()
        state.restore_best()
        with torch.no_grad():
            outputs = state.network(self.inputs).double().numpy()
        u = self.problem.ansatz.apply(self.points, self.output_transform.apply(outputs))
        state.parameters.values.copy_(present)
        return Reached(loss=state.best_loss, error=relative_l2(u, self.truth), n_steps=self.n_steps)


def descend(problem: PdeProblem, way: Way, seed: int, budgets: list[float]) -> list[Reached]:
    """Train one network, or one for each budget where Adam takes part."""
    last = PhaseRecipe(n_iterations=NO_END, optimizer=way.optimizers[-1]) if way.optimizers[-1] is not ADAM else None
    if way.optimizers[0] is not ADAM:
        assert last is not None
        descent, found = Descent(problem, way, seed), []
        descent.begin_phase(last)
        for budget in budgets:
            descent.run_until(last, budget)
            found.append(descent.reached())
        return found
    return [_descend_twice(Descent(problem, way, seed), last, budget) for budget in budgets]


def _descend_twice(descent: Descent, last: PhaseRecipe | None, budget: float) -> Reached:
    """Descend by Adam, for half of the time if another optimizer comes after it."""
    descent.run_adam(budget if last is None else budget / 2)
    if last is not None:
        descent.begin_phase(last)
        descent.run_until(last, budget)
    return descent.reached()


def spread(values: list[float]) -> str:
    """Format median and range."""
    return f"{median(values):.1e} ({min(values):.1e} – {max(values):.1e})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=["poisson", "poisson-star"])
    parser.add_argument("--ways", nargs="+", choices=[way.name for way in WAYS], default=[way.name for way in WAYS])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budgets", nargs="+", type=float, default=[5.0, 10.0, 20.0])
    options = parser.parse_args()
    torch.set_num_threads(1)
    descend(find_problem("poisson"), WAYS[1], 0, [math.ulp(0.0)])  # torch loads its optimizers, which takes a second
    print("| problem | optimizer | CPU seconds | steps | loss | relative L2 |\n|---|---|---|---|---|---|")
    for name in options.problems:
        for way in (way for way in WAYS if way.name in options.ways):
            runs = [descend(find_problem(name), way, seed, sorted(options.budgets)) for seed in range(options.seeds)]
            for budget, held in zip(sorted(options.budgets), zip(*runs, strict=True), strict=True):
                n_steps = f"{median(each.n_steps for each in held):.0f}"
                numbers = f"{spread([each.loss for each in held])} | {spread([each.error for each in held])}"
                print(f"| `{name}` | {way.name} | {budget:g} | {n_steps} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
