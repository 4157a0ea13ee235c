"""Output of the commands: tables, JSON, notes and errors.

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
from rich.table import Table

PIPED_WIDTH = 160
"""Width of a table in a file or a pipe, in characters; a terminal has its own."""

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
    """Format a table's cell: whole numbers with thousands separators, others with four significant digits, None as a dash."""
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
    """Show on standard error what is being done; yields the function that takes a description of each step."""
    with err.status("starting") as status:
        if hidden:
            status.stop()

        def tell(stage: str) -> None:
            status.update(stage)
            if not hidden and not err.is_terminal:
                show_note(stage)

        yield tell
