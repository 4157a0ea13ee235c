"""A local Dask worker's own process: `python -m neuropinn_lava.app.workers.dask_worker tcp://127.0.0.1:8786`.

It is a process of its own and no child of multiprocessing: such a child may be daemonic, which forbids Lava its processes, and
has its start method fixed, which makes Lava's import fail. It lives as long as its standard input is open, so that it
ends with whoever started it, however that one ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading

MEMORY_UNLIMITED = 0
"""Dask's value for no limit of memory: it would pause or end workers by its own measure, though blocks are small."""
STANDARD_INPUT = 0
"""File descriptor of the standard input."""


def main() -> None:
    """Serve one call at a time until the scheduler or the parent has gone."""
    threading.Thread(target=_end_with_parent, name="standard input", daemon=True).start()
    asyncio.run(_serve(sys.argv[1]))
    os._exit(0)  # a thread may be at work still; nobody waits for its result


async def _serve(scheduler: str) -> None:
    from distributed import Worker  # it sets up its loggers when it is imported

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    async with Worker(
        scheduler, nthreads=1, host="127.0.0.1", dashboard=False, memory_limit=MEMORY_UNLIMITED, death_timeout=30
    ) as worker:
        await worker.finished()


def _end_with_parent() -> None:
    while os.read(STANDARD_INPUT, 1):  # not through sys.stdin, whose lock a forked process would inherit and wait for
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
