"""The verb `sweep`: how many bits, which threshold, how many steps, for which error and which energy?

    found = nl.sweep(nl.find_problem("poisson"), nl.SweepGrid(weight_bits=(4, 6, 8), theta=(0.02, 0.05)), out="sweep/")
    found.chosen.name, found.chosen_network

Every point is trained, tuned, deployed and profiled; points that differ in their words only share a training. What is finished
is kept in a cache and never done twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from ...base.errors import SpecError, TrainingError
from ...problems.problem import PdeProblem
from ..workers.dask_pool import IN_THIS_PROCESS, ClusterChoice
from .cache import SweepCache, default_cache
from .folder import check_sweep_directory, write_sweep
from .grid import SweepGrid, SweepPoint
from .plan import SweepPlan, plan_sweep
from .result import Sweep, SweepProgress, SweepRow
from .run import SweepRun

DEFAULT_GRID = SweepGrid()
DEFAULT_FACTOR = 2.0
"""Largest error of the chosen network, in units of the lowest one."""


def sweep(
    problem: PdeProblem | SweepPlan,
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
        problem: The problem, or a plan of it (`plan_sweep`), which sets seed, energy model, target and more.
        grid: Values to combine.
        out: Folder for table, figure and the chosen network; None writes nothing.
        search: Number of points that optuna proposes within the grid's ranges; None measures the whole grid.
        error_factor: Largest error of the chosen network, in units of the lowest one; at least 1.
        cluster: Workers that train and measure; this process if left out.
        cache: Folder of the database of finished work; None takes the user's cache.
        force: Write into a folder that holds something else.
        on_progress: Called with every training and point that ends.
        on_note: Called with a sentence about each damaged entry of the cache.

    Raises:
        SpecError: If problem, grid, options, folder or cache are refused; nothing has been trained then.
        SimulationError: If the cluster cannot be reached, or Lava or optuna are missing; what is finished is kept.
        TrainingError: If no point could be measured.
    """
    start = time.perf_counter()
    plan = problem if isinstance(problem, SweepPlan) else plan_sweep(problem)
    _check(plan, grid, error_factor, search)
    if out is not None:
        check_sweep_directory(out, force)
    store = SweepCache(cache or default_cache(), on_note)
    with ExitStack() as stack:
        run = SweepRun(plan, store, cluster, search or len(grid.points), on_progress, stack)
        points = _search(plan, grid, search, run) if search is not None else grid.points
        found = _compare(plan, points, search or len(points), run, error_factor, start)
    if out is not None:
        write_sweep(found, out, force)
    return found


def _check(plan: SweepPlan, grid: SweepGrid, error_factor: float, search: int | None) -> None:
    """Check the arguments before anything is trained."""
    if not error_factor >= 1.0:
        repair = "Give a factor on the lowest error, such as 2."
        raise SpecError("sweep.error_factor", "be at least 1", error_factor, repair)
    for point in grid.points:
        plan.point_key(point)
    if search is not None:
        from .search import check_search

        check_search(search)


def _search(plan: SweepPlan, grid: SweepGrid, n_trials: int, run: SweepRun) -> tuple[SweepPoint, ...]:
    from .search import search_points

    n_matrices = len(plan.recipe_of(grid.points[0]).network.widths) + 1

    def measure(points: Sequence[SweepPoint]) -> Sequence[SweepRow]:
        run.expect_fewer(len(points) - len(set(points) - run.rows.keys()))
        return run.measure(points)

    return search_points(grid, n_trials, n_matrices, plan.seed, measure)


def _compare(
    plan: SweepPlan, points: tuple[SweepPoint, ...], n_proposed: int, run: SweepRun, error_factor: float, start: float
) -> Sweep:
    """Measure what is not measured yet, and find the front and the chosen point.

    Raises:
        TrainingError: If no point has numbers.
    """
    from ...hardware_sim.report.content.pareto import Candidate, choose_candidate

    rows = tuple(run.measure(points))
    candidates = [
        Candidate(name=row.name, error=row.costs[0], joules=row.costs[1], synaptic_bits=row.costs[2])
        for row in rows
        if row.costs is not None
    ]
    if not candidates:
        repair = "Look at the reason, and change the grid."
        got = f"{len(points)} that failed, the first one thus: {rows[0].failure}"
        raise TrainingError(f"sweep of {plan.problem.name!r}", "yield at least one point with numbers", got, repair)
    return Sweep(
        plan=plan,
        points=points,
        rows=rows,
        n_proposed=n_proposed,
        choice=choose_candidate(candidates, error_factor),
        n_cached=run.n_cached,
        seconds=time.perf_counter() - start,
    )
