"""The gallery: every example with its figure and its code, and every notebook as a page."""

from __future__ import annotations

import ast
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
FIGURES = ROOT / "docs" / "figures"


def gallery_page() -> str:
    """Show each example: heading, what it says of itself, figure, code."""
    head = "# Gallery\n\nScripts that read like the mathematics. A test runs each of them and pins the number that it prints;\n"
    head += "`python docs/draw_figures.py` draws their figures.\n"
    return "\n".join([head, *(example_section(path) for path in sorted(EXAMPLES.glob("*.py")))])


def example_section(path: Path) -> str:
    """Show one example."""
    source = path.read_text(encoding="utf-8")
    words = ast.get_docstring(ast.parse(source)) or ""
    figure = f"![{path.stem}](figures/{path.stem}.png)\n\n" if (FIGURES / f"{path.stem}.png").exists() else ""
    return f"## {path.stem.replace('_', ' ')}\n\n{words}\n\n{figure}`examples/{path.name}`\n\n```python\n{source}```\n"


def notebook_pages() -> dict[str, str]:
    """Give a page for each notebook: its text and its code."""
    files = sorted((EXAMPLES / "notebooks").glob("*.ipynb"))
    return {f"notebooks/{file.stem}.md": notebook_page(file) for file in files}


def notebook_page(file: Path) -> str:
    """Turn the cells of a notebook into Markdown."""
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells]
    blocks = [
        text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
        for cell, text in zip(cells, texts, strict=True)
    ]
    blocks.insert(1, f"`examples/notebooks/{file.name}`; a test runs it from top to bottom.")
    return "\n\n".join(blocks) + "\n"
