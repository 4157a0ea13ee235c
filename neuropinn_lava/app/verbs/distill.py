"""The verb `distill`: a trained dense network becomes a sparse spiking one of stated activity, by imitation.

A tanh network fires with every neuron, so that it deploys with nearly all operations of a dense one. Its student of Variable
Spiking Neurons is fitted to its outputs by Gauss-Newton, first to accuracy and then to the activity that is wanted; where
the equation is known, its residual is minimised beside the distance to the teacher.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.arrays import ArrayRecord, BoolArray, FloatArray, freeze_arrays
from ...base.checks import check_range, raise_violations
from ...base.errors import SpecError
from ...base.points import checked_points
from ...files.network_file import check_network_path, write_network
from ...geometry.domain import Box, Cloud, Domain, check_tag
from ...geometry.grading import Grading
from ...network.given_networks import describe_given, is_module
from ...network.spec import Provenance
from ...problems.phases import PhaseRecipe, accurate_then_sparse
from ...problems.problem import PdeProblem, ReferenceSolution
from ...problems.recipe import GIVEN_TEACHER, SOLVER_NETWORK, CloudRecipe, NetworkRecipe, TrainingRecipe
from .network_domain import checked_problem

if TYPE_CHECKING:
    import torch

    from ...training.run.history import TrainingProgress
    from ...training.run.outcome import TrainingResult

CELLS = {1: (200,), 2: (24, 24), 3: (9, 9, 9), 4: (5, 5, 5, 5)}
"""Cells of the grid on which a box is imitated, by the number of coordinates: some hundred to a thousand points."""
HELD_OUT = 5
"""One of this many of the user's points is not trained on, and measures the error."""
FEWEST_POINTS = 50
"""Least number of points that say anything between them."""
ACTIVITY_WEIGHT = 0.1
"""Weight of the activity in the loss of the second phase, beside a squared relative distance that ends at 1e-5 or below."""


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
        module: The trained network; maps physical points, shape (n, n_in), or one argument for each coordinate, to the
            unknowns, shape (n, n_out). It may hold any layers.
        activity: Share of neurons and steps that may fire, 0 to 1.
        problem: The equation that the module solves, whose residual is minimised, too, and whose conditions are built in.
        points: Points at which it is imitated, shape (n, n_in); one of five is held out to measure the error.
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
        The result; its `relative_l2` is the distance to the module, or with a problem the error against its reference.

    Raises:
        SpecError: If there is not exactly one of problem, points and box, or the module's outputs do not fit.
    """
    from ... import __version__
    from ...training.run.trainer import train_network

    raise_violations(check_range("distill.activity", activity, 0.01, 1.0))
    if path is not None:
        check_network_path(path)
    teacher = _as_function(module)
    task = _imitation(module, teacher, problem, points, lower, upper)
    network = dataclasses.replace(SOLVER_NETWORK, widths=layers, n_steps=n_steps)
    origin: dict[str, Any] = {} if problem is None else {"problem": problem.name, "parameters": problem.options}
    result = train_network(
        task,
        _recipe(task, problem, network, activity),
        seed,
        n_threads=threads,
        on_progress=on_progress,
        provenance=Provenance(seed=seed, package_version=__version__, command=command, **origin),
        teacher=teacher,
    )
    if path is not None:
        write_network(result.network, path)
    return result


def _as_function(module: torch.nn.Module) -> Callable[[FloatArray], FloatArray]:
    """Return a module as a function of points (n, n_in), which are split where it takes one argument for each coordinate."""
    import torch

    if not is_module(module):
        mend = "Give a trained torch.nn.Module; `load_module` reads one from a file."
        raise SpecError("distill.module", "be a torch module", describe_given(module), mend)
    module = copy.deepcopy(module).eval()
    like = next(iter(module.parameters()), torch.zeros(()))
    signature = inspect.signature(module.forward)
    n_arguments = sum(each.default is each.empty for each in signature.parameters.values())

    def evaluate(points: FloatArray) -> FloatArray:
        """Compute the module's outputs, shape (n, n_out)."""
        rows = torch.tensor(points).to(like)
        arguments = [rows] if n_arguments == 1 else torch.split(rows, 1, dim=1)
        with torch.no_grad():
            outputs = module(*arguments)
        if outputs.dim() != 2 or len(outputs) != len(points):
            mend = "Let it return one row for each point."
            raise SpecError("distill.module", "return the shape (n, n_out)", tuple(outputs.shape), mend)
        values: FloatArray = outputs.double().cpu().numpy()
        return values

    return evaluate


