"""Training recipes: records that say which network is trained on a problem, on which points, and in which phases.

A recipe stands in the file of its problem and is data, not a code path of the trainer; `neuropinn_lava.training` reads it.
docs/results/training.md has the measurements behind the defaults.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from ...base.arrays import Record
from ...base.checks import as_member, as_tuple, check_range, raise_violations
from ...base.errors import SpecError, Violation
from ...geometry.grading import Grading
from ...network.nodes import Polarity
from ...network.spec import MAX_STEPS
from ...operators.operator_kind import OperatorKind
from .phases import Optimizer, PhaseRecipe


class Surrogate(str, Enum):
    """Shape of the derivative that replaces the derivative of the step function in the backward pass."""

    FAST_SIGMOID = "fast-sigmoid"
    SQUARED_FAST_SIGMOID = "squared-fast-sigmoid"
    ARCTAN = "arctan"
    TRIANGLE = "triangle"


class Skips(str, Enum):
    """What a layer of a network reads besides the layer before it."""

    NONE = "none"
    """Nothing: the network is a chain."""
    RESIDUAL = "residual"
    """The sum h of all layers before it, h <- h + alpha VSN(W h + b), with a trained factor alpha for each layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding(Record):
    """Fixed sines of the coordinates, which the first layer reads in addition to coordinates, or in their place.

    a = sin(pi sum_k n_k x_k) and cos(...) of the same          x: coordinates normalised to [-1, 1],  n: one of `waves`
    """

    waves: tuple[tuple[float, ...], ...]
    """For each sine and cosine its cycles n along every coordinate's range, such as ((1, 0), (2, 0)). A network that sees x in
    whole cycles only is periodic in x, whatever its weights."""
    passed: tuple[int, ...] = ()
    """Indices of the coordinates that the first layer reads as they are."""

    def __post_init__(self) -> None:
        where = "Embedding.waves"
        object.__setattr__(self, "waves", tuple(map(tuple, self.waves)))
        object.__setattr__(self, "passed", as_tuple(self.passed))
        sizes = sorted({len(wave) for wave in self.waves})
        if len(sizes) != 1:
            repair = "Give every wave one number for each coordinate, such as ((1, 0), (2, 0))."
            raise SpecError(where, "have waves of one length, one or more", sizes, repair)
        raise_violations(
            [
                *(each for wave in self.waves for each in check_range(where, wave, -1e3, 1e3)),
                *check_range("Embedding.passed", self.passed, 0, sizes[0] - 1),
            ]
        )

    @property
    def n_in(self) -> int:
        """Number of coordinates."""
        return len(self.waves[0])


