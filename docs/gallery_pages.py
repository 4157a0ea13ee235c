"""The gallery: every example with its figure and its code, and every notebook as a page."""

from __future__ import annotations

import ast
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
FIGURES = ROOT / "docs" / "figures"
OUTPUTS = FIGURES / "notebooks"


ORDER = (
    "deploy_sequential",
    "deploy_deepxde",
    "own_lava_graph",
    "own_population",
    "own_problem",
    "own_neuron",
    "own_hardware",
)
"""The examples that a newcomer reads first; the others follow by name."""

INTRODUCTION = """\
# Gallery

The examples are short scripts. A test runs each of them and compares the number that it returns; `make figures` draws their
figures from real runs.
"""


def gallery_page() -> str:
    """Build the gallery: a table of all examples, then each with its docstring, its figure and its code."""
    paths = sorted(EXAMPLES.glob("*.py"), key=lambda path: (place_of(path.stem), path.stem))
    rows = ["| example | shows |", "|---|---|", *(example_row(path) for path in paths)]
    return "\n".join([INTRODUCTION, *rows, "", *(example_section(path) for path in paths)])


def place_of(name: str) -> int:
    """Return the position of an example in the gallery."""
    return ORDER.index(name) if name in ORDER else len(ORDER)


def title_of(name: str) -> str:
    """Return the heading of an example."""
    return name.replace("_", " ").capitalize()


def example_row(path: Path) -> str:
    """Return the row of an example in the table: its name and the first paragraph of its docstring."""
    words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    anchor = path.stem.replace("_", "-")
    sentence = words.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    return f"| [{title_of(path.stem)}](#{anchor}) | {sentence} |"


def example_section(path: Path) -> str:
    """Build the section of an example, with its docstring above the code and not in it."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    code = "\n".join(source.splitlines()[tree.body[0].end_lineno :]).strip("\n")
    figure = f"![{path.stem}](figures/{path.stem}.png)\n\n" if (FIGURES / f"{path.stem}.png").exists() else ""
    words = ast.get_docstring(tree) or ""
    return f"## {title_of(path.stem)}\n\n{words}\n\n{figure}`examples/{path.name}`\n\n```python\n{code}\n```\n"


def notebook_pages() -> dict[str, str]:
    """Build a page for each notebook from its text, its code and its outputs."""
    files = sorted((EXAMPLES / "notebooks").glob("*.ipynb"))
    return {f"notebooks/{file.stem}.md": notebook_page(file) for file in files}


def notebook_page(file: Path) -> str:
    """Turn the cells of a notebook into Markdown, each code cell followed by what it printed and drew (`run_notebooks.py`)."""
    blocks = []
    for place, cell in enumerate(json.loads(file.read_text(encoding="utf-8"))["cells"]):
        text = "".join(cell["source"])
        blocks.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
        blocks.extend(shown_outputs(f"{file.stem}-{place}"))
    blocks.insert(1, f"`examples/notebooks/{file.name}`; a test runs it from top to bottom.")
    return "\n\n".join(blocks) + "\n"


def shown_outputs(cell: str) -> list[str]:
    """Return the text that a cell printed and the figure that it drew."""
    printed, drawn = OUTPUTS / f"{cell}.txt", OUTPUTS / f"{cell}.png"
    text = [f"```text\n{printed.read_text(encoding='utf-8').rstrip()}\n```"] if printed.exists() else []
    return [*text, *([f"![what the cell draws](../figures/notebooks/{drawn.name})"] if drawn.exists() else [])]
