"""Rules that several records share, each as a small function that yields the violations it finds.

A record's `__post_init__` chains these, gathers what they yield and raises one `SpecError` (`raise_violations`).
"""

from __future__ import annotations

import difflib
import operator
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import NeuroPinnError, SpecError, Violation

_E = TypeVar("_E", bound=Enum)


def raise_violations(found: Iterable[Violation], error: type[NeuroPinnError] = SpecError) -> None:
    """Raise one `error` that lists everything in `found`, or return if there is nothing."""
    violations = list(found)
    if violations:
        raise error.gathered(violations)


def check_finite(where: str, values: ArrayLike) -> Iterator[Violation]:
    """Every entry is a finite number."""
    array = np.asarray(values)
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        got = f"{array[first]} at index {first} and {int(bad.sum())} such entries in all"
        yield Violation(where, "every entry is finite", got, "Find where the NaN or infinity comes from.")


def check_shape(
    where: str, values: NDArray[np.generic], shape: tuple[int | None, ...], meaning: str
) -> Iterator[Violation]:
    """The array has the given shape; None stands for any length of at least one."""
    fits = values.ndim == len(shape) and all(
        n > 0 if want is None else n == want for n, want in zip(values.shape, shape, strict=True)
    )
    if not fits:
        wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
        yield Violation(where, f"the shape is {meaning} = {wanted}", values.shape, "Make the widths agree.")


def check_range(where: str, values: ArrayLike, low: float, high: float) -> Iterator[Violation]:
    """Every entry lies in [low, high]; NaN does not."""
    array = np.asarray(values)
    inside = (array >= low) & (array <= high)
    if array.size and not inside.all():
        got = array[~inside].flat[0]
        yield Violation(where, f"every entry lies in [{low:g}, {high:g}]", got, "Choose a value in that range.")


def check_whole(where: str, value: object) -> Iterator[Violation]:
    """The value is a whole number, Python's or numpy's."""
    try:
        operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        yield Violation(where, "a whole number", repr(value), "Give an int.")


def check_choice(where: str, got: str, choices: Iterable[str]) -> Iterator[Violation]:
    """The name is one of the choices; otherwise the nearest ones are shown."""
    known = sorted(choices)
    if got not in known:
        near = difflib.get_close_matches(got, known, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(near)}?" if near else "Choose one of them."
        yield Violation(where, f"a name out of {', '.join(known)}", repr(got), hint)


def as_member(choices: type[_E], got: object, where: str) -> _E:
    """Give the member of an enum that `got` is or names.

    Raises:
        SpecError: If it names none.
    """
    name = str(got.value if isinstance(got, Enum) else got)
    raise_violations(check_choice(where, name, [str(member.value) for member in choices]))
    return choices(name)
