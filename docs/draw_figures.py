"""Draw the figures of the gallery and of the README: `python docs/draw_figures.py [NAME ...]`, all of them without a name.

The function `draw` of each example returns its figure, drawn from a real run; `overview_figure.py` draws that of the README.
The pictures are committed, so that building the site runs no example; a test draws them again.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "docs" / "figures"
OVERVIEW = "overview"
STYLE = {"font.size": 9.0, "axes.titlesize": 9.0, "axes.spines.top": False, "axes.spines.right": False}
DOTS_PER_INCH = 110


def figure_names() -> list[str]:
    """Name all figures: the overview, and every example that draws one."""
    drawn = [path.stem for path in sorted((ROOT / "examples").glob("*.py")) if "\ndef draw(" in path.read_text()]
    return [OVERVIEW, *drawn]


def draw(name: str) -> Figure:
    """Make one figure."""
    sys.path.insert(0, str(ROOT / "examples"))
    module = importlib.import_module("overview_figure" if name == OVERVIEW else name)
    with matplotlib.rc_context(STYLE):
        figure: Figure = module.draw()
    return figure


def main(names: list[str]) -> None:
    """Draw figures and save them."""
    for name in names or figure_names():
        figure = draw(name)
        figure.savefig(FIGURES / f"{name}.png", dpi=DOTS_PER_INCH, metadata={"Software": None})
        print(f"{name}.png: {(FIGURES / f'{name}.png').stat().st_size // 1024} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
