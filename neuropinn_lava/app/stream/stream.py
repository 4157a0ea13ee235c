"""The verb `stream`: any number of points through any backend into a file, in constant memory, resumable.

    summary = nl.stream(chip, "points.npy", "u.npy", backend="lava", cluster=nl.ClusterChoice(n_workers=2))

Blocks of points are evaluated in a pool: this process, or workers. A block depends on nothing but the network and its points,
and traces are written in the order of the blocks, so that the file is the same, byte for byte, whoever evaluates them. For
floats, whose last bit may depend on the size of a block, blocks stay as they are in one process.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ...base.arrays import FloatArray, Record
from ...base.checks import raise_violations
from ...base.errors import SpecError, Violation
from ...engine.trace import Backend, LavaMode, LayerModel, RunTrace
from ...network.given_networks import checked_network
from ...network.quantized import Network, QuantizedNetwork
from ...network.spec import Readout
from ..lookup.network_domain import count_outside, output_names, warn_of_count
from ..verbs.run import RunChoices, run_chosen
from ..workers.dask_pool import IN_THIS_PROCESS, ClusterChoice, open_pool
from ..workers.task_pool import Call, LocalPool, TaskPool, in_order
from .point_source import Points, PointSource, suitable_block
from .row_files import RowFile

SMALLEST_BLOCK = 1 << 14
"""Samples below which a block takes less time than a run of Lava takes to start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamProgress(Record):
    """The progress of a stream."""

    n_done: int
    """Number of points whose outputs are known, those of an earlier run included."""
    n_resumed: int
    """Number of points of an earlier run, which are not evaluated again."""
    n_points: int | None
    """Number of all points; None where only the end will show it."""
    seconds: float
    """Seconds since this run began."""

    @property
    def rate(self) -> float:
        """Points per second in this run."""
        return (self.n_done - self.n_resumed) / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSummary(Record):
    """The counts of a finished stream."""

    path: Path
    """File of the outputs, (n_samples, n_out)."""
    network_digest: str
    """Digest of the network that ran."""
    backend: Backend
    """Backend that computed the outputs."""
    mode: LavaMode | None
    """Mode in which samples went through Lava; None elsewhere."""
    n_samples: int
    """Number of all points."""
    n_resumed: int
    """Number of points that an earlier run had evaluated."""
    n_saturated: int
    """Number of values that a word could not hold."""
    n_outside: int
    """Number of points outside the domain that the network was trained on."""
    seconds: float
    """Wall time of all runs together, from start to finish."""


