"""Files appear whole or not at all, and a path that cannot be written is found before the work."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from disks import full_beyond
from neuropinn_lava.base.errors import SpecError
from neuropinn_lava.files.atomic import check_writable, replacing, write_text

as_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")


def test_a_new_file(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as temporary:
        temporary.write_text("new")
        assert not (tmp_path / "a").exists()
        assert temporary.parent == tmp_path  # the rename stays within one file system
    assert (tmp_path / "a").read_text() == "new"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("existed", [False, True])
def test_a_failure_leaves_what_was_there(error: type[BaseException], existed: bool, tmp_path: Path) -> None:
    target = tmp_path / "a"
    if existed:
        target.write_text("old")

    def fail() -> None:
        with replacing(target) as temporary:
            temporary.write_text("half of the n")
            raise error

    with pytest.raises(error):
        fail()
    assert os.listdir(tmp_path) == (["a"] if existed else [])
    assert not existed or target.read_text() == "old"


def test_text(tmp_path: Path) -> None:
    for text in ("", "first", "ψ ≥ θ\n"):
        write_text(tmp_path / "a.txt", text)
        assert (tmp_path / "a.txt").read_text(encoding="utf-8") == text


def test_rights_follow_the_umask_and_the_former_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "new", "")
        (tmp_path / "old").write_text("")
        (tmp_path / "old").chmod(0o604)
        write_text(tmp_path / "old", "again")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o604


def test_a_path_without_a_directory_is_in_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_text("a", "here")
    assert (tmp_path / "a").read_text() == "here"


def test_checking_leaves_nothing(tmp_path: Path) -> None:
    assert check_writable(str(tmp_path / "a")) == tmp_path / "a"
    assert os.listdir(tmp_path) == []


def test_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"output .*/no/a: a directory that takes new files; got No such file"):
        check_writable(tmp_path / "no" / "a")


def test_a_file_where_the_directory_should_be(tmp_path: Path) -> None:
    (tmp_path / "no").write_text("")
    with pytest.raises(SpecError, match="a directory that takes new files; got Not a directory"):
        check_writable(tmp_path / "no" / "a")


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"a file's path; got a directory. Name a file in it"):
        check_writable(tmp_path)


@as_user
def test_a_directory_without_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(SpecError, match="a directory that takes new files; got Permission denied"):
            check_writable(tmp_path / "a")
    finally:
        tmp_path.chmod(0o700)


@as_user
def test_a_read_only_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("keep")
    (tmp_path / "a").chmod(0o400)
    with pytest.raises(SpecError, match="a file that may be replaced; got a read-only file"):
        check_writable(tmp_path / "a")


def test_rights_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the two tests above show, for those who run tests as root."""
    (tmp_path / "a").write_text("keep")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(SpecError, match="a file that may be replaced"):
        check_writable(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "keep"


def test_a_full_disk_leaves_the_former_file(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "keep")
    with (
        full_beyond(100),
        pytest.raises(SpecError, match=r"a disk with room for the whole file; got File too large. Free"),
    ):
        write_text(tmp_path / "a", 200 * "x")
    assert (tmp_path / "a").read_text() == "keep"
    assert os.listdir(tmp_path) == ["a"]


def test_other_failures_of_the_system_pass_through(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output error"), replacing(tmp_path / "a"):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    assert os.listdir(tmp_path) == []
