"""Texts of the command line as values: what they become, and what is refused, with the option's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuropinn_lava.app.cli.option_values import (
    WholeNumbers,
    named_parser,
    parse_cells,
    parse_names,
    parse_number,
    parse_numbers,
    parse_parameter,
    parse_samples,
    parse_whole_numbers,
    plain_parser,
)
from neuropinn_lava.base.errors import NeuroPinnError, SpecError
from neuropinn_lava.network.nodes import Polarity


def test_lists_of_numbers():
    assert parse_whole_numbers("4,6,8") == (4, 6, 8)
    assert parse_whole_numbers("50") == (50,)
    assert parse_numbers("0.05,-1e-1") == (0.05, -0.1)
    assert parse_cells("32,16") == (32, 16)
    assert parse_names("hidden1, hidden2") == ("hidden1", "hidden2")


def test_a_named_parser_leaves_a_default_and_names_its_option():
    parse = named_parser(parse_whole_numbers, "--weight-bits")
    assert parse("8,6") == (8, 6)
    assert parse(WholeNumbers((8,))) == (8,)
    with pytest.raises(NeuroPinnError, match=r"--weight-bits must be whole numbers, .* got '8.5'"):
        parse("8.5")


def test_enums_and_numbers_have_a_parser_and_other_classes_none():
    choose = plain_parser(Polarity, None, None)
    assert choose("both") is choose(Polarity.BOTH) is Polarity.BOTH
    with pytest.raises(SpecError, match=r"the option must be one of both, positive; got 'bth'. Did you mean both"):
        choose("bth")
    assert plain_parser(int, 1, None)("8") == 8
    assert plain_parser(float, 0.0, 1.0)("1") == 1.0
    assert plain_parser(Path, None, None) is plain_parser(bool, None, None) is plain_parser(str, None, None) is None


@pytest.mark.parametrize(
    ("text", "kind", "low", "high", "message"),
    [
        ("a", int, None, None, r"be a whole number; got 'a'. Write one, as 8"),
        ("1.5", int, None, None, r"be a whole number; got '1.5'"),
        ("0", int, 1, None, r"be a whole number of 1 or more; got '0'. Choose"),
        ("-0.1", float, 0.0, 1.0, r"be a number from 0 to 1; got '-0.1'"),
        ("1.1", float, 0.0, 1.0, r"be a number from 0 to 1; got '1.1'"),
        ("nan", float, 0.0, None, r"be a number of 0 or more; got 'nan'"),
    ],
)
def test_a_number_out_of_its_range_is_refused(text, kind, low, high, message):
    with pytest.raises(SpecError, match=f"the option must {message}"):
        parse_number(text, kind=kind, low=low, high=high)


@pytest.mark.parametrize(
    ("text", "numbers"), [("3", (3,)), ("0:3", (0, 1, 2)), (":2,9", (0, 1, 9)), ("5,1:3,2", (1, 2, 5))]
)
def test_numbers_and_ranges(text, numbers):
    assert parse_samples(text) == numbers


def test_parameters_are_names_and_numbers():
    parameter = parse_parameter("nu=0.01")
    assert (parameter.name, parameter.value) == ("nu", 0.01)
    with pytest.raises(SpecError, match=r"the option must have the form NAME=VALUE with a number; got 'nu:0\.01'"):
        parse_parameter("nu:0.01")


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_whole_numbers, "4;6", r"the option must be whole numbers, separated by commas; got '4;6'"),
        (parse_whole_numbers, "", r"the option must be whole numbers"),
        (parse_numbers, "0.05;0.1", r"the option must be numbers, separated by commas; got '0\.05;0\.1'"),
        (parse_numbers, "0,a", r"the option must be numbers, .*; got '0,a'"),
        (parse_cells, "32,0", r"the option must be whole numbers of 1 or more, .*; got '32,0'"),
        (parse_cells, "32,x", r"the option must be whole numbers of 1 or more, .*; got '32,x'"),
        (parse_samples, "1:x", r"the option must be whole numbers and ranges; got '1:x'"),
    ],
)
def test_what_is_no_number_is_refused(parse, text, message):
    with pytest.raises(SpecError, match=message):
        parse(text)
