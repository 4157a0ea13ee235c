"""The pages of the documentation site: complete, made from what they describe, and free of anything from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import neuropinn_lava as nl

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    """The pages, assembled as `make docs` does."""
    folder = tmp_path_factory.mktemp("site") / "pages"
    subprocess.run([sys.executable, ROOT / "docs" / "assemble.py", folder], check=True, timeout=100)
    return folder


def test_the_menu_names_every_page(pages):
    named = set(re.findall(r"([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M))
    assert named == {path.relative_to(pages).as_posix() for path in pages.rglob("*.md")}


def test_every_command_has_a_section(pages):
    from neuropinn_lava.app.cli.main import app

    names = [command.name or command.callback.__name__ for command in app.registered_commands]
    text = (pages / "cli.md").read_text()
    assert [name for name in names if f"## `neuropinn-lava {name}`" not in text] == []


def test_every_module_is_in_the_reference(pages):
    reference = "\n".join(path.read_text() for path in (pages / "api").glob("*.md"))
    folders = ("neuropinn_lava", "training", "conversion", "hardware_sim")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if not path.stem.startswith("__")]
    assert [path for path in files if not re.search(rf"^::: [\w.]*\b{path.stem}$", reference, re.M)] == []


def test_every_example_is_in_the_gallery(pages):
    text = (pages / "gallery.md").read_text()
    assert [path for path in (ROOT / "examples").glob("*.py") if f"`examples/{path.name}`" not in text] == []


def test_every_public_name_is_listed(pages):
    text = (pages / "api" / "index.md").read_text()
    assert [name for name in nl.__all__ if f"`{name}`" not in text] == []


def test_nothing_comes_from_elsewhere(pages):
    for path in pages.rglob("*.md"):
        assert not re.search(r"<(script|link|img|iframe)\b|!\[[^]]*\]\(https?:", path.read_text()), path


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "assemble.py", tmp_path], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 1
    assert "it holds thesis.tex" in done.stderr
    assert (tmp_path / "thesis.tex").exists()


def test_numbers_of_tables_are_not_broken_and_code_is_left_alone(pages):
    page = (pages / "results" / "training.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert any("e-\u2060" in row for row in rows)
    assert not any(re.search(r"\de-\d", row) for row in rows)
    assert "\u2060" not in "".join(line for line in page.splitlines() if not line.startswith("|"))
