"""Texts in C, make and Markdown apart from the logic: files with holes `@{name}`."""

from __future__ import annotations

import string
from pathlib import Path

TEMPLATES = Path(__file__).parents[1] / "templates"
"""Folder of the texts."""


class _Template(string.Template):
    """A text with holes `@{name}`, because C and make use the dollar sign and seldom this one."""

    delimiter = "@"


def fill(template: str, holes: dict[str, str], folder: Path = TEMPLATES) -> str:
    """Return the text of a template file with its holes filled; a hole that is not filled raises a KeyError."""
    return _Template((folder / template).read_text(encoding="utf-8")).substitute(holes)
