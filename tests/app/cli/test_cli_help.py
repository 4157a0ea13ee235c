"""The help of every command: an example that the command accepts, and a word on every argument and option."""

from __future__ import annotations

import inspect
import re
import shlex

import pytest
import typer

from neuropinn_lava.app.cli.main import app

EXAMPLE = re.compile(r"Examples?:\s+`(neuropinn-lava [^`]*)`")


def walk_commands(group, names=()):
    """Yield every command of the application with its words, those of groups within it included."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from walk_commands(command, (*names, name))
        else:
            yield (*names, name), command


COMMANDS = dict(walk_commands(typer.main.get_command(app)))


def test_there_are_commands():
    assert {("demo",), ("run",), ("train",)} <= COMMANDS.keys()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_shows_an_example(cli, words):
    code, out, _ = cli(*words, "--help")
    assert code == 0
    assert f"Example: neuropinn-lava {' '.join(words)}" in " ".join(out.split())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_examples_parse(words):
    command = COMMANDS[words]
    examples = EXAMPLE.findall(" ".join(inspect.getdoc(command.callback).split()))
    assert examples
    for example in examples:
        given = shlex.split(example)[1 + len(words) :]
        with command.make_context(words[-1], given) as context:
            assert context.params


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_parameter_has_a_word_of_help(words):
    silent = [parameter.name for parameter in COMMANDS[words].params if not getattr(parameter, "help", None)]
    assert silent == []
