"""The training of a soft sensor on readings and the signals behind them.

The signals are made by a forward solver or measured. A training on the equation alone, without signals, was tried for streams
and failed (21 % error against 4 %): the equation of every step asks for the whole field, which a sensor does not have.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from ...base.arrays import FloatArray, Record
from ...base.errors import SpecError
from ..run.devices import limited_threads
from .soft_sensor import SensorShape, SoftSensor

PRUNED_AT = 0.7
"""Share of the iterations after which no further weight becomes zero; the others adapt in the rest."""
PRUNED_EVERY = 20
"""Number of iterations between two choices of the weights that are zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorRecipe(Record):
    """How a soft sensor is trained."""

    n_iterations: int = 3000
    """Number of steps of Adam."""
    n_together: int = 32
    """Number of sequences in a step."""
    n_steps: int = 120
    """Length of the pieces of sequences that are trained on, from their beginnings."""
    learning_rate: float = 5e-3
    """Highest learning rate, after a warm-up and before a cosine decay."""
    noise: float = 0.0
    """Standard deviation of the noise that is added to the readings, anew in every step."""
    operations_weight: float = 0.0
    """Weight of the share of all synaptic operations that are done, beside the mean squared error over the variance."""
    dense_share: float = 0.3
    """Share of the iterations before the operations have a weight."""
    pruned_share: float = 0.0
    """Share of the prunable weights that become zero, the smallest of each matrix, between `dense_share` and `PRUNED_AT`."""


def train_sensor(
    readings: FloatArray, signals: FloatArray, shape: SensorShape, recipe: SensorRecipe, seed: int = 0
) -> SoftSensor:
    """Train a soft sensor to return a signal from readings, at the same step.

    Args:
        readings: Shape (n_samples, n_steps, n_in), of unit scale: the largest is about 1.
        signals: Shape (n_samples, n_steps).
        shape: Sizes of the sensor.
        recipe: How to train.
        seed: Seed of the weights, of the choice of sequences, and of the noise.

    Raises:
        SpecError: If the shapes disagree.
    """
    if readings.shape != (*signals.shape, shape.n_in):
        repair = "Give readings (n_samples, n_steps, n_in) and signals (n_samples, n_steps)."
        raise SpecError(
            "train_sensor.readings", f"have the shape {(*signals.shape, shape.n_in)}", readings.shape, repair
        )
    with limited_threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sensor = SoftSensor(shape)
        fit_sequences(sensor, torch.tensor(readings).float(), torch.tensor(signals).float(), recipe)
    return sensor


class Sequences(Protocol):
    """A module that reads whole sequences, as `SoftSensor` does."""

    @property
    def n_dense(self) -> float:
        """Operations of a step in which nothing is silent."""

    @property
    def prunable(self) -> tuple[nn.Parameter, ...]:
        """Weights of which some become zero if the recipe prunes."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return what is trained."""

    def run(self, x: Tensor) -> tuple[Tensor, Tensor | float]:
        """Return estimates (n_samples, n_steps) of readings (n_samples, n_steps, n_in), and operations of a step."""


def fit_sequences(module: Sequences, readings: Tensor, signals: Tensor, recipe: SensorRecipe) -> None:
    """Run Adam on random sequences.

    Args:
        module: What is trained.
        readings: Shape (n_samples, n_steps, n_in).
        signals: Shape (n_samples, n_steps).
        recipe: How to train.
    """
    optimizer = torch.optim.Adam(module.parameters(), lr=recipe.learning_rate)
    variance, n_dense = float(signals.square().mean()), module.n_dense
    masks = [torch.ones_like(weight) for weight in module.prunable]
    for i in range(recipe.n_iterations):
        done = i / recipe.n_iterations
        rate = min(1.0, 20.0 * (i + 1) / recipe.n_iterations) * (0.5 * (1.0 + math.cos(math.pi * done)) + 1e-3)
        optimizer.param_groups[0]["lr"] = recipe.learning_rate * rate
        chosen = torch.randint(len(readings), (recipe.n_together,))
        x, wanted = readings[chosen, : recipe.n_steps], signals[chosen, : recipe.n_steps]
        found, n_operations = module.run(x + recipe.noise * torch.randn_like(x))
        loss = (found - wanted).square().mean() / variance
        if done >= recipe.dense_share:
            loss = loss + recipe.operations_weight * n_operations / n_dense
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        if recipe.pruned_share and i % PRUNED_EVERY == 0 and done >= recipe.dense_share:
            left = 1.0 - min(1.0, (done - recipe.dense_share) / (PRUNED_AT - recipe.dense_share))
            masks = [_mask(weight, recipe.pruned_share * (1.0 - left**3)) for weight in module.prunable]
        with torch.no_grad():
            for weight, mask in zip(module.prunable, masks, strict=True):
                weight.mul_(mask)


def _mask(weight: Tensor, share: float) -> Tensor:
    """Return a matrix of ones, and zeros where a share of the weights, the smallest, lies."""
    size = weight.detach().abs()
    return (size > torch.quantile(size, share)).to(weight.dtype) if share > 0.0 else torch.ones_like(size)
