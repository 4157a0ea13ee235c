"""The folder of a report: report.json, report.html and figures/, whole or not at all (`files/whole_folders.py`)."""

from __future__ import annotations

from pathlib import Path

from ...base.extras import import_extra
from ...files.whole_folders import FolderKind
from ..fields.gradients import gradients_csv
from .content.json_record import report_text
from .content.sections import ReportContent
from .figures.all_figures import draw_report
from .page import report_page

JSON_NAME = "report.json"
HTML_NAME = "report.html"
FIGURES_NAME = "figures"
GRADIENTS_NAME = "gradients.csv"
REPORT_FOLDER = FolderKind(
    kind="report",
    json_name=JSON_NAME,
    schema_family="neuropinn-lava/report/",
    our_names=(JSON_NAME, HTML_NAME, FIGURES_NAME, GRADIENTS_NAME),
)
"""What a report folder holds, and by what it is recognized."""


def write_report(report: ReportContent, directory: str | Path, force: bool = False) -> Path:
    """Write report.json, report.html, figures/*.svg and the gradients, if there are any; return the folder.

    Args:
        report: What to write.
        directory: The folder; its parent must exist.
        force: Write into a folder that is neither empty nor a report, beside what it holds.

    Raises:
        SpecError: If the folder is refused or cannot be written.
    """
    target = check_report_directory(directory, force)
    figures = draw_report(report)
    files = {f"{FIGURES_NAME}/{figure.name}.svg": figure.standalone for figure in figures}
    if report.gradients:
        files[GRADIENTS_NAME] = gradients_csv(report.gradients)
    files |= {HTML_NAME: report_page(report, figures), JSON_NAME: report_text(report)}
    REPORT_FOLDER.write(target, files)
    return target


def check_report_directory(directory: str | Path, force: bool = False) -> Path:
    """Return the resolved path if a report may be written there; meant to be called before the work whose result it is.

    Raises:
        SpecError: If it is a file, a foreign folder that is not empty (without `force`), or in a place that takes no folder.
        MissingPackageError: If what draws figures and pages is not installed.
    """
    for package in ("matplotlib", "jinja2"):
        import_extra(package, "report")
    return REPORT_FOLDER.check(directory, force)
