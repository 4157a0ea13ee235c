"""TOML files as tables: read whole, or refused with the package's own error. This module does not know what the keys mean."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from .errors import FileFormatError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Table = dict[str, Any]
"""A table of a TOML file; it exists only until the records are made."""


def read_table(path: Path, what: str) -> Table:
    """Read a TOML file; `what` names it in errors.

    Raises:
        FileFormatError: If it cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, no TOML, a number of 5000 digits
        raise FileFormatError(f"{what} {path.name}", "a readable TOML file", error, "Check path and syntax.") from error
