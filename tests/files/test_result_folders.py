"""Which folders results may be written into, and by what an earlier result is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.files.result_folders import check_result_folder, is_result_folder

FAMILY = "neuropinn-lava/report/"


@pytest.mark.parametrize(
    ("text", "is_ours"),
    [
        ('{"schema": "neuropinn-lava/report/1"}', True),
        ('{"schema": "neuropinn-lava/report/99", "more": 1}', True),
        ('{"schema": "neuropinn-lava/sweep/1"}', False),
        ('{"schema": null}', False),
        ("[]", False),
        ("no JSON", False),
        ("[" * 100_000, False),
    ],
)
def test_a_result_is_known_by_its_schema(tmp_path: Path, text: str, is_ours: bool) -> None:
    (tmp_path / "report.json").write_text(text)
    assert is_result_folder(tmp_path, "report.json", FAMILY) is is_ours


def test_no_folder_is_no_result(tmp_path: Path) -> None:
    assert not is_result_folder(tmp_path / "none", "report.json", FAMILY)


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    new, held = tmp_path / "new", tmp_path / "held"
    held.mkdir()
    (held / "own.txt").write_text("mine")
    with pytest.raises(
        SpecError, match=r"^place: an empty folder, a new one, or an earlier report; got other files in it"
    ):
        check_result_folder(held, "place", "report", is_ours=False, force=False)
    with pytest.raises(SpecError, match=r"^place: a folder; got a file"):
        check_result_folder(held / "own.txt", "place", "report", is_ours=False, force=True)
    for target, is_ours, force in ((new, False, False), (held, True, False), (held, False, True)):
        check_result_folder(target, "place", "report", is_ours=is_ours, force=force)
    assert (held / "own.txt").read_text() == "mine"
    assert not new.exists()
