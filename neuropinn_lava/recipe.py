"""How a network is trained on a problem, as records: data that stand in the problem's file, not code paths of the trainer.

This module knows nothing of torch; `neuropinn_lava.training` reads these records. Where the defaults come from stands in
docs/results.md with the measurements.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from .errors import SpecError


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
    activation: str = "z_tanh_z"
    """phi, by name."""
    n_steps: int = 2
    """T."""
    beta: float = 0.9
    """Leak of every neuron, 0 to 1."""
    theta: float = 0.1
    """Threshold of every neuron, 0 or more."""
    output_scale: float = 1.0
    """Factor on the network's output, so that the network itself works at magnitude one."""
    surrogate: Surrogate = Surrogate.FAST_SIGMOID
    """Backward shape of the spike."""
    surrogate_slope: float = 10.0
    """k of the surrogate, per unit of membrane."""
    initial_gain: float = 1.0
    """Factor on the standard deviation sqrt(2 / (n_in + n_out)) of the initial weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grading:
    """Draws the grid lines of one axis together around a centre, by a hyperbolic sine."""

    axis: int
    """Index of the coordinate."""
    centre: float
    """Where the lines lie closest, in the units of that coordinate."""
    strength: float
    """k, above 0: with the centre in the middle, the widest cell is cosh(k/2) times the narrowest."""

    def __post_init__(self) -> None:
        if not 0.0 < self.strength <= 20.0:
            mend = "Leave the grading out for equal cells."
            raise SpecError("Grading.strength", "above 0, at most 20", self.strength, mend)


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
    """Where grid lines are drawn together, at most one for each axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRecipe:
    """One phase of Adam: linear warm-up, then cosine decay to zero."""

    n_iterations: int
    """Steps of Adam."""
    learning_rate: float
    """Peak learning rate."""
    n_warmup: int = 50
    """Steps of linear warm-up."""
    rate_weight: float = 0.0
    """Weight of the mean spike rate in the loss; above zero the phase makes the network sparser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """Everything that determines a training but the seed."""

    model: ModelRecipe = field(default_factory=ModelRecipe)
    cloud: CloudRecipe = field(default_factory=CloudRecipe)
    phases: tuple[PhaseRecipe, ...] = (
        PhaseRecipe(n_iterations=2000, learning_rate=5e-3),
        PhaseRecipe(n_iterations=1500, learning_rate=2e-3, rate_weight=0.1),
    )
    """Accuracy first, sparsity second: the other order collapses."""
