"""Streams whose blocks are evaluated by a pool of workers: the same file, byte for byte, as from one process.

    with open_pool(ClusterChoice(n_workers=2)) as pool:
        stream(chip, "points.npy", "u.npy", evaluate=evaluate_in(pool, Backend.LAVA))

A block depends on nothing but the network and its points, so that whoever evaluates it gives the same trace; traces are taken
in the order of the blocks. A block whose worker is lost is evaluated again. Integers are the same in blocks of any size; for
floats, whose last bit may depend on it, blocks stay as they are on one machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ...base.arrays import FloatArray
from ...engine.trace import Backend, LavaMode, RunTrace
from ...network.quantized import Network, QuantizedNetwork
from ..verbs.deploy import run
from ..workers.dask_pool import ClusterChoice, open_pool
from ..workers.task_pool import CALLS_PER_WORKER, Call, TaskPool, in_order
from .stream import Evaluate, Points, PointSource, StreamProgress, StreamSummary, stream

SMALLEST_BLOCK = 1 << 14
"""Samples below which a block takes less time than a run of Lava takes to start."""


def stream_on_cluster(
    network: Network,
    points: Points,
    out: str | Path,
    *,
    cluster: ClusterChoice,
    backend: Backend | str = Backend.LAVA,
    mode: LavaMode | str = LavaMode.BATCHED,
    block_size: int | None = None,
    resume: bool = False,
    on_progress: Callable[[StreamProgress], None] | None = None,
    n_cores: int | None = None,
    time_limit: float | None = None,
    **options: Any,
) -> StreamSummary:
    """Evaluate a network at any number of points on a cluster; otherwise as `stream`.

    Args:
        network: Float or quantized.
        points: A file (.npy, .csv, .h5), an array (n, n_in), or an iterable of such arrays.
        out: File for the outputs: .npy, .csv or .h5.
        cluster: Who evaluates the blocks; this process does it one after the other, as `stream` does.
        backend: As in `run`.
        mode: How samples go through Lava.
        block_size: Points of a block; None chooses, so that every worker has something to do. No integer output depends on it.
        resume: Go on with an interrupted stream, wherever it was computed.
        on_progress: Called after every block.
        n_cores: Cores that Lava may use in each worker; None gives local workers equal shares, and others all of theirs.
        time_limit: Seconds after which the run of a block is ended with an error.
        options: Further ones of `run` for every block.

    Raises:
        SimulationError: If the cluster cannot be reached, has no workers or loses one after the other at the same block, or
            if a run fails; the blocks before it are kept and can be resumed.
        SpecError: If the points are not what the network takes, or an interrupted stream is not the same one.
    """
    to_file = partial(stream, network, points, out, backend=backend, mode=mode, resume=resume, on_progress=on_progress)
    cores = n_cores or (_share_of_cores(cluster.n_workers) if cluster.n_workers else None)
    options |= {"n_cores": cores, "time_limit": time_limit}
    if cluster.is_this_process:
        return to_file(block_size=block_size, **options)
    with open_pool(cluster) as pool:
        n_points = PointSource.of(points).n_points if is_exact(network, backend) else None
        size = block_size or fitting_block(network, LavaMode(mode), n_points, pool.n_workers)
        return to_file(block_size=size, evaluate=evaluate_in(pool, backend, mode=mode, **options))


def is_exact(network: Network, backend: Backend | str) -> bool:
    """Tell whether outputs are the same bits whatever the blocks: those of integers are, sums of floats have an order."""
    return isinstance(network, QuantizedNetwork) and Backend(backend) is not Backend.FLOAT


def _share_of_cores(n_workers: int) -> int:
    """Give the cores of this machine that each of its workers may use, at least one."""
    from ...hardware_sim.lava.plan import usable_cores

    return max(1, usable_cores() // n_workers)


def fitting_block(network: Network, mode: LavaMode, n_points: int | None, n_workers: int) -> int:
    """Choose the points of a block: as in a stream on one machine, or fewer, if some worker would have nothing to do."""
    from ...hardware_sim.lava.streaming import suitable_block

    size = suitable_block(network, mode)
    if n_points is None:
        return size
    smallest = min(SMALLEST_BLOCK, size)
    return max(smallest, min(size, -(-n_points // (CALLS_PER_WORKER * n_workers))))


def evaluate_in(pool: TaskPool, backend: Backend | str, **options: Any) -> Evaluate:
    """Make the function that evaluates the blocks of a stream in a pool; the options are those of `run`."""

    def evaluate(network: Network, blocks: Iterator[FloatArray], tell: Callable[[int], None]) -> Iterator[RunTrace]:
        evaluate_one = partial(run, backend=Backend(backend), **options)
        calls = (
            Call(name=f"block {number}", function=evaluate_one, arguments=(network, block))
            for number, block in enumerate(blocks)
        )
        yield from in_order(pool, calls)

    return evaluate
