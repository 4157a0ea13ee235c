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
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ...base.arrays import Record
from ...base.checks import check_range, raise_violations
from ...base.errors import SpecError, TrainingError, Violation
from ...files.atomic import check_writable
from ...network.spec import NetworkSpec, ProblemParameter, Provenance
from ...problems.check import check_problem
from ...problems.default_recipe import discrete_teacher, recipe_of
from ...problems.problem import PdeProblem
from ...problems.recipes.phases import ActivityMeasure, Optimizer
from ...problems.recipes.recipe import DiscreteTeacher, TeacherRecipe, TrainingRecipe
from ...problems.residuals import evaluation_points
from ..collocation.clouds import input_transform, output_transform
from ..loss.distillation import CollocationSet
from ..network.coefficients import Coefficients
from ..network.export import export_network
from ..network.import_check import copied_module
from ..network.module_network import ModuleNetwork, TrainedNetwork
from ..network.operator_module import OperatorModule
from ..network.recipe_network import build_recipe_network
from .checkpoints import TrainingIdentity, identify, read_checkpoint, write_checkpoint
from .collocation_schedule import CollocationSchedule, Teacher, TeacherFunction, is_draw
from .devices import find_device, limited_threads
from .evaluation import Evaluation
from .history import TrainingProgress, write_history
from .interrupt import deferred_interrupt
from .outcome import WRITES_NOTHING, ProgressCallback, TrainingOutput, TrainingResult, TrainingStatus
from .state import PhasePlace, TrainingState, find_phase, start_state
from .steps import DivergedError, Point, measure_point, take_step

N_SHOWN = 1000
"""Number of points on which the displayed error is measured: enough for a few percent, at the cost of one forward pass."""
SHOWN_SEED = 1
"""Seed from which these points are drawn."""

