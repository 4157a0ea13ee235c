"""report.html: one file that needs nothing from outside, for screens and paper, light and dark.

The page is a jinja2 template over the records of a report; style sheet and script are written into it, figures are inline
SVG. What the tables and sentences show is decided in `content`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...base.extras import import_extra
from ..counts.held import held_costs
from .content import formats, sentences, tables
from .content.sections import ReportContent
from .figures.figure import Figure

TEMPLATES = Path(__file__).parent / "templates"
"""Folder of the page, its style sheet and its script."""


def report_page(report: ReportContent, figures: Sequence[Figure]) -> str:
    """Return the text of report.html."""
    jinja2 = import_extra("jinja2", "report")
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("count", "joules", "number", "percent", "seconds"):
        environment.filters[name] = getattr(formats, f"format_{name}")
    environment.filters["svg"] = lambda figure: Markup(figure.embedded)
    environment.globals |= {"held_costs": held_costs, "formats": formats, "sentences": sentences, "tables": tables}
    page: str = environment.get_template("report.html.j2").render(
        report=report, title=sentences.report_title(report), figures=figures
    )
    return page
