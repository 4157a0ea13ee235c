"""The history of a training: loss terms, activity and, for the eye only, the error against the reference.

This module knows numpy and text; it does not know torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from ...base.arrays import FloatArray
from ...files.atomic import write_text

NO_COLUMN = {"column": False}
"""Metadata of a field that is for the eye only and stands in no table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProgress:
    """Where a training stands; handed to the callback and kept as a row of the history."""

    iteration: int
    """Steps of the optimizers that lie behind; the last row of a phase and the first of the next one share it."""
    n_iterations: int
    """Steps in all, over all phases."""
    phase: int
    """Index of the phase, from 0."""
    n_phases: int = field(default=1, metadata=NO_COLUMN, compare=False)
    """Phases in all."""
    teacher: bool = field(default=False, metadata=NO_COLUMN, compare=False)
    """Whether this is the training of a teacher, which comes before that of the network."""
    learning_rate: float
    """Of the next step."""
    loss: float
    """Residual plus what the phase adds to it, at the phase's final target."""
    residual: float
    """Mean square residual in units of the problem's `residual_scale`."""
    distillation: float = 0.0
    """Squared relative distance to the teacher; 0 without one."""
    activity: float
    """Share of neurons and steps that fire, 0 to 1."""
    relative_l2: float
    """Error against the reference on points not trained on; shown, never used."""


COLUMNS = tuple(held.name for held in fields(TrainingProgress) if held.metadata.get("column", True))
"""Columns of a history's table and of its CSV file."""
_WHOLE_NUMBERS = ("iteration", "n_iterations", "phase")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingHistory:
    """The reports of a training in their order."""

    rows: tuple[TrainingProgress, ...] = ()
    """One per report, iterations ascending."""

    def column(self, name: str) -> FloatArray:
        """Give one field of all rows, shape (n_rows,)."""
        return np.array([getattr(row, name) for row in self.rows], dtype=np.float64)

    def table(self) -> FloatArray:
        """Give all rows side by side, shape (n_rows, n_columns), in the order of `COLUMNS`."""
        values = [[getattr(row, name) for name in COLUMNS] for row in self.rows]
        return np.array(values, dtype=np.float64).reshape(len(self.rows), len(COLUMNS))

    @classmethod
    def from_table(cls, table: FloatArray) -> TrainingHistory:
        """Make a history from what `table` gave."""
        return cls(rows=tuple(_row(values) for values in table.tolist()))

    def extended(self, row: TrainingProgress) -> TrainingHistory:
        """Give a history with one row more."""
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
