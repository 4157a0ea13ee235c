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
from neuropinn_lava.problems.recipe import SOLVER_NETWORK, Optimizer, PhaseRecipe, TrainingRecipe
from neuropinn_lava.problems.residuals import evaluation_points
from neuropinn_lava.training.collocation.clouds import TrainingCloud, build_training_cloud, input_transform
from neuropinn_lava.training.loss.losses import evaluate_loss, weighted_loss
from neuropinn_lava.training.network.network import build_network
from neuropinn_lava.training.optimize.adam import learning_rate
from neuropinn_lava.training.optimize.gauss_newton import step_gauss_newton
from neuropinn_lava.training.optimize.lbfgs import step_l_bfgs
from neuropinn_lava.training.run.state import TrainingState, start_state

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
        self.cloud: TrainingCloud = build_training_cloud(problem, recipe, dtype, torch.device("cpu"))
        self.points = evaluation_points(problem, N_POINTS, POINTS_SEED)
        self.inputs = torch.as_tensor(input_transform(problem).apply(self.points)).to(dtype)
        self.truth = problem.reference.evaluate(self.points)
        self.state: TrainingState = start_state(build_network(model, problem.n_in, problem.n_out, seed, dtype))
        self.seconds = 0.0
        self.n_steps = 0

    def step(self, phase: PhaseRecipe, iteration: int) -> None:
        """Take one step of a phase, by the clock."""
        start, state = time.process_time(), self.state
        state.parameters.gradient.zero_()
        terms = evaluate_loss(self.cloud, state.network)
        state.update_best(terms.residual.item())
        before = state.parameters.values.clone()
        if phase.optimizer is GN:
            step_gauss_newton(state.gauss_newton, self.cloud, state.network, state.parameters, phase, 0.0)
        elif phase.optimizer is LB:
            step_l_bfgs(state.l_bfgs, self.cloud, state.network, state.parameters, phase)
        else:
            weighted_loss(terms, phase, 0.0).backward()
            state.adam.step(state.parameters, learning_rate(phase, iteration), iteration)
        self.seconds += time.process_time() - start
        self.n_steps += not torch.equal(before, state.parameters.values)

    def run_until(self, phase: PhaseRecipe, seconds: float) -> None:
        """Go on until the time is spent, or the phase has stalled."""
        state = self.state
        while self.seconds < seconds and not (state.l_bfgs.stalled or state.gauss_newton.stalled_target == 0.0):
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
        n_steps = int(seconds / self.seconds * N_TIMED)
        self.state.best_values.copy_(values)
        self.state.begin_phase()
        self.seconds, self.n_steps = 0.0, n_before
        phase = PhaseRecipe(n_iterations=n_steps)
        for iteration in range(n_steps):
            self.step(phase, iteration)

    def reached(self) -> Reached:
        """Measure the best network so far; the last step's is looked at too."""
        state = self.state
        present = state.parameters.values.clone()
        with torch.no_grad():
            state.update_best(evaluate_loss(self.cloud, state.network).residual.item())
            state.restore_best()
            outputs = state.network(self.inputs).double().numpy()
        u = self.problem.ansatz.apply(self.points, self.cloud.output_transform.apply(outputs))
        state.parameters.values.copy_(present)
        return Reached(loss=state.best_loss, error=relative_l2(u, self.truth), n_steps=self.n_steps)


def descend(problem: PdeProblem, way: Way, seed: int, budgets: list[float]) -> list[Reached]:
    """Train one network, or one for each budget where Adam takes part."""
    last = PhaseRecipe(n_iterations=NO_END, optimizer=way.optimizers[-1]) if way.optimizers[-1] is not ADAM else None
    if way.optimizers[0] is not ADAM:
        assert last is not None
        descent, found = Descent(problem, way, seed), []
        for budget in budgets:
            descent.run_until(last, budget)
            found.append(descent.reached())
        return found
    return [_descend_twice(Descent(problem, way, seed), last, budget) for budget in budgets]


def _descend_twice(descent: Descent, last: PhaseRecipe | None, budget: float) -> Reached:
    """Descend by Adam, for half of the time if another optimizer comes after it."""
    descent.run_adam(budget if last is None else budget / 2)
    if last is not None:
        descent.state.begin_phase()
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
