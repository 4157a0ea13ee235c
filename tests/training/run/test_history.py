"""The history: rows in, table and CSV out, to the same bits."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.training.run.history import COLUMNS, TrainingHistory, TrainingProgress, write_history


def row(iteration: int) -> TrainingProgress:
    return TrainingProgress(
        iteration=iteration,
        n_iterations=99,
        phase=1,
        learning_rate=1 / 3,
        loss=0.1 + iteration,
        residual=0.1,
        activity=0.2,
        relative_l2=1e-17,
    )


def test_table_and_back() -> None:
    history = TrainingHistory().extended(row(0)).extended(row(50))
    assert TrainingHistory.from_table(history.table()) == history
    assert history.column("loss").tolist() == [0.1, 50.1]
    assert TrainingHistory.from_table(TrainingHistory().table()) == TrainingHistory()


def test_csv_reads_back_to_the_same_bits(tmp_path: Path) -> None:
    history = TrainingHistory(rows=(row(0), row(50)))
    write_history(history, tmp_path / "history.csv")
    with (tmp_path / "history.csv").open() as file:
        header, *rows = csv.reader(file)
    assert header == list(COLUMNS)
    assert np.array_equal(np.array(rows, dtype=np.float64), history.table())
    assert rows[1][0] == "50"


def test_path_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="a directory that takes new files"):
        write_history(TrainingHistory(), tmp_path / "no" / "history.csv")
