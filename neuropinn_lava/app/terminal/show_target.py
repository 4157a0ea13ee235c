"""The verdicts of a hardware target as a table and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .console import out, show_table

if TYPE_CHECKING:
    from ...conversion import TargetCheck


def show_check(check: TargetCheck) -> None:
    """Print one row for each rule of a target, what is broken with its repair, and the verdict on the whole."""
    rows = [(rule.rule, rule.verdict.value, rule.found, rule.limit, rule.reason) for rule in check.verdicts]
    columns = ("rule", "verdict", "found", "limit", "source, or why it was not checked")
    show_table(f"Does it fit {check.title}?", columns, rows)
    for violation in check.violations:
        out.print(f"{violation}", markup=False)
    out.print(check.summary())
