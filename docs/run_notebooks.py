"""Run the notebooks for their pages: `python docs/run_notebooks.py [NAME ...]`, all of them without a name.

The text that a code cell prints is written to docs/figures/notebooks/NAME-CELL.txt, its figure to NAME-CELL.png; cells are
counted from zero. The notebooks themselves are stored without outputs. The files are committed, so that building the site
runs no notebook.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

import nbclient
import nbformat

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "examples" / "notebooks"
OUTPUTS = ROOT / "docs" / "figures" / "notebooks"
SECONDS_PER_CELL = 300


def notebook_names() -> list[str]:
    """Name all notebooks."""
    return [path.stem for path in sorted(NOTEBOOKS.glob("*.ipynb"))]


def run_notebook(name: str) -> Any:
    """Run a notebook from top to bottom, and give it with its outputs."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=SECONDS_PER_CELL).execute()
    return notebook


def write_outputs(name: str, notebook: Any) -> None:
    """Write what the cells printed and drew, and remove what former cells did."""
    OUTPUTS.mkdir(parents=True, exist_ok=True)
    for former in OUTPUTS.glob(f"{name}-*"):
        former.unlink()
    for place, cell in enumerate(notebook.cells):
        outputs = cell.get("outputs", [])
        printed = "".join(each.text for each in outputs if each.output_type == "stream" and each.name == "stdout")
        if printed:
            (OUTPUTS / f"{name}-{place}.txt").write_text(printed, encoding="utf-8")
        for each in outputs:
            if "image/png" in each.get("data", {}):
                (OUTPUTS / f"{name}-{place}.png").write_bytes(base64.b64decode(each.data["image/png"]))


def main(names: list[str]) -> None:
    """Run notebooks and keep what they show."""
    for name in names or notebook_names():
        write_outputs(name, run_notebook(name))
        print(f"{name}: {len(list(OUTPUTS.glob(f'{name}-*')))} outputs")


if __name__ == "__main__":
    main(sys.argv[1:])
