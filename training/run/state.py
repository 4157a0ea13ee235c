"""The state of a training: parameters, optimizer, the best parameters so far, and the rows of the history.

A checkpoint contains all of it, so that a training that is resumed ends with the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...base.arrays import Record
from ...geometry.domain import Cloud
from ...problems.recipes.phases import Optimizer, PhaseRecipe
from ...problems.recipes.recipe import TrainingRecipe
from ..network.module_network import TrainedNetwork
from ..optimize.adam import Adam, learning_rate
from ..optimize.gauss_newton import GaussNewton
from ..optimize.lbfgs import LBfgs
from ..optimize.parameters import FlatParameters
from ..optimize.phase_optimizer import Packed, PhaseOptimizer, read_number, read_tensor
from ..optimize.soap import Soap
from .history import COLUMNS, TrainingHistory


@dataclass(slots=True, kw_only=True)
class TrainingState:
    """A training between two steps. Unlike the records of the package it changes in place."""

    network: TrainedNetwork
    """Network that is trained; its parameters are views into `parameters`."""
    parameters: FlatParameters
    """Values and gradients of the parameters as vectors."""
    optimizer: PhaseOptimizer
    """Optimizer of the phase under way, with its own state."""
    best_values: Tensor
    """Parameters of the lowest objective in this phase, shape (n_parameters,)."""
    best_loss: float = math.inf
    """Lowest objective of this phase."""
    first_activity: float = 0.0
    """Activity at the start of the phase, 0 to 1."""
    dense_error: float = math.nan
    """Estimated error before the first phase in which spikes cost; NaN before that, or without an estimate."""
    iteration: int = 0
    """Number of steps taken, over all phases."""
    history: TrainingHistory = field(default_factory=TrainingHistory)
    """Reports of the training so far."""
    cloud: Cloud | None = None
    """Cloud with the points that refinements have added; None where there are none."""

    def begin_phase(self, kind: Optimizer) -> None:
        """Go back to the best network of the phase before, forget its objective, and start with a new optimizer."""
        self.restore_best()
        self.optimizer = build_optimizer(kind, self.parameters)
        self.best_loss = math.inf

    def begin_draw(self) -> None:
        """Forget what belongs to the former points of a jitter: the objective, and part of the optimizer's state."""
        self.optimizer.begin_draw()
        self.best_loss = math.inf

    def update_best(self, loss: float) -> None:
        """Record the parameters as the best ones if their objective is the lowest of the phase."""
        if loss < self.best_loss:
            self.best_loss = loss
            self.best_values.copy_(self.parameters.values)

    def restore_best(self) -> None:
        """Set the parameters of the network to the best ones."""
        self.parameters.values.copy_(self.best_values)


def build_optimizer(kind: Optimizer, parameters: FlatParameters) -> PhaseOptimizer:
    """Build an optimizer for a phase that moves these parameters."""
    builders: dict[Optimizer, Callable[[], PhaseOptimizer]] = {
        Optimizer.ADAM: lambda: Adam(parameters.values),
        Optimizer.SOAP: lambda: Soap(parameters),
        Optimizer.L_BFGS: lambda: LBfgs(parameters.values),
        Optimizer.GAUSS_NEWTON: GaussNewton,
    }
    return builders[kind]()


def start_state(network: TrainedNetwork, cloud: Cloud | None = None) -> TrainingState:
    """Build the state at the start of a training, on the cloud of the recipe or on one that a teacher refined."""
    parameters = FlatParameters(network)
    return TrainingState(
        network=network,
        parameters=parameters,
        optimizer=Adam(parameters.values),
        best_values=parameters.values.clone(),
        cloud=cloud,
    )


_CLOUD = ("points", "cell_coordinates", "periods", "cell_periods")


def pack_state(state: TrainingState) -> Packed:
    """Return all of a state but its network's structure as one flat table of tensors and numbers."""
    packed: Packed = {
        "parameters": state.parameters.values,
        "best_parameters": state.best_values,
        "history": torch.tensor(state.history.table()),
        "iteration": state.iteration,
        "best_loss": state.best_loss,
        "first_activity": state.first_activity,
        "dense_error": state.dense_error,
        "n_inside": 0 if state.cloud is None else state.cloud.n_inside,
        "optimizer": state.optimizer.kind.value,
        **{f"optimizer.{name}": value for name, value in state.optimizer.pack().items()},
    }
    if state.cloud is not None:
        packed |= {f"cloud.{name}": torch.tensor(getattr(state.cloud, name)) for name in _CLOUD}
    return packed


def unpack_state(state: TrainingState, packed: Packed) -> None:
    """Set a fresh state to a packed one; it is not changed where the table cannot be read.

    Raises:
        KeyError, ValueError, TypeError, OverflowError, RuntimeError: If a part is missing, or cannot be what it should be.
    """
    values, n_inside = state.parameters.values, read_number(packed, "n_inside", int)
    found, best = (read_tensor(packed, name, values) for name in ("parameters", "best_parameters"))
    rows = read_tensor(packed, "history", torch.empty((0, len(COLUMNS)), dtype=torch.float64))
    iteration = read_number(packed, "iteration", int)
    names = ("best_loss", "first_activity", "dense_error")
    best_loss, first_activity, dense_error = (read_number(packed, name) for name in names)
    optimizer = build_optimizer(Optimizer(packed["optimizer"]), state.parameters)
    optimizer.unpack({name.removeprefix("optimizer."): value for name, value in packed.items() if "optimizer." in name})
    history, cloud = TrainingHistory.from_table(rows.numpy()), None
    if n_inside > 0:
        cloud = Cloud(n_inside=n_inside, **{name: packed[f"cloud.{name}"].numpy() for name in _CLOUD})
        n_in = state.network.n_in
        if cloud.n_dim != n_in:
            raise ValueError(f"points of {cloud.n_dim} coordinates for a network of {n_in} inputs")
    values.copy_(found)
    state.best_values.copy_(best)
    state.history, state.iteration, state.cloud, state.optimizer = history, iteration, cloud, optimizer
    state.best_loss, state.first_activity, state.dense_error = best_loss, first_activity, dense_error


@dataclass(frozen=True, slots=True, kw_only=True)
class PhasePlace(Record):
    """The position of an iteration in its phase."""

    index: int
    """Index of the phase, counted from 0."""
    phase: PhaseRecipe
    """Recipe of the phase."""
    iteration: int
    """Number of steps of this phase before the iteration."""

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
