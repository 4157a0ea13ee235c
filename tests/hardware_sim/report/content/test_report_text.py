"""What people read of a report: words, markdown, CSV, and two reports side by side."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

import report_cases
from neuropinn_lava.app.cli.demo import show_report
from neuropinn_lava.base.errors import FileFormatError
from neuropinn_lava.hardware_sim.costs.energy import BreakEven
from neuropinn_lava.hardware_sim.parity.certificate import ParitySection
from neuropinn_lava.hardware_sim.report.content.compare import HEADLINES, compare_reports, headline_rows
from neuropinn_lava.hardware_sim.report.content.formats import (
    NOTHING,
    format_count,
    format_joules,
    format_number,
    format_percent,
    format_range,
    format_seconds,
)
from neuropinn_lava.hardware_sim.report.content.json_record import report_object, report_text
from neuropinn_lava.hardware_sim.report.content.markdown import report_markdown
from neuropinn_lava.hardware_sim.report.content.rows import flatten_report, read_report, report_csv
from neuropinn_lava.hardware_sim.report.content.sentences import (
    dominance_sentence,
    format_break_even,
    parity_sentences,
    parity_verdict,
)
from neuropinn_lava.hardware_sim.report.page import report_page


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (format_number(0.0123456), "0.0123"),
        (format_number(None), NOTHING),
        (format_number(float("inf")), NOTHING),
        (format_count(1234567), "1\u202f234\u202f567"),
        (format_count(None), NOTHING),
        (format_percent(0.4242), "42.4 %"),
        (format_percent(None), NOTHING),
        (format_joules(3.2e-6), "3.2 µJ"),
        (format_joules(4.5e-14), "0.045 pJ"),
        (format_joules(2.0), "2 J"),
        (format_joules(None), NOTHING),
        (format_seconds(1.25e-5), "12.5 µs"),
        (format_seconds(3e-10), "0.3 ns"),
        (format_seconds(None), NOTHING),
        (format_range(1e-9, 2e-9, format_joules), "1 nJ – 2 nJ"),
        (format_range(1e-9, 1e-9, format_joules), "1 nJ"),
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
    assert format_break_even(replace(hardware.energies[0], break_even=even)) == words


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
        "## Sum of the operations of a sample",
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


# What a report leads with.


def first_of(text: str, *parts: str) -> list[int]:
    places = [text.find(part) for part in parts]
    assert min(places) >= 0, parts
    return places


def test_every_form_leads_with_the_energy_of_a_step_and_the_sum_of_operations(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = report_cases.full_report()
    dominance = report.dominance
    assert dominance is not None
    sentence = dominance_sentence(dominance)
    assert sentence.startswith(
        "The step dominates: the steps of a sample in the pipeline take 1.88 µJ by loihi2-builtin-step"
    )
    text = report_markdown(report)
    places = first_of(
        text, "| loihi2-builtin-step | steps", "| loihi1-davies | sum of operations", sentence, "## Accuracy"
    )
    assert places == sorted(places)
    page = report_page(report, ())
    places = first_of(
        page, 'id="energy-of-a-step"', 'id="sum-of-operations"', "relative L2 error of", sentence, "<section"
    )
    assert places == sorted(places)
    show_report(report)
    printed = " ".join(capsys.readouterr().out.split())
    places = first_of(printed, "loihi2-builtin-step", "loihi1-davies", "The step dominates", "Accuracy")
    assert places == sorted(places)


def test_the_summary_of_report_json() -> None:
    summary = report_object(report_cases.full_report())["summary"]
    builtin, microcoded = summary["energy_of_steps"]
    assert builtin["joules_per_step"] == pytest.approx({"low": 0.8e-6, "value": 0.94e-6, "high": 1.1e-6})
    assert builtin["joules_per_sample"]["value"] == pytest.approx(2 * 0.94e-6)
    assert builtin["joules_per_sample_alone"]["value"] == pytest.approx(4 * 0.94e-6)  # two steps and two spiking layers
    assert microcoded["joules_per_step"] == pytest.approx({"low": 1.7e-6, "value": 2.5e-6, "high": 3.7e-6})
    assert builtin["measured_on"] == "another network, read off a figure"
    factors = summary["dominance"]["steps_over_operations"]
    joules = summary["sum_of_operations"]["joules_per_sample"]
    assert factors["loihi2-builtin-step"] == pytest.approx(2 * 0.94e-6 / joules)
    nothing = report_object(report_cases.empty_report())["summary"]
    assert nothing == {"energy_of_steps": [], "sum_of_operations": None, "dominance": None, "lee": None}


def test_the_sentence_follows_the_numbers() -> None:
    dominance = report_cases.full_report().dominance
    assert dominance is not None
    (term, *others), operations = dominance.operations.terms, dominance.operations

    def with_joules(joules: float) -> str:
        terms = (replace(term, joules=joules), *(replace(other, joules=0.0) for other in others))
        return dominance_sentence(replace(dominance, operations=replace(operations, terms=terms)))

    assert with_joules(1e-9).startswith("The step dominates")
    assert "1.88e+03 and 5e+03 times" in with_joules(1e-9)
    assert with_joules(1e-3).startswith("The operations dominate: the sum of the operations of a sample is 1 mJ")
    assert "532 and 200 times" in with_joules(1e-3)
    assert with_joules(3e-6).startswith("Neither dominates")


def test_lee_is_steps_times_error_times_activity() -> None:
    report = report_cases.full_report()
    assert report.counts is not None
    activity = 100 * report.counts.total.spiking_activity
    assert report.lee == pytest.approx(2 * 0.4 * activity)  # two steps, 0.4 % on Lava
    for text in (report_markdown(report), report_page(report, ())):
        assert "LEE" in text
        assert format_number(report.lee) in text
    assert report_object(report)["summary"]["lee"] == report.lee
    assert replace(report, backends=None).lee is None
    assert replace(report, counts=None).lee is None


def test_ratios_against_machines_contain_static_power_or_are_not_shown() -> None:
    report = report_cases.full_report()
    assert report.hardware is not None
    by_name = {energy.model: energy for energy in report.hardware.energies}
    page = report_page(report, ())
    rows = {row.split("</td>")[0]: row for row in page.split("<tr><td>")}
    dense = by_name["keras-gpu"].dense_joules_per_sample
    davies = by_name["loihi1-davies"]
    assert f'data-value="{davies.joules_per_sample / dense}"' in rows["loihi1-davies"]
    assert f'data-value="{davies.dynamic_joules_per_sample / dense}"' not in page
    for name in ("loihi1-sanafe", "spinnaker", "45nm-int8"):
        assert f'data-value="{by_name[name].dynamic_joules_per_sample / dense}"' not in page
        assert rows[name].count('data-value="NaN"') >= 2


def test_measured_constants_are_not_called_a_measurement() -> None:
    text = report_markdown(report_cases.full_report())
    assert "| spinnaker | measured on SpiNNaker |" in text
    assert "| spinnaker | measured |" not in text


def test_markdown_has_a_verdict_for_each_rule_and_says_which_term_makes_the_step() -> None:
    report = report_cases.full_report()
    assert report.hardware is not None
    assert report.hardware.check is not None
    assert report.hardware.latency is not None
    text = report_markdown(report)
    for rule in report.hardware.check.verdicts:
        assert f"| {rule.rule} | {rule.verdict.value} |" in text
    largest = report.hardware.latency.largest_term
    assert f"The largest term makes the step: {largest}" in text
    assert report.hardware.check.summary() in text


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
    assert by_key["latency.terms.barrier.seconds.high"]["unit"] == "s"
    assert by_key["target.rules.network fits the chip.verdict"]["value"] == "fits"
    assert by_key["backends.lava.seconds"]["unit"] == "s"
    assert by_key["backends.integer"]["value"] == ""
    assert by_key["counts.neurobench.Footprint"]["unit"] == "B"
    assert by_key["quantization.payload_bits"]["value"] == "16 16"
    assert not any("links" in key or "source" in key for key in by_key)


def test_a_report_is_short_in_a_notebook() -> None:
    report = report_cases.full_report()
    assert len(repr(report)) < 200
    rows = dict(report.summary_rows())
    assert (rows["relative L2 error, float"], rows["relative L2 error, deployed"]) == ("0.3 %", "0.4 %")
    assert rows["values that differ from Lava's"] == "0"
    assert "<script>" not in report._repr_html_()
    assert list(dict(report_cases.empty_report().summary_rows())) == ["all of it"]


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
    assert len(flatten_report(read_report(first))) == sum(row.first is not None for row in rows.values()) + sum(
        row.value is None for row in flatten_report(read_report(first))
    )


def test_ten_headlines_stand_first_each_from_the_backend_that_ran(tmp_path: Path) -> None:
    report = report_cases.full_report()
    assert report.backends is not None
    (alone, _) = report.backends.results
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    paths[0].write_text(report_text(report))
    paths[1].write_text(report_text(replace(report, backends=replace(report.backends, results=(alone,)))))
    rows = headline_rows(compare_reports(*paths))
    assert [row.key for row in rows] == list(HEADLINES)
    assert len(rows) == 10
    by_key = {row.key: row for row in rows}
    error = by_key["relative L2 error, deployed"]
    assert (error.first, error.second, error.factor) == (
        0.004,
        0.003,
        0.75,
    )  # Lava's, and the float network's where it is alone
    assert by_key["estimated error, deployed"].first is None
    assert by_key["energy of the operations, per sample"].unit == "J"
    assert by_key["memory of the network"].unit == "B"


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"schema": "neuropinn-lava/report/2"})])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(FileFormatError, match="report"):
        read_report(path)
    with pytest.raises(FileFormatError, match=r"a readable report\.json"):
        read_report(tmp_path / "missing")


def test_a_title_names_network_and_problem_once_where_they_have_one_name() -> None:
    report = report_cases.full_report()
    assert report.network is not None
    assert report.problem is not None
    for name, title in (("other", f"{report.network.name} on other"), (report.network.name, report.network.name)):
        titled = replace(report, problem=replace(report.problem, name=name))
        assert report_markdown(titled).splitlines()[0] == f"# {title}"
