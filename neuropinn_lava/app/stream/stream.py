"""The verb `stream`: any number of points through any backend into a file, in constant memory, resumable.

    summary = nl.stream(chip, "points.npy", "u.npy", backend="lava")

Blocks of points are evaluated in order; what a block gives is written before the next one is looked at. Who evaluates them is a
function from blocks to traces (`Evaluate`): here one after the other on one machine.
"""

from __future__ import annotations

import functools
import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...base.arrays import FloatArray
from ...base.checks import raise_violations
from ...base.errors import SpecError, Violation
from ...base.points import without_graph
from ...engine.trace import Backend, LavaMode, LayerModel, RunTrace
from ...network.given_networks import checked_network
from ...network.quantized import Network
from ..verbs.network_domain import count_outside, output_names, warn_of_count
from ..verbs.run import LavaChoices, run_chosen
from .arrays_io import PointFile, open_points
from .row_files import RowFile

Evaluate = Callable[[Network, Iterator[FloatArray], Callable[[int], None]], Iterator[RunTrace]]
"""Gives the traces of blocks of points (n, n_in), in order: `evaluate(network, blocks, tell)`; the blocks have the lengths in
which they are to be run. It may take several blocks before it gives the first trace. `tell(n)` says that n samples of those
whose traces have not been given yet are finished."""
Points = str | Path | PointFile | FloatArray | Iterable[FloatArray]
"""A file, by its path or opened, an array, or arrays (n, n_in) of any lengths, as a generator gives them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamProgress:
    """How far a stream is."""

    n_done: int
    """Points whose outputs are known, those of an earlier run included."""
    n_resumed: int
    """Points of an earlier run, not evaluated again."""
    n_points: int | None
    """Points in all; None where only the end will tell."""
    seconds: float
    """Since this run began."""

    @property
    def rate(self) -> float:
        """Points a second, in this run."""
        return (self.n_done - self.n_resumed) / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSummary:
    """What a finished stream leaves besides its file."""

    path: Path
    """Where the outputs are, (n_samples, n_out)."""
    network_digest: str
    """Of the network that ran."""
    backend: Backend
    """Who computed."""
    mode: LavaMode | None
    """How samples went through Lava; None elsewhere."""
    n_samples: int
    """Points in all."""
    n_resumed: int
    """Points that an earlier run had evaluated."""
    n_saturated: int
    """Values that a word could not hold."""
    n_outside: int
    """Points outside the domain that the network was trained on."""
    seconds: float
    """Of all runs together, from start to finish."""


def stream(
    network: Network,
    points: Points,
    out: str | Path,
    *,
    backend: Backend | str = Backend.LAVA,
    mode: LavaMode | str | None = None,
    block_size: int | None = None,
    resume: bool = False,
    on_progress: Callable[[StreamProgress], None] | None = None,
    evaluate: Evaluate | None = None,
    model: LayerModel | str | None = None,
    batch_size: int | None = None,
    n_cores: int | None = None,
    time_limit: float | None = None,
) -> StreamSummary:
    """Evaluate a network at any number of points, and write the outputs block by block.

    Memory does not grow with the number of points. The file appears under its name when it is complete; until then it is
    `NAME.part`. An interrupted stream goes on behind its last block with `resume`, to the same bytes.

    Args:
        network: Float or quantized.
        points: A file (.npy, .csv, .h5), which may be opened already, an array (n, n_in), or an iterable of such arrays.
        out: File for the outputs: .npy, .csv or .h5.
        backend: As in `run`.
        mode: How samples go through Lava; None is batched. This and the last four options are for the backend `lava`.
        block_size: Points of a block; None chooses. No output depends on it.
        resume: Go on with an interrupted stream to the same file, if there is one. An iterable must give the same points again.
        on_progress: Called now and then.
        evaluate: Who computes the blocks; None runs them one after the other in this process.
        model: As in `run`, for every block, like the next three.
        batch_size: Samples in a message on Lava.
        n_cores: Cores that a Lava run may use.
        time_limit: Seconds after which the run of a block is ended with an error.

    Raises:
        SpecError: If the points are not what the network takes, an interrupted stream is not the same one, or an option would
            have no effect.
        FileFormatError: If a file of points cannot be read.
        SimulationError: If a run fails; the blocks before it are kept and can be resumed.
    """
    held = checked_network(network, "stream.network")
    choices = LavaChoices.of("stream", backend, mode, model, batch_size, n_cores, time_limit)
    compute = evaluate or functools.partial(one_after_the_other, choices=choices)
    summary = stream_blocks(
        held,
        PointSource.of(points),
        out,
        choices,
        compute,
        block_size=block_size,
        resume=resume,
        on_progress=on_progress,
    )
    warn_of_count(held, summary.n_outside, summary.n_samples, "stream")
    return summary


def stream_blocks(
    network: Network,
    source: PointSource,
    out: str | Path,
    choices: LavaChoices,
    compute: Evaluate,
    *,
    block_size: int | None,
    resume: bool,
    on_progress: Callable[[StreamProgress], None] | None,
) -> StreamSummary:
    """Do what `stream` does, with its arguments checked; who calls it tells of points outside."""
    from ...hardware_sim.lava.streaming import rejoined, suitable_block

    size = block_size or suitable_block(network, choices.lava_mode)
    identity = _identity(network, source, choices)
    with RowFile.open(out, output_names(network), resume=resume) as rows:
        _check_same(rows, identity)
        tally = _Tally(network, rows, source.n_points, on_progress)
        blocks = rejoined(source.blocks(rows.n_rows), size, network.n_in, rows.n_rows)
        _write_rows(rows, compute(network, tally.counted(blocks), tally.tell), tally, identity)
    return StreamSummary(
        path=rows.path,
        network_digest=network.digest(),
        backend=choices.backend,
        mode=choices.lava_mode if choices.backend is Backend.LAVA else None,
        n_samples=rows.n_rows,
        n_resumed=tally.n_resumed,
        **tally.notes(),
    )


def _write_rows(rows: RowFile, traces: Iterator[RunTrace], tally: _Tally, identity: dict[str, str | None]) -> None:
    """Write what each block gives as soon as it is there, and finish the file.

    Raises:
        SpecError: If there was no point at all.
    """
    for trace in traces:
        tally.add(trace)
        rows.append(trace.outputs, identity | tally.notes())
        tally.tell(0)
    if not rows.n_rows:
        raise SpecError("stream.points", "hold at least one point", 0, "Give some points.")
    rows.finish()


def one_after_the_other(
    network: Network,
    blocks: Iterator[FloatArray],
    tell: Callable[[int], None],
    *,
    choices: LavaChoices,
) -> Iterator[RunTrace]:
    """Evaluate blocks here, each when its turn has come."""
    for block in blocks:
        yield run_chosen(network, block, choices, on_progress=lambda done, _: tell(done))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointSource:
    """Where points come from."""

    n_points: int | None
    """How many there are, None where only the end will tell."""
    fingerprint: str | None
    """By which the same points are known again, None where they are not kept anywhere."""
    blocks: Callable[[int], Iterator[FloatArray]]
    """Gives the points from a number on, in arrays (n, n_in) of any lengths."""

    @classmethod
    def of(cls, points: Points) -> PointSource:
        """Look at a file's head, an array's shape, or nothing of an iterable.

        Raises:
            SpecError: If a file's ending is unknown.
            FileFormatError: If a file of points cannot be read.
        """
        points = without_graph(points)
        if isinstance(points, (str, Path, PointFile)):
            file = open_points(points)
            return cls(n_points=file.n_points, fingerprint=file.fingerprint, blocks=file.blocks)
        if isinstance(points, np.ndarray):
            digest = hashlib.sha256(np.ascontiguousarray(points).data).hexdigest()
            return cls(
                n_points=len(points), fingerprint=f"sha256 {digest}", blocks=functools.partial(_array_blocks, points)
            )
        return cls(n_points=None, fingerprint=None, blocks=functools.partial(_skipping, points))


def _array_blocks(points: FloatArray, first: int) -> Iterator[FloatArray]:
    from ...hardware_sim.lava.streaming import slices

    return slices(points[first:])


def _skipping(arrays: Iterable[FloatArray], n_rows: int) -> Iterator[FloatArray]:
    """Leave out the first rows of consecutive arrays."""
    for array in arrays:
        yield array[n_rows:] if n_rows else array
        n_rows = max(0, n_rows - len(array))


def _identity(network: Network, source: PointSource, choices: LavaChoices) -> dict[str, str | None]:
    """Tell what makes two streams give the same rows; the mode is not among it, but who resumes means to keep it."""
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
    mend = "Resume with what it was begun with, or start again without resuming."
    raise_violations(
        Violation(f"unfinished {rows.path}", f"have the {name} of this stream, {ours}", rows.notes.get(name), mend)
        for name, ours in identity.items()
        if rows.notes.get(name) != ours
    )


class _Tally:
    """What a stream counts as it goes, this run on top of the ones before."""

    def __init__(
        self,
        network: Network,
        rows: RowFile,
        n_points: int | None,
        on_progress: Callable[[StreamProgress], None] | None,
    ) -> None:
        self.n_resumed = rows.n_rows
        self._network, self._rows = network, rows
        self._n_points, self._on_progress = n_points, on_progress
        self._start = time.perf_counter()
        self._before: float = rows.notes.get("seconds", 0.0)
        self._n_saturated: int = rows.notes.get("n_saturated", 0)
        self._n_outside: int = rows.notes.get("n_outside", 0)
        self._outside: deque[int] = deque()

    def counted(self, blocks: Iterable[FloatArray]) -> Iterator[FloatArray]:
        """Pass blocks on, and count which of their points lie outside the domain."""
        for block in blocks:
            self._outside.append(count_outside(self._network, block))
            yield block

    def add(self, trace: RunTrace) -> None:
        """Count the block whose trace this is, the first one that has not been counted yet."""
        self._n_saturated += trace.n_saturated
        self._n_outside += self._outside.popleft()

    def notes(self) -> dict[str, Any]:
        """Give the counts; an interrupted stream keeps them in its record."""
        seconds = self._before + time.perf_counter() - self._start
        return {"n_saturated": self._n_saturated, "n_outside": self._n_outside, "seconds": seconds}

    def tell(self, n_more: int) -> None:
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
