"""The problems of the catalogue by name; a problem's file is imported when the problem is asked for."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable

from ..base.checks import check_choice, raise_violations
from .problem import PdeProblem

_ROOMS = {
    "heat": "evolution",
    "burgers": "evolution",
    "laplace": "stationary",
    "poisson": "stationary",
    "poisson-steep": "stationary",
    "poisson-lshape": "stationary",
    "burgers-shock": "evolution",
    "allen-cahn": "evolution",
    "poisson-star": "stationary",
    "advection-diffusion-star": "stationary",
    "eikonal": "stationary",
    "elasticity3d": "systems",
    "helmholtz": "stationary",
    "poisson-mixed": "stationary",
    "poisson-holes": "stationary",
    "interface": "systems",
    "heat-robin": "evolution",
    "advection": "evolution",
    "wave": "evolution",
    "wave2d": "evolution",
    "kovasznay": "systems",
    "cavity": "systems",
    "reaction-diffusion": "systems",
    "kuramoto-sivashinsky": "systems",
    "burgers-family": "parameters",
    "poisson-moving": "parameters",
    "burgers-inverse": "parameters",
    "diffusion-inverse": "parameters",
    "conductivity-inverse": "parameters",
    "heat-operator": "operator_learning",
    "burgers-operator": "operator_learning",
    "poisson-operator": "operator_learning",
    "diffusion-operator": "operator_learning",
}
"""The room of the catalogue in which each problem stands: the function `make_some_name` of its file some_name.py builds the
problem `some-name`."""
_NUMBERED = re.compile(r"\w+_\d+")
"""Names of the options that a function with `**options` accepts and checks itself, such as `radius_2` of a second inclusion."""


def list_problems() -> tuple[str, ...]:
    """Return the names of all problems, in the order of the documentation."""
    return tuple(_ROOMS)


def find_problem(name: str, **parameters: float) -> PdeProblem:
    """Build a problem by name: `find_problem("heat", diffusivity=0.5)`.

    Args:
        name: One of `list_problems()`.
        **parameters: Keyword options of the problem's own function; those left out keep their defaults. The problem carries
            them as `PdeProblem.options`.

    Raises:
        SpecError: If the name or a parameter is unknown (the nearest ones are shown), or a value is out of range.
    """
    raise_violations(check_choice("find_problem.name", name, tuple(_ROOMS)))
    module = name.replace("-", "_")
    make: Callable[..., PdeProblem] = getattr(
        importlib.import_module(f"{__package__}.catalogue.{_ROOMS[name]}.{module}"), f"make_{module}"
    )
    known = inspect.signature(make).parameters
    named = [key for key, value in known.items() if value.kind is not value.VAR_KEYWORD]
    for parameter in parameters:
        if len(named) == len(known) or not _NUMBERED.fullmatch(parameter):
            raise_violations(check_choice(f"problem {name!r}: parameter", parameter, named))
    return make(**parameters).with_options(**parameters)
