"""The folder of a report: whole or not at all, replaced if it is ours, refused if it is not, nothing of a user's lost."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

import report_cases
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.files import whole_folders
from neuropinn_lava.hardware_sim.report import folder
from neuropinn_lava.hardware_sim.report.folder import check_report_directory, write_report

SMALL = replace(report_cases.empty_report(), n_points=7)
"""A report without figures: quick to write."""


def names(directory: Path) -> set[str]:
    return {entry.name for entry in directory.iterdir()}


def held_points(directory: Path) -> int:
    return int(json.loads((directory / "report.json").read_text())["n_points"])


def test_writes_json_page_figures_and_gradients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "draw_report", lambda _: report_cases.full_figures())
    directory = write_report(report_cases.full_report(), tmp_path / "report")
    assert names(directory) == {"report.json", "report.html", "figures", "gradients.csv"}
    figures = names(directory / "figures")
    assert {"field-u-float.svg", "counts-activity.svg", "energy-models.svg", "cores-placement.svg"} <= figures
    assert names(tmp_path) == {"report"}  # nothing beside it
    assert len((directory / "gradients.csv").read_text().splitlines()) == 1 + report_cases.N_POINTS


def test_an_earlier_report_is_replaced_and_a_users_notes_are_kept(tmp_path: Path) -> None:
    directory = write_report(SMALL, tmp_path / "report")
    (directory / "notes.txt").write_text("mine")
    (directory / "figures").mkdir(exist_ok=True)
    (directory / "figures" / "stale.svg").write_text("old")
    write_report(replace(SMALL, n_points=9), directory)
    assert held_points(directory) == 9
    assert names(directory) == {"report.json", "report.html", "notes.txt"}
    assert (directory / "notes.txt").read_text() == "mine"


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    assert held_points(write_report(SMALL, tmp_path / "report")) == 7


def test_a_foreign_folder_is_refused_without_force_and_keeps_its_files_with_it(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "holiday.png").write_text("mine")
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(SpecError, match="an empty folder, a new one, or an earlier report"):
        write_report(SMALL, tmp_path)
    assert names(tmp_path) == {"figures", "thesis.tex"}
    write_report(SMALL, tmp_path, force=True)
    assert names(tmp_path) == {"figures", "thesis.tex", "report.json", "report.html"}
    assert names(tmp_path / "figures") == {"holiday.png"}


def test_another_json_does_not_make_a_folder_ours(tmp_path: Path) -> None:
    for text in ('{"schema": "other/1"}', "[1]", "no json"):
        (tmp_path / "report.json").write_text(text)
        with pytest.raises(SpecError, match="other files in it"):
            check_report_directory(tmp_path)


def test_the_working_directory_is_written_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report(SMALL, tmp_path / "report")
    monkeypatch.chdir(tmp_path / "report")
    write_report(replace(SMALL, n_points=8), ".")
    assert held_points(Path.cwd()) == 8  # the shell still stands in the folder that has the name


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write_report(SMALL, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert held_points(tmp_path / "real") == 7


def test_a_place_that_takes_no_folder_is_found_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="a place that takes new folders"):
        check_report_directory(tmp_path / "missing" / "report")
    (tmp_path / "file").write_text("")
    with pytest.raises(SpecError, match="a folder; got a file"):
        check_report_directory(tmp_path / "file")
    assert names(tmp_path) == {"file"}


@pytest.mark.parametrize("failing", ["report_text", "report_page", "draw_report"])
def test_a_failure_leaves_the_old_report_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    directory = write_report(SMALL, tmp_path / "report")

    def fail(*_: object) -> None:
        raise RuntimeError("out of ink")

    monkeypatch.setattr(folder, failing, fail)
    with pytest.raises(RuntimeError, match="out of ink"):
        write_report(replace(SMALL, n_points=9), directory)
    assert held_points(directory) == 7
    assert names(tmp_path) == {"report"}


def test_a_failed_rename_brings_the_old_report_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = write_report(SMALL, tmp_path / "report")
    rename = os.rename

    def refuse(source: str | Path, destination: str | Path) -> None:
        if Path(source).name == "new":
            raise OSError("refused")
        rename(source, destination)

    monkeypatch.setattr(os, "rename", refuse)
    monkeypatch.setattr(whole_folders, "exchange_names", lambda one, other: False)  # as on systems that cannot
    with pytest.raises(OSError, match="refused"):
        write_report(replace(SMALL, n_points=9), directory)
    assert held_points(directory) == 7


@pytest.mark.parametrize("exchanges", [True, False])
def test_what_a_user_keeps_in_a_report_stays_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchanges: bool
) -> None:
    directory = write_report(SMALL, tmp_path / "report")
    (directory / "mine" / "deep").mkdir(parents=True)
    (directory / "mine" / "deep" / "notes.txt").write_text("keep")
    (directory / "link").symlink_to("mine")
    if not exchanges:
        monkeypatch.setattr(whole_folders, "exchange_names", lambda one, other: False)
        monkeypatch.setattr(os, "link", lambda *_, **__: (_ for _ in ()).throw(OSError("no second names here")))
    write_report(replace(SMALL, n_points=9), directory)
    assert held_points(directory) == 9
    assert (directory / "link" / "deep" / "notes.txt").read_text() == "keep"
    assert (directory / "link").is_symlink()
    assert names(tmp_path) == {"report"}
