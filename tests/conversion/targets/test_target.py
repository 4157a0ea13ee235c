"""Hardware targets as files: shipped ones by name, a user's own by path, and everything that a file can get wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from neuropinn_lava.base.errors import FileFormatError, SpecError
from neuropinn_lava.conversion import HardwareTarget, find_target, read_target
from neuropinn_lava.conversion.targets.target import SHIPPED

GOOD = {
    "name": '"mine"',
    "title": '"My chip"',
    "source": '"a data sheet"',
    "max_weight_bits": "8",
    "max_payload_bits": "16",
    "state_bits": "24",
    "max_neurons_per_core": "1024",
    "synapse_bytes_per_core": "65536",
    "cores_per_chip": "4",
}
OPTIONAL = (
    "core_bytes", "max_fan_in", "max_fan_out", "max_out_axons", "max_table_entries", "max_exponents", "max_accumulator_bits",
    "require_proved_states",
)  # fmt: skip
DOCS = Path(__file__).resolve().parents[3] / "docs" / "targets.md"


def write(path: Path, changes: dict[str, str | None]) -> Path:
    lines = [f"{key} = {value}" for key, value in {**GOOD, **changes}.items() if value is not None]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped(name: str) -> None:
    target = find_target(name)
    assert target.name == name
    assert target.source
    assert target.cores_per_chip == 128


def test_loihi2_as_published() -> None:
    target = find_target("loihi2")
    assert (target.max_weight_bits, target.max_neurons_per_core, target.synapse_bytes_per_core) == (8, 8192, 128 * 1024)
    assert target.core_bytes == 192 * 1024
    assert find_target("loihi1").max_payload_bits == 0


@pytest.mark.parametrize("name", SHIPPED)
def test_every_limit_of_a_shipped_target_has_a_source_or_says_what_is_missing(name: str) -> None:
    target = find_target(name)
    for field in dataclasses.fields(HardwareTarget):
        if field.name.startswith(("max_", "core", "synapse")):
            assert target.reason(field.name) != f"the target's file states no {field.name}"


def test_notes_are_the_reasons(tmp_path: Path) -> None:
    changes: dict[str, str | None] = {"notes": '{state_bits = "page 3"}', "reported_only": '["state_bits"]'}
    target = read_target(write(tmp_path / "mine.toml", changes))
    assert (target.reason("state_bits"), target.reason("max_weight_bits")) == ("page 3", "a data sheet")
    assert target.reason("max_fan_in") == "the target's file states no max_fan_in"
    assert target.reported_only == ("state_bits",)


def test_unknown_name() -> None:
    with pytest.raises(
        SpecError, match=r"hardware target must be one of loihi1, loihi2; got 'loihi3'. Did you mean loihi"
    ):
        find_target("loihi3")


def test_a_users_own(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.toml", {})
    for given in (path, str(path)):
        target = find_target(given)
        assert (target.title, target.cores_per_chip) == ("My chip", 4)
        assert [getattr(target, name) for name in OPTIONAL] == [None] * 7 + [False]
    path = write(tmp_path / "more.toml", dict.fromkeys(OPTIONAL, "7") | {"require_proved_states": "true"})
    assert [getattr(read_target(path), name) for name in OPTIONAL] == [7] * 7 + [True]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"zzz": "1"}, r"target mine.toml, key must be one of .*; got 'zzz'. Choose one of them"),
        (
            {"max_weight_bit": "8"},
            r"target mine.toml, key must be .*; got 'max_weight_bit'. Did you mean max_weight_bits",
        ),
        ({"source": None}, r"target mine.toml.source must be present; got nothing. Add it; docs/targets.md lists"),
        ({"cores_per_chip": None}, r"target mine.toml.cores_per_chip must be present"),
        ({"source": '"  "'}, r"target mine.toml.source must be a text that is not empty; got '  '"),
        ({"name": "3"}, r"target mine.toml.name must be a text that is not empty; got 3"),
        ({"state_bits": '"24"'}, r"target mine.toml.state_bits must be a whole number, 1 or more; got '24'"),
        ({"state_bits": "24.0"}, r"target mine.toml.state_bits must be a whole number, 1 or more; got 24.0"),
        ({"state_bits": "true"}, r"target mine.toml.state_bits must be a whole number, 1 or more; got True"),
        ({"state_bits": "[24]"}, r"target mine.toml.state_bits must be a whole number, 1 or more; got \[24\]"),
        (
            {"max_neurons_per_core": "0"},
            r"target mine.toml.max_neurons_per_core must be a whole number, 1 or more; got 0",
        ),
        ({"max_payload_bits": "-1"}, r"target mine.toml.max_payload_bits must be a whole number, 0 or more; got -1"),
        ({"require_proved_states": "1"}, r"target mine.toml.require_proved_states must be true or false; got 1"),
        ({"max_fan_in": "-5"}, r"target mine.toml.max_fan_in must be a whole number, 1 or more; got -5"),
        (
            {"reported_only": '"state_bits"'},
            r"target mine.toml.reported_only must be a list of limits; got 'state_bits'",
        ),
        (
            {"reported_only": '["state_bit"]'},
            r"reported_only must be one of .*; got 'state_bit'. Did you mean state_bits",
        ),
        ({"reported_only": '["name"]'}, r"reported_only must be one of .*; got 'name'"),
        ({"notes": "3"}, r"target mine.toml.notes must be a table of texts; got 3"),
        ({"notes": "{state_bits = 3}"}, r"target mine.toml.notes must be a table of texts"),
        ({"notes": '{state_bit = "x"}'}, r"target mine.toml.notes, key must be one of .*; got 'state_bit'"),
    ],
)
def test_wrong_files(changes: dict[str, str | None], message: str, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=message):
        read_target(write(tmp_path / "mine.toml", changes))


def test_all_that_is_wrong_is_listed(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.toml", {"name": "1", "title": None, "state_bits": "-1", "colour": "2"})
    with pytest.raises(FileFormatError) as caught:
        read_target(path)
    assert len(caught.value.violations) == 4


def test_no_graded_spikes_is_a_payload_of_zero_bits(tmp_path: Path) -> None:
    assert read_target(write(tmp_path / "mine.toml", {"max_payload_bits": "0"})).max_payload_bits == 0


@pytest.mark.parametrize("contents", [b"name = ", b"\xff\xfe", b"name = 1\nname = 2"])
def test_no_toml(contents: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(contents)
    with pytest.raises(
        FileFormatError, match=r"target mine.toml must be a readable TOML file; got .* Check path and syntax"
    ):
        read_target(tmp_path / "mine.toml")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"target none.toml must be a readable TOML file; got .*No such file"):
        find_target(tmp_path / "none.toml")


def test_every_key_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for field in dataclasses.fields(HardwareTarget):
        assert f"`{field.name}`" in text
