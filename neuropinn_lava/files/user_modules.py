"""Python files of users, imported by the name of their module; the working folder counts, as it does for `python -m`.

What such a file does when it is imported, or raises, is its own affair: whoever asks for one turns that into an error, which
names the line (`describe_failure`).
"""

from __future__ import annotations

import importlib
import sys
import sysconfig
import traceback
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


def describe_failure(error: BaseException) -> str:
    """Say what a user's code raised, and in which line of it: the last one that belongs to no installed package.

    Args:
        error: As it was caught; its traceback is looked at.
    """
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__} in {_named(error.filename)}, line {error.lineno}: {error.msg}"
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
    return f"{text}, raised by {_named(own[-1].filename)}, line {own[-1].lineno}" if own else text


def _is_users(file: str) -> bool:
    """Tell whether a file is neither Python's, nor an installed package's, nor this package's."""
    installed = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders = {Path(folder).resolve() for folder in (*installed, str(Path(__file__).parent))}
    path = Path(file)
    return path.is_file() and folders.isdisjoint(path.resolve().parents)


def _named(file: str | None) -> str:
    return Path(file).name if file else "its file"
