"""Objects by name: of the package, of a user's file as `file.py:NAME`, or of a module as `package.module:NAME`.

The file or module is imported when a command asks for the object. A network file never makes a command run code.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from ..base.checks import check_choice, raise_violations
from ..base.errors import NeuroPinnError, SpecError

_T = TypeVar("_T")
_PACKAGE = __name__.partition(".")[0]
_NO_OPTIONS: Mapping[str, float] = {}


def is_user_object(text: str) -> bool:
    """Return whether a text names an object of a user's file or module, rather than one of the package."""
    return ":" in text


def find_object(
    text: str,
    kind: type[_T],
    what: str,
    options: Mapping[str, float] = _NO_OPTIONS,
    by_name: Callable[..., _T] | None = None,
) -> _T:
    """Find an object by name, or build it with the function or class of that name.

    Args:
        text: `file.py:NAME`, `package.module:NAME`, or a name of the package. Modules are searched on Python's path and in the
            working folder, those that a file imports also beside it.
        kind: Class of the object.
        what: What the object is, for errors: problem, recipe, factory.
        options: Keyword arguments of the function.
        by_name: Function that finds an object of the package, called with the name and the options; None if there are none.

    Raises:
        SpecError: If the file cannot be imported or holds nothing of that name and kind, or if options are refused. A failure
            of the user's code is reported with its file and line.
    """
    place, _, name = text.rpartition(":")
    where = f"{what} {text!r}"
    if by_name is not None and not is_user_object(text) and not text.endswith(".py"):
        return by_name(text, **options)
    if not place or not name:
        form = "have the form file.py:NAME or package.module:NAME"
        raise SpecError(where, form, repr(text), _suggest_name(where, text, kind))
    module = _import_place(where, place)
    if not hasattr(module, name):
        raise_violations(check_choice(f"{where}: name", name, _list_names(module, kind)))
    found = getattr(module, name)
    if not isinstance(found, kind) and callable(found):
        found = _build_object(where, found, options)
    elif options:
        repair = f"Build the {what} in a function that has these arguments, and name the function."
        raise SpecError(where, f"get no options for a {what} that exists already", ", ".join(options), repair)
    if not isinstance(found, kind):
        rule = f"be a {kind.__name__}, or a function that returns one"
        raise SpecError(where, rule, type(found).__name__, "Name another object of the file.")
    return found


def _suggest_name(where: str, text: str, kind: type) -> str:
    """Suggest what to append to the name of a file, such as `helm.py:HELM`."""
    place = text.strip(":")
    names = _list_names(_import_place(where, place), kind) if place.endswith(".py") and Path(place).is_file() else []
    if names:
        return f"Write {' or '.join(f'{place}:{name}' for name in names)}."
    return f"Write the name of a {kind.__name__}, or of a function that returns one, behind a colon."


def _list_names(module: ModuleType, kind: type) -> list[str]:
    """List the objects of a kind in a module; without any, the functions that it defines itself."""
    objects = [name for name, value in vars(module).items() if isinstance(value, kind)]
    functions = [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    ]
    return objects + functions


def _import_place(where: str, place: str) -> ModuleType:
    """Import a file by its path, or a module by its dotted name."""
    try:
        return _import_file(Path(place)) if place.endswith(".py") else import_user_module(place)
    except NeuroPinnError:
        raise
    except Exception as error:  # whatever the user's code raises
        repair = "Check its path and that it can be imported; its own folder is searched for what it imports."
        raise SpecError(where, "be a file that can be imported", describe_failure(error), repair) from error


def import_user_module(path: str) -> ModuleType:
    """Import a module by its dotted name, from Python's own path or from the working folder.

    Args:
        path: Name of the module, as in `package.module`.

    Raises:
        Exception: Whatever the import raises.
    """
    with _searched(Path.cwd()):
        return importlib.import_module(path)


@contextlib.contextmanager
def _searched(folder: Path) -> Iterator[None]:
    """Let imports search a folder first."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _import_file(path: Path) -> ModuleType:
    """Import a file, which may import its neighbours as it may when Python runs it."""
    if not path.is_file():
        raise FileNotFoundError(path)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with _searched(path.resolve().parent):
        spec.loader.exec_module(module)
    return module


def _build_object(where: str, build: Callable[..., Any], options: Mapping[str, float]) -> Any:
    """Call the user's function with the options."""
    for option in options:
        raise_violations(check_choice(f"{where}: parameter", option, inspect.signature(build).parameters))
    try:
        return build(**options)
    except NeuroPinnError:
        raise
    except Exception as error:  # whatever the user's code raises
        repair = "Check the function; each of its arguments needs a default or an option."
        raise SpecError(where, "be a function that can be called", describe_failure(error), repair) from error


def describe_failure(error: BaseException) -> str:
    """Describe what a user's code raised, with the file and line of the user's code that was reached last.

    Args:
        error: The caught error, with its traceback.
    """
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        file = Path(error.filename).name if error.filename else "the file"
        return f"{type(error).__name__} in {file}, line {error.lineno}: {error.msg}"
    lines = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").partition(".")[0] != _PACKAGE and _is_users(frame.f_code.co_filename)
    ]
    return f"{text}, raised by {Path(lines[-1][0]).name}, line {lines[-1][1]}" if lines else text


def _is_users(file: str) -> bool:
    """Return whether a file belongs neither to Python nor to an installed package."""
    path = Path(file)
    folders = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    return path.is_file() and {Path(folder).resolve() for folder in folders}.isdisjoint(path.resolve().parents)
