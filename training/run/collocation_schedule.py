"""The collocation set of each step of a training: the cloud after refinement and jitter, and the teacher's values there.

A cloud is built anew only where it changes: when a phase begins by adding points, and at every draw of a jitter. Points that
were added are part of the state of the training; a draw follows from seed and step alone. So a training that is resumed has the
same collocation points as one that was never interrupted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from ...base.arrays import FloatArray, Record
from ...base.checks import raise_violations
from ...base.errors import Violation
from ...geometry.domain import Cloud
from ...geometry.parametric_domain import ParametricCloud, ParametricDomain
from ...operators.potential_energy import EnergyDomain
from ...problems.problem import PdeProblem
from ...problems.recipes.phases import Optimizer, Refinement
from ...problems.recipes.recipe import TrainingRecipe
from ..collocation.adaptation import build_candidates, jitter_cloud, refine_cloud
from ..collocation.clouds import TrainingCloud, build_training_cloud, output_transform
from ..loss.distillation import CollocationSet, DistillationTarget, build_distillation_target
from ..loss.energy_loss import EnergyCloud, build_energy_cloud
from ..network.coefficients import coefficient_tensors
from ..network.module_network import TrainedNetwork
from .state import PhasePlace, TrainingState


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Teacher(Record):
    """A trained teacher, whose outputs its student is fitted to."""

    network: TrainedNetwork
    """Network of the teacher after its training."""
    recipe: TrainingRecipe
    """Recipe by which the teacher was trained."""
    cloud: Cloud | None
    """Cloud with the points that the teacher added, on which its student begins; None where it added none."""


TeacherFunction = Callable[[FloatArray], FloatArray]
"""A trained teacher that is given: maps physical points (n_points, n_in) to the unknowns (n_points, n_out)."""


@dataclass(slots=True, kw_only=True, eq=False)
class CollocationSchedule:
    """The collocation sets of a training, built when they are asked for; the last one is kept."""

    problem: PdeProblem
    """Problem with the domain and the equation."""
    recipe: TrainingRecipe
    """Recipe with cells, operators and phases."""
    seed: int
    """Seed of the training, from which the draws of a jitter follow."""
    dtype: torch.dtype
    """Type of the tensors of the clouds."""
    device: torch.device
    """Device of the tensors of the clouds."""
    teacher: Teacher | TeacherFunction | None = None
    """Teacher for the phases that have a distillation_weight, trained before or given."""
    _laid: Cloud | None = field(default=None, init=False)
    _scales: tuple[FloatArray, ...] | None = field(default=None, init=False)
    _key: tuple[int, int, int] | None = field(default=None, init=False)
    _collocation: CollocationSet | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if isinstance(self.problem.domain, EnergyDomain):
            raise_violations(self._energy_violations())

    def _energy_violations(self) -> Iterator[Violation]:
        where, phases = f"training of {self.problem.name!r} by energy", self.recipe.phases
        if any(phase.optimizer is Optimizer.GAUSS_NEWTON for phase in phases):
            repair = "Choose adam, soap or l-bfgs."
            yield Violation(where, "have no phase of gauss-newton, which needs residuals", "gauss-newton", repair)
        if any(phase.refinement is not None or phase.jitter is not None for phase in phases):
            repair = "Leave it out, and train on a finer mesh."
            yield Violation(where, "have a mesh that is neither refined nor moved", "a Refinement or Jitter", repair)

    def at(self, state: TrainingState, place: PhasePlace) -> CollocationSet:
        """Return the collocation set of the step at a place, for a state whose cloud is already refined."""
        key = (0 if state.cloud is None else state.cloud.n_points, *_draw(self.problem, place))
        if self._collocation is None or self._key != key:
            self._key, self._collocation = key, self._build(state.cloud, place)
        return self._collocation

    def refined_cloud(self, state: TrainingState, refinement: Refinement) -> Cloud:
        """Return the cloud of a state with points added where the residual of its network is largest.

        Args:
            state: State between two phases; it is not changed.
            refinement: How many centres to add, and how fine the grid is from which they are taken.

        Raises:
            SpecError: If a residual is not finite.
        """
        base = state.cloud or self._base_cloud()
        candidates = build_candidates(self.problem.domain, self.recipe.cloud, refinement.finer)
        fine = build_training_cloud(self.problem, self.recipe, self.dtype, self.device, candidates)
        with torch.no_grad():
            u = fine.solution(state.network(fine.inputs))
            names = fine.blocks[0].names_at(u, self.problem.unknowns, coefficient_tensors(state.network))
            rows = fine.blocks[0].scaled_rows(names)
            residuals = rows.double().cpu().numpy()
        return refine_cloud(base, candidates, residuals, refinement.share, refinement.finer)

    def _base_cloud(self) -> Cloud:
        """Return the cloud of the recipe, the same one every time, so that its operators are built once."""
        if self._laid is None:
            self._laid = self.problem.domain.cloud(self.recipe.cloud.n_per_axis, self.recipe.cloud.gradings)
        return self._laid

    def _build(self, refined: Cloud | None, place: PhasePlace) -> CollocationSet:
        cloud: TrainingCloud | EnergyCloud
        changed = refined
        if isinstance(self.problem.domain, EnergyDomain):
            cloud = build_energy_cloud(self.problem, self.recipe, self.dtype, self.device)
        else:
            if place.phase.jitter is not None:
                rng = np.random.default_rng([self.seed, *_draw(self.problem, place)])
                changed = jitter_cloud(
                    refined or self._base_cloud(), self.problem.domain, place.phase.jitter.share, rng
                )
            changed = changed or self._base_cloud()
            if isinstance(changed, ParametricCloud) and isinstance(self.problem.domain, ParametricDomain):
                rng = np.random.default_rng([self.seed, *_draw(self.problem, place)])
                changed = self.problem.domain.redrawn(changed, rng)
            cloud = build_training_cloud(self.problem, self.recipe, self.dtype, self.device, changed, self._scales)
            self._scales = cloud.scales
        target = None
        if self.teacher is not None and not isinstance(self.teacher, Teacher):
            given = self._base_cloud() if changed is None else changed
            values = torch.as_tensor(self.teacher(given.points)).to(cloud.inputs)
            target = DistillationTarget(values=values, square=values.square().mean().item())
        elif self.teacher is not None:
            transform = output_transform(self.problem, self.teacher.recipe)
            on_teacher = dataclasses.replace(cloud, output_transform=transform)
            target = build_distillation_target(on_teacher, self.teacher.network)
        return CollocationSet(cloud=cloud, distillation_target=target)


def is_draw(problem: PdeProblem, place: PhasePlace) -> bool:
    """Return whether the points move before the step at a place: those of parameters at every step, jittered ones at times."""
    every = _draw_interval(problem, place)
    return every is not None and place.iteration % every == 0


def _draw(problem: PdeProblem, place: PhasePlace) -> tuple[int, int]:
    """Return phase and number of the draw at a place, counted from 1; (0, 0) where points stay."""
    every = _draw_interval(problem, place)
    return (0, 0) if every is None else (place.index + 1, place.iteration // every + 1)


def _draw_interval(problem: PdeProblem, place: PhasePlace) -> int | None:
    if isinstance(problem.domain, ParametricDomain):
        return 1
    return None if place.phase.jitter is None else place.phase.jitter.every
