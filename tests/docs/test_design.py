"""The tree of docs/design.md is the tree of the checkout."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def test_the_tree_is_that_of_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS)
    import room_tree

    page = room_tree.PAGE.read_text(encoding="utf-8")
    assert room_tree.with_tree(page) == page, "Run `python docs/room_tree.py` and commit docs/design.md."
    sys.modules.pop("room_tree")