def random_waves(n_in: int, n_waves: int, deviation: float, seed: int = 0) -> Embedding:
    """Return random Fourier features beside the coordinates, with cycles drawn from N(0, deviation^2).

    Source: Tancik et al., NeurIPS 33 (2020) 7537.
    """
    drawn = np.random.default_rng(seed).normal(0.0, deviation, (n_waves, n_in)).round(3)
    return Embedding(waves=tuple(map(tuple, drawn.tolist())), passed=tuple(range(n_in)))


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRecipe(Record):
    """The network that is trained: its layers, its neurons and its initial weights."""

    widths: tuple[int, ...] = (50, 50, 50)
    """Number of neurons of each spiking layer, the first layer first."""
    activation: str = "tanh_squared"
    """Name of the activation phi, as in `ActivationRule`."""
    polarity: Polarity = Polarity.POSITIVE
    """Signs of the membrane at which a neuron fires; `both` with theta = 0 is an ordinary network of phi."""
    n_steps: int = 1
    """Number T of time steps for which a sample is presented, 1 to `MAX_STEPS`."""
    beta: float = 0.9
    """Initial leak of every neuron, 0 to 1."""
    theta: float = 0.02
    """Initial threshold of every neuron, 0 or more."""
    output_scale: float = 1.0
    """Factor on the output of the network, so that the network itself computes numbers near one."""
    surrogate: Surrogate = Surrogate.FAST_SIGMOID
    """Shape of the surrogate derivative of a spike."""
    surrogate_slope: float = 100.0
    """Slope k of the surrogate, per unit of membrane."""
    initial_gain: float = 1.5
    """Factor on the standard deviation sqrt(2 / (n_in + n_out)) of the initial weights."""
    learn_beta: bool = False
    """Whether Adam trains the leak of every neuron."""
    learn_theta: bool = False
    """Whether Adam trains the threshold of every neuron."""
    skips: Skips = Skips.NONE
    """What layers read besides the layer before."""
    embedding: Embedding | None = None
    """Sines that the first layer reads; None where it reads the coordinates alone."""

    def __post_init__(self) -> None:
        where = "NetworkRecipe"
        object.__setattr__(self, "widths", as_tuple(self.widths))
        object.__setattr__(self, "polarity", as_member(Polarity, self.polarity, f"{where}.polarity"))
        object.__setattr__(self, "surrogate", as_member(Surrogate, self.surrogate, f"{where}.surrogate"))
        object.__setattr__(self, "skips", as_member(Skips, self.skips, f"{where}.skips"))
        found = [*check_range(f"{where}.widths", self.widths, 1, 10**5)]
        if not self.widths:
            found += [Violation(f"{where}.widths", "have at least one spiking layer", self.widths, "Name its width.")]
        if self.skips is Skips.RESIDUAL and len(set(self.widths)) > 1:
            repair = "Choose one width, or no skips."
            found += [Violation(f"{where}.widths", "be equal where skips add layers up", self.widths, repair)]
        found += check_range(f"{where}.n_steps", self.n_steps, 1, MAX_STEPS)
        found += check_range(f"{where}.beta", self.beta, 0.0, 1.0)
        found += check_range(f"{where}.theta", self.theta, 0.0, 1e6)
        found += check_range(f"{where}.output_scale", self.output_scale, 1e-30, 1e30)
        found += check_range(f"{where}.surrogate_slope", self.surrogate_slope, 1e-6, 1e6)
        raise_violations([*found, *check_range(f"{where}.initial_gain", self.initial_gain, 1e-6, 1e6)])

    @property
    def is_chain(self) -> bool:
        """Whether every layer reads the layer before it alone, and the first one the coordinates."""
        return self.skips is Skips.NONE and self.embedding is None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudRecipe(Record):
    """The collocation points at which the residual is computed, and the derivative operators on them."""

    n_per_axis: tuple[int, ...] = (24, 24)
    """Number n of grid cells along each axis, which gives n + 1 points from wall to wall."""
    operator: OperatorKind = OperatorKind.QUARTIC
    """Kind of the operators that compute derivatives."""
    n_neighbours: int = 28
    """Number of neighbours of each centre in the fit, without the centre; neighbours as far away as the last one are added."""
    gradings: tuple[Grading, ...] = ()
    """Places where grid lines are concentrated; for boxes only."""
    batch_size: int | None = None
    """Largest number of points that pass through the network at once, which bounds the memory of a step; None passes all."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_per_axis", as_tuple(self.n_per_axis))
        object.__setattr__(self, "gradings", as_tuple(self.gradings))
        object.__setattr__(self, "operator", as_member(OperatorKind, self.operator, "CloudRecipe.operator"))
        if self.batch_size is not None:
            raise_violations(check_range("CloudRecipe.batch_size", self.batch_size, 1, 10**9))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualWeights(Record):
    """Weights of the squared residuals of the centres; the weights of all cells have the mean one.

    w = V^p / (1 + c |du|)^2     V: size of the centre's cell,  du: a derivative of the current u, constant in backward
    """

    cell_power: float = 0.0
    """Power p, 0 to 2: 0 weights all centres equally, 1 all parts of the domain equally, however its points are graded."""
    steepness: float = 0.0
    """Factor c per unit of the derivative; above zero, the steepest places, where residuals are largest, count less."""
    derivative: str = "u_x"
    """Name of the derivative du, one of those that the problem declares."""
    causality: float = 0.0
    """Exponent e; above zero, the residuals at a time (the last coordinate) have the factor exp(-e * sum of the mean squared
    residuals at all earlier times), constant in the backward pass, so that later times are learned after earlier ones. Only
    phases of Adam use it, and networks are compared without it."""

    def __post_init__(self) -> None:
        found = [*check_range("ResidualWeights.cell_power", self.cell_power, 0.0, 2.0)]
        found += check_range("ResidualWeights.steepness", self.steepness, 0.0, 1e3)
        raise_violations([*found, *check_range("ResidualWeights.causality", self.causality, 0.0, 1e6)])


SOLVER_NETWORK = NetworkRecipe(theta=1e-3, surrogate=Surrogate.SQUARED_FAST_SIGMOID, surrogate_slope=5.0)
"""A spiking network for Gauss-Newton: the jump at its threshold, theta^2, is below the residual that remains, and its surrogate
is so wide that the smooth activity follows the counted one."""


TANH_NETWORK = NetworkRecipe(
    activation="tanh", polarity=Polarity.BOTH, theta=0.0, surrogate_slope=1e6, initial_gain=1.0
)
"""An ordinary tanh network: every neuron fires, and the surrogate is so narrow that it adds nothing to the gradient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherRecipe(Record):
    """A network that is trained on the equation first, and whose outputs are then the distillation target of the student.

    No reference solution is used. The student begins on the cloud of the teacher, with the points that its phases have added.
    """

    phases: tuple[PhaseRecipe, ...]
    """Phases in which the teacher is trained; none where a trained one is given to the training."""
    network: NetworkRecipe = TANH_NETWORK
    """Network of the teacher; its `output_scale` may differ from that of the student."""

    def __post_init__(self) -> None:
        if any(phase.distillation_weight > 0 for phase in self.phases):
            raise SpecError(
                "TeacherRecipe.phases", "have no distillation_weight", "a weight above 0", "A teacher has no teacher."
            )


