"""report.html: one file that needs nothing from outside, for screens and paper, light and dark.

The page is a jinja2 template over the records of a report; style sheet and script are written into it, figures are inline
SVG. This module knows the page; what the numbers mean is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...base.extras import import_extra
from ...conversion.search.error_budget import Cause
from .content.sections import Report
from .content.sentences import (
    NOTHING,
    dominance_sentence,
    format_basis,
    format_break_even,
    format_count,
    format_joules,
    format_number,
    format_percent,
    format_range,
    format_seconds,
    parity_sentences,
    parity_verdict,
    report_title,
    share_of_dense,
    step_cells,
    step_sentences,
)
from .figures.figure import Figure

TEMPLATES = Path(__file__).parent / "templates"
"""Where the page, its style sheet and its script lie."""

MACHINES = ("keras-cpu", "keras-gpu")
"""Models whose dense pass every energy is compared with."""


def report_page(report: Report, figures: Sequence[Figure]) -> str:
    """Give the text of report.html."""
    jinja2 = import_extra("jinja2", "report")
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for say in (format_count, format_joules, format_number, format_percent, format_seconds):
        environment.filters[say.__name__.removeprefix("format_")] = say
    environment.filters["proved"] = {True: "yes", False: "no", None: NOTHING}.__getitem__
    environment.filters["break_even"] = format_break_even
    environment.filters["basis"] = format_basis
    environment.filters["dominance"] = dominance_sentence
    environment.filters["step_cells"] = step_cells
    environment.filters["svg"] = lambda figure: Markup(figure.embedded)
    page: str = environment.get_template("report.html.j2").render(
        report=report,
        title=report_title(report),
        figures=figures,
        causes=tuple(Cause),
        verdict=parity_verdict(report.parity),
        certificate=parity_sentences(report.parity) if report.parity else (),
        dense_share=share_of_dense(report.counts) if report.counts else None,
        machines=[e for e in report.hardware.energies if e.model in MACHINES] if report.hardware else [],
        format_range=format_range,
        format_seconds=format_seconds,
        format_joules=format_joules,
        format_number=format_number,
        step_sentences=step_sentences,
    )
    return page
