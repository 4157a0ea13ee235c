"""What commands share when they speak to a person: tables, progress bars, JSON, notes and errors.

Results go to standard output; notes, progress and errors to standard error, so that output can be piped.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

PIPED_WIDTH = 160
"""Columns of a table that goes to a file or a pipe; a terminal has its own."""

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def show_error(text: str) -> None:
    """Print an error to standard error."""
    err.print("[bold red]error:[/] ", end="")
    err.print(text, markup=False)


def show_note(text: str) -> None:
    """Print a remark to standard error."""
    err.print(text, style="dim", markup=False)


def show_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], right_aligned: Sequence[bool] = ()
) -> None:
    """Print a table; columns of numbers, and those that `right_aligned` marks, are right-aligned."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for index, column in enumerate(columns):
        numeric = right_aligned[index] if right_aligned else bool(rows) and isinstance(rows[0][index], (int, float))
        table.add_column(column, justify="right" if numeric else "left", overflow="fold", no_wrap=index == 0)
    for row in rows:
        table.add_row(*(_format_cell(cell) for cell in row))
    out.print(table)


def _format_cell(cell: object) -> str:
    """Write a table's cell: whole numbers with thousands separators, others with four significant digits, None as a dash."""
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output; what is not finite becomes null."""
    sys.stdout.write(json.dumps(_finite(value), indent=2, ensure_ascii=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextlib.contextmanager
def stages(*, hidden: bool = False) -> Iterator[Callable[[str], None]]:
    """Show on standard error what is being done; gives a function of the stage in words."""
    with err.status("starting") as status:
        if hidden:
            status.stop()

        def tell(stage: str) -> None:
            status.update(stage)
            if not hidden and not err.is_terminal:
                show_note(stage)

        yield tell


@contextlib.contextmanager
def progress_bar(description: str, *, hidden: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on standard error; gives a function of (done, total).

    It shows nothing where standard error is not a terminal.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=hidden or not err.is_terminal) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
