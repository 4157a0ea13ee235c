"""Assemble the pages of the documentation site: `python docs/assemble.py build/docs/pages`.

Hand-written pages and figures are copied; the references of command line and API, the gallery and the notebooks' pages are
generated from the code. The site generator (see mkdocs.yml) then only turns Markdown into HTML.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from api_pages import api_pages
from cli_page import cli_page
from gallery_pages import gallery_page, notebook_pages

DOCS = Path(__file__).parent


def assemble(folder: Path) -> None:
    """Write all pages into a folder, which is emptied first.

    Raises:
        SystemExit: If the folder holds anything else than Markdown, styles, figures and folders of them.
    """
    clear(folder)
    (folder / "results").mkdir()
    for page in sorted([*DOCS.glob("*.md"), *DOCS.glob("results/*.md")]):
        (folder / page.relative_to(DOCS)).write_text(
            with_whole_numbers(page.read_text(encoding="utf-8")), encoding="utf-8"
        )
    shutil.copy(DOCS / "style.css", folder)
    shutil.copytree(DOCS / "figures", folder / "figures", ignore=shutil.ignore_patterns(".*", "*.txt"))
    pages = {"cli.md": cli_page(), "gallery.md": gallery_page(), **api_pages(), **notebook_pages()}
    for name, text in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def with_whole_numbers(text: str) -> str:
    """Keep browsers from breaking 1.2e-3 behind its minus in the cells of tables: a word joiner follows it."""
    return re.sub(r"^\|.*$", lambda row: re.sub(r"(?<=\de-)(?=\d)", "\u2060", row[0]), text, flags=re.MULTILINE)


def clear(folder: Path) -> None:
    """Empty a folder of pages; refuse one that holds other things."""
    others = [p for p in folder.rglob("*") if p.is_file() and p.suffix not in {".md", ".png", ".css"}]
    if others:
        raise SystemExit(f"{folder} is no folder of pages: it holds {others[0].name}. Choose another one.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


if __name__ == "__main__":
    assemble(Path(sys.argv[1]))
