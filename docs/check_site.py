"""Check that the built site loads nothing from elsewhere: `python docs/check_site.py build/docs/site`.

No script, style, font, picture or frame of a page may come from another site, and no page may contain elements for which the
theme's script fetches a library (diagrams, light boxes, cells that run). Links for readers may lead anywhere.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path

SOURCES = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}
"""Elements that load something, and the attribute that holds its address."""
FETCHING = ("mermaid", "glightbox", "pyodide")
"""Classes of elements for which the theme's script fetches a library."""


class Page(HTMLParser):
    """A parser that collects what a page loads from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        source = given.get(SOURCES.get(tag, ""), "")
        if source.startswith(("http:", "https:", "//")) and given.get("rel") not in {"canonical", "alternate"}:
            self.found.append(f"<{tag}> {source}")
        self.found += [f'<{tag} class="{name}">' for name in FETCHING if name in given.get("class", "").split()]


def check_site(folder: Path) -> list[str]:
    """List what pages and styles of a site load from elsewhere."""
    found = []
    for path in sorted(folder.rglob("*.html")):
        page = Page()
        page.feed(path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(folder)}: {each}" for each in page.found]
    styles = (path for path in folder.rglob("*.css") if "url(http" in path.read_text(encoding="utf-8"))
    return found + [f"{path.relative_to(folder)}: url(http" for path in styles]


if __name__ == "__main__":
    problems = check_site(Path(sys.argv[1]))
    if problems:
        raise SystemExit("the site loads from elsewhere:\n" + "\n".join(problems))
