"""The verb `distill`: a trained dense network becomes a sparse spiking one of stated activity, by imitation.

A tanh network fires with every neuron, so that it deploys with nearly all operations of a dense one. Its student of Variable
Spiking Neurons is fitted to its outputs by Gauss-Newton, first to accuracy and then to the activity that is wanted; where
the equation is known, its residual is minimised beside the distance to the teacher.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.arrays import ArrayRecord, BoolArray, FloatArray, Record, freeze_arrays
from ...base.checks import check_finite, check_range, raise_violations
from ...base.errors import SpecError
from ...base.metrics import relative_change
from ...base.points import checked_points
from ...files.network_file import check_network_path, write_network
from ...geometry.domain import Box, Cloud, Domain, check_tag
from ...geometry.grading import Grading
from ...network.given_networks import describe_given, is_module
from ...network.spec import Provenance
from ...problems.default_recipe import recipe_of
from ...problems.problem import PdeProblem
from ...problems.recipes.phases import PhaseRecipe, accurate_then_sparse
from ...problems.recipes.recipe import GIVEN_TEACHER, SOLVER_NETWORK, CloudRecipe, NetworkRecipe, TrainingRecipe
from ...problems.reference_solution import ReferenceSolution
from ..lookup.network_domain import checked_problem

if TYPE_CHECKING:
    import torch

    from ...training.run.history import TrainingProgress
    from ...training.run.outcome import TrainingResult

CELLS = {1: (200,), 2: (24, 24), 3: (9, 9, 9), 4: (5, 5, 5, 5)}
"""Cells of the grid on which a box is imitated, by the number of coordinates: some hundred to a thousand points."""
HELD_OUT = 5
"""One of this many of the user's points, drawn at random, is not trained on, and measures the error."""
FEWEST_POINTS = 50
"""Least number of points that say anything between them."""
N_PROBED = 8
"""Number of points at which a module is called with all of them and with each alone."""
N_COMPARED = 500
"""Number of points at which a module is compared with the reference of the problem."""
LARGEST_ERROR = 0.5
"""Largest relative error of a module that solves the problem at all; one of other inputs or units lies near 1."""
COORDINATES = {1: ("x",), 2: ("x", "y"), 3: ("x", "y", "z")}
"""Names of the columns of a module with a single argument, by their number; more are x0, x1 and so on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _PointSet(ArrayRecord):
    """The user's points as a domain: what is trained on, and what is held out."""

    points: FloatArray
    """Points to train on, shape (n, n_in)."""
    held_out: FloatArray
    """Points on which the error is measured, shape (m, n_in)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points=np.float64, held_out=np.float64)

    @property
    def lower(self) -> FloatArray:
        """Lower corner of the bounding box."""
        low: FloatArray = np.minimum(self.points.min(axis=0), self.held_out.min(axis=0))
        return low

    @property
    def upper(self) -> FloatArray:
        """Upper corner of the bounding box."""
        high: FloatArray = np.maximum(self.points.max(axis=0), self.held_out.max(axis=0))
        return high

    @property
    def has_time(self) -> bool:
        """Whether the last coordinate is time: unknown, so that none is."""
        return False

    @property
    def tags(self) -> tuple[str, ...]:
        """Names of the parts of the boundary: none, a set of points has no boundary."""
        return ()

    def on(self, tag: str, points: FloatArray) -> BoolArray:
        """Raise a SpecError: no tag is known."""
        check_tag(self, tag)
        return np.zeros(len(points), dtype=np.bool_)

    def normals(self, points: FloatArray) -> FloatArray:
        """Return NaN for every point (n, n_in), same shape: none lies on a boundary."""
        return np.full(points.shape, np.nan)

    def contains(self, points: FloatArray) -> BoolArray:
        """Return which points lie in the bounding box."""
        inside: BoolArray = ((points >= self.lower) & (points <= self.upper)).all(axis=1)
        return inside

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw n of the points that are held out, with repetition."""
        drawn: FloatArray = self.held_out[rng.integers(len(self.held_out), size=n)]
        return drawn

    def sample_boundary(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Return no points: a set of points has no boundary."""
        return np.zeros((0, self.points.shape[1]))

    def cloud(self, n_per_axis: tuple[int, ...], gradings: tuple[Grading, ...] = ()) -> Cloud:
        """Return the points to train on; the grid of the recipe is not used."""
        return Cloud.scattered(self.points, len(self.points))


def distill(
    module: torch.nn.Module,
    *,
    activity: float = 0.15,
    problem: PdeProblem | None = None,
    points: FloatArray | None = None,
    lower: Sequence[float] | None = None,
    upper: Sequence[float] | None = None,
    layers: tuple[int, ...] = (50, 50, 50),
    n_steps: int = 1,
    path: str | Path | None = None,
    seed: int = 0,
    threads: int = 1,
    on_progress: Callable[[TrainingProgress], None] | None = None,
    command: str | None = None,
) -> TrainingResult:
    """Train a sparse spiking network that imitates a module: `distill(pinn, lower=[0, 0], upper=[1, 1], path="net.h5")`.

    Args:
        module: The trained network; maps physical points, shape (n, n_in), or an argument of shape (n, 1) for each coordinate,
            to the unknowns, shape (n, n_out). What `train(module=…)` has trained is none: it takes normalised points.
        activity: Share of neurons and steps that may fire, 0.01 to 1.
        problem: The equation that the module solves, whose residual is minimised, too, and whose conditions are built in.
        points: Points at which it is imitated, shape (n, n_in); a fifth is held out to measure the error.
        lower: Lower corner of the box in which it is imitated, in the place of points, and
        upper: its upper corner.
        layers: Number of neurons of each spiking layer.
        n_steps: Number T of steps of a sample.
        path: File for the float network; None writes none.
        seed: Seed of the weights.
        threads: Threads of torch; with one, the same seed gives the same bits.
        on_progress: Called with each report of progress.
        command: The command that distills the network again, for its provenance.

    Returns:
        The result; `relative_l2` is the distance to the module, or with a problem the error against its reference.

    Raises:
        SpecError: If not exactly one of problem, points and box is given, or the module does not fit it or mixes samples.
    """
    from ... import __version__
    from ...training.run.trainer import train_network

    raise_violations(check_range("distill.activity", activity, 0.01, 1.0))
    if path is not None:
        check_network_path(path)
    task = _imitation(teacher := _teacher(module), problem, points, lower, upper)
    origin: dict[str, Any] = {} if problem is None else {"problem": problem.name, "parameters": problem.options}
    result = train_network(
        task,
        _recipe(task, problem, dataclasses.replace(SOLVER_NETWORK, widths=layers, n_steps=n_steps), activity),
        seed,
        n_threads=threads,
        on_progress=on_progress,
        provenance=Provenance(seed=seed, package_version=__version__, command=command, **origin),
        teacher=teacher,
    )
    if path is not None:
        write_network(result.network, path)
    return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Teacher(Record):
    """A module in evaluation mode as a function of physical points."""

    module: torch.nn.Module
    """Copy of the user's module, without the wrappers of torch.compile and DataParallel."""
    arguments: tuple[str, ...]
    """Names of the arguments of its forward pass, without those that have a default."""

    @property
    def name(self) -> str:
        """Name of the module's class."""
        return type(self.module).__name__

    def coordinates(self, n_in: int) -> tuple[str, ...]:
        """Return names of the columns of a point: those of the arguments where there is one for each."""
        if len(self.arguments) == n_in > 1:
            return self.arguments
        return COORDINATES.get(n_in, tuple(f"x{k}" for k in range(n_in)))

    def __call__(self, points: FloatArray) -> FloatArray:
        """Compute the outputs, shape (n, n_out), at points (n, n_in), which are split where each column is an argument."""
        import torch

        n_in = points.shape[1]
        if len(self.arguments) not in (1, n_in):
            repair = (
                "Let its forward take one tensor of the shape (n, n_in), or one of shape (n, 1) for each coordinate."
            )
            got = f"{len(self.arguments)}: {', '.join(self.arguments) or 'none by name'}"
            raise SpecError("distill.module", f"have 1 argument or {n_in}, one for each coordinate", got, repair)
        rows = torch.tensor(points).to(next(iter(self.module.parameters()), torch.zeros(())))
        try:
            with torch.no_grad():
                outputs = self.module(*([rows] if len(self.arguments) == 1 else torch.split(rows, 1, dim=1)))
        except (TypeError, RuntimeError, ValueError, IndexError) as error:  # what torch raises for other shapes
            repair = "Give the module's own number of coordinates."
            got = f"{type(error).__name__}: {error}"
            raise SpecError("distill.module", f"run at points of {n_in} coordinates", got, repair) from error
        shape = tuple(getattr(outputs, "shape", ()))
        if len(shape) != 2 or len(outputs) != len(points):
            repair = "Let it return one row for each point."
            raise SpecError("distill.module", "return the shape (n, n_out)", shape or describe_given(outputs), repair)
        values: FloatArray = outputs.double().cpu().numpy()
        raise_violations(check_finite("distill.module: its output", values))
        return values

    def checked_outputs(self, points: FloatArray) -> FloatArray:
        """Compute the outputs, and check that each is the same for a point alone and among others."""
        together, alone = self(points), np.concatenate([self(point[None]) for point in points])
        difference = float(np.abs(together - alone).max())
        if difference > 1e-4 * float(np.abs(together).max()) + 1e-6:
            repair = "Leave out what mixes samples, such as a mean over them, and what draws random numbers."
            got = f"outputs that differ by {difference:.2g}"
            raise SpecError("distill.module", "return the same for a point alone and among others", got, repair)
        return together


def _teacher(module: torch.nn.Module) -> _Teacher:
    """Return a copy of a module as a function of points."""
    if not is_module(module):
        repair = "Give a trained torch.nn.Module; `load_module` reads one from a file."
        raise SpecError("distill.module", "be a torch module", describe_given(module), repair)
    from ...training.network.import_check import copied_module, plain_module

    held = copied_module(plain_module(module)).eval()
    try:
        found = inspect.signature(held.forward).parameters.values()
    except ValueError:  # a compiled script does not say its arguments
        return _Teacher(module=held, arguments=("points",))
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = tuple(each.name for each in found if each.kind in positional and each.default is each.empty)
    return _Teacher(module=held, arguments=names)


def _imitation(
    teacher: _Teacher,
    problem: PdeProblem | None,
    points: FloatArray | None,
    lower: Sequence[float] | None,
    upper: Sequence[float] | None,
) -> PdeProblem:
    """Return the problem to train on: the user's, or one of no equation whose reference is the module."""
    given = [problem is not None, points is not None, lower is not None or upper is not None]
    if sum(given) != 1:
        repair = "Give `problem=`, or `points=`, or `lower=` and `upper=`."
        raise SpecError("distill", "get exactly one of a problem, points and a box", sum(given), repair)
    if problem is not None:
        return _checked_against(teacher, checked_problem(problem, "distill.problem"))
    domain = _box(lower, upper) if points is None else _split(points)
    n_in = len(domain.lower)
    n_out = teacher.checked_outputs(domain.sample(N_PROBED, np.random.default_rng(0))).shape[1]
    name = f"imitation of {teacher.name}"
    return PdeProblem(
        name=name,
        title=name,
        text="none; the module's outputs are imitated",
        coordinates=teacher.coordinates(n_in),
        unknowns=tuple(f"u{k}" for k in range(n_out)),
        domain=domain,
        equations=lambda f: (0.0,) * n_out,
        residual_scale=1.0,
        reference=ReferenceSolution(evaluate=teacher, relative_accuracy=0.0, source="the module itself"),
        recipe=TrainingRecipe(),
    )


def _checked_against(teacher: _Teacher, problem: PdeProblem) -> PdeProblem:
    """Return the user's problem, and check that the module solves it."""
    rng = np.random.default_rng(0)
    n_out = teacher.checked_outputs(problem.domain.sample(N_PROBED, rng)).shape[1]
    if n_out != problem.n_out:
        repair = "Name the problem that the module solves."
        raise SpecError("distill.module", f"have {problem.n_out} outputs, as problem {problem.name!r}", n_out, repair)
    if problem.reference is None:
        return problem
    points = problem.domain.sample(N_COMPARED, rng)
    error = relative_change(teacher(points), problem.reference.evaluate(points))
    if not error <= LARGEST_ERROR:
        repair = (
            "Wrap it so that it takes physical coordinates and returns physical unknowns: a module that `train` has trained "
            "takes normalised inputs, and its outputs lack the built-in conditions."
        )
        rule = f"be within {LARGEST_ERROR:.0%} of the reference of problem {problem.name!r}"
        raise SpecError("distill.module", rule, f"an error of {error:.1%}", repair)
    return problem


def _box(lower: Sequence[float] | None, upper: Sequence[float] | None) -> Domain:
    """Return the box between two corners of at most four coordinates."""
    if lower is None or upper is None:
        raise SpecError("distill", "get both corners of the box", (lower, upper), "Give the other one, too.")
    box = Box(lower=np.asarray(lower, dtype=np.float64), upper=np.asarray(upper, dtype=np.float64))
    if len(box.lower) not in CELLS:
        repair = "Give `points=` instead, some thousand of them."
        raise SpecError("distill.lower", f"have at most {max(CELLS)} coordinates", len(box.lower), repair)
    return box


def _split(points: FloatArray) -> _PointSet:
    """Hold out one of five points, drawn at random; every fifth row would be a part of a grid."""
    array = np.asarray(points)
    held = checked_points(array, array.shape[1] if array.ndim == 2 else 1, "distill.points")
    if len(held) < FEWEST_POINTS:
        repair = "Give more of them, a few hundred as a rule."
        raise SpecError("distill.points", f"be at least {FEWEST_POINTS} points", len(held), repair)
    constant = np.flatnonzero(np.ptp(held, axis=0) == 0.0)
    if constant.size:
        got = f"column {constant[0]}, which is {held[0, constant[0]]:g} everywhere"
        repair = "Give points that vary in it, or a module in which that coordinate is fixed."
        raise SpecError("distill.points", "have no constant column", got, repair)
    order = np.random.default_rng(0).permutation(len(held))
    n_held_out = len(held) // HELD_OUT
    return _PointSet(points=held[order[n_held_out:]], held_out=held[order[:n_held_out]])


def _recipe(task: PdeProblem, problem: PdeProblem | None, network: NetworkRecipe, activity: float) -> TrainingRecipe:
    """Return the recipe: accuracy, then sparsity, on the distance to the teacher and with a problem on its residual, too."""
    phases = accurate_then_sparse(activity)
    if problem is not None:
        network = dataclasses.replace(network, output_scale=recipe_of(problem).network.output_scale)
        both = tuple(dataclasses.replace(phase, distillation_weight=1.0) for phase in phases)
        return dataclasses.replace(recipe_of(problem), network=network, phases=both, teacher=GIVEN_TEACHER)
    sample = task.exact(task.domain.sample(500, np.random.default_rng(0)))
    scale = float(np.abs(sample).max())
    if scale == 0.0:
        raise SpecError("distill.module", "return something else than zeros", scale, "Give it its trained weights.")
    imitate: tuple[PhaseRecipe, ...] = tuple(
        dataclasses.replace(phase, residual_weight=0.0, distillation_weight=1.0) for phase in phases
    )
    cells = CloudRecipe(n_per_axis=CELLS.get(task.n_in, ()))
    network = dataclasses.replace(network, output_scale=scale)
    return TrainingRecipe(network=network, cloud=cells, phases=imitate, teacher=GIVEN_TEACHER)
