"""Checks of folders that results are written into: an earlier result of the same kind may be replaced, other files may not.

An earlier result is recognized by the JSON file in it that names its schema.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..base.errors import SpecError


def is_result_folder(directory: Path, file_name: str, family: str) -> bool:
    """Return whether a folder holds a JSON file of that name with a schema of that family, of any version.

    Args:
        directory: The folder, which need not exist.
        file_name: As in `report.json`.
        family: How the schema begins, as in `neuropinn-lava/report/`.
    """
    try:
        held = json.loads((directory / file_name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(held, dict) and str(held.get("schema", "")).startswith(family)


def check_result_folder(target: Path, where: str, kind: str, is_ours: bool, force: bool) -> None:
    """Check that a path is a new folder, an empty one, or one that holds an earlier result.

    Args:
        target: The folder, which need not exist.
        where: Names it in errors.
        kind: Kind of the result in one word: report, sweep.
        is_ours: Whether the folder holds an earlier result of this kind.
        force: Whether to write beside other files.

    Raises:
        SpecError: If it is a file, or not empty, not ours and not forced.
    """
    if target.exists() and not target.is_dir():
        raise SpecError(where, "be a folder", "a file", "Name a folder.")
    if target.is_dir() and any(target.iterdir()) and not is_ours and not force:
        repair = "Choose another folder, or use --force to write beside what it holds."
        raise SpecError(where, f"be an empty folder, a new one, or an earlier {kind}", "other files in it", repair)
