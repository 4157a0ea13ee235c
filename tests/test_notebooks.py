"""The notebooks run from top to bottom in a kernel of their own, Lava inside it, and print what they are there to show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "examples" / "notebooks"
OUTPUTS = Path(__file__).parents[1] / "docs" / "figures" / "notebooks"
PRINTED = {
    "deploy_your_own_pinn": r"\b0 of [\d,]+ values differ from the integer reference",
    "explore_energy": r"loihi1-davies +break-even at activity \d",
}
"""What each of them must print."""
SECONDS_PER_CELL = 120


def read_notebook(name: str):
    nbformat = pytest.importorskip("nbformat")
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def test_no_notebook_is_forgotten():
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == PRINTED.keys()


@pytest.mark.parametrize("name", PRINTED)
def test_no_outputs_are_committed(name):
    cells = [cell for cell in read_notebook(name).cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


@pytest.mark.parametrize("name", PRINTED)
def test_pages_show_what_the_cells_print_and_draw(name):
    """`make figures` keeps it; a cell that was added or moved since then would stand without its output."""
    cells = list(enumerate(read_notebook(name).cells))
    prints = {f"{name}-{place}.txt" for place, cell in cells if cell.cell_type == "code" and "print(" in cell.source}
    draws = {
        f"{name}-{place}.png" for place, cell in cells if cell.cell_type == "code" and "plt.subplots" in cell.source
    }
    assert {path.name for path in OUTPUTS.glob(f"{name}-*")} == prints | draws
    assert re.search(PRINTED[name], "".join((OUTPUTS / file).read_text() for file in sorted(prints)))


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "name", [pytest.param("deploy_your_own_pinn", marks=pytest.mark.lava), pytest.param("explore_energy")]
)
def test_the_notebook_runs(name, tmp_path):
    nbclient = pytest.importorskip("nbclient")
    notebook = read_notebook(name)
    client = nbclient.NotebookClient(notebook, timeout=SECONDS_PER_CELL, resources={"metadata": {"path": tmp_path}})
    client.execute()
    printed = "".join(
        output.text
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stdout"
    )
    assert re.search(PRINTED[name], printed), printed
