"""The plan that all points of a sweep share, and the identities by which finished work is found again.

    identity of a training = digest of problem, recipe, seed and package version
    identity of a point    = digest of its training's, scheme, tuning, evaluation points, energy model and target

The same identity gives the same bits on one kind of machine, so that what is finished need not be done twice.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.arrays import Record, record_digest
from ...base.checks import check_range, check_whole, raise_violations
from ...base.errors import SpecError
from ...engine.trace import Backend
from ...problems.check import check_problem
from ...problems.conditions import Data, Mean
from ...problems.coverage import covered
from ...problems.default_recipe import recipe_of
from ...problems.problem import PdeProblem
from ...problems.recipes.recipe import TrainingRecipe
from ...problems.residuals import boundary_points, evaluation_points
from ..verbs.convert import DEFAULT_TARGET
from ..verbs.train import NO_CHANGES, RecipeChanges
from .grid import SweepPoint

if TYPE_CHECKING:
    from ...conversion import HardwareTarget, QuantizationScheme, TuningSettings
    from ...hardware_sim.costs.energy_model import EnergyModel

SCHEMA = "neuropinn-lava/sweep/1"
"""Name and version of what a sweep measures: another version measures anew."""
DEFAULT_ENERGY = "45nm-int8"
"""Default energy model: shorter words cost less by it, and a sweep varies bits first."""
DEFAULT_TUNING = 500
"""Default number of tuning steps, that of `TuningSettings`."""
DEFAULT_POINTS = 2500
"""Default number of points on which errors and operations are measured, as in a profile."""
IDENTITY_POINTS = 64
"""Points at which the functions of a problem are evaluated for its identity."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SweepPlan(Record):
    """The problem and the settings that all points of a sweep share."""

    problem: PdeProblem
    """The problem, with the options that it was built with and its recipe."""
    changes: RecipeChanges = NO_CHANGES
    """Changes to its recipe, such as the number of iterations."""
    seed: int = 0
    """Seed of training, tuning and evaluation points."""
    n_points: int = DEFAULT_POINTS
    """Number of evaluation points; none of them is a training point."""
    tuning: TuningSettings | None
    """Settings of the integers' tuning; None does not tune."""
    energy: EnergyModel
    """Energy model that prices operations."""
    target: HardwareTarget
    """Hardware target that every conversion is checked against."""
    with_lava: bool = True
    """Whether networks are deployed on Lava; otherwise the integer engine gives the same bits."""

    def __post_init__(self) -> None:
        found = [*check_whole("SweepPlan.n_points", self.n_points), *check_whole("SweepPlan.seed", self.seed)]
        raise_violations(found or check_range("SweepPlan.n_points", self.n_points, 1, 10**7))
        if self.energy.prices_steps:
            rule = "be a model that prices operations, which the points of a sweep differ in"
            repair = f"Choose a model that adds up operations, such as {DEFAULT_ENERGY!r}."
            raise SpecError("SweepPlan.energy", rule, f"{self.energy.name!r}, which prices whole steps", repair)

    @property
    def backend(self) -> Backend:
        """The backend that computes the deployed outputs."""
        return Backend.LAVA if self.with_lava else Backend.INTEGER

    def recipe_of(self, point: SweepPoint) -> TrainingRecipe:
        """Return the recipe of a point: the problem's own with the changes of the plan and of the point.

        Raises:
            SpecError: If it aims at an activity, and the recipe has no phase in which spikes cost.
        """
        varied = {"theta": point.theta, "n_steps": point.n_steps, "activity": point.activity}
        chosen: dict[str, Any] = {name: value for name, value in varied.items() if value is not None}
        return replace(self.changes, **chosen).applied(recipe_of(self.problem))

    def scheme_of(self, point: SweepPoint) -> QuantizationScheme:
        """Return the quantization scheme of a point."""
        from ...conversion import QuantizationScheme

        return QuantizationScheme(weight_bits=point.weight_bits, payload_bits=point.payload_bits)

    def training_key(self, point: SweepPoint) -> str:
        """Return the identity of a point's training, 64 hex digits."""
        from ... import __version__

        return record_digest((SCHEMA, __version__, problem_digest(self.problem), self.recipe_of(point), self.seed))

    def point_key(self, point: SweepPoint) -> str:
        """Return the identity of a point, 64 hex digits."""
        shared = (self.tuning, self.seed, self.n_points, self.energy, self.target, self.with_lava)
        return record_digest((SCHEMA, self.training_key(point), self.scheme_of(point), *shared))


