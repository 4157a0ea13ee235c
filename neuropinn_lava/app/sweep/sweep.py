"""The verb `sweep`: how many bits, which threshold, how many steps, for which error and which energy?

    found = nl.sweep("poisson", nl.SweepGrid(weight_bits=(4, 6, 8), theta=(0.02, 0.05)), out="sweep/")
    found.chosen.name, found.chosen_network

Every point is trained, tuned, deployed and profiled; points that differ in their words only share a training. What is finished
is kept in a cache and never done twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ...base.errors import SpecError, TrainingError
from ..workers.dask_pool import IN_THIS_PROCESS, ClusterChoice
from .cache import SweepCache, default_cache
from .folder import check_sweep_directory, write_sweep
from .grid import SweepGrid, SweepPoint
from .plan import SweepPlan, plan_sweep
from .result import Sweep
from .run import SweepProgress, SweepRun
from .work import MeasuredPoint

DEFAULT_GRID = SweepGrid()
DEFAULT_FACTOR = 2.0
"""Of the lowest error: what the chosen model may have."""


def sweep(
    problem: str | SweepPlan,
    grid: SweepGrid = DEFAULT_GRID,
    *,
    out: str | Path | None = None,
    search: int | None = None,
    error_factor: float = DEFAULT_FACTOR,
    cluster: ClusterChoice = IN_THIS_PROCESS,
    cache: str | Path | None = None,
    force: bool = False,
    on_progress: Callable[[SweepProgress], None] = lambda progress: None,
    on_note: Callable[[str], None] = lambda note: None,
) -> Sweep:
    """Train, tune, deploy and profile a problem's network at every point of a grid, and choose one.

    Args:
        problem: Name of the problem, or what `plan_sweep` makes of one with options.
        grid: What is varied.
        out: Folder for table, figure and the chosen network; None writes none.
        search: So many points proposed by optuna within the grid's ranges; None measures the whole grid.
        error_factor: What the chosen model's error may be, in units of the lowest one; at least 1.
        cluster: Who does the work.
        cache: Folder of finished work; None takes the user's cache.
        force: Write into a folder that holds something else.
        on_progress: Called with every training and point that ends.
        on_note: Called with what a user should know, as a damaged entry of the cache.

    Raises:
        SpecError: If problem, grid, options, folder or cache are refused; nothing has been trained then.
        SimulationError: If the cluster cannot be reached, or Lava or optuna are missing; what is finished is kept.
        TrainingError: If no point could be measured.
    """
    start = time.perf_counter()
    plan = plan_sweep(problem) if isinstance(problem, str) else problem
    _check(plan, grid, error_factor, search)
    if out is not None:
        check_sweep_directory(out, force)
    store = SweepCache(cache or default_cache(), on_note)
    with SweepRun(plan, store, cluster, search or len(grid.points), on_progress) as run:
        points = _searched(plan, grid, search, run) if search is not None else grid.points
        found = _compared(plan, points, search or len(points), run, error_factor, start)
    if out is not None:
        write_sweep(found, out, force)
    return found


def _check(plan: SweepPlan, grid: SweepGrid, error_factor: float, search: int | None) -> None:
    """Refuse what can be known to be wrong before anything is trained."""
    if not error_factor >= 1.0:
        mend = "Give a factor on the lowest error, such as 2."
        raise SpecError("sweep.error_factor", "be at least 1", error_factor, mend)
    for point in grid.points:
        plan.point_key(point)
    if search is not None:
        from .search import check_search

        check_search(search)


def _searched(plan: SweepPlan, grid: SweepGrid, n_trials: int, run: SweepRun) -> tuple[SweepPoint, ...]:
    from .search import search_points

    n_matrices = len(plan.recipe_of(grid.points[0]).network.widths) + 1

    def measure(points: Sequence[SweepPoint]) -> Sequence[MeasuredPoint]:
        run.expect_fewer(len(points) - len(set(points) - run.measured.keys()))
        return run.measure(points)

    return search_points(grid, n_trials, n_matrices, plan.seed, measure)


def _compared(
    plan: SweepPlan, points: tuple[SweepPoint, ...], n_proposed: int, run: SweepRun, error_factor: float, start: float
) -> Sweep:
    """Measure what is not measured yet, and find the front and the chosen point.

    Raises:
        TrainingError: If no point has numbers.
    """
    from ...hardware_sim.report.content.pareto import Candidate, choose_candidate

    measured = tuple(run.measure(points))
    comparable, candidates = [], []
    for k, (point, each) in enumerate(zip(points, measured, strict=True)):
        if (costs := each.row.costs) is not None:
            error, joules, bits = costs
            comparable.append(k)
            candidates.append(Candidate(name=point.name, error=error, joules=joules, synaptic_bits=bits))
    if not candidates:
        mend = "Look at the reason, and change the grid."
        got = f"{len(points)} that failed, the first one thus: {measured[0].row.failure}"
        raise TrainingError(f"sweep of {plan.problem!r}", "yield at least one point with numbers", got, mend)
    return Sweep(
        plan=plan,
        points=points,
        n_proposed=n_proposed,
        measured=measured,
        comparable=tuple(comparable),
        choice=choose_candidate(candidates, error_factor),
        n_cached=run.n_cached,
        seconds=time.perf_counter() - start,
    )
