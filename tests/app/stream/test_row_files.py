"""Outputs that grow: whole files at the end, and nothing lost of what was certain when a run ends early."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from disks import full_beyond
from neuropinn_lava.app.stream import arrays_io, row_files
from neuropinn_lava.app.stream.arrays_io import read_points
from neuropinn_lava.app.stream.row_files import RowFile, part_path, record_path
from neuropinn_lava.base.errors import FileFormatError, SpecError

NAMES = ("u", "v")
ROWS = np.random.default_rng(0).normal(size=(1200, 2)) * 1e-3
KINDS = ("u.npy", "u.csv", "u.h5")


def write(path, pieces, *, resume=False):
    with RowFile.open(path, NAMES, resume=resume) as rows:
        for piece in pieces:
            rows.append(piece, {"n": len(piece)})
        rows.finish()


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("n_pieces", [1, 3])
def test_what_is_written_is_read_again_exactly(tmp_path, monkeypatch, name, n_pieces):
    monkeypatch.setattr(arrays_io, "READ_ROWS", 100)
    write(tmp_path / name, np.split(ROWS, n_pieces))
    assert read_points(tmp_path / name).tobytes() == ROWS.tobytes()
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_the_files_are_those_that_other_programs_write(tmp_path):
    write(tmp_path / "u.npy", [ROWS])
    np.save(tmp_path / "v.npy", ROWS)
    assert (tmp_path / "u.npy").read_bytes() == (tmp_path / "v.npy").read_bytes()
    write(tmp_path / "u.csv", [ROWS])
    assert (tmp_path / "u.csv").read_text().startswith("u,v\n")
    write(tmp_path / "u.h5", [ROWS])
    with h5py.File(tmp_path / "u.h5") as handle:
        assert list(handle["outputs"].attrs["names"]) == ["u", "v"]


@pytest.mark.parametrize("name", KINDS)
def test_an_interrupted_file_goes_on_behind_its_last_block(tmp_path, name):
    path = tmp_path / name
    with RowFile.open(path, NAMES) as rows:
        rows.append(ROWS[:500], {"seconds": 2.5})
    assert not path.exists()
    with part_path(path).open("ab") as part:
        part.write(b"half a block that never became cert")
    with RowFile.open(path, NAMES, resume=True) as rows:
        assert (rows.n_rows, rows.notes) == (500, {"seconds": 2.5})
        rows.append(ROWS[500:], {})
        rows.finish()
    assert read_points(path).tobytes() == ROWS.tobytes()
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_without_resuming_it_starts_again(tmp_path):
    with RowFile.open(tmp_path / "u.npy", NAMES) as rows:
        rows.append(ROWS, {})
    write(tmp_path / "u.npy", [ROWS[:3]])
    assert np.array_equal(np.load(tmp_path / "u.npy"), ROWS[:3])


def test_nothing_certain_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="before"), RowFile.open(tmp_path / "u.npy", NAMES):
        raise ValueError("before the first block")
    assert not list(tmp_path.iterdir())


def test_the_part_is_a_readable_file_at_any_moment(tmp_path):
    with RowFile.open(tmp_path / "u.npy", NAMES, n_expected=1000) as rows:
        for end in (400, 800, 1200):  # 200 more than expected
            rows.append(ROWS[end - 400 : end], {})
            with part_path(tmp_path / "u.npy").open("rb") as part:
                held = np.load(part)
            assert len(held) == max(1000, end)
            assert np.array_equal(held[:end], ROWS[:end])


@pytest.mark.parametrize("name", KINDS)
def test_fewer_rows_than_expected_are_all_there_is(tmp_path, name):
    with RowFile.open(tmp_path / name, NAMES, n_expected=1000) as rows:
        rows.append(ROWS[:7], {})
        rows.finish()
    assert read_points(tmp_path / name).tobytes() == ROWS[:7].tobytes()


def test_a_disk_without_room_for_all_rows_is_told_of_before_the_first_one(tmp_path):
    with full_beyond(ROWS.nbytes - 1000), pytest.raises(SpecError, match=r"u.npy must be on a disk with room for"):
        RowFile.open(tmp_path / "u.npy", NAMES, n_expected=len(ROWS))
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_keeps_the_rows_before(tmp_path):
    path = tmp_path / "u.npy"
    with full_beyond(ROWS.nbytes // 2), RowFile.open(path, NAMES) as rows:
        rows.append(ROWS[:500], {"seconds": 2.5})
        with pytest.raises(SpecError, match=r"u.npy must be on a disk with room for"):
            rows.append(ROWS[500:], {})
    assert row_files.n_kept(path) == 500
    with RowFile.open(path, NAMES, resume=True) as rows:
        rows.append(ROWS[500:], {})
        rows.finish()
    assert np.load(path).tobytes() == ROWS.tobytes()


def test_an_old_file_stands_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "u.npy"
    write(path, [ROWS[:3]])
    with RowFile.open(path, NAMES) as rows:
        rows.append(ROWS[:5], {})
        assert len(np.load(path)) == 3
        rows.finish()
    assert len(np.load(path)) == 5


def test_two_runs_do_not_write_one_file(tmp_path):
    with RowFile.open(tmp_path / "u.npy", NAMES) as rows:
        rows.append(ROWS, {})
        with pytest.raises(SpecError, match="be written by one run at a time; got another run"):
            RowFile.open(tmp_path / "u.npy", NAMES)
        rows.finish()
    assert np.array_equal(np.load(tmp_path / "u.npy"), ROWS)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "another/1"}', '{"schema": "neuropinn-lava/rows/2"}'])
def test_a_record_that_is_none_is_refused(tmp_path, text):
    with RowFile.open(tmp_path / "u.npy", NAMES) as rows:
        rows.append(ROWS, {})
    record_path(tmp_path / "u.npy").write_text(text)
    with pytest.raises(FileFormatError, match=r"a record of schema neuropinn-lava/rows/2"):
        RowFile.open(tmp_path / "u.npy", NAMES, resume=True)


def test_a_part_that_lost_rows_is_refused(tmp_path):
    with RowFile.open(tmp_path / "u.npy", NAMES) as rows:
        rows.append(ROWS, {})
    part_path(tmp_path / "u.npy").write_bytes(b"")
    with pytest.raises(FileFormatError, match="the rows that its record counts; got 0 bytes of"):
        RowFile.open(tmp_path / "u.npy", NAMES, resume=True)


def test_a_disk_with_room_for_the_rows_and_not_for_their_hdf5_file(tmp_path):
    path, n_bytes = tmp_path / "u.h5", ROWS.nbytes + 128
    with (
        full_beyond(n_bytes),
        pytest.raises(SpecError, match=r"u.h5 must be on a disk with room for .*; got File too large. Free"),
    ):
        write(path, [ROWS])
    assert not path.exists()
    assert row_files.n_kept(path) == len(ROWS)
    write(path, [], resume=True)
    assert read_points(path).tobytes() == ROWS.tobytes()


@pytest.mark.parametrize("n_rows", [0, 1, 3, 255, 256, 257, 1200])
@pytest.mark.parametrize("names", [("u",), ("u", "v" * 300)])
def test_an_hdf5_file_of_any_length_is_what_h5py_would_make(tmp_path, n_rows, names):
    rows = ROWS[:n_rows, : len(names)]
    with RowFile.open(tmp_path / "u.h5", names) as file:
        file.append(rows, {})
        file.finish()
    with h5py.File(tmp_path / "u.h5") as handle:
        (held,) = handle.values()
        assert (held.name, held.dtype, held.chunks) == ("/outputs", np.dtype("<f8"), None)
        assert held[:].tobytes() == rows.tobytes()
        assert held[:].shape == rows.shape
        assert list(held.attrs["names"]) == list(names)