def plan_sweep(
    problem: PdeProblem,
    *,
    changes: RecipeChanges = NO_CHANGES,
    seed: int = 0,
    n_points: int = DEFAULT_POINTS,
    tune_iterations: int = DEFAULT_TUNING,
    energy: str | Path = DEFAULT_ENERGY,
    target: str | Path = DEFAULT_TARGET,
    with_lava: bool = True,
) -> SweepPlan:
    """Build the plan of a sweep: what all its points share.

    Args:
        problem: The problem, of the catalogue (`find_problem`) or of your own.
        changes: Changes to the problem's recipe.
        seed: Seed of training, tuning and evaluation points.
        n_points: Number of evaluation points.
        tune_iterations: Steps of tuning the integers; 0 does not tune them.
        energy: Energy model, by name or TOML file.
        target: Hardware target, by name or TOML file.
        with_lava: Whether networks are deployed on Lava; the integer engine gives the same bits without it.

    Raises:
        SpecError: If it is no problem, a name is unknown, or a number is out of range.
        FileFormatError: If a TOML file cannot be read.
    """
    from ...conversion import TuningSettings, find_target
    from ...hardware_sim.costs.energy_files import find_energy_model

    given: object = problem
    if not isinstance(given, PdeProblem):
        repair = "Build one with `nl.find_problem(...)`, or pass your own."
        raise SpecError("sweep.problem", "be a PdeProblem or a SweepPlan", repr(given), repair)
    tuning = TuningSettings(n_iterations=tune_iterations)
    return SweepPlan(
        problem=problem,
        changes=changes,
        seed=seed,
        n_points=n_points,
        tuning=tuning if tune_iterations else None,
        energy=find_energy_model(energy),
        target=find_target(target),
        with_lava=with_lava,
    )


@functools.lru_cache(maxsize=16)
def problem_digest(problem: PdeProblem) -> str:
    """Return a digest of what a problem computes, 64 hex digits: a user's own problem may change and keep its name.

    Its equations and conditions are told by their text, its functions by their values at points inside and on the boundary; the
    recipe is no part of it.

    Raises:
        SpecError: If one of its functions gives the wrong shape or numbers that are not finite.
    """
    points, boundary = evaluation_points(problem, IDENTITY_POINTS, 0), boundary_points(problem, IDENTITY_POINTS, 0)
    check_problem(problem, points)
    f = problem.names(on_boundary=True)
    texts = [row.text() for row in problem.residuals]
    texts += [row.text() for each in problem.conditions for row in each.rows(f, problem.unknowns)]
    values = [points, boundary, *problem.ansatz.evaluate(points), *(field(points) for field in problem.fields.values())]
    values += [] if problem.reference is None else [problem.reference.evaluate(points)]
    values += [
        1.0 * covered(problem, each, boundary) for each in problem.conditions if not isinstance(each, (Data, Mean))
    ]
    values += [array for each in problem.conditions if isinstance(each, Data) for array in (each.points, each.values)]
    sha = hashlib.sha256()
    for value in values:
        sha.update(np.ascontiguousarray(value, dtype=np.float64).tobytes())
    names = (problem.name, *texts, *problem.coordinates, *problem.unknowns)
    return record_digest((problem.options, names, problem.residual_scale, sha.hexdigest()))
