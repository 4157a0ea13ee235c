"""Reading of TOML files, the user's own or shipped ones, with the errors of this package."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from ..base.checks import check_choice, raise_violations
from ..base.errors import FileFormatError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Table = dict[str, Any]
"""Table of a TOML file, before its records are built."""


@contextlib.contextmanager
def named_file(name: str | Path, shipped: Mapping[str, str], what: str) -> Iterator[Path]:
    """Find a shipped TOML file by its name, or a user's own by its path.

    Args:
        name: One of `shipped`, or a path that ends in .toml.
        shipped: Names of the files in `neuropinn_lava.data`, by what a user calls them.
        what: Names such files in errors.

    Raises:
        SpecError: If the name is unknown; the nearest names are shown.
    """
    if str(name).endswith(".toml"):
        yield Path(name)
        return
    raise_violations(check_choice(what, str(name), shipped))
    with resources.as_file(resources.files("neuropinn_lava.data") / shipped[str(name)]) as path:
        yield path


def read_table(path: Path, what: str) -> Table:
    """Read a TOML file; `what` names it in errors.

    Raises:
        FileFormatError: If it cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, no TOML, a number of 5000 digits
        raise FileFormatError(
            f"{what} {path.name}", "be a readable TOML file", error, "Check path and syntax."
        ) from error
