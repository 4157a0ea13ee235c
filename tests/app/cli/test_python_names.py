"""Python arguments become options in errors, and former options become their successors."""

from __future__ import annotations

import pytest

from neuropinn_lava.app.cli.python_names import FORMER, REUSED, replace_former_options, translate_error
from neuropinn_lava.base.errors import SpecError

OPTIONS = {
    "points": "--points",
    "upper": "--upper",
    "error_budget": "--error-budget",
    "problem": "--problem",
    "lava": "--lava",
    "cores": "--cores",
    "theta": "--theta",
    "path": "--out",
}


@pytest.mark.parametrize(
    ("where", "translated"),
    [
        ("convert.problem", "--problem"),
        ("run.n_cores", "--cores"),
        ("SweepGrid.theta", "--theta"),
        ("PopulationSpec 'hidden1'.theta", "PopulationSpec 'hidden1'.theta"),
        ("PopulationSpec.theta", "PopulationSpec.theta"),
        ("convert.sparsify", "convert.sparsify"),
        ("Box.upper", "--upper"),
        ("NetworkSpec 'model'.upper", "--upper"),
        ("NetworkSpec 'model'.output", "NetworkSpec 'model'.output"),
        ("error budget", "--error-budget"),
        ("find_problem.name", "--problem"),
        ("points file", "--points"),
        ("calibration points of network 'a'", "--points: calibration points of network 'a'"),
        ("stream.points: block of points from number 0 on", "--points: block of points from number 0 on"),
    ],
)
def test_the_object_of_an_error_is_an_option_where_it_is_one(where, translated):
    assert translate_error(SpecError(where, "be left out", 1, "Leave it out."), OPTIONS).startswith(
        f"{translated} must"
    )


def test_the_repair_names_options():
    text = translate_error(SpecError("x", "run", 1, "Give `problem=`, `with_lava=False` or `other=`."), OPTIONS)
    assert text.endswith("Give --problem, --no-lava or `other=`.")


def test_former_options_are_replaced_and_noted():
    words, notes = replace_former_options(["train", "heat", "--steps=4", "--widths", "8,8"])
    assert words == ["train", "heat", "--n-steps=4", "--layers", "8,8"]
    assert notes[0] == "--steps is now --n-steps; the old name ends with version 3.0."
    assert len(notes) == 2
    assert replace_former_options(["run", "--layers", "dense"]) == (["run", "--layers", "dense"], [])
    assert replace_former_options([]) == ([], [])


def test_no_command_has_a_former_option_any_more():
    import typer

    from neuropinn_lava.app.cli.main import app

    commands = typer.main.get_command(app).commands
    for command, renamed in (*FORMER.items(), *REUSED.items()):
        options = {option for parameter in commands[command].params for option in parameter.opts}
        assert options >= set(renamed.values())
        assert options.isdisjoint(renamed.keys())
