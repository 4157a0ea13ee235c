"""Collocation schedule: clouds refined between phases and moved within them, the same again after a resumption."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from neuropinn_lava.base.errors import SpecError, TrainingError
from neuropinn_lava.geometry.domain import Box
from neuropinn_lava.problems import find_problem
from neuropinn_lava.problems.problem import PdeProblem
from neuropinn_lava.problems.recipes.phases import Jitter, Marching, Optimizer, PhaseRecipe, Refinement
from neuropinn_lava.problems.recipes.recipe import TANH_NETWORK, ResidualWeights, TeacherRecipe, TrainingRecipe
from neuropinn_lava.training.network.network import build_network
from neuropinn_lava.training.run.checkpoints import identify, read_checkpoint, write_checkpoint
from neuropinn_lava.training.run.collocation_schedule import CollocationSchedule, Teacher, is_draw
from neuropinn_lava.training.run.outcome import TrainingOutput, TrainingStatus
from neuropinn_lava.training.run.state import TrainingState, find_phase, start_state
from neuropinn_lava.training.run.trainer import train_network
from resumption import assert_resumes


def changing(recipe: TrainingRecipe, *changes: dict[str, object]) -> TrainingRecipe:
    """Give a recipe with fields of its phases changed."""
    pairs = zip(recipe.phases, changes, strict=True)
    return dataclasses.replace(recipe, phases=tuple(dataclasses.replace(phase, **more) for phase, more in pairs))


def build_schedule(
    problem: PdeProblem, recipe: TrainingRecipe, teacher: Teacher | None = None, seed: int = 0
) -> CollocationSchedule:
    device = torch.device("cpu")
    return CollocationSchedule(
        problem=problem, recipe=recipe, seed=seed, dtype=torch.float64, device=device, teacher=teacher
    )


def started(problem: PdeProblem, recipe: TrainingRecipe) -> TrainingState:
    return start_state(build_network(recipe.network, problem.n_in, problem.n_out, 0, torch.float64))


def test_a_plain_recipe_has_one_cloud(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    collocation_schedule, state = build_schedule(problem, recipe), started(problem, recipe)
    places = [find_phase(recipe, iteration) for iteration in (0, 1, 29, 30, 49)]
    assert len({id(collocation_schedule.at(state, place)) for place in places}) == 1
    assert not any(is_draw(problem, place) for place in places)


def test_draws_of_a_jitter(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    """Draws before steps 0, 10 and 20 of the first phase; the second has its centres back on the grid."""
    recipe = changing(recipe, {"jitter": Jitter(every=10, share=0.3)}, {})
    collocation_schedule, state = build_schedule(problem, recipe), started(problem, recipe)
    places = [find_phase(recipe, iteration) for iteration in range(50)]
    assert [place.iteration for place in places if is_draw(problem, place)] == [0, 10, 20]
    inputs = [collocation_schedule.at(state, place).cloud.inputs for place in places]
    assert inputs[0] is inputs[9]
    assert (inputs[0] != inputs[10]).any()
    assert (inputs[10] != inputs[20]).any()
    grid = problem.domain.cloud(recipe.cloud.n_per_axis).points
    assert np.allclose((inputs[30] + 1) / 2, grid)
    other = build_schedule(problem, recipe, seed=1).at(state, places[0])
    assert (other.cloud.inputs != inputs[0]).any()


def test_refinement_adds_centres_and_distillation_targets_follow(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    recipe = changing(recipe, {}, {"refinement": Refinement(share=0.5), "jitter": Jitter(every=7, share=0.2)})
    taught = build_network(TANH_NETWORK, 2, 1, 3, torch.float64)
    teacher = Teacher(network=taught, recipe=dataclasses.replace(recipe, network=TANH_NETWORK), cloud=None)
    collocation_schedule, state = build_schedule(problem, recipe, teacher), started(problem, recipe)
    before = collocation_schedule.at(state, find_phase(recipe, 0))
    state.cloud = collocation_schedule.refined_cloud(state, Refinement(share=0.5))
    after = collocation_schedule.at(state, find_phase(recipe, 30))
    assert before.cloud.n_inside == 49
    assert after.cloud.n_inside == 49 + 25
    for collocation in (before, after):
        cloud = collocation.cloud
        u = cloud.offset + cloud.factor * TANH_NETWORK.output_scale * taught(cloud.inputs)
        assert torch.allclose(collocation.distillation_target.values, u)


def test_refinement_lowers_the_residual_between_the_points(problem: PdeProblem, recipe: TrainingRecipe) -> None:
    """Points are added where the fine residual is largest: at the start its mean there is above that of all candidates."""
    collocation_schedule, state = build_schedule(problem, recipe), started(problem, recipe)
    refined = collocation_schedule.refined_cloud(state, Refinement(share=0.3))
    added = refined.centres[49:]

    def source(points: np.ndarray) -> np.ndarray:
        x, y = points.T  # the residual of a network that is almost zero is the source
        return problem.residuals[0].evaluate({"x": x, "y": y, "u_xx": 0.0, "u_yy": 0.0})

    assert np.abs(source(added)).mean() > 1.2 * np.abs(source(problem.domain.cloud((16, 16)).centres)).mean()


def test_a_cloud_of_another_dimension_is_refused(problem: PdeProblem, recipe: TrainingRecipe, tmp_path: Path) -> None:
    state, other = started(problem, recipe), started(problem, recipe)
    identity = identify(problem, recipe, 0, torch.float64, state.parameters.values.numel())
    state.cloud = Box(lower=[0.0] * 3, upper=[1.0] * 3).cloud((4, 4, 4))
    write_checkpoint(state, identity, tmp_path / "c.safetensors")
    with pytest.raises(TrainingError, match="points of 3 coordinates for a network of 2 inputs"):
        read_checkpoint(other, identity, tmp_path / "c.safetensors")


@pytest.mark.parametrize("optimizer", list(Optimizer))
@pytest.mark.parametrize("iteration", [12, 30, 41])
def test_interrupted_and_resumed_is_uninterrupted(
    problem: PdeProblem, recipe: TrainingRecipe, tmp_path: Path, optimizer: Optimizer, iteration: int
) -> None:
    changed = {"jitter": Jitter(every=8, share=0.2), "optimizer": optimizer, "n_warmup": 0}
    if optimizer is Optimizer.L_BFGS:
        changed["activity_weight"] = 0.0
    recipe = changing(recipe, changed, {**changed, "refinement": Refinement(share=0.3)})

    assert_resumes(problem, recipe, tmp_path, iteration)


def test_a_student_begins_on_its_teachers_cloud(recipe: TrainingRecipe) -> None:
    """8 x 8 cells of an evolution: 7 x 8 centres, and a fifth of them, 12; then a fifth of 68, 14."""
    problem = find_problem("burgers")
    solver = PhaseRecipe(n_iterations=6, optimizer=Optimizer.GAUSS_NEWTON)
    marching = dataclasses.replace(solver, marching=Marching(n_windows=3, patience=2))
    teacher = TeacherRecipe(phases=(marching, dataclasses.replace(solver, refinement=Refinement(share=0.2))))
    taught = changing(
        dataclasses.replace(recipe, teacher=teacher, weights=ResidualWeights(cell_power=1.0)),
        {"distillation_weight": 1.0, "residual_weight": 0.0},
        {"distillation_weight": 1.0, "refinement": Refinement(share=0.2)},
    )
    result = train_network(problem, taught, output=TrainingOutput(report_every=1))
    assert result.status is TrainingStatus.FINISHED
    assert result.cloud.n_inside == 56 + 12 + 14
    distillation = [row.distillation for row in result.history.rows]
    assert min(distillation) < 0.5 * distillation[0]


def test_a_damaged_cloud_in_a_checkpoint_is_refused(
    problem: PdeProblem, recipe: TrainingRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = changing(recipe, {"refinement": Refinement(share=0.3)}, {})
    path = tmp_path / "c.safetensors"
    written: list[TrainingState] = []

    def spoil(state: TrainingState, identity: object, to: Path) -> None:
        written.append(state)
        state.cloud = dataclasses.replace(state.cloud, n_inside=10)
        object.__setattr__(state.cloud, "n_inside", 10**6)  # no such record can be made; a file can claim it
        write_checkpoint(state, identity, to)

    monkeypatch.setattr("neuropinn_lava.training.run.trainer.write_checkpoint", spoil)
    train_network(problem, recipe, output=TrainingOutput(checkpoint=path))
    monkeypatch.undo()
    assert written
    with pytest.raises(TrainingError, match="a whole state of this training"):
        train_network(problem, recipe, output=TrainingOutput(checkpoint=path, resume=True))


def test_what_does_not_go_together_is_refused(recipe: TrainingRecipe) -> None:
    jittered = changing(recipe, {"jitter": Jitter()}, {})
    with pytest.raises(SpecError, match="no jitter where weights are causal"):
        dataclasses.replace(jittered, weights=ResidualWeights(causality=1.0))
    with pytest.raises(SpecError, match="have a mesh that is neither refined nor moved"):
        build_schedule(find_problem("elasticity3d"), jittered)
    with pytest.raises(SpecError, match="no phase of gauss-newton, which needs residuals; got gauss-newton"):
        build_schedule(find_problem("elasticity3d"), changing(recipe, {"optimizer": Optimizer.GAUSS_NEWTON}, {}))
    with pytest.raises(SpecError, match=r"Jitter.share must lie in \[1e-06, 0.4\]; got 0.5"):
        Jitter(share=0.5)
    with pytest.raises(SpecError, match=r"Jitter.every must lie in"):
        Jitter(every=0)
    with pytest.raises(SpecError, match=r"Refinement.share must lie in \[0.001, 4\]; got 0"):
        Refinement(share=0.0)
    with pytest.raises(SpecError, match=r"Refinement.finer must lie in \[2, 16\]; got 1"):
        Refinement(finer=1)
    with pytest.raises(SpecError, match=r"Refinement.finer must be a whole number; got 2.5"):
        Refinement(finer=2.5)
