"""Two reports side by side: every value that both or one of them has, and by what factor they differ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ....base.arrays import Record
from .rows import Scalar, flatten_report, read_report


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
