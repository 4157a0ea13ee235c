"""Inclusions as options by name: numbers on the command line and in the provenance of a network.

    radius_2=0.15 centre_x_2=0.75          a second inclusion, a sphere at (0.75, 0.5, 0.5)

The first inclusion's options have no number, those of the others end in _2, _3, ... .
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..base.checks import check_choice, raise_violations
from ..base.errors import Violation
from .cells import Ellipsoid

DEFAULTS = {"aspect_y": 1.0, "aspect": 1.0, "centre_x": 0.5, "centre_y": 0.5, "centre_z": 0.5}
"""Options of an inclusion besides its `radius`, with their values where nothing is said."""


def make_ellipsoid(radius: float, options: Mapping[str, float]) -> Ellipsoid:
    """Build an inclusion from its radius, the semi-axis along x, and any of the options of `DEFAULTS`.

    Raises:
        SpecError: If a semi-axis is not positive.
    """
    held = {**DEFAULTS, **options}
    return Ellipsoid(
        centre=np.array([held["centre_x"], held["centre_y"], held["centre_z"]]),
        semi_axes=radius * np.array([1.0, held["aspect_y"], held["aspect"]]),
    )


def further_inclusions(options: Mapping[str, float]) -> tuple[Ellipsoid, ...]:
    """Build the inclusions that numbered options describe, in the order of their numbers.

    Args:
        options: `radius_2`, `centre_x_2`, `radius_3`, ... and their values.

    Raises:
        SpecError: If a name is no such option, an inclusion has no radius, or a semi-axis is not positive.
    """
    raise_violations(_violations(options))
    numbers = sorted({_number(name) for name in options})
    bodies = []
    for number in numbers:
        own = {name.rpartition("_")[0]: value for name, value in options.items() if _number(name) == number}
        bodies.append(make_ellipsoid(own.pop("radius"), own))
    return tuple(bodies)


def _number(name: str) -> int:
    """Return the number at the end of an option's name, 0 where there is none."""
    digits = name.rpartition("_")[2]
    return int(digits) if digits.isdecimal() else 0


def _violations(options: Mapping[str, float]) -> Iterator[Violation]:
    for name in options:
        number = max(_number(name), 2)
        known = [f"{option}_{number}" for option in ("radius", *DEFAULTS)]
        yield from check_choice("elasticity3d: option of a further inclusion", name, known)
        if f"radius_{number}" not in options and name in known:
            repair = f"Give radius_{number}."
            yield Violation(f"elasticity3d: inclusion {number}", "have a radius", name, repair)
