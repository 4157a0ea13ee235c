"""The training as a whole: repeatable, resumable to the bit, honest about its end, and never guided by the reference."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from neuropinn_lava.base.errors import SpecError, TrainingError
from neuropinn_lava.base.metrics import relative_l2
from neuropinn_lava.engine.reference import run_float
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.phases import Optimizer, PhaseRecipe
from neuropinn_lava.problems.recipes.recipe import TeacherRecipe, TrainingRecipe
from neuropinn_lava.problems.residuals import evaluation_points
from neuropinn_lava.training.collocation.clouds import TensorBlock
from neuropinn_lava.training.network.network import build_network
from neuropinn_lava.training.run.devices import limited_threads
from neuropinn_lava.training.run.history import TrainingProgress
from neuropinn_lava.training.run.outcome import TrainingOutput, TrainingStatus
from neuropinn_lava.training.run.trainer import train_network
from resumption import stop_at


class StoppedError(Exception):
    """Raised by a callback in the middle of a training."""


def test_repeatable_to_the_bit(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    first, again, other = (train_network(problem, recipe, seed) for seed in (0, 0, 1))
    assert first.status is TrainingStatus.FINISHED
    assert first.network.digest() == again.network.digest()
    assert first.history == again.history
    assert first.network.digest() != other.network.digest()


def n_blas_threads() -> set[int]:
    """Give the threads of every BLAS that numpy and scipy have loaded."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_threads_are_set_back(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    seen = []
    with limited_threads(2):
        train_network(
            problem, recipe, n_threads=1, on_progress=lambda _: seen.append((torch.get_num_threads(), n_blas_threads()))
        )
        assert (torch.get_num_threads(), n_blas_threads()) == (2, {2})
    assert seen
    assert all(found == (1, {1}) for found in seen)


@pytest.mark.parametrize("iteration", [10, 30, 40])  # in the first phase, at the seam, in the second phase
def test_interrupted_and_resumed_is_uninterrupted(
    problem: PdeProblem, recipe: TrainingRecipe, tmp_path: Path, iteration: int
) -> None:
    output = TrainingOutput(checkpoint=tmp_path / "state.safetensors", history=tmp_path / "h.csv", report_every=5)
    whole = train_network(problem, recipe, output=TrainingOutput(report_every=5))
    part = train_network(problem, recipe, output=output, on_progress=stop_at(iteration))
    assert part.status is TrainingStatus.INTERRUPTED
    assert part.n_iterations == iteration
    rest = train_network(problem, recipe, output=dataclasses.replace(output, resume=True))
    assert rest.status is TrainingStatus.FINISHED
    assert rest.network.digest() == whole.network.digest()
    assert rest.history == whole.history
    assert rest.loss == whole.loss
    assert len((tmp_path / "h.csv").read_text().splitlines()) == 1 + len(whole.history.rows)


def test_a_killed_training_resumes_from_its_last_checkpoint(
    problem: PdeProblem, recipe: TrainingRecipe, tmp_path: Path
) -> None:
    output = TrainingOutput(checkpoint=tmp_path / "state.safetensors", checkpoint_every=8, report_every=1)
    seen = []

    def die(progress: TrainingProgress) -> None:
        seen.append(progress.iteration)
        if progress.iteration == 21:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_network(problem, recipe, output=output, on_progress=die)
    seen.clear()
    resumed = train_network(
        problem,
        recipe,
        output=dataclasses.replace(output, resume=True),
        on_progress=lambda progress: seen.append(progress.iteration),
    )
    assert seen[0] == 17  # the first step behind the checkpoint at 16
    assert resumed.network.digest() == train_network(problem, recipe).network.digest()


def test_slow_steps_are_saved_by_the_clock(problem: PdeProblem, recipe: TrainingRecipe, tmp_path: Path) -> None:
    """With no second to wait every step is saved, though 500 have not passed."""
    output = TrainingOutput(checkpoint=tmp_path / "state.safetensors", checkpoint_seconds=0.0, report_every=1)

    def die(progress: TrainingProgress) -> None:
        if progress.iteration == 7:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_network(problem, recipe, output=output, on_progress=die)
    resumed = train_network(problem, recipe, output=dataclasses.replace(output, resume=True))
    iterations = [row.iteration for row in resumed.history.rows]
    assert iterations == [*range(31), *range(30, 51)]  # none lost; the phases share the point between them
    assert resumed.network.digest() == train_network(problem, recipe).network.digest()


