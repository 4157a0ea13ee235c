"""A search instead of a grid: optuna proposes points that should lower error, energy and synaptic bits at once.

    weight bits     one number per matrix, between the lowest and the highest of the grid
    payload bits    between the lowest and the highest of the grid
    the rest        one of the grid's values, so that points share trainings

Points are proposed in generations of `GENERATION`, whatever the number of workers, by a seeded sampler that is told the results
in the order of its proposals: the same call proposes the same points, and finds them in the cache.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...base.checks import check_range, check_whole, raise_violations
from ...base.extras import import_extra
from .grid import SweepGrid, SweepPoint
from .result import SweepRow

if TYPE_CHECKING:
    from optuna import Study, Trial

GENERATION = 10
"""Number of points proposed at once: enough for the workers of a machine, few enough for the search to learn."""
MAX_TRIALS = 10_000
"""Largest number of proposals, far above use."""


def check_search(n_trials: int) -> None:
    """Check that a search of so many proposals is possible.

    Raises:
        SpecError: If the number of proposals is out of range.
        MissingPackageError: If optuna is not installed.
    """
    found = [*check_whole("sweep.search", n_trials)]
    raise_violations(found or check_range("sweep.search", n_trials, 1, MAX_TRIALS))
    import_extra("optuna", "sweep")


def search_points(
    grid: SweepGrid,
    n_trials: int,
    n_matrices: int,
    seed: int,
    measure: Callable[[Sequence[SweepPoint]], Sequence[SweepRow]],
) -> tuple[SweepPoint, ...]:
    """Propose points and measure them; return them in the order of the proposals, each once.

    Args:
        grid: Ranges of word lengths, and choices of everything else.
        n_trials: Number of proposals; some may be equal.
        n_matrices: Number of matrices of a network, with that of the read-out.
        seed: Seed of the sampler.
        measure: Function that measures points and returns their rows.

    Raises:
        SpecError: If the number of trials is out of range.
        MissingPackageError: If optuna is not installed.
    """
    check_search(n_trials)
    proposed: dict[SweepPoint, None] = {}
    with _quiet():
        study = _create_study(seed)
        for first in range(0, n_trials, GENERATION):
            trials = [study.ask() for _ in range(min(GENERATION, n_trials - first))]
            points = [_proposal(trial, grid, n_matrices) for trial in trials]
            proposed |= dict.fromkeys(points)
            for trial, row in zip(trials, measure(points), strict=True):
                _report_costs(study, trial, row)
    return tuple(proposed)


def _create_study(seed: int) -> Study:
    import optuna

    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=GENERATION, multivariate=True, constant_liar=True)
    return optuna.create_study(directions=["minimize"] * 3, sampler=sampler)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence optuna's logs of every trial, and its warnings of options of the sampler that are experimental."""
    import optuna

    former = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(former)


def _proposal(trial: Trial, grid: SweepGrid, n_matrices: int) -> SweepPoint:
    lowest, highest = min(grid.weight_bits), max(grid.weight_bits)
    weight_bits = tuple(trial.suggest_int(f"weight_bits_{k}", lowest, highest) for k in range(n_matrices))
    return SweepPoint(
        weight_bits=weight_bits if len(set(weight_bits)) > 1 else weight_bits[0],
        payload_bits=trial.suggest_int("payload_bits", min(grid.payload_bits), max(grid.payload_bits)),
        theta=_one_of(trial, "theta", grid.theta),
        n_steps=_one_of(trial, "n_steps", grid.n_steps),
        activity=_one_of(trial, "activity", grid.activity),
    )


def _one_of(trial: Trial, name: str, values: Sequence[Any]) -> Any:
    return trial.suggest_categorical(name, list(values)) if len(values) > 1 else values[0]


def _report_costs(study: Study, trial: Trial, row: SweepRow) -> None:
    """Report to the sampler what its proposal costs, in decades: its volumes should not be ruled by the largest unit."""
    from optuna.trial import TrialState

    if row.costs is None or min(row.costs) <= 0:
        study.tell(trial, state=TrialState.FAIL)
    else:
        study.tell(trial, [math.log10(cost) for cost in row.costs])
