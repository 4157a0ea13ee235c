"""Texts of the command line as values: members of an enum, numbers, lists of numbers, samples, options of a problem.

An option is annotated with its class and, where typer does not know the class, with its parser, such as
`parser=parse_whole_numbers`. The parsers refuse a text as "the option"; `options.taking` puts the option's name in its place.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

from ...base.checks import as_member
from ...base.errors import NeuroPinnError, SpecError
from ...network.spec import ProblemParameter

_Number = TypeVar("_Number", bound=float)

OPTION = "the option"
"""Object of a parser's error, until the option's name is known."""


class WholeNumbers(tuple[int, ...]):
    """Whole numbers of an option, such as `4,6,8`."""

    __slots__ = ()


class Numbers(tuple[float, ...]):
    """Numbers of an option, such as `0.05,0.1`."""

    __slots__ = ()


class Names(tuple[str, ...]):
    """Names of an option, such as `hidden1,hidden2`."""

    __slots__ = ()


def named_parser(parse: Callable[[str], Any], option: str) -> Callable[[Any], Any]:
    """Return a parser that names its option when it refuses a text, and that returns a default as it is.

    Args:
        parse: Function that reads a text, or raises SpecError.
        option: Name of the option.
    """

    def parse_value(value: Any) -> Any:
        try:
            return parse(value) if isinstance(value, str) else value
        except SpecError as error:  # a ValueError, whose text typer would put into a sentence of its own
            raise NeuroPinnError(option, *error.args[1:]) from error

    return parse_value


def plain_parser(kind: object, low: float | None, high: float | None) -> Callable[[str], Any] | None:
    """Return the parser of an enum or of a number from `low` to `high`; None for another class, which typer reads itself."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return functools.partial(as_member, kind, where=OPTION)
    if kind is int or kind is float:
        return functools.partial(parse_number, kind=kind, low=low, high=high)
    return None


def parse_number(text: str, *, kind: type[_Number], low: float | None, high: float | None) -> _Number:
    """Read a number of a range; without `low` every number is accepted, without `high` there is no upper end.

    Raises:
        SpecError: If it is no number of that kind, or lies outside.
    """
    with contextlib.suppress(ValueError):
        number = kind(text)
        if (low is None or number >= low) and (high is None or number <= high):
            return number
    noun, example = ("a whole number", "8") if kind is int else ("a number", "0.5")
    if low is None:
        raise SpecError(OPTION, f"be {noun}", repr(text), f"Write one, as {example}.")
    limits = f"of {low:g} or more" if high is None else f"from {low:g} to {high:g}"
    raise SpecError(OPTION, f"be {noun} {limits}", repr(text), "Choose a value in that range.")


def _split_numbers(text: str, kind: type[_Number], repair: str) -> tuple[_Number, ...]:
    try:
        return tuple(kind(entry) for entry in text.split(","))
    except ValueError as error:
        numbers = "whole numbers" if kind is int else "numbers"
        raise SpecError(OPTION, f"be {numbers}, separated by commas", repr(text), repair) from error


def parse_whole_numbers(text: str) -> WholeNumbers:
    """Read `4,6,8`.

    Raises:
        SpecError: If an entry is not a whole number, or there is none.
    """
    return WholeNumbers(_split_numbers(text, int, "Write 8, or 4,6,8."))


def parse_numbers(text: str) -> Numbers:
    """Read `0.05,0.1`.

    Raises:
        SpecError: If an entry is not a number, or there is none.
    """
    return Numbers(_split_numbers(text, float, "Write 0.05, or 0.05,0.1."))


def parse_cells(text: str) -> WholeNumbers:
    """Read numbers of cells along each axis, as `32,32`.

    Raises:
        SpecError: If one of them is not a whole number of 1 or more.
    """
    try:
        cells = parse_whole_numbers(text)
    except SpecError:
        cells = WholeNumbers()
    if min(cells, default=0) < 1:
        rule = "be whole numbers of 1 or more, separated by commas"
        raise SpecError(OPTION, rule, repr(text), "Write 32,32.")
    return cells


def parse_samples(text: str) -> WholeNumbers:
    """Read numbers and ranges in ascending order: `3,10:12` is 3, 10 and 11.

    Raises:
        SpecError: If an entry is neither.
    """
    numbers: set[int] = set()
    try:
        for part in text.split(","):
            first, colon, end = part.partition(":")
            numbers |= set(range(int(first or 0), int(end))) if colon else {int(first)}
    except ValueError as error:
        raise SpecError(OPTION, "be whole numbers and ranges", repr(text), "Write 0:16, or 3,99.") from error
    return WholeNumbers(sorted(numbers))


def parse_names(text: str) -> Names:
    """Read `hidden1,hidden2`; any name is accepted here."""
    return Names(name.strip() for name in text.split(","))


def parse_parameter(text: str) -> ProblemParameter:
    """Read an option of a problem, as `viscosity=0.01`.

    Raises:
        SpecError: If it is not a name and a number.
    """
    name, _, value = text.partition("=")
    try:
        return ProblemParameter(name=name, value=float(value))
    except ValueError as error:
        rule = "have the form NAME=VALUE with a number"
        raise SpecError(OPTION, rule, repr(text), "Write viscosity=0.01.") from error
