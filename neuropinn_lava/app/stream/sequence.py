"""One long sequence through a network, from a file into a file: rows are steps, and a state carries over from call to call.

The sequence goes through in blocks of steps, each of which continues where the one before has ended; integers do not depend
on the blocks. Where a run cannot continue, as on Lava one sample at a time, the whole sequence is one block.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...base.arrays import BoolArray, FloatArray, Record
from ...base.errors import FileFormatError, SpecError
from ...engine.state import RunState
from ...engine.trace import Backend, LavaMode, LayerModel
from ...network.given_points import MAX_SEQUENCE
from ...network.quantized import Network
from ...network.spec import Readout
from ..lookup.network_domain import count_outside, output_names, warn_of_count
from ..lookup.networks import float_network
from ..verbs.run import RunChoices, run_chosen
from .arrays_io import PointFile, numbered_lines, open_points
from .row_files import RowFile
from .stream import StreamProgress

BACKENDS = (Backend.INTEGER, Backend.FLOAT, Backend.LAVA, Backend.C99)
"""Engines that run a sequence of any length step by step."""
BLOCK_STEPS = 1 << 12
"""Steps of a block: a second of work beside a fifth of a second in which a run of Lava starts."""
UNEVEN = 0.01
"""Largest deviation of an interval from the first, as a share of it: printed times are rounded, a missing row is one off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceSummary(Record):
    """The counts of a sequence that was run."""

    path: Path
    """File of the outputs, one row for each step."""
    backend: Backend
    """Backend that computed the outputs."""
    mode: LavaMode | None
    """Mode in which steps went through Lava; None elsewhere."""
    n_steps: int
    """Number of steps of this call."""
    n_before: int
    """Number of steps of earlier calls."""
    n_saturated: int
    """Number of values that saturated."""
    n_outside: int
    """Number of steps outside the domain that the network was trained on."""
    seconds: float
    """Seconds of this call."""


def stream_sequence(
    network: Network,
    points: str | Path | PointFile,
    out: str | Path,
    choices: RunChoices,
    *,
    state: RunState | None = None,
    has_times: bool = False,
    on_progress: Callable[[StreamProgress], None] | None = None,
) -> tuple[SequenceSummary, RunState | None]:
    """Evaluate a network at every row of a file, which are the steps of one sequence.

    Args:
        network: Float or quantized; its inputs are sequences, and it has outputs at every step.
        points: The file, .npy, .csv or .h5: one row for each step, (n_steps, n_in).
        out: File for the outputs, .npy, .csv or .h5: (n_steps, n_out). It appears under its name when it is complete.
        choices: Backend, and how Lava runs.
        state: Where an earlier call has ended; None begins anew.
        has_times: Whether the first column holds the times of the rows, which must be even; the network does not see them.
        on_progress: Called after every block.

    Returns:
        Counts, and the state behind the last step; None on Lava where a run cannot continue.

    Raises:
        SpecError: If the network has no outputs at every step, the backend is none of `BACKENDS`, the state is another
            network's, a row or a number is missing, or times are uneven; such steps are named.
        FileFormatError: If the file cannot be read.
        SimulationError: If a run fails.
    """
    check_steps(network, choices, state)
    begun, file = time.perf_counter(), open_points(points)
    runs = float_network(network) if choices.backend is Backend.FLOAT else network
    held = (RunState.begin(runs, 1) if state is None else state) if continues(choices) else None
    blocks = _blocks(file, float_network(network).n_in, has_times, whole=held is None)
    with RowFile.open(out, output_names(network), n_expected=file.n_points) as rows:
        try:
            n_saturated, n_outside = 0, 0
            for block in blocks:
                trace = run_chosen(runs, block[None], choices, state=held)
                held = trace.state
                n_saturated, n_outside = n_saturated + trace.n_saturated, n_outside + count_outside(network, block)
                rows.append(trace.outputs[0], {})
                if on_progress is not None:
                    on_progress(_progress(rows.n_rows, file.n_points, begun))
        except BaseException:
            rows.discard()
            raise
        rows.finish()
    warn_of_count(network, n_outside, rows.n_rows, "run")
    return SequenceSummary(
        path=rows.path,
        backend=choices.backend,
        mode=choices.lava_mode if choices.backend is Backend.LAVA else None,
        n_steps=rows.n_rows,
        n_before=0 if state is None else state.step,
        n_saturated=n_saturated,
        n_outside=n_outside,
        seconds=time.perf_counter() - begun,
    ), held


def _progress(n_done: int, n_points: int, begun: float) -> StreamProgress:
    """Return the progress of a sequence that began at a time of `time.perf_counter`."""
    return StreamProgress(n_done=n_done, n_resumed=0, n_points=n_points, seconds=time.perf_counter() - begun)


def continues(choices: RunChoices) -> bool:
    """Return whether a run of these choices can begin from a state: all but Lava's nodes and single samples can."""
    whole = choices.lava_mode is LavaMode.BATCHED and choices.model in (None, LayerModel.WHOLE)
    return choices.backend is not Backend.LAVA or whole


