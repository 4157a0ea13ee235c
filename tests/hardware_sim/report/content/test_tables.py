"""The tables of a report: cells as texts and sort keys, and the same cells in the page, in markdown and in the terminal."""

from __future__ import annotations

import html
import math

import pytest

import report_cases
from neuropinn_lava.app.cli.demo import show_report_table
from neuropinn_lava.hardware_sim.report.content.formats import NOTHING, format_percent
from neuropinn_lava.hardware_sim.report.content.markdown import report_markdown
from neuropinn_lava.hardware_sim.report.content.tables import Cell, Column, budget_tables, count_table, energy_table
from neuropinn_lava.hardware_sim.report.page import report_page


def test_a_cell_has_a_text_and_the_number_by_which_the_page_sorts() -> None:
    share = Column("share", "real", format_percent)
    assert share.cell(0.25) == Cell("25 %", 0.25)
    assert share.cell(3e-5).text == "0.003 %"  # small shares are not rounded to zero
    missing = Column("share", lambda _: None).cell(object())
    assert missing.text == NOTHING
    assert missing.sort_key is not None
    assert math.isnan(missing.sort_key)
    assert Column("name", str).cell("a") == Cell("a")
    assert Column("proved", bool).cell(1) == Cell("yes")
    assert Column("own", lambda _: Cell("a – b", 2.0)).cell(object()) == Cell("a – b", 2.0)
    assert Column("time", "real", unit="s").heading == "time, s"


def test_all_writers_show_the_same_cells(capsys: pytest.CaptureFixture[str]) -> None:
    report = report_cases.full_report()
    assert report.counts is not None
    table = count_table(report.counts)
    show_report_table(table)
    printed, page, text = capsys.readouterr().out, report_page(report, ()), report_markdown(report)
    for row in (*table.rows, table.total):
        cells = [cell.text for cell in row]
        assert "| " + " | ".join(cells) + " |" in text
        assert all(f">{html.escape(cell)}</td>" in page for cell in cells)
        assert any(all(cell in line for cell in cells) for line in printed.splitlines())


def test_rows_of_a_table_are_as_long_as_its_columns() -> None:
    report = report_cases.full_report()
    assert report.hardware is not None
    assert report.quantization is not None
    assert report.quantization.error_budget is not None
    tables = (energy_table(report.hardware.energies), *budget_tables(report.quantization.error_budget))
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)
