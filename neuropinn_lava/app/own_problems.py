"""A problem of the command line: one of the package's by name, or a user's own as `file.py:name` or `package.module:name`.

The name stands for a `PdeProblem`, or for a function that makes one and whose options are the problem's. The user's code is
imported by `train` only: a network file never makes another command run code.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from ..checks import check_choice, raise_violations
from ..errors import NeuroPinnError, SpecError
from ..network import ProblemParameter
from ..problems import find_problem
from ..problems.problem import PdeProblem


def pose_problem(name: str, parameters: tuple[ProblemParameter, ...]) -> PdeProblem:
    """Make a problem from its name and options.

    Raises:
        SpecError: If name or options are refused, or if the user's file raises or holds no problem of that name.
    """
    options = {option.name: option.value for option in parameters}
    place, colon, member = name.rpartition(":")
    return _own_problem(name, place, member, options) if colon else find_problem(name, **options)


def _own_problem(name: str, place: str, member: str, options: dict[str, float]) -> PdeProblem:
    where = f"problem {name!r}"
    if not place or not member:
        raise SpecError(where, "file.py:name or package.module:name", repr(name), "Name a PdeProblem of the file.")
    module = _imported(where, place)
    if not hasattr(module, member):
        raise_violations(check_choice(f"{where}: name", member, _problem_names(module)))
    found = getattr(module, member)
    if callable(found):
        found = _made(where, found, options)
    elif options:
        mend = "Make the problem in a function that takes them, and name the function."
        raise SpecError(where, "no options for a problem that is there already", ", ".join(options), mend)
    if not isinstance(found, PdeProblem):
        raise SpecError(where, "a PdeProblem, or a function that makes one", type(found).__name__, "Name another.")
    return found


def _problem_names(module: ModuleType) -> list[str]:
    """List the problems of a module and the functions that it defines itself."""
    return [
        name
        for name, value in vars(module).items()
        if isinstance(value, PdeProblem) or (inspect.isfunction(value) and value.__module__ == module.__name__)
    ]


def _imported(where: str, place: str) -> ModuleType:
    """Import a file by its path, or a module that Python finds, the working folder included."""
    try:
        if place.endswith(".py"):
            return _imported_file(Path(place))
        sys.path.insert(0, str(Path.cwd()))
        try:
            return importlib.import_module(place)
        finally:
            sys.path.pop(0)
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
        raise SpecError(where, "a function that makes a problem", f"{type(error).__name__}: {error}", mend) from error
