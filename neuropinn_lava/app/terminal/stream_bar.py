"""The progress of a stream on a terminal: a bar, points done, points a second, time left; elsewhere nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from .console import err

if TYPE_CHECKING:
    from ..stream.stream import StreamProgress


@contextlib.contextmanager
def stream_bar(description: str, *, hidden: bool = False) -> Iterator[Callable[[StreamProgress], None]]:
    """Show a stream on standard error; gives the function to call with its progress."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[done]}  {task.fields[rate]} points/s"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=err, transient=True, disable=hidden or not err.is_terminal) as bar:
        task = bar.add_task(description, total=None, done="", rate="–")
        begun = False

        def advance(progress: StreamProgress) -> None:
            nonlocal begun
            if not begun:  # what an earlier run did is no measure of speed
                bar.reset(task, total=progress.n_points, completed=progress.n_resumed, done="", rate="–")
                begun = True
            of_all = f" of {progress.n_points:,}" if progress.n_points is not None else ""
            done, rate = f"{progress.n_done:,}{of_all}", f"{progress.rate:,.0f}"
            bar.update(task, completed=progress.n_done, done=done, rate=rate)

        yield advance
