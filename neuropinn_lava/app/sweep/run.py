"""The running of a sweep: what is missing in the cache is trained and measured in a pool, and stored as soon as it has ended.

A point follows when its training has ended. Only this process touches the cache, so that workers of other machines need no
common disk, and nothing that has ended is lost with a worker or with Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace

from ...base.errors import TrainingError
from ..workers.dask_pool import ClusterChoice, open_pool
from ..workers.task_pool import Call, TaskPool
from .cache import SweepCache
from .grid import SweepPoint
from .plan import SweepPlan
from .result import SweepProgress, SweepRow
from .work import TrainedNetwork, build_row, measure_point, train_for_sweep


class SweepRun:
    """A run over points; the pool that it opens when there is work is closed by the caller's stack."""

    def __init__(
        self,
        plan: SweepPlan,
        cache: SweepCache,
        cluster: ClusterChoice,
        n_points: int,
        on_progress: Callable[[SweepProgress], None],
        stack: ExitStack,
    ) -> None:
        self._plan, self._cache, self._cluster = plan, cache, cluster
        self._n_points, self._on_progress = n_points, on_progress
        self._stack = stack
        self._pool: TaskPool | None = None
        self._trained: dict[str, TrainedNetwork] = {}
        self._trainings: set[str] = set()
        self.rows: dict[SweepPoint, SweepRow] = {}
        """Rows of the points that have been measured so far."""
        self.n_cached = 0
        """Number of points that were in the cache."""

    def measure(self, points: Sequence[SweepPoint]) -> list[SweepRow]:
        """Return the row of each point; train and measure what is missing.

        Raises:
            SimulationError: If the cluster fails, or Lava.
            SpecError: If the cache cannot be written any more.
        """
        missing = [point for point in dict.fromkeys(points) if not self._find(point)]
        if missing:
            self._compute(missing)
        return [self.rows[point] for point in points]

    def expect_fewer(self, n_points: int) -> None:
        """Lower the announced number of points: a search has proposed some again."""
        self._n_points -= n_points

    def _find(self, point: SweepPoint) -> bool:
        """Look a point up, here and in the cache, and return whether it is there."""
        if point in self.rows:
            return True
        self._trainings.add(self._plan.training_key(point))
        found = self._cache.read_point(self._plan.point_key(point))
        if found is None:
            return False
        self.n_cached += 1
        self._add(point, replace(found, name=point.name))  # a value that is the recipe's own may be named or left out
        return True

    def _add(self, point: SweepPoint, row: SweepRow) -> None:
        self.rows[point] = row
        self._report(row)

    def _report(self, latest: SweepRow | None = None) -> None:
        done = {row.training_key for row in self.rows.values()} | set(self._trained)
        self._on_progress(
            SweepProgress(
                n_trainings=len(self._trainings),
                n_trained=len(done),
                n_points=max(self._n_points, len(self.rows)),
                n_measured=len(self.rows),
                n_cached=self.n_cached,
                latest=latest,
            )
        )

    def _compute(self, points: Sequence[SweepPoint]) -> None:
        """Train what is not trained, and measure each point when its network is there."""
        plan, pool = self._plan, self._open_pool()
        waiting: dict[str, list[SweepPoint]] = {}
        for point in points:
            waiting.setdefault(plan.training_key(point), []).append(point)
        for key in [key for key in waiting if key not in self._trained]:
            if (trained := self._cache.read_training(key)) is not None:
                self._trained[key] = trained
        self._report()
        trainings = {f"training {key[:12]}": key for key in waiting if key not in self._trained}
        for name, key in trainings.items():
            pool.submit(Call(name=name, function=train_for_sweep, arguments=(plan, waiting[key][0])))
        for key in [key for key in waiting if key in self._trained]:
            self._submit_points(pool, waiting[key], self._trained[key])
        named, n_wanted = {point.name: point for point in points}, len(self.rows) + len(points)
        while len(self.rows) < n_wanted:
            outcome = pool.next_outcome()
            trained_key = trainings.get(outcome.name)
            if trained_key is not None and isinstance(outcome.error, TrainingError):  # its points have failed, too
                for point in waiting[trained_key]:
                    self._finish(point, build_row(plan, point, failure=str(outcome.error)))
            elif outcome.error is not None:
                raise outcome.error
            elif trained_key is None:
                self._finish(named[outcome.name], outcome.value)
            else:
                self._trained[trained_key] = outcome.value
                self._cache.write_training(trained_key, outcome.value)
                self._report()
                self._submit_points(pool, waiting[trained_key], outcome.value)

    def _submit_points(self, pool: TaskPool, points: Iterable[SweepPoint], trained: TrainedNetwork) -> None:
        for point in points:
            pool.submit(Call(name=point.name, function=measure_point, arguments=(self._plan, point, trained)))

    def _finish(self, point: SweepPoint, row: SweepRow) -> None:
        self._cache.write_point(self._plan.point_key(point), row)
        self._add(point, row)

    def _open_pool(self) -> TaskPool:
        """Open the pool when there is work for it; a call that finds everything in the cache starts no worker."""
        from ...hardware_sim.runner.lava_guard import require_lava

        if self._pool is None:
            if self._plan.with_lava and self._cluster.address is None:
                require_lava()
            self._pool = self._stack.enter_context(open_pool(self._cluster))
        return self._pool
