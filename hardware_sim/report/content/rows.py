"""report.json as rows: one key, one value, one unit; for CSV files and for setting two reports side by side.

Keys are paths into report.json, with names in place of positions in lists: `counts.layers.hidden1.spikes`. Long lists of
numbers, texts on sources and the wiring between cores are left out.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....base.arrays import Record
from ....base.errors import FileFormatError
from .json_record import JsonObject
from .sections import SCHEMA

Scalar = str | int | float | bool | None
"""A leaf of report.json."""

LEFT_OUT = frozenset((
    "schema", "links", "cores.cores", "mesh", "sensitivities", "source", "leaves_out", "reason", "title", "provenance",
    "source_digest",
))  # fmt: skip
"""Keys that are not shown in rows."""
UNITS = {
    "seconds": "s",
    "seconds.low": "s",
    "seconds.high": "s",
    "joules": "J",
    "joules_per_sample": "J",
    "joules_per_value": "J",
    "joules_per_point": "J",
    "joules_per_step.low": "J",
    "joules_per_step.value": "J",
    "joules_per_step.high": "J",
    "joules_per_sample.value": "J",
    "joules_per_sample_alone.value": "J",
    "low": "J",
    "high": "J",
    "samples_per_second": "1/s",
    "samples_per_second.low": "1/s",
    "samples_per_second.high": "1/s",
    "Footprint": "B",
    "bytes": "B",
    "bytes_per_core": "B",
    "bits": "bit",
}
"""End of a key → unit; numbers without one are counts, shares, or in the unit of u."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow(Record):
    """One value of a report."""

    key: str
    """Path into report.json."""
    value: Scalar
    """Value at that path."""
    unit: str
    """Unit of the value; empty where it has none."""


def read_report(path: str | Path) -> JsonObject:
    """Read a report.json, or that of a report folder.

    Raises:
        FileFormatError: If it cannot be read, or is not a report of this schema.
    """
    file = Path(path)
    file = file / "report.json" if file.is_dir() else file
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FileFormatError(
            f"report {path}", "be a readable report.json", error, "Name a report or its folder."
        ) from error
    schema = held.get("schema") if isinstance(held, dict) else None
    if schema != SCHEMA:
        repair = "Make the report again with this version, or read it with the version that made it."
        raise FileFormatError(f"report {path}", f"have the schema {SCHEMA!r}", repr(schema), repair)
    table: JsonObject = held
    return table


def flatten_report(report: JsonObject) -> tuple[ReportRow, ...]:
    """Return the values of a report as rows, in its own order."""
    return tuple(
        ReportRow(key=key, value=value, unit="" if isinstance(value, str) and not key.endswith("bits") else _unit(key))
        for key, value in _leaves(report, "")
    )


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, dict):
        for key, item in value.items():
            inner = f"{path}.{key}" if path else key
            if key not in LEFT_OUT and inner not in LEFT_OUT:
                yield from _leaves(item, inner)
    elif isinstance(value, list):
        named = [item for item in value if isinstance(item, dict)]
        for index, item in enumerate(named):
            yield from _leaves(item, f"{path}.{item.get('name', item.get('model', index))}")
        if not named and path.endswith(("bits", "widths")):
            yield path, " ".join(str(item) for item in value)
    elif not path.endswith((".name", ".model")):
        yield path, value


def _unit(key: str) -> str:
    """Return the unit that the end of a key tells; an energy model's own range and terms are joules."""
    if key.startswith("energy.") and ".terms." in key:
        return "J"
    parts = key.split(".")
    for end in (".".join(parts[-2:]), parts[-1]):
        for name, unit in UNITS.items():
            if end == name or end.endswith(f"_{name}"):
                return unit
    return ""


def report_csv(report: JsonObject) -> str:
    """Return the rows of a report as CSV with the columns key, value, unit."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("key", "value", "unit"))
    for row in flatten_report(report):
        writer.writerow((row.key, "" if row.value is None else row.value, row.unit))
    return stream.getvalue()
