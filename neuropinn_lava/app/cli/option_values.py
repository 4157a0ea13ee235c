"""Texts of the command line as values: lists of numbers, corners of boxes, options of a problem.

Every function takes the option's name for its errors. What values may be is their record's affair, not this module's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ...base.errors import SpecError
from ...network.spec import ProblemParameter

_Number = TypeVar("_Number", int, float)

WHOLE = "be whole numbers, separated by commas"
NUMBERS = "be numbers, separated by commas"


def parse_whole(text: str, option: str, mend: str = "Write 8, or 4,6,8.") -> tuple[int, ...]:
    """Read `4,6,8`.

    Raises:
        SpecError: If an entry is no whole number, or there is none.
    """
    return _parsed(text, int, option, WHOLE, mend)


def parse_numbers(text: str, option: str, mend: str = "Write 0.05, or 0.05,0.1.") -> tuple[float, ...]:
    """Read `0.05,0.1`.

    Raises:
        SpecError: If an entry is no number, or there is none.
    """
    return _parsed(text, float, option, NUMBERS, mend)


def _parsed(text: str, kind: Callable[[str], _Number], option: str, rule: str, mend: str) -> tuple[_Number, ...]:
    try:
        return tuple(kind(entry) for entry in text.split(","))
    except ValueError as error:
        raise SpecError(option, rule, repr(text), mend) from error


def parse_bits(text: str, option: str) -> int | tuple[int, ...]:
    """Read word lengths: `8` for all, or `8,6,6,4` for one after the other.

    Raises:
        SpecError: If an entry is not a whole number.
    """
    numbers = parse_whole(text, option, "Write 8, or 8,6,6,4.")
    return numbers[0] if len(numbers) == 1 else numbers


def parse_widths(text: str | None) -> tuple[int, ...] | None:
    """Read neurons per layer, as `50,50,50`; None where the option is left out.

    Raises:
        SpecError: If an entry is not a whole number.
    """
    return parse_whole(text, "--layers", "Write 50, or 50,50,50.") if text is not None else None


def parse_cells(text: str | None) -> tuple[int, ...] | None:
    """Read numbers of cells, as `32,32`; None where the option is left out.

    Raises:
        SpecError: If one of them is not a whole number of 1 or more.
    """
    if text is None:
        return None
    rule, mend = "be whole numbers of 1 or more, separated by commas", "Write 32,32."
    cells = _parsed(text, int, "--cells", rule, mend)
    if min(cells) < 1:
        raise SpecError("--cells", rule, repr(text), mend)
    return cells


def parse_corner(text: str | None, option: str) -> list[float] | None:
    """Read a corner of a box, as `0,0.5`; None where the option is left out.

    Raises:
        SpecError: If an entry is not a number.
    """
    return list(parse_numbers(text, option, "Write 0,0.")) if text is not None else None


def parse_samples(text: str, option: str) -> tuple[int, ...]:
    """Read numbers and ranges, `3,10:12` is 3, 10 and 11, ascending.

    Raises:
        SpecError: If the text is something else.
    """
    numbers: set[int] = set()
    try:
        for part in text.split(","):
            first, colon, end = part.partition(":")
            numbers |= set(range(int(first or 0), int(end))) if colon else {int(first)}
    except ValueError as error:
        mend = "Give them as 0:16 or 3,99."
        raise SpecError(f"run {option}", "be whole numbers and ranges", repr(text), mend) from error
    return tuple(sorted(numbers))


def parse_parameters(texts: list[str] | None) -> tuple[ProblemParameter, ...]:
    """Read options of a problem, as `viscosity=0.01`.

    Raises:
        SpecError: If one of them is not a name and a number.
    """
    parameters = []
    for text in texts or ():
        name, _, value = text.partition("=")
        try:
            parameters.append(ProblemParameter(name=name, value=float(value)))
        except ValueError as error:
            raise SpecError(
                "--param", "have the form NAME=VALUE with a number", repr(text), "Write viscosity=0.01."
            ) from error
    return tuple(parameters)
