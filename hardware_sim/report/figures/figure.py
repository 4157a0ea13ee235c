"""Figures as records: a name, a caption with its unit, and an SVG that follows the colours of the page around it.

Drawings use two stand-in colours, `INK` and `PAPER`. In a page they become the text's own colour and nothing; in a file of
their own they are dark and white. matplotlib is used without pyplot, so that no state of a user's own plots is touched.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ....base.arrays import Record
from ....base.extras import import_extra

INK = "#1b1c1e"
"""Text, ticks and frames."""
PAPER = "#fffffe"
"""What lies behind them; not quite white, so that nothing else has this colour."""
SERIES = ("#3f7fca", "#d9822b", "#3f9a5c", "#c0507f", "#7d66bd", "#1f9b9b", "#a08220", "#8a8a8a")
"""Colours of series, told apart on white and on black."""

WIDE = 1.7
"""Ratio of width and height from which on a drawing counts as wide."""
DOTS_PER_INCH = 150
"""Resolution of what is kept as pixels within an SVG: colour maps of thousands of triangles."""

_STYLE = {
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.0,
    "axes.facecolor": "none",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",
}
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure(Record):
    """One drawing, ready to be embedded or saved."""

    name: str
    """Name of its file, without suffix: the group, a hyphen, and what it shows."""
    title: str
    """Title of a few words."""
    caption: str
    """A sentence that says what is seen, with its unit."""
    svg: str
    """The drawing in the two stand-in colours, an `<svg>` element without prolog."""

    @property
    def group(self) -> str:
        """First word of the name: it says where in the page the figure stands."""
        return self.name.partition("-")[0]

    @property
    def is_wide(self) -> bool:
        """Whether the drawing is twice as wide as high, or more, and takes the page's whole width."""
        box = re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"', self.svg)
        return box is not None and float(box[1]) >= WIDE * float(box[2])

    @property
    def embedded(self) -> str:
        """The drawing for a page: it takes the page's text colour and lets its background through."""
        return self.svg.replace(INK, "currentColor").replace(PAPER, "none")

    @property
    def standalone(self) -> str:
        """The drawing for a file of its own."""
        return '<?xml version="1.0" encoding="utf-8"?>\n' + self.svg


Draw = Callable[[Any], None]
"""Draws on a matplotlib figure."""


def draw_figure(name: str, title: str, caption: str, draw: Draw, width: float = 4.4, height: float = 3.2) -> Figure:
    """Draw a figure of `width` × `height` inches; `draw` gets the matplotlib figure."""
    matplotlib = import_extra("matplotlib", "report")
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Canvas

    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": name}):
        canvas = Canvas(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(canvas)
        draw(canvas)
        stream = io.StringIO()
        canvas.savefig(stream, format="svg", dpi=DOTS_PER_INCH, metadata=_NO_METADATA)
    file_name = re.sub(r"[^\w.-]", "_", name)
    return Figure(name=file_name, title=title, caption=caption, svg=_page_svg(stream.getvalue(), name, title))


def _page_svg(text: str, name: str, title: str) -> str:
    """Turn matplotlib's SVG file into an element: no prolog, ids of its own, a name for screen readers."""
    element = text[text.index("<svg") :]
    element = re.sub(r'<svg ([^>]*?)width="[^"]*"', r"<svg \1", element, count=1)
    element = re.sub(r'<svg ([^>]*?)height="[^"]*"', r"<svg \1", element, count=1)
    element = element.replace("<svg ", f'<svg role="img" aria-label="{html.escape(title)}" ', 1)
    prefix = "f" + hashlib.sha256(name.encode()).hexdigest()[:6]
    element = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", element)
    return element.replace('href="data:image/png;base64,\n', 'href="data:image/png;base64,')
