"""Texts of the command line as values: what they become, and what is refused, with the option's name."""

from __future__ import annotations

import pytest

from neuropinn_lava.app.cli.option_values import (
    parse_bits,
    parse_cells,
    parse_corner,
    parse_numbers,
    parse_parameters,
    parse_samples,
    parse_whole,
    parse_widths,
)
from neuropinn_lava.base.errors import SpecError


def test_lists_of_numbers():
    assert parse_whole("4,6,8", "--weight-bits") == (4, 6, 8)
    assert parse_numbers("0.05,1e-1", "--theta") == (0.05, 0.1)
    assert parse_bits("8", "--weight-bits") == 8
    assert parse_bits("8,6,6,4", "--weight-bits") == (8, 6, 6, 4)


def test_what_is_left_out_stays_so():
    assert (parse_widths(None), parse_cells(None), parse_corner(None, "--lower")) == (None, None, None)
    assert parse_parameters(None) == ()


def test_widths_cells_and_corners():
    assert parse_widths("50") == (50,)
    assert parse_cells("32,16") == (32, 16)
    assert parse_corner("0,-0.5", "--lower") == [0.0, -0.5]


@pytest.mark.parametrize(
    ("text", "numbers"), [("3", (3,)), ("0:3", (0, 1, 2)), (":2,9", (0, 1, 9)), ("5,1:3,2", (1, 2, 5))]
)
def test_numbers_and_ranges(text, numbers):
    assert parse_samples(text, "--probe") == numbers


def test_parameters_are_names_and_numbers():
    assert [(p.name, p.value) for p in parse_parameters(["nu=0.01", "k=3"])] == [("nu", 0.01), ("k", 3.0)]
    with pytest.raises(SpecError, match=r"--param must have the form NAME=VALUE with a number; got 'nu:0\.01'"):
        parse_parameters(["nu:0.01"])


@pytest.mark.parametrize(
    ("parse", "message"),
    [
        (lambda: parse_whole("4;6", "--n-steps"), r"--n-steps must be whole numbers, separated by commas; got '4;6'"),
        (lambda: parse_bits("8.5", "--weight-bits"), r"--weight-bits must be whole numbers, .* Write 8, or 8,6,6,4"),
        (
            lambda: parse_numbers("0.05;0.1", "--theta"),
            r"--theta must be numbers, separated by commas; got '0\.05;0\.1'",
        ),
        (lambda: parse_widths(""), r"--layers must be whole numbers, .* Write 50, or 50,50,50"),
        (lambda: parse_cells("32,0"), r"--cells must be whole numbers of 1 or more, .*; got '32,0'"),
        (lambda: parse_cells("32,x"), r"--cells must be whole numbers of 1 or more, .*; got '32,x'"),
        (lambda: parse_corner("0,a", "--upper"), r"--upper must be numbers, .*; got '0,a'\. Write 0,0"),
        (lambda: parse_samples("1:x", "--probe"), r"run --probe must be whole numbers and ranges; got '1:x'"),
    ],
)
def test_what_is_no_number_is_refused(parse, message):
    with pytest.raises(SpecError, match=message):
        parse()