def _imitation(
    module: torch.nn.Module,
    teacher: Callable[[FloatArray], FloatArray],
    problem: PdeProblem | None,
    points: FloatArray | None,
    lower: Sequence[float] | None,
    upper: Sequence[float] | None,
) -> PdeProblem:
    """Return the problem to train on: the user's, or one of no equation whose reference is the module."""
    given = [problem is not None, points is not None, lower is not None or upper is not None]
    if sum(given) != 1:
        mend = "Give `problem=`, or `points=`, or `lower=` and `upper=`."
        raise SpecError("distill", "get exactly one of a problem, points and a box", sum(given), mend)
    if problem is not None:
        held = checked_problem(problem, "distill.problem")
        n_out = teacher(held.domain.sample(2, np.random.default_rng(0))).shape[1]
        if n_out != held.n_out:
            mend = "Name the problem that the module solves."
            raise SpecError("distill.module", f"have {held.n_out} outputs, as problem {held.name!r}", n_out, mend)
        return held
    domain = _box(lower, upper) if points is None else _split(points)
    n_in = len(domain.lower)
    n_out = teacher(domain.sample(2, np.random.default_rng(0))).shape[1]
    name = f"imitation of {type(module).__name__}"
    return PdeProblem(
        name=name,
        title=name,
        text="none; the module's outputs are imitated",
        coordinates=tuple("xyzw"[:n_in]),
        unknowns=tuple("uvwpqrs"[k] if n_out <= 7 else f"u{k}" for k in range(n_out)),
        domain=domain,
        equations=lambda f: (0.0,) * n_out,
        residual_scale=1.0,
        reference=ReferenceSolution(evaluate=teacher, relative_accuracy=0.0, source="the module itself"),
        recipe=TrainingRecipe(),
    )


def _box(lower: Sequence[float] | None, upper: Sequence[float] | None) -> Domain:
    """Return the box between two corners of at most four coordinates."""
    if lower is None or upper is None:
        raise SpecError("distill", "get both corners of the box", (lower, upper), "Give the other one, too.")
    box = Box(lower=np.asarray(lower, dtype=np.float64), upper=np.asarray(upper, dtype=np.float64))
    if len(box.lower) not in CELLS:
        mend = "Give `points=` instead, some thousand of them."
        raise SpecError("distill.lower", f"have at most {max(CELLS)} coordinates", len(box.lower), mend)
    return box


def _split(points: FloatArray) -> _PointSet:
    """Hold out one of five points."""
    array = np.asarray(points)
    held = checked_points(array, array.shape[1] if array.ndim == 2 else 1, "distill.points")
    if len(held) < FEWEST_POINTS:
        mend = "Give more of them, a few hundred as a rule."
        raise SpecError("distill.points", f"be at least {FEWEST_POINTS} points", len(held), mend)
    is_held_out = np.arange(len(held)) % HELD_OUT == HELD_OUT - 1
    return _PointSet(points=held[~is_held_out], held_out=held[is_held_out])


def _recipe(task: PdeProblem, problem: PdeProblem | None, network: NetworkRecipe, activity: float) -> TrainingRecipe:
    """Return the recipe: accuracy, then sparsity, on the distance to the teacher and with a problem on its residual, too."""
    phases = accurate_then_sparse(activity, activity_weight=ACTIVITY_WEIGHT)
    if problem is not None:
        network = dataclasses.replace(network, output_scale=problem.recipe.network.output_scale)
        both = tuple(dataclasses.replace(phase, distillation_weight=1.0) for phase in phases)
        return dataclasses.replace(problem.recipe, network=network, phases=both, teacher=GIVEN_TEACHER)
    sample = task.exact(task.domain.sample(500, np.random.default_rng(0)))
    scale = float(np.abs(sample).max()) or 1.0
    imitate: tuple[PhaseRecipe, ...] = tuple(
        dataclasses.replace(phase, residual_weight=0.0, distillation_weight=1.0) for phase in phases
    )
    cells = CloudRecipe(n_per_axis=CELLS.get(task.n_in, ()))
    network = dataclasses.replace(network, output_scale=scale)
    return TrainingRecipe(network=network, cloud=cells, phases=imitate, teacher=GIVEN_TEACHER)
