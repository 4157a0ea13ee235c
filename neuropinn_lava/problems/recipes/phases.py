"""The phases of a training recipe: an optimizer, its number of steps, the terms of the loss, and changes of the points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from ...base.arrays import Record
from ...base.checks import as_member, check_range, check_whole, raise_violations
from ...base.errors import Violation


class Optimizer(str, Enum):
    """Optimizer of a phase."""

    ADAM = "adam"
    """Adam: linear warm-up, then cosine decay to zero. A step costs a backward pass; thousands of them are needed."""
    SOAP = "soap"
    """Adam in the eigenvectors of each matrix's gradient, with the same learning rates. A step costs half as much again where
    the cloud is large, and half as many do as much or more: for energies, and where Gauss-Newton finds another branch."""
    GAUSS_NEWTON = "gauss-newton"
    """Damped Gauss-Newton steps in the space of the residuals. A step costs some ten products of matrices as large as the
    cloud has points; tens of them do what thousands of Adam's do, and get far below where Adam stops."""
    L_BFGS = "l-bfgs"
    """Limited-memory BFGS with a line search, in which spikes are constants. A step costs two or three backward passes; for
    energies, which Gauss-Newton cannot do, and after Adam, where the threshold is so small that its jumps do not stop it."""

    @property
    def has_learning_rate(self) -> bool:
        """Whether a step is one gradient times a learning rate; the other optimizers choose their step lengths themselves."""
        return self in (Optimizer.ADAM, Optimizer.SOAP)


