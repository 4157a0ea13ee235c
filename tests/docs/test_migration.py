"""The page "From 1.1 to 2.0" names modules that exist, and none that exists still at its old path."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
MOVED = PAGE.partition("## Modules that moved")[2].partition("### Modules that are gone")[0]
SIBLINGS = ("training", "conversion", "hardware_sim")


def module_file(path: str) -> Path:
    """Return the file of a module that the page gives without `neuropinn_lava.`."""
    top = ROOT if path.partition(".")[0] in SIBLINGS else ROOT / "neuropinn_lava"
    return top / (path.replace(".", "/") + ".py")


def moved_modules() -> list[tuple[str, str]]:
    """Read the pairs of old and new path from the two tables of the page."""
    pairs = []
    for row in re.findall(r"^\| (.*) \|$", MOVED, re.M):
        old, new, *names = [re.findall(r"`([\w.]+)`", cell) for cell in row.split(" | ")]
        if new and not names:
            pairs.append((old[0], new[0]))
        elif new:
            pairs += [(".".join([*old, name]), f"{new[0]}.{name}") for name in names[0]]
    return pairs


def test_every_new_path_is_a_module():
    pairs = moved_modules()
    assert len(pairs) > 100
    assert [new for _, new in pairs if not module_file(new).is_file()] == []


def test_no_old_path_is_still_a_module():
    assert [old for old, _ in moved_modules() if module_file(old).is_file()] == []
