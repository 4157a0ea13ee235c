"""An object of a user's own file by name: `file.py:name` or `package.module:name`, imported when a command asks for it.

Only `train` asks, and only for what stands on its command line: a network file never makes another command run code.
"""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from ..base.checks import check_choice, raise_violations
from ..base.errors import NeuroPinnError, SpecError
from .user_modules import import_user_module

_T = TypeVar("_T")


def is_own(name: str) -> bool:
    """Tell whether a name is that of an object in a file or module."""
    return ":" in name


def find_own(what: str, name: str, kind: type[_T], options: dict[str, float]) -> _T:
    """Find an object, or make it by the function of that name.

    Args:
        what: What it is to be, for errors: problem, recipe.
        name: `file.py:name` or `package.module:name`.
        kind: Its class.
        options: Keyword arguments of the function.

    Raises:
        SpecError: If the file cannot be imported or holds nothing of that name and kind, or if options are refused.
    """
    where, (place, _, member) = f"{what} {name!r}", name.rpartition(":")
    if not place or not member:
        raise SpecError(
            where, "file.py:name or package.module:name", repr(name), f"Name a {kind.__name__} of the file."
        )
    module = _imported(where, place)
    if not hasattr(module, member):
        raise_violations(check_choice(f"{where}: name", member, _names(module, kind)))
    found = getattr(module, member)
    if inspect.isfunction(found):
        found = _made(where, found, options)
    elif options:
        mend = f"Make the {what} in a function that takes them, and name the function."
        raise SpecError(where, f"no options for a {what} that is there already", ", ".join(options), mend)
    if not isinstance(found, kind):
        rule = f"a {kind.__name__}, or a function that makes one"
        raise SpecError(where, rule, type(found).__name__, "Name another.")
    return found


def _names(module: ModuleType, kind: type) -> list[str]:
    """List what a module holds of a kind, and the functions that it defines itself."""
    return [
        name
        for name, value in vars(module).items()
        if isinstance(value, kind) or (inspect.isfunction(value) and value.__module__ == module.__name__)
    ]


def _imported(where: str, place: str) -> ModuleType:
    """Import a file by its path, or a module that Python finds, the working folder included."""
    try:
        return _imported_file(Path(place)) if place.endswith(".py") else import_user_module(place)
    except NeuroPinnError:
        raise
    except Exception as error:  # whatever the user's code raises
        mend = "Check its path and that it imports; it is looked for in the working folder."
        raise SpecError(where, "a file that can be imported", f"{type(error).__name__}: {error}", mend) from error


def _imported_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(path)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _made(where: str, make: Any, options: dict[str, float]) -> Any:
    for option in options:
        raise_violations(check_choice(f"{where}: parameter", option, inspect.signature(make).parameters))
    try:
        return make(**options)
    except NeuroPinnError:
        raise
    except Exception as error:  # whatever the user's code raises
        mend = "Check the function; all its arguments need defaults or a --param."
        raise SpecError(where, "a function that can be called", f"{type(error).__name__}: {error}", mend) from error
