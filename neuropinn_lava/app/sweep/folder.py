"""The folder of a sweep: its table, its figure and the chosen network; `sweep.json`, written last, describes them.

table.csv        one row for each point (and table.parquet, where pyarrow is installed)
pareto.svg       error over energy, coloured by synaptic bits
chosen.h5        the chosen network, ready to be run and profiled
sweep.json       what was varied, the energy model with its source, the rule, the front, all rows
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
from pathlib import Path
from typing import Any

from ...base.errors import SpecError
from ...files.atomic import check_writable, replacing, write_text
from ...files.network_file import write_network
from ...files.result_folders import check_result_folder, is_result_folder
from .plan import SCHEMA
from .result import Cell, Sweep

JSON_NAME = "sweep.json"
TABLE_NAME = "table.csv"
PARQUET_NAME = "table.parquet"
FIGURE_NAME = "pareto.svg"
CHOSEN_NAME = "chosen.h5"
SCHEMA_FAMILY = "neuropinn-lava/sweep/"
"""Beginning of the schema of a sweep.json of any version."""


def check_sweep_directory(directory: str | Path, force: bool = False) -> Path:
    """Return the folder, made if it is missing, if a sweep may be written there.

    Raises:
        SpecError: If it is a file, a foreign folder that is not empty (without `force`), or refuses new files.
    """
    target = Path(directory)
    where = f"sweep directory {directory}"
    check_result_folder(target, where, "sweep", is_result_folder(target, JSON_NAME, SCHEMA_FAMILY), force)
    try:
        target.mkdir(exist_ok=True)
    except OSError as error:
        repair = "Create its parent, or choose another folder."
        raise SpecError(where, "be a place that takes new folders", error.strerror or error, repair) from error
    check_writable(target / JSON_NAME)
    return target


def write_sweep(sweep: Sweep, directory: str | Path, force: bool = False) -> Path:
    """Write table, figure, chosen network and sweep.json; return the folder.

    Raises:
        SpecError: If the folder is refused.
    """
    from ...hardware_sim.report.figures.pareto_figure import draw_pareto

    target = check_sweep_directory(directory, force)
    write_text(target / TABLE_NAME, _table_csv(sweep))
    _write_parquet(sweep, target / PARQUET_NAME)
    energy = sweep.plan.energy
    title = energy.title if energy.sees_bits else f"{energy.title}, which prices words of any length alike"
    write_text(target / FIGURE_NAME, draw_pareto(sweep.choice, title).standalone)
    if sweep.chosen_network is not None:
        write_network(sweep.chosen_network, target / CHOSEN_NAME)
    write_text(target / JSON_NAME, json.dumps(sweep_object(sweep), indent=1, ensure_ascii=False) + "\n")
    return target


def _table_rows(sweep: Sweep) -> list[dict[str, Cell]]:
    """Return the rows of the table by column, with columns that mark the front and the chosen point."""
    return [
        {"name": row.name, "on_front": k in sweep.front, "chosen": k == sweep.chosen, **row.cells()}
        for k, row in enumerate(sweep.rows)
    ]


def _table_csv(sweep: Sweep) -> str:
    """Return the table as CSV with a header; numbers read back to the same bits, and None is an empty cell."""
    rows, stream = _table_rows(sweep), io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: "" if value is None else value for name, value in row.items()} for row in rows)
    return stream.getvalue()


def _write_parquet(sweep: Sweep, path: Path) -> None:
    """Write the table as Parquet where pyarrow is installed; where it is not, no older table stays behind."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        return
    with replacing(path) as temporary:
        parquet.write_table(pyarrow.Table.from_pylist(_table_rows(sweep)), temporary)


def sweep_object(sweep: Sweep) -> dict[str, Any]:
    """Return the contents of sweep.json."""
    from ... import __version__

    plan, energy = sweep.plan, sweep.plan.energy
    return {
        "schema": SCHEMA,
        "package_version": __version__,
        "problem": plan.problem.name,
        "seed": plan.seed,
        "target": plan.target.name,
        "energy": {
            "model": energy.name,
            "title": energy.title,
            "kind": energy.kind.value,
            "source": energy.source,
            "leaves_out": energy.leaves_out,
            "sees_bits": energy.sees_bits,
        },
        "n_points": len(sweep.points),
        "n_proposed": sweep.n_proposed,
        "n_cached": sweep.n_cached,
        "seconds": sweep.seconds,
        "rule": sweep.choice.rule,
        "chosen": None if sweep.chosen is None else sweep.rows[sweep.chosen].name,
        "front": [sweep.rows[k].name for k in sweep.front],
        "rows": _table_rows(sweep),
    }
