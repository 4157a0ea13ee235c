"""The folder of a report: report.json, report.html and figures/, whole or not at all.

A new folder is made beside the target and takes its name in one rename. A report folder of an earlier time is replaced, and
what else a user put there is kept. Any other folder that is not empty is refused; with `force` the report's files are put in
it one by one, and nothing else is touched.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from ...base.errors import SpecError
from ...base.extras import import_extra
from ...files.atomic import exchange_names, write_text
from ...files.result_folders import check_result_folder, is_result_folder
from ..fields.gradients import gradients_csv
from .content.json_record import report_text
from .content.sections import ReportContent
from .figures.all_figures import draw_report
from .page import report_page

JSON_NAME = "report.json"
HTML_NAME = "report.html"
FIGURES_NAME = "figures"
GRADIENTS_NAME = "gradients.csv"
SCHEMA_FAMILY = "neuropinn-lava/report/"
"""How the schema of a report.json begins, whatever its version."""
OUR_NAMES = (JSON_NAME, HTML_NAME, FIGURES_NAME, GRADIENTS_NAME)
"""What a report folder holds."""


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
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as aside:
        made = Path(aside) / "new"
        _fill(made, files)
        if _may_be_renamed(target):
            _replace(target, made, Path(aside) / "old")
        else:
            _write_into(target, made, files)
    return target


def check_report_directory(directory: str | Path, force: bool = False) -> Path:
    """Return the resolved path if a report may be written there; meant to be called before the work whose result it is.

    Raises:
        SpecError: If it is a file, a foreign folder that is not empty (without `force`), or in a place that takes no folder.
        MissingPackageError: If what draws figures and pages is not installed.
    """
    for package in ("matplotlib", "jinja2"):
        import_extra(package, "report")
    target = Path(directory).resolve()
    where = f"report directory {directory}"
    check_result_folder(target, where, "report", is_report_directory(target), force)
    try:
        tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.").cleanup()
        if target.is_dir():
            tempfile.TemporaryDirectory(dir=target).cleanup()
    except OSError as error:
        mend = "Create its parent, or choose another folder."
        raise SpecError(where, "be a place that takes new folders", error.strerror or error, mend) from error
    return target


def is_report_directory(directory: Path) -> bool:
    """Return whether a folder holds a report.json of this tool, of any version."""
    return is_result_folder(directory, JSON_NAME, SCHEMA_FAMILY)


def _fill(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)


def _may_be_renamed(target: Path) -> bool:
    """Return whether the folder may be taken away from under its name: ours or empty, no mount, nobody's working directory."""
    if not target.exists():
        return True
    ours = not any(target.iterdir()) or is_report_directory(target)
    return ours and not os.path.ismount(target) and not Path.cwd().resolve().is_relative_to(target)


def _replace(target: Path, made: Path, old: Path) -> None:
    """Rename the new folder to the target's name, together with what a user had put into the old one.

    At every moment the name leads to the old folder or to the new one, where the system can exchange names; elsewhere there
    is a moment between two renames at which it leads nowhere.
    """
    if not target.exists():
        os.rename(made, target)
        return
    shutil.copymode(target, made)
    for entry in target.iterdir():
        if entry.name not in OUR_NAMES:
            _link_beside(entry, made / entry.name)
    if exchange_names(made, target):
        return
    os.rename(target, old)
    try:
        os.rename(made, target)
    except OSError:
        os.rename(old, target)
        raise


def _link_beside(entry: Path, to: Path) -> None:
    """Link a user's file or folder under a second name; copy it where the file system has no second names."""
    if entry.is_dir() and not entry.is_symlink():
        shutil.copytree(entry, to, symlinks=True, copy_function=_link_or_copy)
    else:
        _link_or_copy(entry, to)


def _link_or_copy(entry: str | Path, to: str | Path) -> None:
    try:
        os.link(entry, to, follow_symlinks=False)
    except OSError:
        shutil.copy2(entry, to, follow_symlinks=False)


def _write_into(target: Path, made: Path, files: Iterable[str]) -> None:
    """Move the new files, one by one, into a folder that stays; report.json, which makes it a report, comes last."""
    for name in sorted(files, key=lambda name: name == JSON_NAME):
        (target / name).parent.mkdir(exist_ok=True)
        os.replace(made / name, target / name)
