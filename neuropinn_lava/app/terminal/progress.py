"""The progress bar of conversions, runs, trainings and sweeps; drawn on standard error where that is a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .console import err


class Advance(Protocol):
    """Function that moves a bar."""

    def __call__(self, n_done: int, n_all: int | None, *, words: str = "", n_before: int = 0) -> None:
        """Show how many steps are done, out of how many, with words; steps done before count for no speed."""


def build_bar(console: Console, *, hidden: bool = False) -> Progress:
    """Return bars of description, steps, words and time left; one line for each task that is added."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[words]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    return Progress(*columns, console=console, transient=True, disable=hidden or not console.is_terminal)


@contextlib.contextmanager
def progress_bars(*descriptions: str, hidden: bool = False) -> Iterator[tuple[Advance, ...]]:
    """Show a bar for each description; yields the functions that move them."""
    with build_bar(err, hidden=hidden) as bars:
        yield tuple(_advance_of(bars, description) for description in descriptions)


def _advance_of(bars: Progress, description: str) -> Advance:
    task = bars.add_task(description, total=None, words="")
    begun = False

    def advance(n_done: int, n_all: int | None, *, words: str = "", n_before: int = 0) -> None:
        nonlocal begun
        if not begun:
            bars.reset(task, total=n_all, completed=n_before, words="")
            begun = True
        bars.update(task, completed=n_done, total=n_all, words=words)

    return advance
