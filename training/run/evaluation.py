"""What a network in training is worth: its error at points that were not trained on, known and estimated, and its coefficients.

The training uses none of the known errors; they are for display.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...base.arrays import FloatArray, Record
from ...base.metrics import relative_l2
from ...operators.potential_energy import EnergyDomain
from ...problems.discretization import discrete_problem
from ...problems.error_estimate import can_estimate, estimate_error
from ...problems.identification import FoundCoefficient, find_standard_errors
from ...problems.problem import PdeProblem
from ...problems.recipes.phases import ActivityMeasure
from ...problems.recipes.recipe import TrainingRecipe
from ...problems.residuals import residual_cloud
from ..collocation.clouds import input_transform, output_transform
from ..network.coefficients import coefficient_numbers
from ..network.module_network import TrainedNetwork


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation(Record):
    """A problem with the points at which networks are evaluated."""

    problem: PdeProblem
    """Problem that is trained on."""
    recipe: TrainingRecipe
    """Recipe of the training."""
    points: FloatArray
    """Points on which the displayed error is measured, shape (n, n_in)."""
    reference: FloatArray | None
    """Reference solution at these points, shape (n, n_out); None where none is known."""
    like: Tensor
    """Tensor of the type and on the device of the network."""

    def error_and_activity(self, network: TrainedNetwork) -> tuple[float, float]:
        """Return relative error, NaN without a reference, and activity at the points."""
        u, activity = self.outputs(network, self.points)
        if self.reference is None or not np.isfinite(u).all():
            return math.nan, activity
        return relative_l2(u, self.problem.aligned(self.reference, u)), activity

    def outputs(self, network: TrainedNetwork, points: FloatArray) -> tuple[FloatArray, float]:
        """Return the unknowns at points (n, n_in), shape (n, n_out), and the activity."""
        inputs = torch.as_tensor(input_transform(self.problem).apply(points)).to(self.like)
        with torch.no_grad():
            run = network.run(inputs)
        outputs = output_transform(self.problem, self.recipe).apply(run.output.cpu().double().numpy())
        activity = network.mean_activity(list(run.activities), ActivityMeasure.RATE)
        return self.problem.ansatz.apply(points, outputs), activity.item()

    def estimated_error(self, network: TrainedNetwork) -> float:
        """Return the error estimated by the equations on a cloud that was not trained on, NaN where there is no estimate."""
        if isinstance(self.problem.domain, EnergyDomain):
            return math.nan
        measuring = residual_cloud(dataclasses.replace(self.problem, recipe=self.recipe))
        u = self.outputs(network, measuring.points)[0] if can_estimate(measuring) else np.array(math.nan)
        return estimate_error(measuring, u, self._constants(network)).relative_l2 if np.isfinite(u).all() else math.nan

    def found_coefficients(self, network: TrainedNetwork) -> tuple[FoundCoefficient, ...]:
        """Return the trained coefficients of the problem with their standard errors."""
        values = coefficient_numbers(network)
        if not values:
            return ()
        held = discrete_problem(self.problem, self.recipe.cloud)
        errors = find_standard_errors(held, self.outputs(network, held.points)[0], self._constants(network))
        return tuple(
            FoundCoefficient(name=name, value=value, standard_error=float(error))
            for (name, value), error in zip(values.items(), errors, strict=True)
        )

    def _constants(self, network: TrainedNetwork) -> dict[str, float]:
        return {**self.problem.rest_values(self.recipe.viscosity), **coefficient_numbers(network)}
