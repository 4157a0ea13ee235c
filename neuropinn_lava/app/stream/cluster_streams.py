"""Streams whose blocks are evaluated by a pool of workers: the same file, byte for byte, as from one process.

    with open_pool(ClusterChoice(n_workers=2)) as pool:
        stream(chip, "points.npy", "u.npy", evaluate=evaluate_in(pool, LavaChoices(backend=Backend.LAVA)))

A block depends on nothing but the network and its points, so that whoever evaluates it gives the same trace; traces are taken
in the order of the blocks. A block whose worker is lost is evaluated again. Integers are the same in blocks of any size; for
floats, whose last bit may depend on it, blocks stay as they are on one machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from ...base.arrays import FloatArray
from ...engine.trace import Backend, LavaMode, LayerModel, RunTrace
from ...network.given_networks import checked_network
from ...network.quantized import Network, QuantizedNetwork
from ..verbs.network_domain import warn_of_count
from ..verbs.run import LavaChoices, run_chosen
from ..workers.dask_pool import ClusterChoice, open_pool
from ..workers.task_pool import CALLS_PER_WORKER, Call, TaskPool, in_order
from .stream import Evaluate, Points, PointSource, StreamProgress, StreamSummary, one_after_the_other, stream_blocks

SMALLEST_BLOCK = 1 << 14
"""Samples below which a block takes less time than a run of Lava takes to start."""


def stream_on_cluster(
    network: Network,
    points: Points,
    out: str | Path,
    *,
    cluster: ClusterChoice,
    backend: Backend | str = Backend.LAVA,
    mode: LavaMode | str | None = None,
    block_size: int | None = None,
    resume: bool = False,
    on_progress: Callable[[StreamProgress], None] | None = None,
    model: LayerModel | str | None = None,
    batch_size: int | None = None,
    n_cores: int | None = None,
    time_limit: float | None = None,
) -> StreamSummary:
    """Evaluate a network at any number of points on a cluster; otherwise as `stream`.

    Args:
        network: Float or quantized.
        points: A file (.npy, .csv, .h5), which may be opened already, an array (n, n_in), or an iterable of such arrays.
        out: File for the outputs: .npy, .csv or .h5.
        cluster: Who evaluates the blocks; this process does it one after the other, as `stream` does.
        backend: As in `run`.
        mode: How samples go through Lava; None is batched. This and the last four options are for the backend `lava`.
        block_size: Points of a block; None chooses, so that every worker has something to do. No integer output depends on it.
        resume: Go on with an interrupted stream, wherever it was computed.
        on_progress: Called after every block.
        model: As in `run`, for every block.
        batch_size: Samples in a message on Lava.
        n_cores: Cores that Lava may use in each worker; None gives local workers equal shares, and others all of theirs.
        time_limit: Seconds after which the run of a block is ended with an error.

    Raises:
        SimulationError: If the cluster cannot be reached, has no workers or loses one after the other at the same block, or
            if a run fails; the blocks before it are kept and can be resumed.
        SpecError: If the points are not what the network takes, an interrupted stream is not the same one, or an option would
            have no effect.
    """
    held = checked_network(network, "stream_on_cluster.network")
    choices = LavaChoices.of("stream_on_cluster", backend, mode, model, batch_size, n_cores, time_limit)
    if cluster.n_workers and n_cores is None and choices.shares_cores:
        choices = replace(choices, n_cores=_share_of_cores(cluster.n_workers))
    source = PointSource.of(points)
    to_file = partial(stream_blocks, held, source, out, choices, resume=resume, on_progress=on_progress)
    if cluster.is_this_process:
        summary = to_file(partial(one_after_the_other, choices=choices), block_size=block_size)
    else:
        with open_pool(cluster) as pool:
            n_points = source.n_points if is_exact(held, choices.backend) else None
            size = block_size or fitting_block(held, choices.lava_mode, n_points, pool.n_workers)
            summary = to_file(evaluate_in(pool, choices), block_size=size)
    warn_of_count(held, summary.n_outside, summary.n_samples, "stream_on_cluster")
    return summary


def is_exact(network: Network, backend: Backend) -> bool:
    """Tell whether outputs are the same bits whatever the blocks: those of integers are, sums of floats have an order."""
    return isinstance(network, QuantizedNetwork) and backend in (Backend.INTEGER, Backend.LAVA)


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


def evaluate_in(pool: TaskPool, choices: LavaChoices) -> Evaluate:
    """Make the function that evaluates the blocks of a stream in a pool."""

    def evaluate(network: Network, blocks: Iterator[FloatArray], tell: Callable[[int], None]) -> Iterator[RunTrace]:
        evaluate_one = partial(run_chosen, choices=choices)
        calls = (
            Call(name=f"block {number}", function=evaluate_one, arguments=(network, block))
            for number, block in enumerate(blocks)
        )
        yield from in_order(pool, calls)

    return evaluate