def test_a_finished_training_resumes_to_itself(problem: PdeProblem, recipe: TrainingRecipe, tmp_path: Path) -> None:
    output = TrainingOutput(checkpoint=tmp_path / "state.safetensors")
    first = train_network(problem, recipe, output=output)
    again = train_network(problem, recipe, output=dataclasses.replace(output, resume=True))
    assert again.network.digest() == first.network.digest()


def test_the_network_kept_has_the_lowest_objective_of_the_last_phase(
    problem: PdeProblem, recipe: TrainingRecipe
) -> None:
    result = train_network(problem, recipe, output=TrainingOutput(report_every=1))
    losses = [row.loss for row in result.history.rows if row.phase == 1]
    assert len(losses) == 21  # the point at which the phase began, and twenty steps
    assert result.loss == min(losses)


def test_the_reference_changes_nothing(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    def ones(points: np.ndarray) -> np.ndarray:
        return np.ones((len(points), 1))

    wrong = dataclasses.replace(problem, reference=dataclasses.replace(problem.reference, evaluate=ones))
    assert train_network(wrong, recipe).network.digest() == train_network(problem, recipe).network.digest()


def test_it_learns(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    phases = (dataclasses.replace(recipe.phases[0], n_iterations=300),)
    longer = dataclasses.replace(recipe, phases=phases)
    result = train_network(problem, longer)
    points = evaluation_points(problem, 500, 7)
    error = relative_l2(run_float(result.network, points).outputs, problem.reference.evaluate(points))
    assert error < 0.15  # the ansatz alone scores 1, an 8 x 8 quadratic operator 0.03
    assert result.history.rows[-1].relative_l2 == pytest.approx(error, rel=0.3)


def test_a_loss_that_becomes_nan_restores_the_best(
    problem: PdeProblem, recipe: TrainingRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, healthy = [], TensorBlock.scaled_rows

    def scaled_rows(block: TensorBlock, values: dict[str, Any]) -> torch.Tensor:
        calls.append(None)
        return healthy(block, values) * (float("nan") if len(calls) == 36 else 1.0)

    monkeypatch.setattr(TensorBlock, "scaled_rows", scaled_rows)
    result = train_network(problem, recipe)
    assert result.status is TrainingStatus.DIVERGED
    assert (
        result.n_iterations == 33
    )  # 36th loss of the training: 31 in the first phase, its start, and after the fourth step
    assert np.isfinite(result.loss)
    assert all(np.isfinite(layer.weight).all() for layer in result.network.populations)


@pytest.mark.parametrize("optimizer", list(Optimizer))
def test_one_iteration_is_one_step(problem: PdeProblem, recipe: TrainingRecipe, optimizer: Optimizer) -> None:
    """The point behind the only step is measured, reported and kept."""
    model = dataclasses.replace(recipe.network, theta=1e-3)
    phase = PhaseRecipe(n_iterations=1, optimizer=optimizer, learning_rate=1e-4, n_warmup=0)
    result = train_network(problem, dataclasses.replace(recipe, network=model, phases=(phase,)))
    before, after = result.history.rows
    assert (before.iteration, after.iteration) == (0, 1)
    assert result.loss == after.loss < before.loss
    untrained = build_network(model, 2, 1, 0, next(result.module.parameters()).dtype)
    assert not torch.equal(result.module.linear_layers[0].weight, untrained.linear_layers[0].weight)


def test_the_last_step_of_a_phase_is_where_the_next_one_begins(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    solver = PhaseRecipe(n_iterations=3, optimizer=Optimizer.GAUSS_NEWTON)
    rows = train_network(problem, dataclasses.replace(recipe, phases=(solver, solver))).history.rows
    assert [(row.phase, row.iteration) for row in rows] == [*((0, i) for i in range(4)), *((1, i) for i in range(3, 7))]
    assert rows[3].loss == rows[4].loss < rows[2].loss


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"dtype": torch.float32},
            r"train_network.dtype must be float64 where a phase is gauss-newton's.*got torch.float32",
        ),
        ({"device": "meta"}, r"train_network.device must be cpu where a phase is gauss-newton's.*got meta\. Use cpu"),
    ],
)
def test_what_gauss_newton_cannot_compute_is_refused_before_the_work(
    problem: PdeProblem, recipe: TrainingRecipe, arguments: dict[str, Any], message: str
) -> None:
    """A teacher's phase counts as well as the network's own."""
    solver = PhaseRecipe(n_iterations=1, optimizer=Optimizer.GAUSS_NEWTON)
    for solving in (
        dataclasses.replace(recipe, phases=(solver,)),
        dataclasses.replace(recipe, teacher=TeacherRecipe(phases=(solver,))),
    ):
        with pytest.raises(SpecError, match=message):
            train_network(problem, solving, on_progress=lambda _: pytest.fail("work was done"), **arguments)