GIVEN_TEACHER = TeacherRecipe(phases=())
"""The teacher of a recipe whose training is given a trained one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscreteTeacher(Record):
    """The solution of the discrete equations on the recipe's own cloud, whose values are the distillation target.

    It comes from Newton's method, without a network and without the reference solution: the student is fitted to a numerical
    solution. The cloud must stay as it is, as the solution is known at its points alone.
    """

    viscosities: tuple[float, ...] = (0.0,)
    """Values of `f.viscosity` for which the equations are solved in turn, each from the solution before; the last is 0."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "viscosities", as_tuple(self.viscosities))
        raise_violations(check_range("DiscreteTeacher.viscosities", self.viscosities, 0.0, 1e3))
        if self.viscosities[-1:] != (0.0,):
            repair = "Append 0: with another value the equations solved last are not those of the problem."
            raise SpecError("DiscreteTeacher.viscosities", "end with 0", self.viscosities, repair)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe(Record):
    """Everything that determines a training, except the seed."""

    network: NetworkRecipe = field(default_factory=NetworkRecipe)
    """The network to train."""
    cloud: CloudRecipe = field(default_factory=CloudRecipe)
    """Collocation points and operators."""
    phases: tuple[PhaseRecipe, ...] = (
        PhaseRecipe(n_iterations=2000, learning_rate=5e-3),
        PhaseRecipe(n_iterations=6000, learning_rate=5e-3, activity_weight=1.0, target_activity=0.14, ramp=0.5),
    )
    """Phases in their order: accuracy before sparsity, because neurons die in the other order."""
    viscosity: float = 0.0
    """Coefficient `f.viscosity` of a smoothing term in equations that have one; residuals are measured without it."""
    weights: ResidualWeights = field(default_factory=ResidualWeights)
    """Weights of the residuals of the centres."""
    teacher: TeacherRecipe | DiscreteTeacher | None = None
    """Teacher of the phases with a distillation_weight, for problems on which direct training fails."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "phases", as_tuple(self.phases))
        raise_violations(check_range("TrainingRecipe.viscosity", self.viscosity, 0.0, 1e3))
        if not self.phases:
            raise SpecError("TrainingRecipe.phases", "hold at least one phase", 0, "Add a PhaseRecipe.")
        if self.teacher is None and any(phase.distillation_weight > 0 for phase in self.phases):
            repair = "Give the recipe a TeacherRecipe, or its phases a distillation_weight of 0."
            raise SpecError(
                "TrainingRecipe.teacher", "be a TeacherRecipe, as a phase has a distillation_weight", None, repair
            )
        moves = any(phase.jitter is not None or phase.refinement is not None for phase in self.phases)
        if isinstance(self.teacher, DiscreteTeacher) and moves:
            repair = "Leave both out, or take a network as the teacher."
            rule = "leave the cloud as it is where the teacher is a discrete solution on it"
            raise SpecError("TrainingRecipe.phases", rule, "a Refinement or Jitter", repair)
        if self.cloud.batch_size is not None and self.uses(Optimizer.GAUSS_NEWTON):
            rule = "be None where a phase is gauss-newton's, which needs all points at once"
            repair = "Leave it out, or train by adam, soap or l-bfgs."
            raise SpecError("CloudRecipe.batch_size", rule, self.cloud.batch_size, repair)
        if self.weights.causality > 0 and any(phase.jitter is not None for phase in self.phases):
            repair = "Leave one of the two out."
            rule = "have no jitter where weights are causal: it leaves no two centres at one time"
            raise SpecError("TrainingRecipe.phases", rule, "a Jitter", repair)

    @property
    def needs_double_precision(self) -> bool:
        """Whether a phase of the recipe or its teacher solves linear systems or searches along lines, which needs double
        precision."""
        return self.uses(Optimizer.GAUSS_NEWTON) or self.uses(Optimizer.L_BFGS)

    def uses(self, optimizer: Optimizer) -> bool:
        """Return whether a phase, or one of the teacher's, is by an optimizer."""
        taught = self.teacher.phases if isinstance(self.teacher, TeacherRecipe) else ()
        return any(phase.optimizer is optimizer for phase in (*taught, *self.phases))

    @property
    def n_iterations(self) -> int:
        """Number of steps of all phases together."""
        return sum(phase.n_iterations for phase in self.phases)
