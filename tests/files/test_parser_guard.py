"""Parsers are tried in a child: one that hangs, crashes or eats memory costs an error, and nothing else."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path

import pytest

from neuropinn_lava.base.errors import FileFormatError
from neuropinn_lava.files import parser_guard
from neuropinn_lava.files.parser_guard import try_parser


def reads(path: Path) -> None:
    """Leave what it read beside the file: the child runs in the file's place, not in the test's."""
    witness_of(path).write_text(f"{os.getpid()} read {path.read_text()}")


def refuses(path: Path) -> None:
    reads(path)
    raise ValueError(path)


def witness_of(path: Path) -> Path:
    return path.with_name("witness")


def hangs(path: Path) -> None:
    time.sleep(1000)


def crashes(path: Path) -> None:
    ctypes.string_at(0)


def devours(path: Path) -> bytes:
    return bytes(2 * parser_guard.MAX_PARSER_BYTES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("contents")
    return tmp_path / "file"


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the child find this file by name."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


@pytest.mark.parametrize("parser", ["reads", "refuses"])
def test_a_parser_that_comes_to_an_end_passes(parser: str, path: Path) -> None:
    try_parser(f"test_parser_guard:{parser}", path, "file")
    reader, _, contents = witness_of(path).read_text().partition(" read ")
    assert contents == "contents"
    assert int(reader) != os.getpid()


@pytest.mark.parametrize(
    ("parser", "message"),
    [
        (
            "hangs",
            r"file .* must have a parser that ends within 2 s; got one that hangs\. It is damaged, or made to do harm",
        ),
        ("crashes", r"be parsed without a crash; got one ended by SIGSEGV"),
        ("devours", r"be parsed within 4 GiB of memory; got one that wants more"),
        ("missing", r"be parsed by a process of its own; got .*AttributeError"),
    ],
)
def test_what_does_not_survive_is_refused(parser: str, message: str, path: Path) -> None:
    with pytest.raises(FileFormatError, match=f"(?s){message}"):
        try_parser(f"test_parser_guard:{parser}", path, "file", seconds=2 if parser == "hangs" else 100)


def test_a_relative_path_and_another_working_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    try_parser("test_parser_guard:reads", "file", "file")
    assert witness_of(path).read_text().endswith(" read contents")


def test_a_missing_file_is_the_parsers_business(tmp_path: Path) -> None:
    try_parser("test_parser_guard:reads", tmp_path / "none", "file")
    assert list(tmp_path.iterdir()) == []  # no child was started for it


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileFormatError, match=r"pipe must be a regular file; got something else"):
        try_parser("test_parser_guard:reads", tmp_path / "pipe", "file")