def test_batches_are_refused_where_gauss_newton_needs_all_points(recipe: TrainingRecipe) -> None:
    solver = PhaseRecipe(n_iterations=1, optimizer=Optimizer.GAUSS_NEWTON)
    cloud = dataclasses.replace(recipe.cloud, batch_size=20)
    with pytest.raises(
        SpecError, match=r"CloudRecipe.batch_size must be None where a phase is gauss-newton's.*; got 20\."
    ):
        dataclasses.replace(recipe, phases=(solver,), cloud=cloud)


def test_a_loss_that_is_nan_from_the_start(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    broken = dataclasses.replace(problem, equations=lambda f: f.u_xx + np.log(f.u - 0.5))  # log(-1/2) on the walls
    with pytest.raises(TrainingError, match="training of 'poisson' must start from a finite loss; got nan"):
        train_network(broken, recipe)


def test_resuming_needs_a_checkpoint(problem: PdeProblem, recipe: TrainingRecipe, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"TrainingOutput.checkpoint must name a file to resume from; got None"):
        train_network(problem, recipe, output=TrainingOutput(resume=True))
    missing = TrainingOutput(checkpoint=tmp_path / "none.safetensors", resume=True)
    with pytest.raises(
        TrainingError, match=r"none.safetensors must be an existing file; got none. Start without resuming"
    ):
        train_network(problem, recipe, output=missing)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": "cpuu"}, r"train_network.device must be a device that torch can use; got cpuu: .* Use cpu"),
        ({"n_threads": 0}, r"train_network.n_threads must lie in \[1, 1024\]; got 0"),
    ],
)
def test_what_torch_would_refuse_in_its_own_words(
    problem: PdeProblem, recipe: TrainingRecipe, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        train_network(problem, recipe, **arguments)


@pytest.mark.parametrize("field", ["checkpoint_every", "report_every"])
def test_every_no_steps_is_refused(field: str) -> None:
    with pytest.raises(SpecError, match=rf"TrainingOutput.{field} must lie in \[1, 1e\+09\]; got 0"):
        TrainingOutput(**{field: 0})


def test_a_problem_is_tried_before_the_training(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    holed = dataclasses.replace(problem.reference, evaluate=lambda points: np.full((len(points), 1), np.nan))
    with pytest.raises(SpecError, match=r"PdeProblem 'poisson'.reference must be finite at every point"):
        train_network(dataclasses.replace(problem, reference=holed), recipe)


def test_paths_are_checked_before_the_work(problem: PdeProblem, recipe: TrainingRecipe, tmp_path: Path) -> None:
    output = TrainingOutput(history=tmp_path / "missing" / "h.csv")
    with pytest.raises(SpecError, match="a directory that takes new files"):
        train_network(problem, recipe, output=output, on_progress=lambda _: pytest.fail("work was done"))


@pytest.mark.parametrize("name", ["poisson", "heat"])
def test_network_carries_problem_and_transforms(name: str, recipe: TrainingRecipe) -> None:
    problem = find_problem(name)
    phases = (dataclasses.replace(recipe.phases[0], n_iterations=5),)
    network = train_network(problem, dataclasses.replace(recipe, phases=phases), seed=3).network
    assert (network.name, network.provenance.problem, network.provenance.seed) == (name, name, 3)
    assert network.output_transform.scale.tolist() == [recipe.network.output_scale]
    assert network.ansatz is not None
    assert run_float(network, np.array([[0.0, 0.0], [0.0, 0.4]])).outputs.tolist() == [[0.0], [0.0]]


def test_leaks_and_thresholds_are_trained_on_request(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    model = dataclasses.replace(recipe.network, theta=1e-3, learn_beta=True, learn_theta=True)
    network = train_network(problem, dataclasses.replace(recipe, network=model)).network
    fixed = train_network(problem, recipe).network
    for layer, other in zip(network.populations, fixed.populations, strict=True):
        assert np.ptp(layer.theta) > 0
        assert layer.theta.min() >= 0.0
        assert np.ptp(layer.beta) > 0
        assert 0.0 <= layer.beta.min() <= layer.beta.max() <= 1.0
        assert np.ptp(other.theta) == np.ptp(other.beta) == 0
