"""Commands whose options are a record: typer sees the record's fields, the command gets the record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from neuropinn_lava.app.cli.options import JsonOption, taking


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a user chose."""

    network: Annotated[str, typer.Argument(help="A file.")]
    path: Annotated[Path, typer.Option("--out", help="Where to.")]
    bits: Annotated[int, typer.Option(help="How many.", min=2)] = 8
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
        return result.exit_code, result.output, got

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


@pytest.mark.parametrize("words", [(), ("net.h5",), ("net.h5", "--out", "c", "--bits", "1"), ("net.h5", "--bit", "4")])
def test_wrong_usage_never_reaches_the_command(called, words):
    code, _, got = called(*words)
    assert code == 2
    assert got == []


def test_help_is_the_commands_own(called):
    code, text, _ = called("--help")
    assert code == 0
    assert [word in text for word in ("Grant wishes.", "--out", "--bits", "--energy", "--json")] == [True] * 5
