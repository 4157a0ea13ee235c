"""Calls on a Dask cluster: one that runs at an address, or workers of this machine that live as long as the work does.

A call whose worker is lost is done again by another one. Nothing waits for ever: an address where no scheduler answers, a
cluster without workers, workers with another version of this package, and calls that take worker after worker with them each
end in an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, Queue
from typing import TYPE_CHECKING

from ...base.arrays import Record
from ...base.checks import check_range, check_whole, raise_violations
from ...base.errors import NeuroPinnError, SimulationError, SpecError
from ...base.extras import import_extra
from .local_workers import LocalWorkers
from .task_pool import Call, LocalPool, Outcome, TaskPool

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 10.0
"""Longest time that a scheduler may take to answer."""
WORKER_SECONDS = 60.0
"""Longest time that a cluster may be without any worker: a new one starts within it, even on a busy machine."""
CALLS_PER_WORKER = 2
"""Calls under way for each worker: one that runs, and one that waits with its data there."""
POLL_SECONDS = 0.5
"""Time between two looks at the workers while a call is waited for."""
MAX_WORKERS = 1024
"""Largest number of workers, far above use: more processes of one machine are a typing mistake."""
SETTINGS = {
    "distributed.comm.timeouts.connect": f"{CONNECT_SECONDS:.0f}s",
    "distributed.admin.large-graph-warning-threshold": "1GB",  # a call carries its points, so that they outlive a worker
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterChoice(Record):
    """The place of the work: a cluster at an address, so many local workers, or with neither this process."""

    address: str | None = None
    """Address of a Dask scheduler, as tcp://host:8786."""
    n_workers: int = 0
    """Number of worker processes of this machine."""

    def __post_init__(self) -> None:
        found = [*check_whole("--workers", self.n_workers)]
        raise_violations(found or check_range("--workers", self.n_workers, 0, MAX_WORKERS))
        if self.address is not None and self.n_workers:
            repair = "Give one of them: a cluster has the workers that it has."
            raise SpecError("--workers", "be left out beside --cluster", self.n_workers, repair)

    @property
    def is_this_process(self) -> bool:
        """Whether the work is done in this process."""
        return self.address is None and not self.n_workers


IN_THIS_PROCESS = ClusterChoice()


@contextlib.contextmanager
def open_pool(choice: ClusterChoice) -> Iterator[TaskPool]:
    """Open the chosen pool, and close it at the end: calls still under way are dropped.

    Raises:
        SimulationError: If distributed is not installed, no scheduler answers at the address, it has no workers, or they
            have another version of this package.
    """
    if choice.is_this_process:
        yield LocalPool()
        return
    import_extra("distributed", "dask")
    import dask

    with dask.config.set(SETTINGS):
        if choice.address is None:
            with _local_pool(choice.n_workers) as pool:
                yield pool
        else:
            with _remote_pool(choice.address) as pool:
                yield pool


@contextlib.contextmanager
def _local_pool(n_workers: int) -> Iterator[DaskPool]:
    from distributed import Client, LocalCluster
    from distributed.utils import silence_logging_cmgr

    with contextlib.ExitStack() as stack:
        # Until the event loop has stopped: the cluster's own silence ends before, when connections to ended workers break.
        stack.enter_context(silence_logging_cmgr(logging.CRITICAL))
        scheduler = LocalCluster(
            n_workers=0,
            processes=False,
            protocol="tcp://",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # any free port: other clusters of this machine have theirs
            silence_logs=logging.CRITICAL,
        )
        client = stack.enter_context(Client(stack.enter_context(scheduler), set_as_default=False))
        workers = LocalWorkers(scheduler.scheduler_address, n_workers)
        stack.callback(workers.end)
        yield DaskPool(client, n_workers, workers.tend)


@contextlib.contextmanager
def _remote_pool(address: str) -> Iterator[DaskPool]:
    from distributed import Client

    where = f"Dask cluster {address}"
    repair = "Start one with `dask scheduler` and `dask worker ADDRESS`, and give the address that it prints."
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, asyncio.TimeoutError, ValueError) as error:
        rule = f"have a scheduler that answers within {CONNECT_SECONDS:.0f} s"
        raise SimulationError(where, rule, str(error) or type(error).__name__, repair) from error
    with client:
        n_workers = _checked_workers(client, where)
        yield DaskPool(client, n_workers, _absence_watch(client, where))


