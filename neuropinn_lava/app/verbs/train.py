"""The verb `train`: a network on a PDE problem, by the problem's recipe or another one, with the user's changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.arrays import Record
from ...base.checks import raise_violations
from ...base.errors import SpecError, Violation
from ...base.extras import import_extra
from ...files.atomic import check_writable, write_text
from ...files.network_file import check_network_path, write_network
from ...network.given_networks import describe_given, is_module
from ...network.spec import NetworkSpec, Provenance
from ...problems.default_recipe import any_recipe_of
from ...problems.problem import PdeProblem
from ...problems.recipes.operator_recipe import OperatorRecipe
from ...problems.recipes.phases import Jitter, PhaseRecipe, Refinement
from ...problems.recipes.recipe import TeacherRecipe, TrainingRecipe
from ..lookup.network_domain import checked_problem

if TYPE_CHECKING:
    import torch

    from ...training.run.history import TrainingProgress
    from ...training.run.outcome import TrainingResult

N_DRAWS = 20
"""Number of draws of a jitter in a phase: a hundred steps each in a phase of 2000, which left the smallest errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeChanges(Record):
    """Changes to a recipe, as the command line offers them; None leaves the recipe's own value."""

    n_steps: int | None = None
    """Number T of steps of a sample."""
    theta: float | None = None
    """Threshold of every neuron."""
    activation: str | None = None
    """Activation phi of every neuron, by name."""
    layers: tuple[int, ...] | None = None
    """Number of neurons of each spiking layer."""
    activity: float | None = None
    """Spiking activity that the phases with an activity term aim at, 0 to 1."""
    iterations: float = 1.0
    """Factor on the number of iterations of every phase."""
    cells: tuple[int, ...] | None = None
    """Cells of the training grid along each axis."""
    batch_size: int | None = None
    """Largest number of points that go through the network at once."""
    refine: float | None = None
    """Centres that every phase but the first adds where the residual is large, as a share of those there are."""
    jitter: float | None = None
    """Largest move of the centres in every phase, in cells; they are moved `N_DRAWS` times a phase."""
    sparsity: bool = True
    """Whether spikes cost; without, the phases that make the network sparser train on for accuracy alone."""

    def applied(self, recipe: TrainingRecipe) -> TrainingRecipe:
        """Return the recipe with these changes.

        Raises:
            SpecError: If an activity is chosen without sparsity or where no phase has an activity term, or if a recipe of one
                phase is to be refined.
        """
        if self.activity is not None and not self.sparsity:
            repair = "Choose one of the two."
            raise SpecError("RecipeChanges.activity", "be left out without sparsity", self.activity, repair)
        taught = recipe.teacher.phases if isinstance(recipe.teacher, TeacherRecipe) else ()
        phases_of_all = (*recipe.phases, *taught)
        if self.activity is not None and not any(phase.activity_weight > 0 for phase in phases_of_all):
            repair = "Leave it out and raise the threshold, or choose a recipe with a rate weight."
            rule = "be left out where no phase of the recipe has an activity_weight: it would have no effect"
            raise SpecError("RecipeChanges.activity", rule, self.activity, repair)
        given: dict[str, Any] = {
            "n_steps": self.n_steps,
            "theta": self.theta,
            "activation": self.activation,
            "widths": self.layers,
        }
        model = dataclasses.replace(
            recipe.network, **{name: value for name, value in given.items() if value is not None}
        )
        teacher = recipe.teacher
        if isinstance(teacher, TeacherRecipe):
            teacher = dataclasses.replace(teacher, phases=tuple(map(self._applied_to_phase, teacher.phases)))
        phases = self._with_moving_cloud(tuple(map(self._applied_to_phase, recipe.phases)))
        laid: dict[str, Any] = {"n_per_axis": self.cells, "batch_size": self.batch_size}
        cloud = dataclasses.replace(recipe.cloud, **{name: value for name, value in laid.items() if value is not None})
        return dataclasses.replace(recipe, network=model, cloud=cloud, phases=phases, teacher=teacher)

    def _with_moving_cloud(self, phases: tuple[PhaseRecipe, ...]) -> tuple[PhaseRecipe, ...]:
        """Return the student's phases with the chosen refinement and jitter."""
        if self.jitter is not None:
            draws = [Jitter(every=max(phase.n_iterations // N_DRAWS, 1), share=self.jitter) for phase in phases]
            phases = tuple(dataclasses.replace(phase, jitter=draw) for phase, draw in zip(phases, draws, strict=True))
        if self.refine is None:
            return phases
        if len(phases) < 2:
            repair = "Split its phase in two, or choose more `cells=`."
            raise SpecError("RecipeChanges.refine", "be asked of a recipe of two phases or more", len(phases), repair)
        refinement = Refinement(share=self.refine)
        return (phases[0], *(dataclasses.replace(phase, refinement=refinement) for phase in phases[1:]))

    def _applied_to_phase(self, phase: PhaseRecipe) -> PhaseRecipe:
        n_iterations = max(round(phase.n_iterations * self.iterations), 1)
        wanted = self.activity if phase.activity_weight > 0 else None
        return dataclasses.replace(
            phase,
            n_iterations=n_iterations,
            n_warmup=min(phase.n_warmup, n_iterations),
            activity_weight=phase.activity_weight if self.sparsity else 0.0,
            target_activity=phase.target_activity if wanted is None else wanted,
        )


NO_CHANGES = RecipeChanges()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFiles(Record):
    """Files that a training writes besides the network; None writes nothing."""

    checkpoint: Path | None = None
    """File of the checkpoint, .safetensors."""
    resume: bool = False
    """Whether to continue from the checkpoint."""
    history: Path | None = None
    """File of the history, .csv; its figure has the same name with .svg."""

    def __post_init__(self) -> None:
        if self.resume and self.checkpoint is None:
            raise SpecError(
                "TrainingFiles.checkpoint", "name a checkpoint to resume from", None, "Choose `checkpoint=`."
            )
        if self.history is not None and self.history.suffix != ".csv":
            repair = "Name it net.csv; the figure is written beside it as net.svg."
            raise SpecError("TrainingFiles.history", "end in .csv", self.history.name, repair)

    @property
    def figure(self) -> Path | None:
        """File of the history's figure, .svg."""
        return None if self.history is None else self.history.with_suffix(".svg")


NO_FILES = TrainingFiles()


def train(
    problem: PdeProblem,
    recipe: TrainingRecipe | OperatorRecipe | None = None,
    *,
    module: torch.nn.Module | None = None,
    path: str | Path | None = None,
    seed: int = 0,
    changes: RecipeChanges = NO_CHANGES,
    files: TrainingFiles = NO_FILES,
    threads: int = 1,
    device: str = "cpu",
    on_progress: Callable[[TrainingProgress], None] | None = None,
    show: bool = True,
    command: str | None = None,
) -> TrainingResult:
    """Train a network on a problem: `train(find_problem("poisson"), path="net.h5")`.

    Args:
        problem: The problem, as `find_problem` returns it, or one of your own.
        recipe: How to train; None is the problem's own recipe.
        module: Module that `from_torch` reads, to train a copy of in place of the recipe's network; it maps points normalised
            to [-1, 1], shape (n_points, n_in), to one column an unknown. `result.module.module` is the trained copy.
        path: File for the float network; None writes none.
        seed: Seed of the weights.
        changes: Changes to the recipe.
        files: Checkpoint and history with its figure.
        threads: Threads of torch; with one, the same seed gives the same bits.
        device: Torch device.
        on_progress: Called with each report of progress, in place of what is shown.
        show: Whether the training is shown where there is no `on_progress`: by a picture of the error and the activity in a
            notebook, by a bar on a terminal.
        command: The command that trains the network again, for its provenance.

    Raises:
        SpecError: If an argument is refused, or a problem of your own has the name of one of the package.
        TrainingError: If a checkpoint belongs to another training, or the loss is not finite from the start.
    """
    from ... import __version__
    from ...training.run.outcome import TrainingOutput
    from ...training.run.trainer import train_network

    problem = checked_problem(problem, "train.problem")
    _check_recipe(recipe)
    _check_module(module, changes)
    _check_name(problem)
    _check_files(path, files)
    provenance = Provenance(
        problem=problem.name, parameters=problem.options, seed=seed, package_version=__version__, command=command
    )
    chosen = recipe or any_recipe_of(problem)
    if isinstance(chosen, OperatorRecipe):
        _refuse_for_functions(changes, files, device, module)
    with _shown(problem, on_progress, show) as report:
        if isinstance(chosen, OperatorRecipe):
            changed = chosen.changed(changes.activity, changes.iterations)
            result = _train_operator(problem, changed, seed, threads, report, provenance, files.history)
        else:
            output = TrainingOutput(checkpoint=files.checkpoint, resume=files.resume, history=files.history)
            result = train_network(
                problem, changes.applied(chosen), seed, device=device, n_threads=threads, output=output, on_progress=report,
                provenance=provenance, module=module, export=_find_export(module),
            )  # fmt: skip
    _write_results(result, path, files.figure, problem.title)
    return result


def _train_operator(
    problem: PdeProblem,
    recipe: OperatorRecipe,
    seed: int,
    n_threads: int,
    report: Callable[[TrainingProgress], None] | None,
    provenance: Provenance,
    history: str | Path | None,
) -> TrainingResult:
    """Train a network that takes functions, and write its history where a file is given."""
    from ...training.operator_learning.operator_trainer import train_operator
    from ...training.run.history import write_history

    result = train_operator(problem, recipe, seed, n_threads=n_threads, on_progress=report, provenance=provenance)
    if history is not None:
        write_history(result.history, history)
    return result


def _shown(
    problem: PdeProblem, on_progress: Callable[[TrainingProgress], None] | None, show: bool
) -> AbstractContextManager[Callable[[TrainingProgress], None] | None]:
    """Return the context that yields the function to call with each report."""
    if on_progress is not None or not show:
        return nullcontext(on_progress)
    from ..terminal.training_view import python_view

    return python_view(problem)


def _refuse_for_functions(changes: RecipeChanges, files: TrainingFiles, device: str, module: object) -> None:
    """Refuse what the training of a network that takes functions does not have: most changes, checkpoints, devices, modules."""
    rule = "be left out for a problem whose parameter is a function: its training has none"
    refused: dict[str, object] = {
        f"RecipeChanges.{each.name}": getattr(changes, each.name)
        for each in dataclasses.fields(changes)
        if each.name not in ("activity", "iterations") and getattr(changes, each.name) != each.default
    }
    refused |= {"TrainingFiles.checkpoint": files.checkpoint, "train.module": module}
    refused |= {"train.device": None if device == "cpu" else device}
    raise_violations(
        Violation(each, rule, value, "Leave it out.") for each, value in refused.items() if value is not None
    )


def _find_export(module: torch.nn.Module | None) -> Callable[..., NetworkSpec] | None:
    """Return the function that converts a module of the user's own, whose room is imported only then."""
    if module is None:
        return None
    from ...conversion.formats.torch_modules import from_torch

    return from_torch


def _check_files(path: str | Path | None, files: TrainingFiles) -> None:
    """Check that results can be written, before hours of training and not after them."""
    if path is not None:
        check_network_path(path)
    if files.figure is not None:
        check_writable(files.figure)
        import_extra("matplotlib", "report")


def _check_module(module: object, changes: RecipeChanges) -> None:
    """Refuse what is no module, and changes of the recipe's network beside one."""
    if module is None:
        return
    if not is_module(module):
        repair = "Give a torch.nn.Module, such as torch.nn.Sequential(...); `load_module` reads one from a file."
        raise SpecError("train.module", "be a torch module", describe_given(module), repair)
    for name in ("theta", "activation", "layers"):
        if getattr(changes, name) is not None:
            repair = "Change the module, or leave it out."
            rule = "be left out beside a module, which brings its own network"
            raise SpecError(f"RecipeChanges.{name}", rule, getattr(changes, name), repair)


def _check_recipe(recipe: object) -> None:
    """Refuse what is not a recipe, such as the name of one."""
    if recipe is not None and not isinstance(recipe, (TrainingRecipe, OperatorRecipe)):
        repair = "Give a `TrainingRecipe`, such as `neuropinn_lava.find_problem(name).recipe`."
        raise SpecError("train.recipe", "be a TrainingRecipe", describe_given(recipe), repair)


def _check_name(problem: PdeProblem) -> None:
    """Refuse a user's problem under the name of another one, which would be looked up for its networks.

    Raises:
        SpecError: If the package's problem of that name has another equation or other parameters.
    """
    from ...problems import find_problem, list_problems

    if problem.name not in list_problems():
        return
    try:
        own = find_problem(problem.name, **{option.name: option.value for option in problem.options})
    except SpecError:
        own = None
    if own is None or own.equation != problem.equation:
        repair = "Choose another name: files of its networks refer to the problem by its name."
        raise SpecError("train.problem", "have a name that no other problem has", repr(problem.name), repair)


def _write_results(result: TrainingResult, path: str | Path | None, figure: Path | None, title: str) -> None:
    """Write the network, and the figure of a history that is not empty, where a path is given."""
    from .history_figure import draw_history

    if path is not None:
        write_network(result.network, path)
    if figure is not None and result.history.rows:
        write_text(figure, draw_history(result.history, title).standalone)
