"""Python files of users, imported by the name of their module; the working folder counts, as it does for `python -m`.

What such a file does when it is imported, or raises, is its own affair: whoever asks for one turns that into an error.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType


def import_user_module(path: str) -> ModuleType:
    """Import a module by its dotted name, from Python's own path or from the working folder.

    Args:
        path: As in `package.module`.

    Raises:
        Exception: Whatever the import raises.
    """
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        return importlib.import_module(path)
    finally:
        sys.path.remove(here)
