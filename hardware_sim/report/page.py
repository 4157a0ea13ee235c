"""report.html: one file that needs nothing from outside, for screens and paper, light and dark.

The page is a jinja2 template over the records of a report; style sheet and script are written into it, figures are inline
SVG. This module knows the page; what the numbers mean is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...conversion.search.error_budget import Cause
from .content.sections import Report
from .content.words import (
    NOTHING,
    break_even_words,
    parity_sentences,
    parity_verdict,
    report_title,
    say_count,
    say_joules,
    say_number,
    say_percent,
    say_range,
    say_seconds,
    share_of_dense,
)
from .figures.figure import Figure

TEMPLATES = Path(__file__).parent / "templates"
"""Where the page, its style sheet and its script lie."""

MACHINES = ("keras-cpu", "keras-gpu")
"""Models whose dense pass every energy is compared with."""


def report_page(report: Report, figures: Sequence[Figure]) -> str:
    """Give the text of report.html."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for say in (say_count, say_joules, say_number, say_percent, say_seconds):
        environment.filters[say.__name__.removeprefix("say_")] = say
    environment.filters["proved"] = {True: "yes", False: "no", None: NOTHING}.__getitem__
    environment.filters["break_even"] = break_even_words
    environment.filters["svg"] = lambda figure: Markup(figure.embedded)
    return environment.get_template("report.html.j2").render(
        report=report,
        title=report_title(report),
        figures=figures,
        causes=tuple(Cause),
        verdict=parity_verdict(report.parity),
        certificate=parity_sentences(report.parity) if report.parity else (),
        dense_share=share_of_dense(report.counts) if report.counts else None,
        machines=[e for e in report.hardware.energies if e.model in MACHINES] if report.hardware else [],
        say_range=say_range,
        say_seconds=say_seconds,
        say_joules=say_joules,
        say_number=say_number,
    )
