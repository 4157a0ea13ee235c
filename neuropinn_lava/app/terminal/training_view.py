"""The progress of a training: a bar for the steps of the phase, and beneath it the loss with its terms, error and activity.

    poisson, phase 2 of 2  ━━━━━━━━━━━━━━╸━━━━━━━  3250/8000 0:00:12
    loss 1.24e-04   residual 1.1e-04   error 0.16 %   activity 0.142

Shown on standard error. Where that is no terminal, a line of the same words is printed for every tenth of the training. In a
notebook a picture is shown instead (`notebook_view.py`).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.text import Text

from .console import err, show_note
from .notebook_view import in_notebook, notebook_view
from .progress import build_bar

if TYPE_CHECKING:
    from ...problems.problem import PdeProblem
    from ...training.run.history import TrainingProgress

N_LINES = 10
"""Number of lines that a whole training prints where standard error is no terminal."""


def progress_words(row: TrainingProgress) -> str:
    """Format loss, error and activity of a training in one line; terms that are not in its loss are left out."""
    terms = [f"loss {row.loss:.2e}"]
    if row.residual > 0:
        terms.append(f"residual {row.residual:.2e}")
    terms += [f"{label} {part:.1e}" for label, part in row.conditions]
    if row.distillation > 0:
        terms.append(f"distance to the teacher {row.distillation**0.5:.2%}")
    terms += [f"error {row.relative_l2:.2%}"] if math.isfinite(row.relative_l2) else []
    return "   ".join([*terms, f"activity {row.activity:.3f}"])


@contextlib.contextmanager
def training_view(name: str, *, hidden: bool = False) -> Iterator[Callable[[TrainingProgress], None]]:
    """Show a training while it runs; yields the function that takes its reports.

    Args:
        name: Name of the problem.
        hidden: Whether to show nothing.
    """
    if hidden:
        yield lambda row: None
    elif err.is_terminal:
        with _live_view(name) as advance:
            yield advance
    else:
        yield _lines(name)


@contextlib.contextmanager
def python_view(problem: PdeProblem) -> Iterator[Callable[[TrainingProgress], None]]:
    """Show a training that Python code started: a picture in a notebook, the bar on a terminal, nothing elsewhere."""
    if in_notebook():
        yield notebook_view(problem)
    else:
        with training_view(problem.name, hidden=not err.is_terminal) as advance:
            yield advance


@contextlib.contextmanager
def _live_view(name: str) -> Iterator[Callable[[TrainingProgress], None]]:
    bar = build_bar(err)
    task = bar.add_task(f"{name}: building the collocation set and its operators", total=None, words="")
    words = Text("", style="dim", no_wrap=True)
    with Live(Group(bar, words), console=err, refresh_per_second=5):

        def advance(row: TrainingProgress) -> None:
            bar.update(task, description=_title(name, row), completed=row.iteration, total=row.n_iterations)
            words.plain = progress_words(row)

        yield advance


def _title(name: str, row: TrainingProgress) -> str:
    whose = f"{name}, its teacher" if row.teacher else name
    return f"{whose}, phase {row.phase + 1} of {row.n_phases}"


def _lines(name: str) -> Callable[[TrainingProgress], None]:
    """Return a function that prints a line for every tenth of a training, the first report included."""
    shown: set[tuple[bool, int]] = set()

    def advance(row: TrainingProgress) -> None:
        tenth = (row.teacher, row.iteration * N_LINES // row.n_iterations)
        if tenth not in shown:
            shown.add(tenth)
            show_note(f"{_title(name, row)}, {row.iteration:,} of {row.n_iterations:,}   {progress_words(row)}")

    return advance
