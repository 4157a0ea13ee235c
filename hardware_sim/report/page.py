"""report.html: one file that needs nothing from outside, for screens and paper, light and dark.

The page is a jinja2 template over the records of a report; style sheet and scripts are written into it, figures are inline
SVG. What the tables and sentences show is decided in `content`. Where plotly is installed, it is written into the page, too,
and explorers of fields, solids and activity stand on the screen for the pictures, which are printed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...base.extras import import_extra
from ..counts.held import held_costs
from .content import formats, sentences, tables
from .content.sections import ReportContent
from .figures.figure import Figure
from .interactive.activity_data import activity_data
from .interactive.field_data import field_data, solid_data
from .interactive.library import WITHOUT, library_script, page_data

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
    library = library_script()
    environment.globals |= {"without_library": WITHOUT}
    page: str = environment.get_template("report.html.j2").render(
        report=report,
        title=sentences.report_title(report),
        figures=figures,
        library=library and Markup(library),
        datasets={name: Markup(page_data(data)) for name, data in _datasets(report)} if library else {},
    )
    return page


def _datasets(report: ReportContent) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the names of the interactive parts of a report, and their data."""
    if report.fields:
        yield "fields", field_data(report.fields)
    if report.activity:
        yield "activity", activity_data(report.activity)
    if report.solid:
        yield "solid", solid_data(report.solid)
