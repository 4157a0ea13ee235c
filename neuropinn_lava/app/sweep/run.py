"""The running of a sweep: what is missing in the cache is trained and measured in a pool, and kept as soon as it is there.

Trainings go first; a point follows when its training has ended. Only this process touches the cache, so that workers of other
machines need no common disk, and so that nothing that has ended is lost with a worker or with Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType

from ...base.arrays import Record
from ...base.errors import TrainingError
from ..workers.dask_pool import ClusterChoice, open_pool
from ..workers.task_pool import Call, Outcome, TaskPool
from .cache import SweepCache
from .grid import SweepPoint
from .plan import SweepPlan
from .work import MeasuredPoint, TrainedNetwork, failed_point, measure_point, train_for_sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepProgress(Record):
    """How far a sweep is."""

    n_trainings: int
    """Trainings in all, as far as they are known; a search adds to them."""
    n_trained: int
    """Those that have ended, in this call or an earlier one."""
    n_points: int
    """Points in all; fewer from the moment on when a search proposes one again."""
    n_measured: int
    """Those that have ended."""
    n_cached: int
    """Those of them that an earlier call had measured."""
    latest: MeasuredPoint | None = None
    """The point that has just been measured."""


class SweepRun:
    """Measures points; a context manager, which ends the workers it started.

    Raises:
        SpecError: If the cache cannot be written.
    """

    def __init__(
        self,
        plan: SweepPlan,
        cache: SweepCache,
        cluster: ClusterChoice,
        n_points: int,
        on_progress: Callable[[SweepProgress], None],
    ) -> None:
        self._plan, self._cache, self._cluster = plan, cache, cluster
        self._n_points, self._on_progress = n_points, on_progress
        self._stack = ExitStack()
        self._pool: TaskPool | None = None
        self._trained: dict[str, TrainedNetwork] = {}
        self._trainings: set[str] = set()
        self.measured: dict[SweepPoint, MeasuredPoint] = {}
        """What has been found so far."""
        self.n_cached = 0
        """How many of them were there before."""

    def __enter__(self) -> SweepRun:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    def measure(self, points: Sequence[SweepPoint]) -> list[MeasuredPoint]:
        """Give what there is to know of each point; do what is missing.

        Raises:
            SimulationError: If the cluster fails, or Lava.
        """
        missing = [point for point in dict.fromkeys(points) if not self._is_known(point)]
        if missing:
            self._compute(missing)
        return [self.measured[point] for point in points]

    def expect_fewer(self, n_points: int) -> None:
        """Count on fewer points than announced: a search has proposed some again."""
        self._n_points -= n_points

    def _is_known(self, point: SweepPoint) -> bool:
        """Look a point up, here and in the cache."""
        if point in self.measured:
            return True
        self._trainings.add(self._plan.training_key(point))
        found = self._cache.point(self._plan.point_key(point), point)
        if found is None:
            return False
        self.n_cached += 1
        self._keep(point, found)
        return True

    def _keep(self, point: SweepPoint, measured: MeasuredPoint) -> None:
        self.measured[point] = measured
        self._tell(measured)

    def _tell(self, latest: MeasuredPoint | None = None) -> None:
        done = {measured.row.training_key for measured in self.measured.values()} | set(self._trained)
        self._on_progress(
            SweepProgress(
                n_trainings=len(self._trainings),
                n_trained=len(done),
                n_points=max(self._n_points, len(self.measured)),
                n_measured=len(self.measured),
                n_cached=self.n_cached,
                latest=latest,
            )
        )

    def _compute(self, points: Sequence[SweepPoint]) -> None:
        """Train what is not trained, and measure each point when its network is there."""
        waiting: dict[str, list[SweepPoint]] = {}
        for point in points:
            waiting.setdefault(self._plan.training_key(point), []).append(point)
        pool, named = self._opened_pool(), {point.name: point for point in points}
        for key in waiting:
            if key not in self._trained and (trained := self._cache.training(key)) is not None:
                self._trained[key] = trained
        self._tell()
        untrained = {f"training {key[:12]}": key for key in waiting if key not in self._trained}
        for name, key in untrained.items():
            pool.submit(Call(name=name, function=train_for_sweep, arguments=(self._plan, waiting[key][0])))
        for key in waiting:
            if key in self._trained:
                self._submit_points(pool, waiting[key], self._trained[key])
        n_ended = len(self.measured)
        while len(self.measured) < n_ended + len(points):
            outcome = pool.next_outcome()
            if outcome.name in untrained:
                key = untrained[outcome.name]
                self._end_training(pool, key, waiting[key], outcome)
            else:
                self._end_point(named[outcome.name], outcome)

    def _submit_points(self, pool: TaskPool, points: Iterable[SweepPoint], trained: TrainedNetwork) -> None:
        for point in points:
            pool.submit(Call(name=point.name, function=measure_point, arguments=(self._plan, point, trained)))

    def _end_training(self, pool: TaskPool, key: str, points: Sequence[SweepPoint], outcome: Outcome) -> None:
        """Keep a training, and have its points measured; where it failed, they have failed, too."""
        if isinstance(outcome.error, TrainingError):
            for point in points:
                self._finish(point, failed_point(self._plan, point, str(outcome.error)))
            return
        if outcome.error is not None:
            raise outcome.error
        self._trained[key] = outcome.value
        self._cache.keep_training(key, outcome.value)
        self._tell()
        self._submit_points(pool, points, outcome.value)

    def _end_point(self, point: SweepPoint, outcome: Outcome) -> None:
        if outcome.error is not None:
            raise outcome.error
        self._finish(point, outcome.value)

    def _finish(self, point: SweepPoint, measured: MeasuredPoint) -> None:
        self._cache.keep_point(self._plan.point_key(point), measured)
        self._keep(point, measured)

    def _opened_pool(self) -> TaskPool:
        """Open the pool when there is work for it; a call that finds everything in the cache starts no worker."""
        from ...hardware_sim.runner.lava_guard import require_lava

        if self._pool is None:
            if self._plan.with_lava and self._cluster.address is None:
                require_lava()
            self._pool = self._stack.enter_context(open_pool(self._cluster))
        return self._pool
