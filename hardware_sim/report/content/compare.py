"""Two reports side by side: ten headlines, every value that both or one of them has, and by what factor they differ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ....base.arrays import Record
from .rows import Scalar, flatten_report, read_report

BACKENDS = ("lava", "integer", "float")
"""Backends whose result stands for the deployed network, the first that ran."""
HEADLINES = {
    "problem": ("problem",),
    "network widths": ("network.widths",),
    "weight bits": ("quantization.weight_bits",),
    "relative L2 error, deployed": tuple(f"backends.{backend}.relative_l2" for backend in BACKENDS),
    "estimated error, deployed": tuple(f"backends.{backend}.estimated_l2" for backend in BACKENDS),
    "spiking activity": ("counts.total.spiking_activity",),
    "synaptic operations per sample": ("counts.synaptic_operations_per_sample",),
    "LEE": ("summary.lee",),
    "energy of the operations, per sample": ("summary.sum_of_operations.joules_per_sample",),
    "memory of the network": ("counts.neurobench.Footprint",),
}
"""What two deployments are compared by first, and the keys that say it, of which the first with a value counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRow(Record):
    """One value of two reports."""

    key: str
    """Path into report.json."""
    first: Scalar
    """Value in the first report; None where it has none."""
    second: Scalar
    """Value in the second report; None where it has none."""
    unit: str
    """Unit of both values."""

    @property
    def factor(self) -> float | None:
        """The second over the first, where both are numbers and the first is not zero."""
        first, second = self.first, self.second
        if isinstance(first, str | bool | None) or isinstance(second, str | bool | None) or not first:
            return None
        return second / first

    @property
    def differs(self) -> bool:
        """Whether the two values are not the same; a value that one report lacks differs from any."""
        return self.first != self.second


def compare_reports(first: str | Path, second: str | Path) -> tuple[ComparedRow, ...]:
    """Read two report.json files, or report folders, and pair their values.

    Raises:
        FileFormatError: If one of them is not a report of this schema.
    """
    sides = [{row.key: row for row in flatten_report(read_report(path))} for path in (first, second)]
    keys = dict.fromkeys(key for side in sides for key in side)
    return tuple(
        ComparedRow(
            key=key,
            first=sides[0][key].value if key in sides[0] else None,
            second=sides[1][key].value if key in sides[1] else None,
            unit=next(side[key].unit for side in sides if key in side),
        )
        for key in keys
    )


def headline_rows(rows: tuple[ComparedRow, ...]) -> tuple[ComparedRow, ...]:
    """Return the rows of `HEADLINES`, in their order, from those of `compare_reports`; the key is the headline."""
    by_key = {row.key: row for row in rows}

    def found(keys: tuple[str, ...], side: str) -> tuple[Scalar, str]:
        """Return the value of one report and its unit."""
        held = [by_key[key] for key in keys if key in by_key and getattr(by_key[key], side) is not None]
        return (getattr(held[0], side), held[0].unit) if held else (None, "")

    headlines = []
    for name, keys in HEADLINES.items():
        (first, unit), (second, other_unit) = found(keys, "first"), found(keys, "second")
        headlines.append(ComparedRow(key=name, first=first, second=second, unit=unit or other_unit))
    return tuple(headlines)
