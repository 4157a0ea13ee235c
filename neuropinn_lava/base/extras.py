"""Optional packages: imported where they are needed, and named with their extra where they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import NeuroPinnError


class MissingPackageError(NeuroPinnError, ImportError):
    """An optional package that is not installed; the repair names the extra that brings it."""


def import_extra(package: str, extra: str) -> ModuleType:
    """Import an optional package.

    Args:
        package: The module to import, as in `nir` or `pyarrow.parquet`.
        extra: Name of the extra of this package that installs it.

    Raises:
        MissingPackageError: If the package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{package}.".startswith(f"{error.name}."):
            raise  # the package is there, and something that it needs is not
        name = package.partition(".")[0]
        repair = f"Install it with `pip install 'neuropinn-lava[{extra}]'`."
        raise MissingPackageError(
            f"The package `{name}`", "be installed for this", "no such package", repair
        ) from error
