"""What a sweep keeps the same at all its points, and the identities by which finished work is known again.

    identity of a training = digest of problem, its options, recipe, seed and package version
    identity of a point    = digest of its training's, scheme, tuning, evaluation points, energy model and target

The same identity gives the same bits on one kind of machine, so that what is finished need not be done twice.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...base.arrays import record_digest
from ...base.checks import check_range, check_whole, raise_violations
from ...base.errors import SpecError
from ...network.spec import ProblemParameter
from ...problems.recipe import TrainingRecipe
from ..verbs.convert import DEFAULT_TARGET
from ..verbs.train import NO_CHANGES, RecipeChanges
from .grid import SweepPoint, changes_of

if TYPE_CHECKING:
    from ...conversion import HardwareTarget, QuantizationScheme, TuningSettings
    from ...hardware_sim.costs.energy_model import EnergyModel
    from ...problems.problem import PdeProblem

SCHEMA = "neuropinn-lava/sweep/1"
"""Name and version of what a sweep measures: another version measures anew."""
DEFAULT_ENERGY = "45nm-int8"
"""A model by which shorter words cost less, since bits are what a sweep varies first."""
DEFAULT_TUNING = 500
"""Steps of tuning, as in the settings' own default."""
DEFAULT_POINTS = 2500
"""Points on which errors and operations are measured, as in a profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPlan:
    """What all points of a sweep share."""

    problem: str
    """Name of the problem."""
    parameters: tuple[ProblemParameter, ...] = ()
    """Its options."""
    changes: RecipeChanges = NO_CHANGES
    """Changes to its recipe, such as the number of iterations."""
    seed: int = 0
    """Seed of training, tuning and evaluation points."""
    n_points: int = DEFAULT_POINTS
    """Evaluation points; none of them is a training point."""
    tuning: TuningSettings | None
    """How integers are tuned; None does not tune."""
    energy: EnergyModel
    """What prices operations."""
    target: HardwareTarget
    """What every conversion is checked against."""
    with_lava: bool = True
    """Deploy on Lava; otherwise the integer engine, which gives the same bits."""

    def __post_init__(self) -> None:
        found = [*check_whole("SweepPlan.n_points", self.n_points), *check_whole("SweepPlan.seed", self.seed)]
        raise_violations(found or check_range("SweepPlan.n_points", self.n_points, 1, 10**7))
        if self.energy.prices_steps:
            rule = "be a model that prices operations, which the points of a sweep differ in"
            mend = f"Choose a model that adds up operations, such as {DEFAULT_ENERGY!r}."
            raise SpecError("SweepPlan.energy", rule, f"{self.energy.name!r}, which prices whole steps", mend)

    def posed(self) -> PdeProblem:
        """Make the problem.

        Raises:
            SpecError: If the name or an option is unknown.
        """
        return _posed(self.problem, self.parameters)

    def recipe_of(self, point: SweepPoint) -> TrainingRecipe:
        """Give the recipe of a point.

        Raises:
            SpecError: If it aims at an activity, and the problem's recipe has no phase in which spikes cost.
        """
        recipe = self.posed().recipe
        if point.activity is not None and not any(phase.activity_weight > 0 for phase in recipe.phases):
            mend = "Leave `activity=` out, and vary `theta=`."
            rule = f"have a recipe of {self.problem!r} in which spikes cost"
            raise SpecError("SweepGrid.activity", rule, "none of its phases has an activity_weight", mend)
        return changes_of(point, self.changes).applied(recipe)

    def scheme_of(self, point: SweepPoint) -> QuantizationScheme:
        """Give the scheme of a point."""
        from ...conversion import QuantizationScheme

        return QuantizationScheme(weight_bits=point.weight_bits, payload_bits=point.payload_bits)

    def training_key(self, point: SweepPoint) -> str:
        """Give the identity of a point's training, 64 hex digits."""
        from ... import __version__

        return record_digest(
            _TrainingIdentity(
                version=__version__,
                problem=self.problem,
                parameters=self.parameters,
                recipe=self.recipe_of(point),
                seed=self.seed,
            )
        )

    def point_key(self, point: SweepPoint) -> str:
        """Give the identity of a point, 64 hex digits."""
        return record_digest(
            _PointIdentity(
                training=self.training_key(point),
                scheme=self.scheme_of(point),
                tuning=self.tuning,
                seed=self.seed,
                n_points=self.n_points,
                energy=self.energy,
                target=self.target,
                with_lava=self.with_lava,
            )
        )


def plan_sweep(
    problem: str,
    *,
    parameters: tuple[ProblemParameter, ...] = (),
    changes: RecipeChanges = NO_CHANGES,
    seed: int = 0,
    n_points: int = DEFAULT_POINTS,
    tune_iterations: int = DEFAULT_TUNING,
    energy: str | Path = DEFAULT_ENERGY,
    target: str | Path = DEFAULT_TARGET,
    with_lava: bool = True,
) -> SweepPlan:
    """Gather what all points of a sweep share.

    Args:
        problem: Name of the problem.
        parameters: Options of the problem.
        changes: Changes to the problem's recipe.
        seed: Seed of training, tuning and evaluation points.
        n_points: Evaluation points.
        tune_iterations: Steps of tuning the integers; 0 does not tune them.
        energy: Energy model, by name or TOML file.
        target: Hardware target, by name or TOML file.
        with_lava: Deploy on Lava; without it the integer engine stands for it.

    Raises:
        SpecError: If a name is unknown, or a number out of range.
        FileFormatError: If a TOML file cannot be read.
    """
    from ...conversion import TuningSettings, find_target
    from ...hardware_sim.costs.energy_files import find_energy_model

    tuning = TuningSettings(n_iterations=tune_iterations)
    plan = SweepPlan(
        problem=problem,
        parameters=parameters,
        changes=changes,
        seed=seed,
        n_points=n_points,
        tuning=tuning if tune_iterations else None,
        energy=find_energy_model(energy),
        target=find_target(target),
        with_lava=with_lava,
    )
    plan.posed()
    return plan


@functools.cache
def _posed(name: str, parameters: tuple[ProblemParameter, ...]) -> PdeProblem:
    """Make a problem once: every identity asks for its recipe."""
    from ...problems import find_problem

    return find_problem(name, **{option.name: option.value for option in parameters})


@dataclass(frozen=True, slots=True, kw_only=True)
class _TrainingIdentity:
    """What determines a training."""

    version: str
    problem: str
    parameters: tuple[ProblemParameter, ...]
    recipe: TrainingRecipe
    seed: int
    schema: str = field(default=SCHEMA)


@dataclass(frozen=True, slots=True, kw_only=True)
class _PointIdentity:
    """What determines a row."""

    training: str
    scheme: QuantizationScheme
    tuning: TuningSettings | None
    seed: int
    n_points: int
    energy: EnergyModel
    target: HardwareTarget
    with_lava: bool
    schema: str = field(default=SCHEMA)