def stream(
    network: Network,
    points: Points | PointSource,
    out: str | Path,
    *,
    backend: Backend | str = Backend.INTEGER,
    mode: LavaMode | str | None = None,
    block_size: int | None = None,
    resume: bool = False,
    on_progress: Callable[[StreamProgress], None] | None = None,
    cluster: ClusterChoice = IN_THIS_PROCESS,
    model: LayerModel | str | None = None,
    batch_size: int | None = None,
    n_cores: int | None = None,
    time_limit: float | None = None,
    device: str | None = None,
) -> StreamSummary:
    """Evaluate a network at any number of points, and write the outputs block by block.

    Memory does not grow with the number of points. The file appears under its name when it is complete; until then it is
    `NAME.part`. An interrupted stream goes on behind its last block with `resume`, to the same bytes.

    Args:
        network: Float or quantized.
        points: A file (.npy, .csv, .h5), which may be opened already, an array (n, n_in), of sequences
            (n, n_steps, n_in), or an iterable of such arrays.
        out: File for the outputs: .npy, .csv or .h5.
        backend: Backend that computes, as in `run`.
        mode: How samples go through Lava; None is batched. This and the last four options are for the backend `lava`.
        block_size: Points of a block; by default large ones, or smaller ones where a worker would have nothing to do. No
            integer output depends on it.
        resume: Whether to go on with an interrupted stream to the same file, if there is one, wherever it was computed. An
            iterable must give the same points again.
        on_progress: Called after every block; in this process also within a block.
        cluster: Workers that evaluate the blocks; this process if left out.
        model: Model of the layers, as in `run`, for every block.
        batch_size: Samples in a message on Lava.
        n_cores: Cores that Lava may use, in each worker; by default local workers get equal shares, and others all of theirs.
        time_limit: Seconds after which the run of a block is ended with an error.
        device: Microcontroller that the backend `c99` emulates, as in `run`.

    Raises:
        SpecError: If the points are not what the network takes, its read-out is that of every step, an interrupted stream is
            not the same one, or an option would have no effect.
        FileFormatError: If a file of points cannot be read.
        SimulationError: If a run fails, or the cluster cannot be reached, has no workers or loses one after the other at the
            same block; the blocks before it are kept and can be resumed.
    """
    held = checked_network(network, "stream.network")
    check_rows(held)
    choices = RunChoices.of("stream", backend, mode, model, batch_size, n_cores, time_limit, device)
    if cluster.n_workers and n_cores is None and choices.shares_cores:
        from ...hardware_sim.lava.plan import usable_cores

        choices = replace(choices, n_cores=max(1, usable_cores() // cluster.n_workers))
    summary = _write_blocks(held, PointSource.of(points), out, choices, cluster, block_size, resume, on_progress)
    warn_of_count(held, summary.n_outside, summary.n_samples, "stream")
    return summary


def check_rows(network: Network) -> None:
    """Refuse outputs of every step, which are no rows.

    Raises:
        SpecError: If the read-out is that of every step.
    """
    if network.readout is Readout.EVERY:
        repair = (
            "Add --sequence for one sequence whose rows are steps; in Python, `neuropinn_lava.run(network, sequences)`."
        )
        rule = "be MEAN or LAST, one row of outputs a sample"
        raise SpecError(f"stream: read-out of network {network.name!r}", rule, "every", repair)


def _write_blocks(
    network: Network,
    source: PointSource,
    out: str | Path,
    choices: RunChoices,
    cluster: ClusterChoice,
    block_size: int | None,
    resume: bool,
    on_progress: Callable[[StreamProgress], None] | None,
) -> StreamSummary:
    """Evaluate blocks in a pool, and write what each one gives as soon as it is there."""
    with RowFile.open(
        out, output_names(network), n_expected=source.n_points or 0, resume=resume, axes=source.axes
    ) as rows:
        identity = _identity(network, source, choices)
        _check_same(rows, identity)
        tally = _Tally(network, rows, source, on_progress)
        with open_pool(cluster) as pool:
            for trace in in_order(pool, _calls(network, source, choices, pool, tally, block_size)):
                tally.add(trace)
                rows.append(trace.outputs, identity | tally.notes())
                tally.report(0)
        if not rows.n_rows:
            raise SpecError("stream.points", "hold at least one point", 0, "Give some points.")
        rows.finish()
    return StreamSummary(
        path=rows.path,
        network_digest=network.digest(),
        backend=choices.backend,
        mode=choices.lava_mode if choices.backend is Backend.LAVA else None,
        n_samples=rows.n_rows,
        n_resumed=tally.n_resumed,
        **tally.notes(),
    )


def _calls(
    network: Network,
    source: PointSource,
    choices: RunChoices,
    pool: TaskPool,
    tally: _Tally,
    block_size: int | None,
) -> Iterator[Call]:
    """Yield the calls that evaluate the blocks behind the rows that are there; in this process they report progress."""
    size = block_size or fitting_block(network, choices, source.n_points, pool)
    here = isinstance(pool, LocalPool)
    compute = partial(run_chosen, on_progress=lambda n_done, _: tally.report(n_done)) if here else run_chosen
    for number, block in enumerate(tally.counted(source.blocks(tally.n_resumed, size, network))):
        yield Call(name=f"block {number}", function=compute, arguments=(network, block, choices))


def fitting_block(network: Network, choices: RunChoices, n_points: int | None, pool: TaskPool) -> int:
    """Choose the points of a block: as in one process, or fewer of integers where a worker would have nothing to do."""
    size = suitable_block(network, choices.lava_mode)
    is_exact = isinstance(network, QuantizedNetwork) and choices.backend not in (Backend.FLOAT, Backend.TORCH)
    if isinstance(pool, LocalPool) or n_points is None or not is_exact:  # sums of floats have an order
        return size
    return max(min(SMALLEST_BLOCK, size), min(size, -(-n_points // pool.n_under_way)))


def _identity(network: Network, source: PointSource, choices: RunChoices) -> dict[str, str | None]:
    """Return what makes two streams give the same rows; the mode does not, but who resumes means to keep it."""
    return {
        "network": network.digest(),
        "backend": choices.backend.value,
        "mode": choices.lava_mode.value if choices.backend is Backend.LAVA else None,
        "points": source.fingerprint,
    }


def _check_same(rows: RowFile, identity: dict[str, str | None]) -> None:
    """Refuse to put the rows of another stream behind those of an interrupted one."""
    if not rows.n_rows:
        return
    repair = "Resume with what it was begun with, or start again without resuming."
    raise_violations(
        Violation(f"unfinished {rows.path}", f"have the {name} of this stream, {ours}", rows.notes.get(name), repair)
        for name, ours in identity.items()
        if rows.notes.get(name) != ours
    )


class _Tally:
    """The counts of a stream, this run on top of the ones before."""

    def __init__(
        self,
        network: Network,
        rows: RowFile,
        source: PointSource,
        on_progress: Callable[[StreamProgress], None] | None,
    ) -> None:
        self.n_resumed = rows.n_rows
        self._network, self._rows = network, rows
        self._n_points, self._on_progress = source.n_points, on_progress
        self._is_grid = bool(source.axes)
        self._start = time.perf_counter()
        self._before: float = rows.notes.get("seconds", 0.0)
        self._n_saturated: int = rows.notes.get("n_saturated", 0)
        self._n_outside: int = rows.notes.get("n_outside", 0)
        self._outside: deque[int] = deque()

    def counted(self, blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
        """Pass blocks on, and count which of their points lie outside the domain."""
        for block in blocks:
            self._outside.append(count_outside(self._network, block, with_held=not self._is_grid))
            yield block

    def add(self, trace: RunTrace) -> None:
        """Count the block whose trace this is, the first one that has not been counted yet."""
        self._n_saturated += trace.n_saturated
        self._n_outside += self._outside.popleft()

    def notes(self) -> dict[str, Any]:
        """Return the counts, which an interrupted stream keeps in its record."""
        seconds = self._before + time.perf_counter() - self._start
        return {"n_saturated": self._n_saturated, "n_outside": self._n_outside, "seconds": seconds}

    def report(self, n_more: int) -> None:
        """Report progress: the rows in the file, and so many samples behind them."""
        if self._on_progress is not None:
            self._on_progress(
                StreamProgress(
                    n_done=self._rows.n_rows + n_more,
                    n_resumed=self.n_resumed,
                    n_points=self._n_points,
                    seconds=time.perf_counter() - self._start,
                )
            )
