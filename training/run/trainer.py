"""The training of a network on a problem by the optimizers of its phases, resumable to the bit.

    records  ->  phase  ->  step  ->  point, measured after the step  ->  best network and history

The network that is kept is the one with the lowest objective of the last phase, its first and its last point included; the
reference solution is used for display only. Nothing is printed: progress is reported through a callback.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ...base.arrays import FloatArray
from ...base.checks import check_range, raise_violations
from ...base.errors import TrainingError, Violation
from ...base.metrics import relative_l2
from ...files.atomic import check_writable
from ...network.spec import NetworkSpec, Provenance
from ...problems.check import check_problem
from ...problems.problem import PdeProblem
from ...problems.recipe import Optimizer, TrainingRecipe
from ...problems.residuals import evaluation_points
from ..collocation.clouds import input_transform, output_transform
from ..loss.distillation import CollocationSet, beside, teacher_training_recipe
from ..network.export import export_network
from ..network.network import VsnNetwork, build_network
from ..optimize.steps import DivergedError, Point, measure_point, take_step
from .checkpoints import TrainingIdentity, identify, read_checkpoint, write_checkpoint
from .collocation_schedule import CollocationSchedule, Teacher, is_draw
from .devices import compute_threads, find_device
from .history import TrainingProgress, write_history
from .interrupt import deferred_interrupt
from .outcome import WRITES_NOTHING, ProgressCallback, TrainingOutput, TrainingResult, TrainingStatus
from .state import PhasePlace, TrainingState, find_phase, start_state

N_SHOWN = 1000
"""Points on which the displayed error is measured: it then stands to a few percent and costs one forward pass."""
SHOWN_SEED = 1
"""Seed of those points."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Setting:
    """What a teacher and its student have in common."""

    problem: PdeProblem
    seed: int
    dtype: torch.dtype
    device: torch.device
    n_threads: int
    on_progress: ProgressCallback | None
    provenance: Provenance

    def of_teacher(self) -> _Setting:
        """Mark the reports as a teacher's."""
        report = self.on_progress
        if report is None:
            return self
        return dataclasses.replace(self, on_progress=lambda row: report(dataclasses.replace(row, teacher=True)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shown:
    """The points on which the displayed error is measured, evaluated once."""

    points: FloatArray
    inputs: Tensor
    reference: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Task:
    """What stays fixed during a training."""

    problem: PdeProblem
    recipe: TrainingRecipe
    collocation_schedule: CollocationSchedule
    shown: _Shown
    output: TrainingOutput
    identity: TrainingIdentity
    on_progress: ProgressCallback | None = field(default=None)


def train_network(
    problem: PdeProblem,
    recipe: TrainingRecipe | None = None,
    seed: int = 0,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
    n_threads: int = 1,
    output: TrainingOutput = WRITES_NOTHING,
    on_progress: ProgressCallback | None = None,
    provenance: Provenance | None = None,
) -> TrainingResult:
    """Train a network on a problem.

    On one thread of one machine the result depends on problem, recipe, seed and dtype alone, to the bit, whether or not the
    training was interrupted and resumed. A recipe with a teacher trains that one first, with its files beside the student's;
    where the teacher is interrupted or diverges, the result is the teacher.

    Args:
        problem: The problem.
        recipe: How to train; None takes the problem's own recipe.
        seed: Seed of the initial weights.
        dtype: Type of parameters and states; None takes float64 where a phase is not Adam's, else float32. Gauss-Newton
            needs float64.
        device: Torch device of parameters and states. Gauss-Newton needs the CPU.
        n_threads: Threads of torch and BLAS during the training; set back afterwards.
        output: Files to write.
        on_progress: Called with every report; what it raises ends the training at once.
        provenance: Written into the network; None notes problem and seed.

    Raises:
        SpecError: If a file cannot be written, the cloud does not fit its operators, or Gauss-Newton cannot compute in `dtype`
            or on `device`.
        TrainingError: If a checkpoint does not belong to this training, or the loss is not finite from the start.
    """
    start = time.perf_counter()
    recipe = recipe or problem.recipe
    for path in (output.checkpoint, output.history):
        if path is not None:
            check_writable(path)
    raise_violations(check_range("train_network.n_threads", n_threads, 1, 1024))
    dtype, device = dtype or (torch.float64 if recipe.needs_double_precision else torch.float32), find_device(device)
    raise_violations(_solver_violations(recipe, dtype, device))
    setting = _Setting(
        problem=problem,
        seed=seed,
        dtype=dtype,
        device=device,
        n_threads=n_threads,
        on_progress=on_progress,
        provenance=provenance or Provenance(problem=problem.name, seed=seed),
    )
    teacher = None
    if recipe.teacher is not None:
        teaching = teacher_training_recipe(recipe, recipe.teacher)
        taught = _train(setting.of_teacher(), teaching, _teacher_output(output), None)
        if taught.status is not TrainingStatus.FINISHED:
            return taught
        teacher = Teacher(network=taught.module, recipe=teaching, cloud=taught.cloud)
        output = _student_output(output)
    return dataclasses.replace(_train(setting, recipe, output, teacher), seconds=time.perf_counter() - start)


def _solver_violations(recipe: TrainingRecipe, dtype: torch.dtype, device: torch.device) -> Iterator[Violation]:
    """Gauss-Newton solves its systems by scipy, in float64 on the CPU."""
    if not recipe.uses(Optimizer.GAUSS_NEWTON):
        return
    if dtype is not torch.float64:
        rule = "be float64 where a phase is gauss-newton's, whose systems are too ill-conditioned for less"
        mend = "Leave dtype out, or train by adam."
        yield Violation("train_network.dtype", rule, dtype, mend)
    if device.type != "cpu":
        rule = "be cpu where a phase is gauss-newton's, which solves its systems there"
        yield Violation("train_network.device", rule, device, "Use cpu, or train by adam or l-bfgs.")


def _train(
    setting: _Setting, recipe: TrainingRecipe, output: TrainingOutput, teacher: Teacher | None
) -> TrainingResult:
    """Train one network, teacher or student."""
    start = time.perf_counter()
    with compute_threads(setting.n_threads), deferred_interrupt() as interrupted:
        task, state = _prepare(setting, recipe, output, teacher)
        status = _run(task, state, interrupted)
        state.restore_best()
        error, activity = _judge(task, state.network)
    return TrainingResult(
        status=status,
        network=_export(setting.problem, recipe, state.network, setting.provenance),
        module=state.network,
        history=state.history,
        loss=state.best_loss,
        relative_l2=error,
        activity=activity,
        n_iterations=state.iteration,
        seconds=time.perf_counter() - start,
        cloud=state.cloud,
    )


def _teacher_output(output: TrainingOutput) -> TrainingOutput:
    """Say where the teacher writes."""
    return dataclasses.replace(output, checkpoint=beside(output.checkpoint), history=beside(output.history))


def _student_output(output: TrainingOutput) -> TrainingOutput:
    """Let the student start afresh where it was the teacher that was interrupted."""
    begun = output.checkpoint is not None and output.checkpoint.exists()
    return dataclasses.replace(output, resume=output.resume and begun)


def _prepare(
    setting: _Setting, recipe: TrainingRecipe, output: TrainingOutput, teacher: Teacher | None
) -> tuple[_Task, TrainingState]:
    """Build the network and everything fixed, and go to where the checkpoint stands if there is one to resume."""
    problem, dtype, device = setting.problem, setting.dtype, setting.device
    network = build_network(recipe.network, problem.n_in, problem.n_out, setting.seed, dtype).to(device)
    state = start_state(network, None if teacher is None else teacher.cloud)
    identity = identify(problem, recipe, setting.seed, dtype, state.parameters.values.numel())
    if output.resume:
        if output.checkpoint is None:
            mend = "Name the checkpoint to resume from."
            raise TrainingError("TrainingOutput.checkpoint", "name a file to resume from", None, mend)
        read_checkpoint(state, identity, output.checkpoint)
    points = evaluation_points(problem, N_SHOWN, SHOWN_SEED)
    check_problem(problem, points)
    inputs = torch.as_tensor(input_transform(problem).apply(points)).to(device=device, dtype=dtype)
    task = _Task(
        problem=problem,
        recipe=recipe,
        collocation_schedule=CollocationSchedule(
            problem=problem, recipe=recipe, seed=setting.seed, dtype=dtype, device=device, teacher=teacher
        ),
        shown=_Shown(points=points, inputs=inputs, reference=problem.reference.evaluate(points)),
        output=output,
        identity=identity,
        on_progress=setting.on_progress,
    )
    return task, state


def _run(task: _Task, state: TrainingState, interrupted: Callable[[], bool]) -> TrainingStatus:
    """Take the steps up to the last iteration, to Ctrl-C, or to a loss that is not finite."""
    n_iterations, written = task.recipe.n_iterations, time.monotonic()
    point: Point | None = None
    try:
        while state.iteration < n_iterations:
            place = find_phase(task.recipe, state.iteration)
            collocation = _begin(task, state, place)
            if point is None or place.iteration == 0 or is_draw(place):
                point = _start(task, state, place, collocation)
            point = take_step(state, collocation, place, point)
            state.iteration += 1
            _report(task, state, place.after_step(), point)
            if interrupted():
                _save(task, state)
                return TrainingStatus.INTERRUPTED
            late = time.monotonic() - written > task.output.checkpoint_seconds
            if late or state.iteration % task.output.checkpoint_every == 0:
                _save(task, state)
                written = time.monotonic()
    except DivergedError:
        if not math.isfinite(state.best_loss) and state.iteration == 0:
            mend = "Look at the problem's data and the recipe's output_scale; nothing was trained."
            raise TrainingError(
                f"training of {task.identity.problem!r}", "keep a finite loss", math.nan, mend
            ) from None
        _save_history(task, state)  # no checkpoint: the former one is of better days
        return TrainingStatus.DIVERGED
    _save(task, state)
    return TrainingStatus.FINISHED


def _begin(task: _Task, state: TrainingState, place: PhasePlace) -> CollocationSet:
    """Begin the phase and the draw of a jitter that begin at a place, and lay the collocation points of its step."""
    if place.iteration == 0:
        state.begin_phase(place.phase.optimizer)
        if place.phase.refinement is not None:
            state.cloud = task.collocation_schedule.refined(state, place.phase.refinement.share)
    if is_draw(place):
        state.begin_draw()
    return task.collocation_schedule.at(state, place)


def _start(task: _Task, state: TrainingState, place: PhasePlace, collocation: CollocationSet) -> Point:
    """Measure the point from which a phase, a draw or a resumed training goes on."""
    point = measure_point(state, collocation, place.phase)
    state.update_best(point.objective)
    if place.iteration == 0:
        state.first_activity = point.activity
        _report(task, state, place, point)
    return point


def _report(task: _Task, state: TrainingState, place: PhasePlace, point: Point) -> None:
    """Add a row to the history and pass it to the callback, where one is due."""
    due = place.iteration in (0, place.phase.n_iterations) or state.iteration % task.output.report_every == 0
    if place.phase.optimizer is Optimizer.ADAM and not due:
        return
    row = TrainingProgress(
        iteration=state.iteration,
        n_iterations=task.recipe.n_iterations,
        phase=place.index,
        n_phases=len(task.recipe.phases),
        learning_rate=place.learning_rate,
        loss=point.objective,
        residual=point.residual,
        distillation=point.distillation,
        activity=point.activity,
        relative_l2=_judge(task, state.network)[0],
    )
    state.history = state.history.extended(row)
    if task.on_progress is not None:
        task.on_progress(row)


def _judge(task: _Task, network: VsnNetwork) -> tuple[float, float]:
    """Give relative error and activity on points not trained on, for the eye."""
    with torch.no_grad():
        run = network.run(task.shown.inputs)
    outputs = run.output.cpu().double().numpy()
    if not np.isfinite(outputs).all():
        return math.nan, run.activity.item()
    transform = output_transform(task.problem, task.recipe)
    u = task.problem.ansatz.apply(task.shown.points, transform.apply(outputs))
    return relative_l2(u, task.shown.reference), run.activity.item()


def _save(task: _Task, state: TrainingState) -> None:
    """Write checkpoint and history where they are wanted."""
    if task.output.checkpoint is not None:
        write_checkpoint(state, task.identity, task.output.checkpoint)
    _save_history(task, state)


def _save_history(task: _Task, state: TrainingState) -> None:
    if task.output.history is not None:
        write_history(state.history, task.output.history)


def _export(problem: PdeProblem, recipe: TrainingRecipe, network: VsnNetwork, provenance: Provenance) -> NetworkSpec:
    return export_network(
        network,
        name=problem.name,
        input_transform=input_transform(problem),
        output_transform=output_transform(problem, recipe),
        ansatz=problem.ansatz,
        lower=problem.domain.lower,
        upper=problem.domain.upper,
        provenance=provenance,
    )
