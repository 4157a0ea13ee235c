"""Worker processes of a local cluster: they are started, started again where one is lost, and ended for certain.

Each is a session of its own, so that Ctrl-C reaches the caller alone. The scheduler gives the call of a lost worker to another
one.
"""

from __future__ import annotations

import os
import subprocess
import sys

from ...base.errors import SimulationError

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""Environment of the workers: they share the cores, and libraries that took all of them would wait for one another."""
WORKER_MODULE = "neuropinn_lava.app.workers.dask_worker"
"""Module that the worker processes run."""
MAX_LOST = 20
"""Largest number of lost workers in all: more of them do not die of accidents."""


class LocalWorkers:
    """The worker processes of one scheduler."""

    def __init__(self, scheduler: str, n_workers: int) -> None:
        self._scheduler = scheduler
        self._processes = [self._start() for _ in range(n_workers)]
        self.n_lost = 0
        """Number of workers that have been started again."""

    def tend(self) -> None:
        """Start a worker for each that has ended.

        Raises:
            SimulationError: If so many have ended that another one would, too.
        """
        for place, process in enumerate(self._processes):
            if (code := process.poll()) is None:
                continue
            self.n_lost += 1
            if self.n_lost > MAX_LOST:
                got = f"{self.n_lost} that ended, the last one with exit code {code}"
                repair = (
                    "Look at what they printed; if the kernel ended them for want of memory, ask for fewer workers."
                )
                raise SimulationError("local Dask workers", "live until the work is done", got, repair)
            self._close(process)
            self._processes[place] = self._start()

    def end(self) -> None:
        """Kill all workers, whatever they do."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            self._close(process)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", WORKER_MODULE, self._scheduler],
            stdin=subprocess.PIPE,
            env=os.environ | ONE_THREAD,
            start_new_session=True,
        )

    def _close(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
