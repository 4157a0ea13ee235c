"""Modules of the working folder are found, and the path of Python is what it was."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from neuropinn_lava.files.user_objects import find_object, import_user_module


def test_a_module_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module puts a path in front itself; what was there before stays, and so does that."""
    (tmp_path / "own_module_of_a_user.py").write_text("import sys\nsys.path.insert(0, 'theirs')\nvalue = 3\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = list(sys.path)
    assert import_user_module("own_module_of_a_user").value == 3
    assert sys.path == ["theirs", *before]


def test_what_it_raises_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_module_of_a_user.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    with pytest.raises(ZeroDivisionError):
        import_user_module("broken_module_of_a_user")
    assert sys.path == before


def test_a_file_imports_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_a_user.py").write_text("value = 3.0\n")
    (tmp_path / "file_of_a_user.py").write_text("from neighbour_of_a_user import value\n")
    before = list(sys.path)
    assert find_object(f"{tmp_path / 'file_of_a_user.py'}:value", float, "value") == 3.0
    assert sys.path == before