class ActivityMeasure(str, Enum):
    """What the activity of a phase counts."""

    RATE = "rate"
    """Share of neurons and steps that fire."""
    OPERATIONS = "operations"
    """Share of operations: each neuron counts by its number of targets, which is what a spike costs. At equal operations
    poisson ends at 0.9, 0.9, 1.3e-4 with it and at 1.4, 1.3, 1.3e-4 with the rate; a spike of the last layer costs one
    operation for each unknown, so that layer fires more. Chains only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marching(Record):
    """A front that moves through time and behind which the residual of an evolution equation counts.

    w(t) = 1 / (1 + exp((t - front) / width - 2))     t: the last coordinate, 0 at the start and 1 at the end of the domain;
                                                      0 where that is below 1e-4
    """

    n_windows: int = 40
    """Number of moves in which the front travels from start to end."""
    tolerance: float = 1e-4
    """The front moves on when the mean weighted squared residual behind it is below this number."""
    patience: int = 20
    """Number of optimizer steps after which the front moves on in any case."""
    width: float = 0.02
    """Width of the front as a share of the whole time, 0.001 to 1."""

    def __post_init__(self) -> None:
        found = [*check_range("Marching.n_windows", self.n_windows, 1, 10**4)]
        found += check_range("Marching.tolerance", self.tolerance, 0.0, 1e6)
        found += check_range("Marching.patience", self.patience, 1, 10**6)
        raise_violations([*found, *check_range("Marching.width", self.width, 1e-3, 1.0)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Refinement(Record):
    """Adds points to the cloud where the residual of the current network is largest, computed on a finer grid."""

    share: float = 0.25
    """Number of added centres as a share of the present ones, 0.001 to 4; fewer where the finer grid has no more points."""
    finer: int = 2
    """Factor by which that grid is finer than the recipe's, 2 to 16: a second refinement with 4 goes on where the first one
    with 2 has divided cells. Weights by cell (`ResidualWeights.cell_power`) keep such points from outweighing the others."""

    def __post_init__(self) -> None:
        found = [*check_range("Refinement.share", self.share, 1e-3, 4.0)]
        found += check_whole("Refinement.finer", self.finer)
        raise_violations(found or check_range("Refinement.finer", self.finer, 2, 16))


@dataclass(frozen=True, slots=True, kw_only=True)
class Jitter(Record):
    """Moves the centres of the cloud at random at regular intervals, and builds their operators again."""

    every: int = 100
    """Number of steps between two draws; the best network is chosen among those of the same draw."""
    share: float = 0.25
    """Largest move along each axis, in cells, 1e-6 to 0.4; larger moves could let two points coincide."""

    def __post_init__(self) -> None:
        found = [*check_range("Jitter.every", self.every, 1, 10**6)]
        raise_violations([*found, *check_range("Jitter.share", self.share, 1e-6, 0.4)])


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRecipe(Record):
    """One phase of a training: an optimizer, its number of steps, and the terms of the loss."""

    n_iterations: int
    """Number of steps of the optimizer."""
    optimizer: Optimizer = Optimizer.ADAM
    """Optimizer of the phase."""
    learning_rate: float = 5e-3
    """Largest learning rate of Adam and SOAP; the other optimizers choose their step lengths themselves."""
    n_warmup: int = 50
    """Number of steps of the linear warm-up of Adam and SOAP."""
    least_damping: float = 1e-3
    """Final damping of Gauss-Newton, in units of the mean diagonal of its matrix. A smaller one fits the points of the cloud
    more closely with larger weights, which cost accuracy between the points and on 8 bits."""
    momentum: float = 0.5
    """Share of the step before that Gauss-Newton begins each step with, 0 to 0.99."""
    marching: Marching | None = None
    """Front in time up to which the residual counts, for Gauss-Newton on evolution equations; None counts all times."""
    activity_weight: float = 0.0
    """Weight of the activity in the loss; above zero the phase makes the network sparser. It must be 0 with l-bfgs."""
    activity_measure: ActivityMeasure = ActivityMeasure.RATE
    """What the activity counts."""
    target_activity: float = 0.0
    """Activity that costs nothing, as a share by its measure, 0 to 1; the weight acts on the activity above it."""
    ramp: float = 0.0
    """Share of the phase in which the target falls from the initial activity to `target_activity`, 0 to 1."""
    residual_weight: float = 1.0
    """Weight of the equation's residual in the loss."""
    distillation_weight: float = 0.0
    """Weight of the squared relative distance to the outputs of the teacher; above zero the recipe needs a teacher."""
    refinement: Refinement | None = None
    """Points that are added at the start of the phase where the residual is large, and kept in later phases; None adds none."""
    jitter: Jitter | None = None
    """Random moves of the centres during the phase, which end with it; None moves none."""

    def __post_init__(self) -> None:
        where = "PhaseRecipe"
        object.__setattr__(self, "optimizer", as_member(Optimizer, self.optimizer, f"{where}.optimizer"))
        measure = as_member(ActivityMeasure, self.activity_measure, f"{where}.activity_measure")
        object.__setattr__(self, "activity_measure", measure)
        found = [*check_range(f"{where}.n_iterations", self.n_iterations, 1, 10**9)]
        found += check_range(f"{where}.learning_rate", self.learning_rate, 1e-12, 10.0)
        warms_up = self.optimizer.has_learning_rate
        found += check_range(f"{where}.n_warmup", self.n_warmup, 0, self.n_iterations) if warms_up else []
        found += check_range(f"{where}.activity_weight", self.activity_weight, 0.0, 1e6)
        found += check_range(f"{where}.target_activity", self.target_activity, 0.0, 1.0)
        found += check_range(f"{where}.ramp", self.ramp, 0.0, 1.0)
        found += check_range(f"{where}.residual_weight", self.residual_weight, 0.0, 1e6)
        found += check_range(f"{where}.distillation_weight", self.distillation_weight, 0.0, 1e6)
        found += check_range(f"{where}.momentum", self.momentum, 0.0, 0.99)
        found += check_range(f"{where}.least_damping", self.least_damping, 1e-12, 1.0)
        raise_violations([*found, *self._optimizer_violations()])

    def _optimizer_violations(self) -> Iterator[Violation]:
        name = self.optimizer.value
        if self.marching is not None and self.optimizer is not Optimizer.GAUSS_NEWTON:
            repair = "Choose gauss-newton, or hold later times back by ResidualWeights.causality in a phase of adam."
            yield Violation("PhaseRecipe.marching", f"be None in a phase of {name}", "a Marching", repair)
        if self.activity_weight > 0.0 and self.optimizer is Optimizer.L_BFGS:
            repair = (
                "Choose another optimizer: the counted rate jumps, and no line search can follow its surrogate's slope."
            )
            yield Violation("PhaseRecipe.activity_weight", f"be 0 in a phase of {name}", self.activity_weight, repair)
        weights = (self.residual_weight, self.distillation_weight)
        if not self.optimizer.has_learning_rate and weights == (0.0, 0.0):
            repair = "Give one of the two weights."
            yield Violation(
                "PhaseRecipe", f"have a residual_weight or a distillation_weight for {name}", "0 and 0", repair
            )


def accurate_then_sparse(
    target_activity: float,
    n_accurate: int = 30,
    n_sparse: int = 150,
    activity_weight: float = 0.1,
    refinement: Refinement | None = None,
    least_damping: float = 1e-3,
) -> tuple[PhaseRecipe, ...]:
    """Return the two phases of Gauss-Newton with which most problems are trained: accuracy first, then sparsity.

    Args:
        target_activity: Activity that the second phase approaches in the first six tenths of its steps.
        n_accurate: Number of steps of the first phase, which trains on the equation alone.
        n_sparse: Number of steps of the second phase.
        activity_weight: Weight of the activity in the loss of the second phase.
        refinement: Points that are added at the start of the second phase.
        least_damping: Final damping of the first phase.
    """
    solver = Optimizer.GAUSS_NEWTON
    return (
        PhaseRecipe(n_iterations=n_accurate, optimizer=solver, least_damping=least_damping),
        PhaseRecipe(
            n_iterations=n_sparse,
            optimizer=solver,
            activity_weight=activity_weight,
            target_activity=target_activity,
            ramp=0.6,
            refinement=refinement,
        ),
    )
