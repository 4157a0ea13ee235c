"""What a training stands on at each step: the cloud, as refinement and jitter have left it, and the teacher's values there.

A cloud is laid anew only where it changes: when a phase begins by adding points, and at every draw of a jitter. The points that
were added are part of the training's state; a draw follows from seed and step alone. So a training that resumes stands on the
same collocation_schedule. This module knows clouds, states and lessons; it does not know optimizers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from ...base.checks import raise_violations
from ...base.errors import Violation
from ...geometry.domain import Cloud
from ...operators.potential_energy import EnergyDomain
from ...problems.problem import PdeProblem
from ...problems.recipe import Optimizer, TrainingRecipe
from ..collocation.adaptation import build_candidates, jitter_cloud, refine_cloud
from ..collocation.clouds import TrainingCloud, build_training_cloud, output_transform
from ..loss.distillation import CollocationSet, build_distillation_target
from ..loss.energy_loss import EnergyCloud, build_energy_cloud
from ..network.network import VsnNetwork
from .state import PhasePlace, TrainingState


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Teacher:
    """A trained teacher."""

    network: VsnNetwork
    """The module."""
    recipe: TrainingRecipe
    """By which it was trained."""
    cloud: Cloud | None
    """Its cloud with the points that it added, on which its student begins; None where it added none."""


@dataclass(slots=True, kw_only=True, eq=False)
class CollocationSchedule:
    """The clouds of a training, one after the other; keeps the last one that was asked for."""

    problem: PdeProblem
    """Gives the domain and the equation."""
    recipe: TrainingRecipe
    """Gives cells, operators and phases."""
    seed: int
    """Of the training; draws of a jitter follow from it."""
    dtype: torch.dtype
    """Of the clouds' tensors."""
    device: torch.device
    """Of the clouds' tensors."""
    teacher: Teacher | None = None
    """Teacher of the phases that have a distillation_weight."""
    _key: tuple[int, int, int] | None = field(default=None, init=False)
    _collocation: CollocationSet | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if isinstance(self.problem.domain, EnergyDomain):
            raise_violations(self._energy_violations())

    def _energy_violations(self) -> Iterator[Violation]:
        where, phases = f"training of {self.problem.name!r} by energy", self.recipe.phases
        if any(phase.optimizer is Optimizer.GAUSS_NEWTON for phase in phases):
            mend = "Choose adam or l-bfgs."
            yield Violation(where, "have no phase of gauss-newton, which needs residuals", "gauss-newton", mend)
        if any(phase.refinement is not None or phase.jitter is not None for phase in phases):
            mend = "Leave it out, and train on a finer mesh."
            yield Violation(where, "have a mesh that is neither refined nor moved", "a Refinement or Jitter", mend)

    def at(self, state: TrainingState, place: PhasePlace) -> CollocationSet:
        """Give what the step at a place stands on, for a state whose refinement is done."""
        key = (0 if state.cloud is None else state.cloud.n_points, *_draw(place))
        if self._collocation is None or self._key != key:
            self._key, self._collocation = key, self._laid(state.cloud, place)
        return self._collocation

    def refined(self, state: TrainingState, share: float) -> Cloud:
        """Give the state's cloud with points added where its network's residual is largest.

        Args:
            state: Between two phases; not changed.
            share: Centres to add, as a share of those there are.

        Raises:
            SpecError: If a residual is not finite.
        """
        base = state.cloud or self._base()
        candidates = build_candidates(self.problem.domain, self.recipe.cloud)
        fine = build_training_cloud(self.problem, self.recipe, self.dtype, self.device, candidates)
        with torch.no_grad():
            fields = fine.fields(fine.solution(state.network(fine.inputs)))
            residuals = torch.stack(self.problem.residual(fields)).double().cpu().numpy()
        return refine_cloud(base, candidates, residuals, share)

    def _base(self) -> Cloud:
        return self.problem.domain.cloud(self.recipe.cloud.n_per_axis, self.recipe.cloud.gradings)

    def _laid(self, refined: Cloud | None, place: PhasePlace) -> CollocationSet:
        cloud: TrainingCloud | EnergyCloud
        if isinstance(self.problem.domain, EnergyDomain):
            cloud = build_energy_cloud(self.problem, self.recipe, self.dtype, self.device)
        else:
            changed = refined
            if place.phase.jitter is not None:
                rng = np.random.default_rng([self.seed, *_draw(place)])
                changed = jitter_cloud(refined or self._base(), self.problem.domain, place.phase.jitter.share, rng)
            cloud = build_training_cloud(self.problem, self.recipe, self.dtype, self.device, changed)
        target = None
        if self.teacher is not None:
            transform = output_transform(self.problem, self.teacher.recipe)
            on_teacher = dataclasses.replace(cloud, output_transform=transform)
            target = build_distillation_target(on_teacher, self.teacher.network)
        return CollocationSet(cloud=cloud, distillation_target=target)


def is_draw(place: PhasePlace) -> bool:
    """Tell whether the centres move before the step at a place."""
    jitter = place.phase.jitter
    return jitter is not None and place.iteration % jitter.every == 0


def _draw(place: PhasePlace) -> tuple[int, int]:
    """Give phase and number of the draw at a place, counted from 1; (0, 0) without jitter."""
    jitter = place.phase.jitter
    return (0, 0) if jitter is None else (place.index + 1, place.iteration // jitter.every + 1)
