"""The shared rules: what each accepts, and the sentence that it says."""

from __future__ import annotations

from enum import Enum

import numpy as np
import pytest

from neuropinn_lava.base.checks import (
    as_member,
    check_choice,
    check_finite,
    check_range,
    check_shape,
    check_whole,
    raise_violations,
)
from neuropinn_lava.base.errors import FileFormatError, SpecError, Violation


class Fruit(str, Enum):
    APPLE = "apple"
    PEAR = "pear"


def only(found: object) -> str:
    (violation,) = found  # type: ignore[misc]
    return str(violation)


def test_finite() -> None:
    assert not list(check_finite("x", np.zeros((2, 3))))
    assert not list(check_finite("x", np.zeros(0)))
    bad = np.array([[0.0, 1.0], [np.inf, np.nan]])
    assert only(check_finite("x", bad)).startswith(
        "x must have only finite entries; got inf at index (1, 0) and 2 such entries"
    )


@pytest.mark.parametrize(
    ("shape", "wanted", "fits"),
    [
        ((2, 3), (2, 3), True),
        ((2, 3), (None, 3), True),
        ((0, 3), (None, 3), False),
        ((0, 3), (0, 3), True),
        ((2, 3), (3, 2), False),
        ((2,), (2, 1), False),
        ((), (), True),
    ],
)
def test_shape(shape: tuple[int, ...], wanted: tuple[int | None, ...], fits: bool) -> None:
    found = list(check_shape("W", np.zeros(shape), wanted, "(a, b)"))
    assert bool(found) != fits
    if found:
        text = "(" + ", ".join("any" if n is None else str(n) for n in wanted) + ")"
        assert str(found[0]) == f"W must have the shape (a, b) = {text}; got {shape}. Make the widths agree."


def test_range() -> None:
    assert not list(check_range("b", [0.0, 0.5, 1.0], 0, 1))
    assert not list(check_range("b", [], 0, 1))
    assert only(check_range("b", [0.5, 1.5, -1], 0, 1)).startswith("b must lie in [0, 1]; got 1.5.")
    assert only(check_range("b", np.nan, 0, 1)).startswith("b must lie in [0, 1]; got nan.")


def test_whole() -> None:
    for value in (0, -3, True, np.int64(2), np.uint8(2)):
        assert not list(check_whole("n", value))
    for value in (1.0, "1", None, np.float64(1.0), np.array([1, 2])):
        assert only(check_whole("n", value)).startswith("n must be a whole number; got ")


def test_choice_shows_the_nearest() -> None:
    assert not list(check_choice("name", "heat", ["heat", "poisson"]))
    assert only(check_choice("name", "poison", ["heat", "poisson"])).endswith("got 'poison'. Did you mean poisson?")
    assert only(check_choice("name", "xyz", ["heat"])) == "name must be one of heat; got 'xyz'. Choose one of them."


@pytest.mark.parametrize("got", ["pear", Fruit.PEAR])
def test_member(got: object) -> None:
    assert as_member(Fruit, got, "fruit") is Fruit.PEAR


@pytest.mark.parametrize("got", ["paer", "PEAR", 1, None])
def test_no_member(got: object) -> None:
    with pytest.raises(SpecError, match=rf"fruit must be one of apple, pear; got '{got}'"):
        as_member(Fruit, got, "fruit")


def test_all_violations_are_raised_at_once() -> None:
    raise_violations([])
    found = (Violation(f"field{i}", "obey", i, "Repair it.") for i in range(3))
    with pytest.raises(FileFormatError) as caught:
        raise_violations(found, FileFormatError)
    assert [violation.got for violation in caught.value.violations] == [0, 1, 2]
    assert str(caught.value).splitlines() == [f"field{i} must obey; got {i}. Repair it." for i in range(3)]
