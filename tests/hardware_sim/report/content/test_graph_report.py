"""Reports of graphs: every table and figure is made of them, rows of a chain keep their keys, connections stand apart."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import builders
import report_cases
from neuropinn_lava.conversion.quantize.post_training import quantize_network
from neuropinn_lava.engine.reference import run_integer
from neuropinn_lava.hardware_sim.costs.hardware_profile import profile_hardware
from neuropinn_lava.hardware_sim.counts.counting import count_operations
from neuropinn_lava.hardware_sim.counts.held import run_held
from neuropinn_lava.hardware_sim.report.content.json_record import report_text
from neuropinn_lava.hardware_sim.report.content.markdown import report_markdown
from neuropinn_lava.hardware_sim.report.content.rows import flatten_report
from neuropinn_lava.hardware_sim.report.content.sections import describe_network
from neuropinn_lava.hardware_sim.report.content.sentences import held_sentences
from neuropinn_lava.hardware_sim.report.content.tables import connection_table, count_table
from neuropinn_lava.hardware_sim.report.figures.all_figures import draw_report
from neuropinn_lava.hardware_sim.report.page import report_page
from neuropinn_lava.hardware_sim.report.report import Report
from small_graphs import operator_network


def graph_report(seed: int, n_steps: int | None) -> Report:
    """A report of counts and hardware, of a graph that solves nothing."""
    network = builders.random_graph(seed, n_inputs=2, n_nodes=7, n_steps=n_steps)
    points = builders.random_points(network, 30)
    trace = run_integer(network, points)
    return replace(
        report_cases.empty_report(),
        network=describe_network(network),
        counts=count_operations(network, trace),
        hardware=profile_hardware(network, trace, points),
    )


@pytest.mark.parametrize("n_steps", [3, None])
def test_page_markdown_and_json_of_a_graph(n_steps: int | None) -> None:
    report = graph_report(4, n_steps)
    figures = draw_report(report)
    assert {"counts-activity", "counts-operations", "cores-placement"} <= {figure.name for figure in figures}
    page = report_page(report, figures)
    assert "(a graph)" in page
    assert "<h3>Connections</h3>" in page
    assert ("as many steps as a sample" in page) == (n_steps is None)
    text = report_markdown(report)
    assert "a graph of 7 nodes" in text
    held = json.loads(report_text(report))
    assert held["network"]["n_steps"] == n_steps
    rows = {row["name"]: row for row in held["counts"]["layers"]}
    counts = report.counts
    assert counts is not None
    for row in counts.rows:
        assert [each["source"] for each in rows[row.name]["connections"]] == [each.source for each in row.connections]
        assert sum(each["synaptic_operations"] for each in rows[row.name]["connections"]) == row.synaptic_operations
    assert {link["layer"] for link in held["cores"]["links"]} <= {*rows}


def test_costs_of_a_held_value_and_of_a_point_are_in_every_form() -> None:
    """The network and the points that `test_held.py` counts by hand: 8 operations for 2 values, 82 for 6 points."""
    network = quantize_network(operator_network(n_steps=2)).network
    points = np.array([[0.5, 0.5], [0.5, -0.5], [0.5, 0.5], [1.0, 0.5], [1.0, -0.5], [1.0, -0.5]])
    trace, once = run_integer(network, points), run_held(network, points)
    report = replace(
        report_cases.empty_report(),
        network=describe_network(network),
        counts=count_operations(network, trace, once),
        hardware=profile_hardware(network, trace, points, once),
    )
    assert report.counts is not None
    assert report.hardware is not None
    costs, served, energy, times = held_sentences(report.counts, report.hardware)
    assert times.startswith("Time from the first step to the last output, estimated: ")
    assert costs == (
        "A new held value costs 4 synaptic operations and 4 updates (one dense pass: 2 MACs), each point 13.667 synaptic "
        "operations and 10 updates (one dense pass: 8 MACs)."
    )
    assert served.startswith("2 held values were computed once each for 6 points;")
    priced = [each.model for each in report.hardware.energies if each.held is not None]
    assert priced
    assert all(f" by {model}" in energy for model in priced)
    figures = draw_report(report)
    assert any("operations per sample, or held value." in figure.caption for figure in figures)
    page, text = report_page(report, figures), report_markdown(report)
    for sentence in (costs, served, energy, times):
        assert sentence in page
        assert sentence in text
    assert "a new held value costs 4, of 2</span>" in page
    written = json.loads(report_text(report))
    assert written["counts"]["held"]["n_values"] == 2
    assert written["counts"]["held"]["point"]["synaptic_operations"] == 82 / 6
    for each, estimate in zip(written["energy"], report.hardware.energies, strict=True):
        held = estimate.held
        assert each["held"] == (
            None
            if held is None
            else {"joules_per_value": held.joules_per_value, "joules_per_point": held.joules_per_point}
        )
    units = {row.key: row.unit for row in flatten_report(written)}
    assert units[f"energy.{priced[0]}.held.joules_per_value"] == "J"
    others = graph_report(4, 3)
    assert others.counts is not None
    assert held_sentences(others.counts) == ()
    assert "held value" not in report_page(others, ()) + report_markdown(others)


def test_a_row_for_each_connection_and_its_sums() -> None:
    counts = graph_report(4, 3).counts
    assert counts is not None
    table = connection_table(counts)
    assert len(table.rows) == sum(len(row.connections) for row in counts.rows)
    assert sum(row[-1].sort_key for row in table.rows) == counts.total.synaptic_operations
    kinds = [row[1].text for row in count_table(counts).rows]
    assert {"input", "spiking", "relay", "product", "output"} == {*kinds}


def test_a_chain_has_no_table_of_connections() -> None:
    report = report_cases.full_report()
    assert report.counts is not None
    assert report.counts.is_chain
    assert "Connections" not in report_markdown(report)
    assert [column.title for column in count_table(report.counts).columns][:2] == ["layer", "neurons"]