Export = Callable[..., NetworkSpec]
"""Converts a trained module to a record: the module, then keyword arguments as of `export_network`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Settings(Record):
    """The arguments that the trainings of a teacher and of its student have in common."""

    problem: PdeProblem
    seed: int
    dtype: torch.dtype
    device: torch.device
    n_threads: int
    on_progress: ProgressCallback | None
    provenance: Provenance
    module: nn.Module | None
    """Module to train in place of the recipe's network; None for the recipe's."""
    export: Export
    """Function that converts the trained module to a record."""

    def of_teacher(self) -> _Settings:
        """Return settings for the recipe's own teacher network, whose reports are marked as a teacher's."""
        mine = dataclasses.replace(self, module=None, export=export_network)
        report = self.on_progress
        if report is None:
            return mine
        return dataclasses.replace(mine, on_progress=lambda row: report(dataclasses.replace(row, teacher=True)))

    def build(self, recipe: TrainingRecipe) -> TrainedNetwork:
        """Build the network before its training: the recipe's, with weights from the seed, or a copy of the user's module."""
        network = self._build(recipe)
        if self.problem.coefficients:
            network.coefficients = Coefficients(self.problem.coefficients, self.dtype).to(self.device)
        return network

    def _build(self, recipe: TrainingRecipe) -> TrainedNetwork:
        n_in, n_out = self.problem.n_in, self.problem.n_out
        if self.module is None:
            return build_recipe_network(recipe.network, n_in, n_out, self.seed, self.dtype).to(self.device)
        module = copied_module(self.module).to(device=self.device, dtype=self.dtype)
        network = ModuleNetwork(module, n_in, recipe.network.n_steps)
        if network.n_out != n_out:
            repair = "End it with one output for each unknown."
            raise SpecError(
                "train.module", f"have {n_out} outputs, as problem {self.problem.name!r}", network.n_out, repair
            )
        return network


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Task(Record):
    """What stays fixed during the training of one network."""

    settings: _Settings
    recipe: TrainingRecipe
    schedule: CollocationSchedule
    output: TrainingOutput
    identity: TrainingIdentity
    evaluation: Evaluation
    """Problem and points at which the network is evaluated."""


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
    module: nn.Module | None = None,
    export: Export | None = None,
    teacher: TeacherFunction | None = None,
) -> TrainingResult:
    """Train a network on a problem.

    On one thread of one machine the result depends on problem, recipe, seed and dtype alone, to the bit, whether or not the
    training was interrupted and resumed. A recipe with a teacher trains that one first, with its files beside the student's;
    where the teacher is interrupted or diverges, the result is the teacher.

    Args:
        problem: The problem.
        recipe: Recipe of the training; None takes the problem's own recipe.
        seed: Seed of the initial weights.
        dtype: Type of parameters and states; None takes float64 where a phase is not Adam's, else float32. Gauss-Newton
            needs float64.
        device: Torch device of parameters and states. Gauss-Newton needs the CPU.
        n_threads: Number of threads of torch and BLAS during the training; it is set back afterwards.
        output: Files to write, and whether to resume from them.
        on_progress: Function that is called with every report; an error that it raises ends the training at once.
        provenance: Origin that is written into the network; None notes problem and seed.
        module: Module to train a copy of in place of the recipe's network; it maps normalised points to (n_points, n_out).
        export: Converts the trained module to a record, as `export_network` does; needed with a module.
        teacher: A trained teacher, for recipes whose `TeacherRecipe` has no phases: maps points to the unknowns.

    Raises:
        SpecError: If a file cannot be written, the cloud does not fit its operators, or Gauss-Newton cannot compute in `dtype`
            or on `device`.
        TrainingError: If a checkpoint does not belong to this training, or the loss is not finite from the start.
    """
    recipe = recipe or recipe_of(problem)
    settings = _Settings(
        problem=problem,
        seed=seed,
        dtype=dtype or (torch.float64 if recipe.needs_double_precision else torch.float32),
        device=find_device(device),
        n_threads=n_threads,
        on_progress=on_progress,
        provenance=provenance or Provenance(problem=problem.name, seed=seed),
        module=module,
        export=export or export_network,
    )
    raise_violations(_violations(settings, recipe, teacher))
    for path in (output.checkpoint, output.history):
        if path is not None:
            check_writable(path)
    if isinstance(recipe.teacher, DiscreteTeacher):
        teacher = discrete_teacher(problem, recipe)
    if isinstance(recipe.teacher, TeacherRecipe) and recipe.teacher.phases:
        return _train_after_teacher(settings, recipe, recipe.teacher, output)
    return _train(settings, recipe, output, teacher)


def _violations(settings: _Settings, recipe: TrainingRecipe, teacher: TeacherFunction | None) -> Iterator[Violation]:
    """Check the arguments; Gauss-Newton solves its systems by scipy, in float64 on the CPU."""
    yield from check_range("train_network.n_threads", settings.n_threads, 1, 1024)
    is_expected = isinstance(recipe.teacher, TeacherRecipe) and not recipe.teacher.phases
    if is_expected != (teacher is not None):
        repair = "Give a teacher where the recipe's TeacherRecipe has no phases, and only there."
        got = "a function" if teacher is not None else None
        yield Violation("train_network.teacher", "be given as the recipe expects it", got, repair)
    if settings.module is not None and any(
        phase.activity_measure is ActivityMeasure.OPERATIONS for phase in recipe.phases
    ):
        repair = "Leave it at the rate, or train the recipe's own network."
        yield Violation("PhaseRecipe.activity_measure", "be 'rate' where a module is trained", "'operations'", repair)
    if not recipe.uses(Optimizer.GAUSS_NEWTON):
        return
    if settings.dtype is not torch.float64:
        rule = "be float64 where a phase is gauss-newton's, whose systems are too ill-conditioned for less"
        repair = "Leave dtype out, or train by adam."
        yield Violation("train_network.dtype", rule, settings.dtype, repair)
    if settings.device.type != "cpu":
        rule = "be cpu where a phase is gauss-newton's, which solves its systems there"
        yield Violation("train_network.device", rule, settings.device, "Use cpu, or train by adam, soap or l-bfgs.")


def _train_after_teacher(
    settings: _Settings, recipe: TrainingRecipe, teacher: TeacherRecipe, output: TrainingOutput
) -> TrainingResult:
    """Train the teacher, with its files beside those of the student, and then the student."""
    start = time.perf_counter()

    def beside(path: Path | None) -> Path | None:
        return None if path is None else path.with_suffix(f".teacher{path.suffix}")

    of_teacher = dataclasses.replace(recipe, network=teacher.network, phases=teacher.phases, teacher=None)
    files = dataclasses.replace(output, checkpoint=beside(output.checkpoint), history=beside(output.history))
    taught = _train(settings.of_teacher(), of_teacher, files, None)
    if taught.status is not TrainingStatus.FINISHED:
        return taught
    assert not isinstance(taught.module, OperatorModule)
    # Without a checkpoint of the student, it was the teacher that was interrupted.
    begun = output.checkpoint is not None and output.checkpoint.exists()
    output = dataclasses.replace(output, resume=output.resume and begun)
    student = _train(settings, recipe, output, Teacher(network=taught.module, recipe=of_teacher, cloud=taught.cloud))
    return dataclasses.replace(student, seconds=time.perf_counter() - start)


def _train(
    settings: _Settings, recipe: TrainingRecipe, output: TrainingOutput, teacher: Teacher | TeacherFunction | None
) -> TrainingResult:
    """Train one network, a teacher or a student."""
    start, problem = time.perf_counter(), settings.problem
    with limited_threads(settings.n_threads), deferred_interrupt() as interrupted:
        task, state = _prepare(settings, recipe, output, teacher)
        status = _run(task, state, interrupted)
        state.restore_best()
        state.network.measure = ActivityMeasure.RATE
        error, activity = task.evaluation.error_and_activity(state.network)
    trained, coefficients = state.network, task.evaluation.found_coefficients(state.network)
    noted = tuple(ProblemParameter(name=each.name, value=each.value) for each in coefficients)
    origin = dataclasses.replace(settings.provenance, parameters=(*settings.provenance.parameters, *noted))
    network = settings.export(
        trained.module if isinstance(trained, ModuleNetwork) else trained,
        **({"n_steps": trained.n_steps} if isinstance(trained, ModuleNetwork) else {}),
        name=problem.name,
        input_transform=input_transform(problem),
        output_transform=output_transform(problem, recipe),
        ansatz=problem.host_ansatz,
        lower=problem.domain.lower,
        upper=problem.domain.upper,
        provenance=origin,
    )
    return TrainingResult(
        status=status,
        network=network,
        module=state.network,
        history=state.history,
        loss=state.best_loss,
        relative_l2=error,
        estimated_l2=task.evaluation.estimated_error(state.network),
        estimated_l2_dense=state.dense_error,
        coefficients=coefficients,
        activity=activity,
        n_iterations=state.iteration,
        seconds=time.perf_counter() - start,
        cloud=state.cloud,
    )


def _prepare(
    settings: _Settings, recipe: TrainingRecipe, output: TrainingOutput, teacher: Teacher | TeacherFunction | None
) -> tuple[_Task, TrainingState]:
    """Build the network and everything that stays fixed, and read the checkpoint if the training is to be resumed."""
    problem, dtype, device = settings.problem, settings.dtype, settings.device
    state = start_state(settings.build(recipe), teacher.cloud if isinstance(teacher, Teacher) else None)
    identity = identify(problem, recipe, settings.seed, dtype, state.parameters.values.numel(), settings.module)
    if output.resume:
        if output.checkpoint is None:
            repair = "Name the checkpoint to resume from."
            raise TrainingError("TrainingOutput.checkpoint", "name a file to resume from", None, repair)
        read_checkpoint(state, identity, output.checkpoint)
    points = evaluation_points(problem, N_SHOWN, SHOWN_SEED)
    check_problem(problem, points)
    task = _Task(
        settings=settings,
        recipe=recipe,
        schedule=CollocationSchedule(
            problem=problem, recipe=recipe, seed=settings.seed, dtype=dtype, device=device, teacher=teacher
        ),
        output=output,
        identity=identity,
        evaluation=Evaluation(
            problem=problem,
            recipe=recipe,
            points=points,
            reference=None if problem.reference is None else problem.reference.evaluate(points),
            like=torch.empty(0, dtype=dtype, device=device),
        ),
    )
    return task, state


def _run(task: _Task, state: TrainingState, interrupted: Callable[[], bool]) -> TrainingStatus:
    """Take the steps up to the last iteration, to Ctrl-C, or to a loss that is not finite."""
    written = time.monotonic()
    point: Point | None = None
    try:
        while state.iteration < task.recipe.n_iterations:
            place = find_phase(task.recipe, state.iteration)
            collocation = _begin_step(task, state, place)
            if point is None or place.iteration == 0 or is_draw(task.settings.problem, place):
                point = _measure_start(task, state, place, collocation)
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
            where = f"training of {task.identity.problem!r}"
            repair = "Look at the problem's data and the recipe's output_scale; nothing was trained."
            raise TrainingError(where, "start from a finite loss", math.nan, repair) from None
        _save(task, state, checkpoint=False)  # the former checkpoint is from before the divergence
        return TrainingStatus.DIVERGED
    _save(task, state)
    return TrainingStatus.FINISHED


def _begin_step(task: _Task, state: TrainingState, place: PhasePlace) -> CollocationSet:
    """Begin the phase, and the draw of a jitter, whose first step this is; return the collocation set of the step."""
    state.network.measure = place.phase.activity_measure
    if place.iteration == 0:
        state.begin_phase(place.phase.optimizer)
        costs = [phase.activity_weight > 0.0 for phase in task.recipe.phases[: place.index + 1]]
        if place.index > 0 and costs[-1] and not any(costs[:-1]):
            state.dense_error = task.evaluation.estimated_error(state.network)
        if place.phase.refinement is not None:
            state.cloud = task.schedule.refined_cloud(state, place.phase.refinement)
    if is_draw(task.settings.problem, place):
        state.begin_draw()
    return task.schedule.at(state, place)


def _measure_start(task: _Task, state: TrainingState, place: PhasePlace, collocation: CollocationSet) -> Point:
    """Measure the point from which a phase, a draw or a resumed training goes on."""
    point = measure_point(state, collocation, place.phase)
    state.update_best(point.objective)
    if place.iteration == 0:
        state.first_activity = point.activity
        _report(task, state, place, point)
    return point


def _report(task: _Task, state: TrainingState, place: PhasePlace, point: Point) -> None:
    """Add a row to the history and pass it to the callback, where a report is due."""
    due = place.iteration in (0, place.phase.n_iterations) or state.iteration % task.output.report_every == 0
    if place.phase.optimizer.has_learning_rate and not due:
        return
    labels = [condition.label for condition in task.settings.problem.soft_conditions] if point.conditions else []
    row = TrainingProgress(
        iteration=state.iteration,
        n_iterations=task.recipe.n_iterations,
        phase=place.index,
        n_phases=len(task.recipe.phases),
        learning_rate=place.learning_rate,
        loss=point.objective,
        residual=point.residual,
        condition_residual=sum(point.conditions, 0.0),
        conditions=tuple(zip(labels, point.conditions, strict=True)),
        distillation=point.distillation,
        activity=point.activity,
        relative_l2=task.evaluation.error_and_activity(state.network)[0],
    )
    state.history = state.history.extended(row)
    if task.settings.on_progress is not None:
        evaluation, network = task.evaluation, state.network
        row = dataclasses.replace(row, evaluate=lambda points: evaluation.outputs(network, points)[0])
        task.settings.on_progress(row)


def _save(task: _Task, state: TrainingState, checkpoint: bool = True) -> None:
    """Write checkpoint and history where the output names files for them."""
    if checkpoint and task.output.checkpoint is not None:
        write_checkpoint(state, task.identity, task.output.checkpoint)
    if task.output.history is not None:
        write_history(state.history, task.output.history)