def _checked_workers(client: Client, where: str) -> int:
    """Count the workers that are there, and check that they have this version of the package."""
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except asyncio.TimeoutError as error:
        repair = "Start some: `dask worker ADDRESS`."
        rule = f"have at least one worker within {CONNECT_SECONDS:.0f} s"
        raise SimulationError(where, rule, "none", repair) from error
    from ... import __version__

    try:
        versions: dict[str, str] = client.run(package_version)
    except ImportError as error:
        repair = f"Install it there: `pip install neuropinn-lava=={__version__}`."
        raise SimulationError(where, "have workers that have this package", error, repair) from error
    for name, version in versions.items():
        if version != __version__:
            repair = "Install the same version on both sides: results must not depend on who computes them."
            got = f"{version} on {name}"
            raise SimulationError(where, f"have workers with version {__version__} of this package", got, repair)
    return len(versions)


def package_version() -> str:
    """Return the version of this package in the process that calls this."""
    from ... import __version__

    return __version__


def _absence_watch(client: Client, where: str) -> Callable[[], None]:
    """Return a function that raises when a cluster has had no worker for too long, or does not answer any more."""
    last_seen = time.monotonic()

    def check() -> None:
        """Raise if the scheduler is gone, or if no worker has been there for `WORKER_SECONDS`."""
        nonlocal last_seen
        if client.status != "running":
            repair = "Start the cluster again; what is finished and kept is not done twice."
            raise SimulationError(where, "have a scheduler that runs until the work is done", client.status, repair)
        if client.scheduler_info()["workers"]:
            last_seen = time.monotonic()
        elif time.monotonic() - last_seen > WORKER_SECONDS:
            rule = f"never be without a worker for {WORKER_SECONDS:.0f} s"
            raise SimulationError(where, rule, "none left", "Start some: `dask worker ADDRESS`.")

    return check


class DaskPool:
    """A pool that does calls on a cluster."""

    def __init__(self, client: Client, n_workers: int, tend: Callable[[], None]) -> None:
        self.n_under_way = CALLS_PER_WORKER * n_workers
        self._client, self._tend = client, tend
        self._futures: dict[str, Future] = {}
        self._done: Queue[str] = Queue()

    def submit(self, call: Call) -> None:
        """Send a call to the cluster, arguments included; it begins when a worker is free."""
        key = f"{call.name} {time.monotonic_ns()}"
        future = self._client.submit(call.function, *call.arguments, key=key, pure=False)
        self._futures[call.name] = future
        future.add_done_callback(lambda _: self._done.put(call.name))

    def next_outcome(self) -> Outcome:
        """Wait for a call to end, whichever it is.

        Raises:
            SimulationError: If worker after worker was lost at it, or the cluster is gone.
        """
        while True:
            self._tend()
            with contextlib.suppress(Empty):
                name = self._done.get(timeout=POLL_SECONDS)
                return _outcome(name, self._futures.pop(name))


def _outcome(name: str, future: Future) -> Outcome:
    """Return the outcome of a future that is done.

    Raises:
        SimulationError: If worker after worker was lost at this call, or the cluster forgot it.
        Exception: What the call raised, if it is none of the package's own errors.
    """
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    try:
        return Outcome(name=name, value=future.result())
    except NeuroPinnError as error:
        return Outcome(name=name, error=error)
    except KilledWorker as error:
        repair = "It takes its workers with it: run it in this process to see why, or give workers more memory."
        got = "several workers that were lost at it"
        raise SimulationError(f"Dask task {name!r}", "be done by a worker that outlives it", got, repair) from error
    except CancelledError as error:
        repair = "Start the cluster again; what is finished and kept is not done twice."
        raise SimulationError(f"Dask task {name!r}", "have a scheduler that keeps it", "cancelled", repair) from error
