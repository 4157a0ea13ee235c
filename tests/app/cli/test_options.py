"""Commands whose options are a record: typer sees the record's fields, the command gets the record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from neuropinn_lava.app.cli.option_values import WholeNumbers, parse_whole_numbers
from neuropinn_lava.app.cli.options import JsonOption, taking
from neuropinn_lava.base.errors import NeuroPinnError


class Phase(str, Enum):
    """A choice."""

    GAS = "gas"
    ICE = "ice"


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a user chose."""

    network: Annotated[str, typer.Argument(help="A file.")]
    path: Annotated[Path, typer.Option("--out", help="Where to.")]
    bits: Annotated[int, typer.Option(help="How many.", min=2)] = 8
    phase: Annotated[Phase, typer.Option(help="In which phase.")] = Phase.GAS
    threshold: Annotated[float | None, typer.Option("--cut", help="From where.")] = None
    sizes: Annotated[WholeNumbers | None, typer.Option(parser=parse_whole_numbers, help="Which.")] = None
    energy: Annotated[list[Path] | None, typer.Option(help="May be repeated.")] = None
    as_json: JsonOption = False


@pytest.fixture
def called():
    """A function of the command line's words: exit code, printed text, and the records that the command got."""
    got: list[Wishes] = []

    def grant(options: Wishes) -> None:
        """Grant wishes."""
        got.append(options)

    app = typer.Typer()
    app.command("grant")(taking(Wishes, grant))

    def call(*words: str):
        result = CliRunner().invoke(app, words)
        refused = str(result.exception) if isinstance(result.exception, NeuroPinnError) else ""
        return result.exit_code, result.output + refused, got

    return call


def test_what_is_left_out_is_the_fields_default(called):
    code, _, got = called("net.h5", "--out", "chip.h5")
    assert code == 0
    assert got == [Wishes(network="net.h5", path=Path("chip.h5"))]


def test_every_option_reaches_its_field(called):
    options = ("--out", "chip.h5", "--bits", "4", "--energy", "a.toml", "--energy", "b.toml", "--json")
    code, _, got = called("net.h5", *options)
    assert code == 0
    energy = [Path("a.toml"), Path("b.toml")]
    assert got == [Wishes(network="net.h5", path=Path("chip.h5"), bits=4, energy=energy, as_json=True)]


@pytest.mark.parametrize("words", [(), ("net.h5",), ("net.h5", "--bit", "4")])
def test_wrong_usage_never_reaches_the_command(called, words):
    code, _, got = called(*words)
    assert code == 2
    assert got == []


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (("--bits", "1"), "--bits must be a whole number of 2 or more; got '1'. "),
        (("--phase", "gsa"), "--phase must be one of gas, ice; got 'gsa'. Did you mean gas?"),
        (("--cut", "a"), "--cut must be a number; got 'a'. "),
        (("--sizes", "4;5"), "--sizes must be whole numbers, separated by commas; got '4;5'. "),
    ],
)
def test_a_refused_option_reads_like_every_other_error(called, words, refusal):
    _, text, got = called("net.h5", "--out", "c", *words)
    assert text.startswith(refusal)
    assert got == []


def test_an_option_is_its_own_class(called):
    _, _, (options,) = called("net.h5", "--out", "c", "--phase", "ice", "--cut", "1", "--sizes", "4,5")
    assert (options.phase, options.threshold, options.sizes) == (Phase.ICE, 1.0, (4, 5))


def test_help_is_the_commands_own(called):
    code, text, _ = called("--help")
    assert code == 0
    assert [word in text for word in ("Grant wishes.", "--out", "--bits", "--energy", "--json")] == [True] * 5
