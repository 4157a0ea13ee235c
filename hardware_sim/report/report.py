"""The report that `profile` returns: the content of a report, which can be written into a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .content.sections import ReportContent
from .folder import write_report


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report(ReportContent):
    """The content of a report, and the method that writes it into a folder; sections that do not exist are None."""

    def save(self, folder: str | Path, force: bool = False) -> Path:
        """Write report.html, report.json and the figures into a folder, and return the folder.

        Args:
            folder: The folder, whose parent must exist; a report in it is replaced.
            force: Write into a folder that is neither empty nor a report, beside what it holds.

        Raises:
            SpecError: If the folder is refused or cannot be written.
        """
        return write_report(self, folder, force)
