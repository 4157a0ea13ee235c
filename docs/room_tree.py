"""Write the tree of rooms into docs/design.md: `python docs/room_tree.py`.

A room is a folder of the package. The tree shows each with its modules, as `git ls-files` lists them, and with the sentence of
its `__init__.py`.
"""

from __future__ import annotations

import ast
import subprocess
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "design.md"
TOPS = ("neuropinn_lava", "training", "conversion", "hardware_sim")
BEGIN, END = "<!-- tree: written by docs/room_tree.py -->\n\n", "\n<!-- end of the tree -->"
WIDTH = 112
"""Characters of a line of the page's block."""


def room_tree() -> str:
    """Return the tree as a block of preformatted Markdown."""
    command = ["git", "-C", str(ROOT), "ls-files", "--", *(f"{top}/*.py" for top in TOPS)]
    files = [Path(name) for name in subprocess.check_output(command, text=True).split()]
    lines = []
    for folder in sorted({file.parent for file in files if (ROOT / file).is_file()}, key=order):
        modules = [f.stem for f in files if f.parent == folder and not f.stem.startswith("__")]
        indent = "    " * len(folder.parts)
        lines.append(f"{indent}{folder.name}/    {sentence(folder)}")
        lines += textwrap.wrap(
            " ".join(modules), WIDTH, initial_indent=indent + "    ", subsequent_indent=indent + "    "
        )
    return "\n".join(lines) + "\n"


def order(folder: Path) -> tuple[int, tuple[str, ...]]:
    """Return what folders are sorted by: the order of `TOPS`, then their names."""
    return TOPS.index(folder.parts[0]), folder.parts


def sentence(folder: Path) -> str:
    """Return the first line of the docstring of a folder's `__init__.py`."""
    text = (ROOT / folder / "__init__.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]


def with_tree(page: str) -> str:
    """Return the page with its tree drawn anew."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + room_tree() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(with_tree(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
