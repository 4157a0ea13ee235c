"""Texts of the command line as values: what they become, and what is refused, with the option's name."""

from __future__ import annotations

import pytest

from neuropinn_lava.app.cli.option_values import (
    WholeNumbers,
    parse_cells,
    parse_names,
    parse_numbers,
    parse_parameter,
    parse_samples,
    parse_whole_numbers,
    parser_of,
)
from neuropinn_lava.base.errors import NeuroPinnError, SpecError


def test_lists_of_numbers():
    assert parse_whole_numbers("4,6,8", "--weight-bits") == (4, 6, 8)
    assert parse_whole_numbers("50", "--layers") == (50,)
    assert parse_numbers("0.05,-1e-1", "--theta") == (0.05, -0.1)
    assert parse_cells("32,16", "--cells") == (32, 16)
    assert parse_names("hidden1, hidden2", "--probe-layers") == ("hidden1", "hidden2")


def test_the_parser_of_typer_leaves_a_default_and_keeps_the_error():
    parse = parser_of(parse_whole_numbers, "--weight-bits")
    assert parse("8,6") == (8, 6)
    assert parse(WholeNumbers((8,))) == (8,)
    with pytest.raises(NeuroPinnError, match=r"--weight-bits must be whole numbers, .* got '8.5'"):
        parse("8.5")


@pytest.mark.parametrize(
    ("text", "numbers"), [("3", (3,)), ("0:3", (0, 1, 2)), (":2,9", (0, 1, 9)), ("5,1:3,2", (1, 2, 5))]
)
def test_numbers_and_ranges(text, numbers):
    assert parse_samples(text, "--probe") == numbers


def test_parameters_are_names_and_numbers():
    parameter = parse_parameter("nu=0.01", "--param")
    assert (parameter.name, parameter.value) == ("nu", 0.01)
    with pytest.raises(SpecError, match=r"--param must have the form NAME=VALUE with a number; got 'nu:0\.01'"):
        parse_parameter("nu:0.01", "--param")


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_whole_numbers, "4;6", r"--x must be whole numbers, separated by commas; got '4;6'"),
        (parse_whole_numbers, "", r"--x must be whole numbers"),
        (parse_numbers, "0.05;0.1", r"--x must be numbers, separated by commas; got '0\.05;0\.1'"),
        (parse_numbers, "0,a", r"--x must be numbers, .*; got '0,a'"),
        (parse_cells, "32,0", r"--x must be whole numbers of 1 or more, .*; got '32,0'"),
        (parse_cells, "32,x", r"--x must be whole numbers of 1 or more, .*; got '32,x'"),
        (parse_samples, "1:x", r"--x must be whole numbers and ranges; got '1:x'"),
    ],
)
def test_what_is_no_number_is_refused(parse, text, message):
    with pytest.raises(SpecError, match=message):
        parse(text, "--x")
