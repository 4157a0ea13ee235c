"""The PDE problems by name: geometry, equation, conditions and reference solution of each.

Equations are written in terms of derivative fields and work on numpy and torch alike; this package imports neither torch
nor Lava. A problem's file is imported when the problem is asked for.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable

from ..base.checks import check_choice, raise_violations
from .problem import PdeProblem

_NAMES = (
    "heat",
    "burgers",
    "laplace",
    "poisson",
    "poisson-steep",
    "poisson-lshape",
    "burgers-shock",
    "allen-cahn",
    "poisson-star",
    "advection-diffusion-star",
    "eikonal",
    "elasticity3d",
)
"""Problem `some-name` is made by `make_some_name` in the file some_name.py."""
_NUMBERED = re.compile(r"\w+_\d+")
"""Options of a maker with `**` besides its own: those of further inclusions, say, which it checks itself."""


def list_problems() -> tuple[str, ...]:
    """List the names of all problems, in the order of the documentation."""
    return _NAMES


def find_problem(name: str, **parameters: float) -> PdeProblem:
    """Make a problem by name: `find_problem("heat", diffusivity=0.5)`.

    Args:
        name: One of `list_problems()`.
        **parameters: Keyword options of the problem's own function; those left out keep their defaults.

    Raises:
        SpecError: If the name or a parameter is unknown (the nearest ones are shown), or a value is out of range.
    """
    raise_violations(check_choice("find_problem.name", name, _NAMES))
    make = _find_maker(name)
    known = inspect.signature(make).parameters
    named = [key for key, value in known.items() if value.kind is not value.VAR_KEYWORD]
    for parameter in parameters:
        if len(named) == len(known) or not _NUMBERED.fullmatch(parameter):
            raise_violations(check_choice(f"problem {name!r}: parameter", parameter, named))
    return make(**parameters)


def _find_maker(name: str) -> Callable[..., PdeProblem]:
    """Import the function that makes a problem."""
    module = name.replace("-", "_")
    maker: Callable[..., PdeProblem] = getattr(importlib.import_module(f"{__name__}.{module}"), f"make_{module}")
    return maker
