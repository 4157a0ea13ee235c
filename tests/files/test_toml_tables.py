"""TOML files: found by name or path, read whole or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuropinn_lava.base.errors import FileFormatError, SpecError
from neuropinn_lava.files.toml_tables import named_file, read_table

SHIPPED = {"loihi2": "target_loihi2.toml", "loihi1": "target_loihi1.toml"}


def test_a_shipped_file_is_found_by_its_name() -> None:
    with named_file("loihi2", SHIPPED, "hardware target") as path:
        assert read_table(path, "target")["name"] == "loihi2"


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    with named_file(tmp_path / "own.toml", SHIPPED, "hardware target") as path:
        assert path == tmp_path / "own.toml"


def test_an_unknown_name_shows_the_nearest_one() -> None:
    with (
        pytest.raises(SpecError, match=r"^hardware target: a name out of loihi1, loihi2; got 'loihi3'. Did you mean"),
        named_file("loihi3", SHIPPED, "hardware target"),
    ):
        pass


def test_what_is_raised_over_a_file_passes(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text("name = ")
    with (
        pytest.raises(FileFormatError, match=r"^target own\.toml: a readable TOML file"),
        named_file(tmp_path / "own.toml", SHIPPED, "hardware target") as path,
    ):
        read_table(path, "target")


@pytest.mark.parametrize("contents", [b"a = 1\na = 2", b"\xff\xfe", b"x = [", b"n = " + b"9" * 5000])
def test_what_is_no_toml_is_refused(tmp_path: Path, contents: bytes) -> None:
    file = tmp_path / "own.toml"
    file.write_bytes(contents)
    with pytest.raises(FileFormatError, match=r"^model own\.toml: a readable TOML file; got .* Check path and syntax"):
        read_table(file, "model")
