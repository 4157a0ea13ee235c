"""The history of a training: terms of the loss, activity and, for display only, the error against the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from ...base.arrays import FloatArray, Record
from ...files.atomic import write_text

NO_COLUMN = {"column": False}
"""Metadata of a field that is for display only and has no column in the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProgress(Record):
    """A report of a training, which is passed to the callback and is a row of the history."""

    iteration: int
    """Number of steps taken; the last row of a phase and the first of the next one share it."""
    n_iterations: int
    """Number of steps of all phases."""
    phase: int
    """Index of the phase, counted from 0."""
    n_phases: int = field(default=1, metadata=NO_COLUMN, compare=False)
    """Number of phases of the training."""
    teacher: bool = field(default=False, metadata=NO_COLUMN, compare=False)
    """Whether this is the training of a teacher, which comes before that of the network."""
    learning_rate: float
    """Learning rate of the next step."""
    loss: float
    """Loss of the phase at its final target activity."""
    residual: float
    """Mean square residual in units of the terms of the equations and conditions."""
    condition_residual: float = 0.0
    """Part of the residual that belongs to the conditions which are not built in."""
    conditions: tuple[tuple[str, float], ...] = field(default=(), metadata=NO_COLUMN, compare=False)
    """The same for each of them, by its label."""
    distillation: float = 0.0
    """Squared relative distance to the teacher; zero without one."""
    activity: float
    """Share of neurons and steps that fire, 0 to 1."""
    relative_l2: float
    """Relative error against the reference on points that were not trained on, NaN without one; never used by the training."""
    evaluate: Callable[[FloatArray], FloatArray] | None = field(
        default=None, metadata=NO_COLUMN, compare=False, repr=False
    )
    """Maps points (n, n_in) to outputs (n, n_out) of the network as it is now, for live pictures; only in what the callback
    receives, and None where a training cannot say."""


COLUMNS = tuple(held.name for held in fields(TrainingProgress) if held.metadata.get("column", True))
"""Columns of a history's table and of its CSV file."""
_WHOLE_NUMBERS = ("iteration", "n_iterations", "phase")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingHistory(Record):
    """The reports of a training in the order of their iterations."""

    rows: tuple[TrainingProgress, ...] = ()
    """Rows of the history, one per report, iterations ascending."""

    def column(self, name: str) -> FloatArray:
        """Return one field of all rows, shape (n_rows,)."""
        return np.array([getattr(row, name) for row in self.rows], dtype=np.float64)

    def table(self) -> FloatArray:
        """Return all rows as a table, shape (n_rows, n_columns), in the order of `COLUMNS`."""
        values = [[getattr(row, name) for name in COLUMNS] for row in self.rows]
        return np.array(values, dtype=np.float64).reshape(len(self.rows), len(COLUMNS))

    @classmethod
    def from_table(cls, table: FloatArray) -> TrainingHistory:
        """Build a history from the table that `table` returned."""
        return cls(rows=tuple(_row(values) for values in table.tolist()))

    def extended(self, row: TrainingProgress) -> TrainingHistory:
        """Return a history with one row more."""
        return TrainingHistory(rows=(*self.rows, row))


def _row(values: list[float]) -> TrainingProgress:
    named: dict[str, Any] = dict(zip(COLUMNS, values, strict=True))
    return TrainingProgress(**named | {name: int(named[name]) for name in _WHOLE_NUMBERS})


def write_history(history: TrainingHistory, path: str | Path) -> None:
    """Write a history as CSV with a header, all of it or none; numbers read back to the same bits.

    Raises:
        SpecError: If the path cannot be written.
    """
    lines = [",".join(COLUMNS)]
    lines += [",".join(repr(getattr(row, name)) for name in COLUMNS) for row in history.rows]
    write_text(path, "\n".join(lines) + "\n")