def check_steps(network: Network, choices: RunChoices, state: RunState | None = None) -> None:
    """Check that a network runs step by step on a backend, and from a state if one is given.

    Raises:
        SpecError: If it does not.
    """
    source = float_network(network)
    if not all(each.is_sequence for each in source.inputs):
        repair = "Leave --sequence out; in Python, `neuropinn_lava.run(network, sequences)` takes constants beside sequences."
        got = ", ".join(each.name for each in source.inputs if not each.is_sequence)
        raise SpecError(f"run.sequence: network {network.name!r}", "have inputs that are sequences", got, repair)
    if network.readout is not Readout.EVERY:
        repair = (
            "Leave --sequence out, and give the sequences as an array (n, n_steps, d): one row of outputs for each."
        )
        rule = "have outputs at every step"
        raise SpecError(f"run.sequence: network {network.name!r}", rule, network.readout.value, repair)
    if choices.backend not in BACKENDS:
        repair = "Evaluate whole sequences there in Python, `neuropinn_lava.run(network, sequences, backend=…)`."
        rule = f"be on a backend out of {', '.join(each.value for each in BACKENDS)}"
        raise SpecError("run.sequence", rule, choices.backend.value, repair)
    if state is None:
        return
    if not continues(choices):
        rule = (
            "be left out where Lava's nodes are processes of their own, or samples go one at a time: those begin anew"
        )
        repair = "Leave --mode and --model out: whole networks in batches continue, and compute the same bits."
        raise SpecError("run.state", rule, f"a state after {state.step} steps", repair)
    state.check(source if choices.backend is Backend.FLOAT else network, 1, "run.state")


def _blocks(file: PointFile, n_in: int, has_times: bool, *, whole: bool) -> Iterator[FloatArray]:
    """Yield consecutive steps, (n, n_in) each, whose numbers and times have been checked; all of them at once if `whole`."""
    _check_lines(file)
    if whole and file.n_points > MAX_SEQUENCE:
        repair = "Leave --mode and --model out: whole networks in batches take any number, and compute the same bits."
        raise SpecError(f"sequence {file.path}", f"have at most {MAX_SEQUENCE} steps here", file.n_points, repair)
    first, clock, waiting = 0, _Clock(file.path), list[FloatArray]()
    for rows in file.blocks():
        _check_rows(rows, n_in, has_times, file.path, first)
        if has_times:
            clock.check(rows[:, 0], first)
        steps = rows[:, 1:] if has_times else rows
        first += len(rows)
        if whole:
            waiting.append(steps)
        else:
            yield from (steps[k : k + BLOCK_STEPS] for k in range(0, len(steps), BLOCK_STEPS))
    if waiting:
        yield np.concatenate(waiting)
    if not first:
        raise SpecError(f"sequence {file.path}", "hold at least one step", 0, "Give some rows.")


def _check_rows(rows: FloatArray, n_in: int, has_times: bool, path: Path, first: int) -> None:
    """Check the columns of some rows, and that none of their numbers is missing; the first one is step `first`."""
    n_columns = n_in + has_times
    if rows.ndim != 2 or rows.shape[1] != n_columns:
        repair = (
            "If the first column holds the times, add --times." if rows.ndim == 2 and rows.shape[1] == n_in + 1 else
            "Give one row for each step."
        )  # fmt: skip
        raise SpecError(f"sequence {path}", f"have the shape (n_steps, {n_columns})", rows.shape, repair)
    bad: BoolArray = ~np.isfinite(rows)
    if bad.any():
        step, column = np.argwhere(bad)[0]
        repair = "Fill the gap, or run what stands before and behind it as sequences of their own."
        got = f"{rows[step, column]} in column {column}"
        raise SpecError(
            f"sequence {path}: step {first + step}", "have no gap: a finite number in every column", got, repair
        )


def _check_lines(file: PointFile) -> None:
    """Refuse blank lines within a .csv file: a row is missing there, which would shift all steps behind it.

    Raises:
        FileFormatError: If there are any.
    """
    if file.path.suffix.lower() != ".csv":
        return
    first_row = next(numbered_lines(file.path), (1, ""))[0]
    blank, step = None, 0
    with file.path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip() and blank is not None and step:
                repair = "Fill the gap, or delete the line if none is missing."
                where = f"file {file.path}, line {blank}"
                raise FileFormatError(where, f"hold step {step}, without a gap", "a blank line", repair)
            if line.strip() and not line.startswith("#") and number >= first_row:
                step += 1
            blank = number if not line.strip() else None


class _Clock:
    """Checks that times go on in even intervals, over all blocks of a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: float | None = None
        self._interval = 0.0

    def check(self, times: FloatArray, first: int) -> None:
        """Check the times of some rows, of which the first is step `first`."""
        start = first if self._last is None else first - 1
        known = times if self._last is None else np.concatenate([[self._last], times])
        gaps = np.diff(known)
        if not self._interval and len(gaps):
            self._interval = float(gaps[0])
        uneven = np.flatnonzero(~(np.abs(gaps - self._interval) <= UNEVEN * self._interval) | (gaps <= 0.0))
        if len(uneven):
            step = start + 1 + int(uneven[0])
            rule = f"come one interval, {self._interval:.6g}, after the step before"
            repair = "Sample the signal evenly, or run what stands before and behind the gap as sequences of their own."
            got = f"{known[uneven[0] + 1]:.9g} after {known[uneven[0]]:.9g}"
            raise SpecError(f"sequence {self._path}: step {step}", rule, got, repair)
        self._last = float(times[-1])
