"""Values of options that typer does not know: lists of numbers, corners of boxes, samples, options of a problem.

Each option is annotated with its class and `parser=parser_of(parse, "--option")`, so that a command gets values, not texts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ...base.errors import NeuroPinnError, SpecError
from ...network.spec import ProblemParameter

_Number = TypeVar("_Number", int, float)
_Value = TypeVar("_Value")


class WholeNumbers(tuple[int, ...]):
    """Whole numbers of an option, such as `4,6,8`."""

    __slots__ = ()


class Numbers(tuple[float, ...]):
    """Numbers of an option, such as `0.05,0.1`."""

    __slots__ = ()


class Names(tuple[str, ...]):
    """Names of an option, such as `hidden1,hidden2`."""

    __slots__ = ()


def parser_of(parse: Callable[[str, str], _Value], option: str) -> Callable[[str | _Value], _Value]:
    """Return the parser of an option for typer.

    Args:
        parse: Function of the text and the option's name.
        option: Name of the option, for errors.
    """

    def parse_value(value: str | _Value) -> _Value:
        try:
            return parse(value, option) if isinstance(value, str) else value  # a default is a value already
        except SpecError as error:  # click would replace a ValueError by its own text, without the rule
            raise NeuroPinnError(*error.args) from error

    return parse_value


def _split_numbers(text: str, kind: Callable[[str], _Number], option: str, mend: str) -> tuple[_Number, ...]:
    try:
        return tuple(kind(entry) for entry in text.split(","))
    except ValueError as error:
        numbers = "numbers" if isinstance(kind("1"), float) else "whole numbers"
        raise SpecError(option, f"be {numbers}, separated by commas", repr(text), mend) from error


def parse_whole_numbers(text: str, option: str) -> WholeNumbers:
    """Read `4,6,8`.

    Raises:
        SpecError: If an entry is not a whole number, or there is none.
    """
    return WholeNumbers(_split_numbers(text, int, option, "Write 8, or 4,6,8."))


def parse_numbers(text: str, option: str) -> Numbers:
    """Read `0.05,0.1`.

    Raises:
        SpecError: If an entry is not a number, or there is none.
    """
    return Numbers(_split_numbers(text, float, option, "Write 0.05, or 0.05,0.1."))


def parse_cells(text: str, option: str) -> WholeNumbers:
    """Read numbers of cells along each axis, as `32,32`.

    Raises:
        SpecError: If one of them is not a whole number of 1 or more.
    """
    try:
        cells = parse_whole_numbers(text, option)
    except SpecError:
        cells = WholeNumbers()
    if min(cells, default=0) < 1:
        rule = "be whole numbers of 1 or more, separated by commas"
        raise SpecError(option, rule, repr(text), "Write 32,32.")
    return cells


def parse_samples(text: str, option: str) -> WholeNumbers:
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
        raise SpecError(option, "be whole numbers and ranges", repr(text), "Write 0:16, or 3,99.") from error
    return WholeNumbers(sorted(numbers))


def parse_names(text: str, option: str) -> Names:
    """Read `hidden1,hidden2`; any name is accepted here."""
    return Names(name.strip() for name in text.split(","))


def parse_parameter(text: str, option: str) -> ProblemParameter:
    """Read an option of a problem, as `viscosity=0.01`.

    Raises:
        SpecError: If it is not a name and a number.
    """
    name, _, value = text.partition("=")
    try:
        return ProblemParameter(name=name, value=float(value))
    except ValueError as error:
        rule = "have the form NAME=VALUE with a number"
        raise SpecError(option, rule, repr(text), "Write viscosity=0.01.") from error
