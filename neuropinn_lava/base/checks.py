"""Rules that several records share, each as a small function that yields the violations it finds.

A record's `__post_init__` chains these, gathers what they yield and raises one `SpecError` (`raise_violations`).
"""

from __future__ import annotations

import difflib
import inspect
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
    """Check that every entry is a finite number."""
    array = np.asarray(values)
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        got = f"{array[first]} at index {first} and {int(bad.sum())} such entries in all"
        yield Violation(where, "have only finite entries", got, "Find where the NaN or infinity comes from.")


def check_shape(
    where: str, values: NDArray[np.generic], shape: tuple[int | None, ...], meaning: str
) -> Iterator[Violation]:
    """Check that the array has the given shape; None stands for any length of at least one."""
    fits = values.ndim == len(shape) and all(
        n > 0 if want is None else n == want for n, want in zip(values.shape, shape, strict=True)
    )
    if not fits:
        wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
        yield Violation(where, f"have the shape {meaning} = {wanted}", values.shape, "Make the widths agree.")


def check_range(where: str, values: ArrayLike, low: float, high: float) -> Iterator[Violation]:
    """Check that every entry lies in [low, high]; NaN does not."""
    array = np.asarray(values)
    inside = (array >= low) & (array <= high)
    if array.size and not inside.all():
        got = array[~inside].flat[0]
        yield Violation(where, f"lie in [{low:g}, {high:g}]", got, "Choose a value in that range.")


def check_whole(where: str, value: object) -> Iterator[Violation]:
    """Check that the value is a whole number of Python or numpy."""
    try:
        operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        yield Violation(where, "be a whole number", repr(value), "Use an int.")


def check_choice(where: str, got: str, choices: Iterable[str]) -> Iterator[Violation]:
    """Check that the name is one of the choices; the violation shows the nearest ones."""
    known = sorted(choices)
    if got not in known:
        lowered = {name.lower(): name for name in known}
        near = [lowered[name] for name in difflib.get_close_matches(got.lower(), lowered, n=3, cutoff=0.4)]
        hint = f"Did you mean {' or '.join(near)}?" if near else "Choose one of them."
        yield Violation(where, f"be one of {', '.join(known)}", repr(got), hint)


def as_tuple(values: object) -> object:
    """Convert a list or a one-dimensional array to the tuple that a record holds; return other values unchanged."""
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return tuple(values.tolist())
    return tuple(values) if isinstance(values, list) else values


def as_member(choices: type[_E], got: object, where: str) -> _E:
    """Return the member of an enum that `got` is or names.

    Raises:
        SpecError: If `got` is the name of no member.
    """
    name = str(got.value if isinstance(got, Enum) else got)
    raise_violations(check_choice(where, name, [str(member.value) for member in choices]))
    return choices(name)


def check_takes_one(where: str, function: object, repair: str) -> Iterator[Violation]:
    """Check that something can be called with one argument; a callable without a signature is taken at its word."""
    rule = "be a function of one argument"
    if not callable(function):
        yield Violation(where, rule, type(function).__name__, repair)
        return
    try:
        signature = inspect.signature(function)
    except ValueError:
        return
    try:
        signature.bind(None)
    except TypeError:
        yield Violation(where, rule, f"arguments {signature}", repair)
