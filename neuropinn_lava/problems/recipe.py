"""How a network is trained on a problem, as records: data that stand in the problem's file, not code paths of the trainer.

This module knows nothing of torch; `neuropinn_lava.training` reads these records. Where the defaults come from stands in
docs/results.md with the measurements.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from ..base.checks import check_range, raise_violations
from ..base.errors import SpecError, Violation
from ..network.spec import MAX_STEPS, Polarity


class OperatorKind(str, Enum):
    """How derivatives are taken on a cloud of points."""

    NESTED_SP = "nested-sp"
    """Stochastic projection as published: first derivatives by SP, second ones by SP of those."""
    QUADRATIC = "quadratic"
    """Local least-squares fit of a polynomial of degree 2 through the centre."""
    QUARTIC = "quartic"
    """Local least-squares fit of a polynomial of degree 4 through the centre."""


class Surrogate(str, Enum):
    """Shape of the derivative that stands in for the step's own in the backward pass."""

    FAST_SIGMOID = "fast-sigmoid"
    SQUARED_FAST_SIGMOID = "squared-fast-sigmoid"
    ARCTAN = "arctan"
    TRIANGLE = "triangle"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecipe:
    """The network to be trained."""

    widths: tuple[int, ...] = (50, 50, 50)
    """Neurons per spiking layer."""
    activation: str = "tanh_squared"
    """phi, by name."""
    polarity: Polarity = Polarity.POSITIVE
    """Which membranes fire; "both" with theta = 0 is an ordinary network of phi."""
    n_steps: int = 1
    """T."""
    beta: float = 0.9
    """Leak of every neuron, 0 to 1."""
    theta: float = 0.02
    """Threshold of every neuron, 0 or more."""
    output_scale: float = 1.0
    """Factor on the network's output, so that the network itself works at magnitude one."""
    surrogate: Surrogate = Surrogate.FAST_SIGMOID
    """Backward shape of the spike."""
    surrogate_slope: float = 100.0
    """k of the surrogate, per unit of membrane."""
    initial_gain: float = 1.5
    """Factor on the standard deviation sqrt(2 / (n_in + n_out)) of the initial weights."""
    learn_beta: bool = False
    """Whether Adam trains the leak of every neuron."""
    learn_theta: bool = False
    """Whether Adam trains the threshold of every neuron."""

    def __post_init__(self) -> None:
        where = "ModelRecipe"
        found = [*check_range(f"{where}.widths", self.widths, 1, 10**5)]
        if not self.widths:
            found += [Violation(f"{where}.widths", "at least one spiking layer", self.widths, "Name its width.")]
        found += check_range(f"{where}.n_steps", self.n_steps, 1, MAX_STEPS)
        found += check_range(f"{where}.beta", self.beta, 0.0, 1.0)
        found += check_range(f"{where}.theta", self.theta, 0.0, 1e6)
        found += check_range(f"{where}.output_scale", self.output_scale, 1e-30, 1e30)
        found += check_range(f"{where}.surrogate_slope", self.surrogate_slope, 1e-6, 1e6)
        raise_violations([*found, *check_range(f"{where}.initial_gain", self.initial_gain, 1e-6, 1e6)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Grading:
    """Draws the grid lines of one axis together around a centre; several on one axis add up.

    density of lines = 1 + gain / (1 + ((x - centre) / width)^2), in units of what it is far away
    """

    axis: int
    """Index of the coordinate."""
    centre: float
    """Where the lines lie closest, in the unit of that coordinate."""
    width: float
    """Distance from the centre at which half of the gain is left, same unit, positive."""
    gain: float
    """How much denser the lines lie at the centre than far away, above 0, at most 1000."""

    def __post_init__(self) -> None:
        raise_violations(check_range("Grading.width", self.width, 1e-9, 1e9))
        raise_violations(check_range("Grading.gain", self.gain, 1e-9, 1e3))


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudRecipe:
    """The points on which the residual is taken, and the operators on them."""

    n_per_axis: tuple[int, ...] = (24, 24)
    """Cells of the grid along each axis, so n + 1 points from wall to wall."""
    operator: OperatorKind = OperatorKind.QUARTIC
    """How derivatives are taken."""
    n_neighbours: int = 28
    """Neighbours of each centre that enter the fit, the centre not counted; those as far away as the last one enter too."""
    gradings: tuple[Grading, ...] = ()
    """Where grid lines are drawn together; for boxes only."""
    batch_size: int | None = None
    """Most points that go through the network at once, which bounds the memory of a step and nothing else; None: all."""

    def __post_init__(self) -> None:
        if self.batch_size is not None:
            raise_violations(check_range("CloudRecipe.batch_size", self.batch_size, 1, 10**9))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualWeights:
    """How much the squared residual of each centre counts; the weights of the cells have the mean one.

    w = V^p / (1 + c |du|)^2     V: size of the centre's cell,  du: a derivative of the present u, held fixed
    """

    cell_power: float = 0.0
    """p: 0 counts every centre alike, 1 every part of the domain, however its points are graded."""
    steepness: float = 0.0
    """c, per unit of the derivative: above zero the steepest places, where residuals are largest, count less."""
    derivative: str = "u_x"
    """du, one of the problem's derivatives."""
    causality: float = 0.0
    """e: above zero, the centres of one value of the last coordinate (time) count exp(-e * sum of the mean squares of all
    earlier ones), held fixed: later times are learned when earlier ones are. Networks are compared without this factor, and
    only phases of Adam see it."""

    def __post_init__(self) -> None:
        found = [*check_range("ResidualWeights.cell_power", self.cell_power, 0.0, 2.0)]
        found += check_range("ResidualWeights.steepness", self.steepness, 0.0, 1e3)
        raise_violations([*found, *check_range("ResidualWeights.causality", self.causality, 0.0, 1e6)])


class Optimizer(str, Enum):
    """How a phase descends."""

    ADAM = "adam"
    """Adam: linear warm-up, then cosine decay to zero. A step costs a backward pass; thousands of them are needed."""
    GAUSS_NEWTON = "gauss-newton"
    """Damped Gauss-Newton steps in the space of the residuals. A step costs some ten products of matrices as large as the
    cloud has points; tens of them do what thousands of Adam's do, and get far below where Adam stops."""
    L_BFGS = "l-bfgs"
    """Limited-memory BFGS with a line search, every spike held for a constant. A step costs two or three backward passes; for
    energies, which Gauss-Newton cannot do, and after Adam, where the threshold is so small that its jumps do not stop it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marching:
    """A front in time behind which an evolution's residual counts; it moves on when the past is solved.

    w(t) = 1 / (1 + exp((t - front) / width - 2))     t: the last coordinate, 0 at the start and 1 at the end of the domain;
                                                      0 where that is below 1e-4
    """

    n_windows: int = 40
    """In how many moves the front goes from start to end."""
    tolerance: float = 1e-4
    """Mean over the past of the weighted squared residuals below which the front moves on."""
    patience: int = 20
    """Steps after which it moves on all the same."""
    width: float = 0.02
    """How sharp the front is, in units of the whole time."""

    def __post_init__(self) -> None:
        found = [*check_range("Marching.n_windows", self.n_windows, 1, 10**4)]
        found += check_range("Marching.tolerance", self.tolerance, 0.0, 1e6)
        found += check_range("Marching.patience", self.patience, 1, 10**6)
        raise_violations([*found, *check_range("Marching.width", self.width, 1e-3, 1.0)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Refinement:
    """Adds points to the cloud where the residual of the network so far is largest, looked at on a grid twice as fine."""

    share: float = 0.25
    """Centres to add, as a share of those there are, above 0, at most 4; fewer where the finer grid has no more."""

    def __post_init__(self) -> None:
        raise_violations(check_range("Refinement.share", self.share, 1e-3, 4.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Jitter:
    """Moves the centres of the cloud at random, every so often, and builds their operators anew."""

    every: int = 100
    """Steps between two draws; the network that is kept is compared with those of the same draw."""
    share: float = 0.25
    """Largest move along each axis, in cells, above 0, at most 0.4: further, two points could come close to one."""

    def __post_init__(self) -> None:
        found = [*check_range("Jitter.every", self.every, 1, 10**6)]
        raise_violations([*found, *check_range("Jitter.share", self.share, 1e-6, 0.4)])


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRecipe:
    """One phase of a training, with one optimizer."""

    n_iterations: int
    """Steps of the optimizer."""
    optimizer: Optimizer = Optimizer.ADAM
    """Which one."""
    learning_rate: float = 5e-3
    """Peak learning rate of Adam; the others find their own."""
    n_warmup: int = 50
    """Steps of Adam's linear warm-up."""
    least_damping: float = 1e-3
    """Where the damping of Gauss-Newton ends, in units of the mean diagonal of its matrix: less follows the cloud more closely,
    with larger weights, which cost accuracy between its points and on 8 bits."""
    marching: Marching | None = None
    """Whether the residual is taken up to a front in time that moves; for Gauss-Newton on evolutions."""
    rate_weight: float = 0.0
    """Weight of the spike rate in the loss; above zero the phase makes the network sparser. Not with l-bfgs."""
    target_rate: float = 0.0
    """Share of neurons and steps that may fire at no cost, 0 to 1; the weight acts on what is above it."""
    ramp: float = 0.0
    """Share of the phase in which the target comes down from the rate at its start to `target_rate`, 0 to 1."""
    residual_weight: float = 1.0
    """Weight of the equation's residual in the loss."""
    imitation_weight: float = 0.0
    """Weight of the squared relative distance to the teacher; above zero the recipe needs a teacher."""
    refinement: Refinement | None = None
    """Whether the phase begins by adding points where the residual is large; later phases keep them."""
    jitter: Jitter | None = None
    """Whether the centres move during the phase; the next phase has them where they were."""

    def __post_init__(self) -> None:
        where = "PhaseRecipe"
        found = [*check_range(f"{where}.n_iterations", self.n_iterations, 1, 10**9)]
        found += check_range(f"{where}.learning_rate", self.learning_rate, 1e-12, 10.0)
        adam = self.optimizer is Optimizer.ADAM
        found += check_range(f"{where}.n_warmup", self.n_warmup, 0, self.n_iterations) if adam else []
        found += check_range(f"{where}.rate_weight", self.rate_weight, 0.0, 1e6)
        found += check_range(f"{where}.target_rate", self.target_rate, 0.0, 1.0)
        found += check_range(f"{where}.ramp", self.ramp, 0.0, 1.0)
        found += check_range(f"{where}.residual_weight", self.residual_weight, 0.0, 1e6)
        found += check_range(f"{where}.imitation_weight", self.imitation_weight, 0.0, 1e6)
        found += check_range(f"{where}.least_damping", self.least_damping, 1e-12, 1.0)
        raise_violations([*found, *self._optimizer_violations()])

    def _optimizer_violations(self) -> Iterator[Violation]:
        name = self.optimizer.value
        if self.marching is not None and self.optimizer is not Optimizer.GAUSS_NEWTON:
            mend = "Choose gauss-newton, or hold later times back by ResidualWeights.causality in a phase of adam."
            yield Violation("PhaseRecipe.marching", f"none in a phase of {name}", "a Marching", mend)
        if self.rate_weight > 0.0 and self.optimizer is Optimizer.L_BFGS:
            mend = "Choose gauss-newton or adam: the counted rate jumps, and no line search can follow its surrogate's slope."
            yield Violation("PhaseRecipe.rate_weight", f"0 in a phase of {name}", self.rate_weight, mend)
        weights = (self.residual_weight, self.imitation_weight)
        if self.optimizer is not Optimizer.ADAM and weights == (0.0, 0.0):
            mend = "Give one of the two weights."
            yield Violation("PhaseRecipe", f"a residual_weight or an imitation_weight for {name}", "0 and 0", mend)


SOLVER_MODEL = ModelRecipe(theta=1e-3, surrogate=Surrogate.SQUARED_FAST_SIGMOID, surrogate_slope=5.0)
"""A spiking network for Gauss-Newton: so small a threshold that its jump, theta^2, is below what the equation leaves, and a
surrogate so wide that the smooth rate moves as the rate does."""


def accurate_then_sparse(
    target_rate: float,
    n_accurate: int = 30,
    n_sparse: int = 150,
    rate_weight: float = 0.1,
    refinement: Refinement | None = None,
) -> tuple[PhaseRecipe, ...]:
    """Make the two phases of Gauss-Newton that most problems are trained with.

    Args:
        target_rate: Spike rate to come down to, over six tenths of the second phase.
        n_accurate: Steps of the first phase, on the equation alone.
        n_sparse: Steps of the second phase.
        rate_weight: Of the second phase.
        refinement: Points that the second phase adds.
    """
    solver = Optimizer.GAUSS_NEWTON
    return (
        PhaseRecipe(n_iterations=n_accurate, optimizer=solver),
        PhaseRecipe(
            n_iterations=n_sparse,
            optimizer=solver,
            rate_weight=rate_weight,
            target_rate=target_rate,
            ramp=0.6,
            refinement=refinement,
        ),
    )


TANH_MODEL = ModelRecipe(activation="tanh", polarity=Polarity.BOTH, theta=0.0, surrogate_slope=1e6, initial_gain=1.0)
"""An ordinary tanh network: every neuron fires, and so narrow a surrogate adds nothing to its gradient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherRecipe:
    """A network that is trained on the equation first and then imitated; no reference is looked at.

    Its student begins on the teacher's cloud, with the points that the teacher's phases have added.
    """

    phases: tuple[PhaseRecipe, ...]
    """How the teacher is trained."""
    model: ModelRecipe = TANH_MODEL
    """The teacher; its `output_scale` may differ from the student's."""

    def __post_init__(self) -> None:
        if any(phase.imitation_weight > 0 for phase in self.phases):
            raise SpecError("TeacherRecipe.phases", "no imitation", "a weight above 0", "A teacher has no teacher.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """Everything that determines a training but the seed."""

    model: ModelRecipe = field(default_factory=ModelRecipe)
    cloud: CloudRecipe = field(default_factory=CloudRecipe)
    phases: tuple[PhaseRecipe, ...] = (
        PhaseRecipe(n_iterations=2000, learning_rate=5e-3),
        PhaseRecipe(n_iterations=6000, learning_rate=5e-3, rate_weight=1.0, target_rate=0.14, ramp=0.5),
    )
    """Accuracy first, sparsity second: the other order collapses."""
    viscosity: float = 0.0
    """Coefficient of a smoothing term in equations that have one (`f.viscosity`); only training sees it."""
    weights: ResidualWeights = field(default_factory=ResidualWeights)
    """How much each centre counts."""
    teacher: TeacherRecipe | None = None
    """Whom the phases with an imitation weight imitate, where direct training fails."""

    def __post_init__(self) -> None:
        raise_violations(check_range("TrainingRecipe.viscosity", self.viscosity, 0.0, 1e3))
        if not self.phases:
            raise SpecError("TrainingRecipe.phases", "at least one phase", 0, "Add a PhaseRecipe.")
        if self.teacher is None and any(phase.imitation_weight > 0 for phase in self.phases):
            mend = "Give the recipe a TeacherRecipe, or its phases an imitation_weight of 0."
            raise SpecError("TrainingRecipe.teacher", "a teacher, as a phase imitates one", None, mend)
        if self.cloud.batch_size is not None and self.uses(Optimizer.GAUSS_NEWTON):
            rule = "None where a phase is gauss-newton's, which needs all points at once"
            mend = "Leave it out, or train by adam or l-bfgs."
            raise SpecError("CloudRecipe.batch_size", rule, self.cloud.batch_size, mend)
        if self.weights.causality > 0 and any(phase.jitter is not None for phase in self.phases):
            mend = "Leave one of the two out."
            rule = "no jitter where weights are causal: it leaves no two centres at one time"
            raise SpecError("TrainingRecipe.phases", rule, "a Jitter", mend)

    @property
    def solves(self) -> bool:
        """Whether a phase, or one of the teacher's, solves linear systems or searches along lines: then single precision is not
        enough."""
        return self.uses(Optimizer.GAUSS_NEWTON) or self.uses(Optimizer.L_BFGS)

    def uses(self, optimizer: Optimizer) -> bool:
        """Return whether a phase, or one of the teacher's, is by an optimizer."""
        phases = self.phases if self.teacher is None else (*self.teacher.phases, *self.phases)
        return any(phase.optimizer is optimizer for phase in phases)

    @property
    def n_iterations(self) -> int:
        """Steps over all phases."""
        return sum(phase.n_iterations for phase in self.phases)
