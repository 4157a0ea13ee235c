"""What users build upon is frozen: the names of the package and the commands with their options.

`tests/public_api.txt` is a promise. A change that adds to it is welcome; one that takes away or renames breaks somebody's
script, and belongs in CHANGES.md under Changed or Removed. Either way, make the snapshot anew and commit it with the change:

    python tests/test_public_api.py
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SNAPSHOT = Path(__file__).with_name("public_api.txt")
REMEDY = "If it is meant, run `python tests/test_public_api.py`, commit public_api.txt, and say so in CHANGES.md."


def public_names() -> Iterator[str]:
    """Return the public names of the package; the modules that they live in are nobody's business."""
    import neuropinn_lava

    return (f"neuropinn_lava.{name}" for name in sorted(neuropinn_lava.__all__))


def command_lines() -> Iterator[str]:
    """Yield every command with its arguments and options, a line each; an argument that may be left out in brackets."""
    import typer

    from neuropinn_lava.app.cli.main import app

    for name, command in sorted(typer.main.get_command(app).commands.items()):  # type: ignore[attr-defined]
        yield f"neuropinn-lava {name}"
        yield from sorted(f"    {describe(parameter)}" for parameter in command.params)


def describe(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return parameter.name.upper() if parameter.required else f"[{parameter.name.upper()}]"
    names = "/".join([*parameter.opts, *parameter.secondary_opts])
    value = "" if parameter.is_flag else " VALUE"
    return f"{names}{value}{' required' if parameter.required else ''}{' repeated' if parameter.multiple else ''}"


def snapshot() -> str:
    return "\n".join([*public_names(), *command_lines()]) + "\n"


def test_nothing_public_has_changed() -> None:
    held, found = SNAPSHOT.read_text(encoding="utf-8"), snapshot()
    changes = difflib.unified_diff(
        held.splitlines(), found.splitlines(), "public_api.txt", "this version", lineterm="", n=0
    )
    assert held == found, "\n".join([*changes, REMEDY])


def test_every_public_name_is_there() -> None:
    import neuropinn_lava

    for name in neuropinn_lava.__all__:
        assert getattr(neuropinn_lava, name) is not None
    assert set(dir(neuropinn_lava)) == set(neuropinn_lava.__all__)


def test_a_name_that_cannot_forward_says_its_successor() -> None:
    import neuropinn_lava

    with pytest.raises(AttributeError, match=r"neuropinn_lava.LayerSpec is now PopulationSpec, .*docs/migration.md"):
        neuropinn_lava.LayerSpec  # noqa: B018


def test_a_former_name_warns_once_and_forwards(monkeypatch: pytest.MonkeyPatch) -> None:
    import neuropinn_lava

    monkeypatch.setattr(neuropinn_lava, "_warned", set())
    for former, successor in neuropinn_lava._RENAMED.items():
        with pytest.warns(DeprecationWarning, match=f"neuropinn_lava.{former} is now neuropinn_lava.{successor};"):
            forwarded = getattr(neuropinn_lava, former)
        assert forwarded is getattr(neuropinn_lava, former) is getattr(neuropinn_lava, successor)
        assert former not in neuropinn_lava.__all__


if __name__ == "__main__":
    SNAPSHOT.write_text(snapshot(), encoding="utf-8")
