"""All that changes during a training: parameters, moments, the best found so far, and the rows of the history.

What is in this object is what a checkpoint holds; a training that continues from it goes on to the same bits. This module
knows recipes and torch; it does not know problems or files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from torch import Tensor

from ...geometry.domain import Cloud
from ...problems.recipe import PhaseRecipe, TrainingRecipe
from ..network.network import VsnNetwork
from ..optimize.adam import Adam, FlatParameters, learning_rate
from ..optimize.gauss_newton import GaussNewton
from ..optimize.lbfgs import LBfgs
from .history import TrainingHistory


@dataclass(slots=True, kw_only=True)
class TrainingState:
    """A training between two steps. Unlike the package's records it changes in place."""

    network: VsnNetwork
    """The module; its parameters are views into `parameters`."""
    parameters: FlatParameters
    """Values and gradients as vectors."""
    adam: Adam
    """Moments of the phase under way."""
    gauss_newton: GaussNewton = field(default_factory=GaussNewton)
    """Damping and front of the phase under way."""
    l_bfgs: LBfgs
    """Pairs of the phase under way."""
    best_values: Tensor
    """Parameters of the lowest objective in this phase, shape (n_parameters,)."""
    best_loss: float = math.inf
    """That objective."""
    first_activity: float = 0.0
    """Activity at the start of the phase."""
    iteration: int = 0
    """Steps that lie behind, over all phases."""
    history: TrainingHistory = field(default_factory=TrainingHistory)
    """The reports so far."""
    cloud: Cloud | None = None
    """The cloud with the points that refinements have added; None where there are none."""

    def begin_phase(self) -> None:
        """Go back to the best network of the phase before, forget its objective, and start with a new optimizer."""
        self.parameters.values.copy_(self.best_values)
        self.adam = Adam(self.parameters.values)
        self.gauss_newton = GaussNewton()
        self.l_bfgs = LBfgs(self.parameters.values)
        self.best_loss = math.inf

    def begin_draw(self) -> None:
        """Forget the objective, the stall and the pairs of the last draw of a jitter, which were another cloud's."""
        self.gauss_newton.stalled_target = math.nan
        self.l_bfgs = LBfgs(self.parameters.values)
        self.best_loss = math.inf

    def update_best(self, loss: float) -> None:
        """Remember the parameters if their objective is the lowest of the phase."""
        if loss < self.best_loss:
            self.best_loss = loss
            self.best_values.copy_(self.parameters.values)

    def restore_best(self) -> None:
        """Give the module the best parameters."""
        self.parameters.values.copy_(self.best_values)


def start_state(network: VsnNetwork, cloud: Cloud | None = None) -> TrainingState:
    """Start a training of a network with the parameters that it has, on the recipe's cloud or one that a teacher refined."""
    parameters = FlatParameters(network)
    return TrainingState(
        network=network,
        parameters=parameters,
        adam=Adam(parameters.values),
        l_bfgs=LBfgs(parameters.values),
        best_values=parameters.values.clone(),
        cloud=cloud,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PhasePlace:
    """Where an iteration stands in its phase."""

    index: int
    """Which phase, from 0."""
    phase: PhaseRecipe
    """Its recipe."""
    iteration: int
    """Steps of this phase that lie behind."""

    @property
    def learning_rate(self) -> float:
        return learning_rate(self.phase, self.iteration)

    def after_step(self) -> PhasePlace:
        """Return the place with one step of the phase more behind it."""
        return PhasePlace(index=self.index, phase=self.phase, iteration=self.iteration + 1)


def find_phase(recipe: TrainingRecipe, iteration: int) -> PhasePlace:
    """Find the phase of an iteration, counted from 0 over all phases; beyond the last one it is the end of the last phase."""
    place = PhasePlace(index=0, phase=recipe.phases[0], iteration=iteration)
    while place.iteration >= place.phase.n_iterations and place.index + 1 < len(recipe.phases):
        left = place.iteration - place.phase.n_iterations
        place = PhasePlace(index=place.index + 1, phase=recipe.phases[place.index + 1], iteration=left)
    return place
