"""What people read of a report: words, markdown, CSV, and two reports side by side."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

import report_cases
from neuropinn_lava.base.errors import FileFormatError
from neuropinn_lava.hardware_sim.costs.energy import BreakEven
from neuropinn_lava.hardware_sim.parity.certificate import ParitySection
from neuropinn_lava.hardware_sim.report.content.compare import compare_reports, comparison_markdown
from neuropinn_lava.hardware_sim.report.content.json_record import report_object, report_text
from neuropinn_lava.hardware_sim.report.content.markdown import report_markdown
from neuropinn_lava.hardware_sim.report.content.rows import flatten_report, read_report, report_csv
from neuropinn_lava.hardware_sim.report.content.words import (
    NOTHING,
    break_even_words,
    parity_sentences,
    parity_verdict,
    say_count,
    say_joules,
    say_number,
    say_percent,
    say_range,
    say_seconds,
)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (say_number(0.0123456), "0.0123"),
        (say_number(None), NOTHING),
        (say_number(float("inf")), NOTHING),
        (say_count(1234567), "1\u202f234\u202f567"),
        (say_count(None), NOTHING),
        (say_percent(0.4242), "42.4 %"),
        (say_percent(None), NOTHING),
        (say_joules(3.2e-6), "3.2 µJ"),
        (say_joules(4.5e-14), "0.045 pJ"),
        (say_joules(2.0), "2 J"),
        (say_joules(None), NOTHING),
        (say_seconds(1.25e-5), "12.5 µs"),
        (say_seconds(3e-10), "0.3 ns"),
        (say_seconds(None), NOTHING),
        (say_range(1e-9, 2e-9, say_joules), "1 nJ – 2 nJ"),
        (say_range(1e-9, 1e-9, say_joules), "1 nJ"),
    ],
)
def test_numbers_as_people_write_them(said: str, words: str) -> None:
    assert said == words


@pytest.mark.parametrize(
    ("fixed", "per_activity", "words"),
    [
        (0.1, 0.0, "does not depend on activity"),
        (2.0, 1.0, "no advantage at any activity"),
        (0.0, 0.5, "advantage at every activity"),
        (0.2, 1.6, "1"),  # activity 0.5 at two steps
    ],
)
def test_break_even_in_words(fixed: float, per_activity: float, words: str) -> None:
    hardware = report_cases.full_report().hardware
    assert hardware is not None
    even = BreakEven(n_steps=2, fixed=fixed, per_activity=per_activity, dense=1.0)
    assert break_even_words(replace(hardware.energies[0], break_even=even)) == words


def test_certificates_in_words() -> None:
    report = report_cases.full_report()
    assert report.parity is not None
    assert parity_verdict(report.parity) == "bit for bit equal"
    sentences = parity_sentences(report.parity)
    assert any("faithful" in sentence and "all are equal" in sentence for sentence in sentences)
    assert any("Dense" in sentence for sentence in sentences)
    assert any("1 more were left out" in sentence for sentence in sentences)
    failed = report_cases.failed_parity()
    assert parity_verdict(failed) == "3 values differ"
    assert "payload of layer 'hidden1', step 1, sample 2: 5 expected, 6 found" in " ".join(parity_sentences(failed))
    assert parity_verdict(None) == parity_verdict(ParitySection()) == "not compared with Lava"
    assert "nothing is certified" in parity_sentences(ParitySection())[0]


def test_markdown_has_every_section_and_no_broken_table() -> None:
    text = report_markdown(report_cases.full_report())
    for head in (
        "## Accuracy and speed",
        "## Parity",
        "## Spikes and operations",
        "## Energy per sample",
        "## Cores of",
    ):
        assert head in text
    assert "loihi1-davies | simulated" in text
    width = 0
    for line in text.splitlines():
        if line.startswith("|"):
            bars = line.replace("\\|", "").count("|")
            assert width in (0, bars), line
            width = bars
        else:
            width = 0
    assert report_markdown(report_cases.empty_report()).startswith("# network")


def test_markdown_says_what_does_not_fit() -> None:
    report = report_cases.full_report()
    assert report.hardware is not None
    hardware = replace(report.hardware, placement=None, latency=None, does_not_fit="too wide")
    assert "does not fit: too wide" in report_markdown(replace(report, hardware=hardware))


def test_csv_has_a_key_a_value_and_a_unit() -> None:
    rows = list(csv.DictReader(io.StringIO(report_csv(report_object(report_cases.full_report())))))
    by_key = {row["key"]: row for row in rows}
    assert len(by_key) == len(rows)
    assert by_key["counts.ann_macs"]["value"] == str(2 * 9 + 9 * 8 + 8)
    assert by_key["counts.layers.hidden1.n_neurons"]["value"] == "8"
    assert by_key["energy.loihi1-davies.joules_per_sample"]["unit"] == "J"
    assert by_key["energy.loihi1-davies.terms.synapses"]["unit"] == "J"
    assert by_key["energy.loihi1-davies.low"]["unit"] == "J"
    assert by_key["latency.step_seconds.low"]["unit"] == "s"
    assert by_key["latency.samples_per_second.low"]["unit"] == "1/s"
    assert by_key["backends.lava.seconds"]["unit"] == "s"
    assert by_key["backends.integer"]["value"] == ""
    assert by_key["counts.neurobench.Footprint"]["unit"] == "B"
    assert by_key["quantization.payload_bits"]["value"] == "16 16"
    assert not any("links" in key or "source" in key for key in by_key)


def test_two_reports_side_by_side(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b"
    second.mkdir()
    report = report_cases.full_report()
    first.write_text(report_text(report))
    (second / "report.json").write_text(report_text(replace(report, n_points=240, problem=None)))
    rows = {row.key: row for row in compare_reports(first, second)}
    assert (rows["n_points"].first, rows["n_points"].second, rows["n_points"].factor) == (120, 240, 2.0)
    assert rows["problem"].differs
    assert rows["problem"].factor is None
    assert not rows["counts.ann_macs"].differs
    assert rows["problem_details.equation"].second is None
    text = comparison_markdown(rows.values(), ("a", "b"))
    assert "| n_points | 120 | 240 |  | 2 |" in text
    assert len(flatten_report(read_report(first))) == sum(row.first is not None for row in rows.values()) + sum(
        row.value is None for row in flatten_report(read_report(first))
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"schema": "neuropinn-lava/report/2"})])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(FileFormatError, match="report"):
        read_report(path)
    with pytest.raises(FileFormatError, match=r"a readable report\.json"):
        read_report(tmp_path / "missing")
