"""Points in files: what is read, block by block, and what is refused."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from neuropinn_lava.app.stream import arrays_io
from neuropinn_lava.app.stream.arrays_io import open_points, read_points
from neuropinn_lava.base.errors import FileFormatError, SpecError

POINTS = np.random.default_rng(0).normal(size=(10, 2))


def save(path, points=POINTS):
    """Write points as other programs do."""
    if path.suffix == ".npy":
        np.save(path, points)
    elif path.suffix == ".csv":
        np.savetxt(path, points, delimiter=",", fmt="%.17g", header="x,y", comments="")
    else:
        with h5py.File(path, "w") as handle:
            handle["some/grid"] = points
            handle["time"] = np.arange(3.0)
    return path


@pytest.mark.parametrize("name", ["p.npy", "p.csv", "p.h5"])
@pytest.mark.parametrize("first", [0, 3, 4, 10])
def test_points_are_read_in_blocks_from_anywhere(tmp_path, monkeypatch, name, first):
    monkeypatch.setattr(arrays_io, "READ_ROWS", 4)
    file = open_points(save(tmp_path / name))
    blocks = list(file.blocks(first))
    assert file.n_points == 10
    assert all(0 < len(block) <= 4 for block in blocks)
    assert np.array_equal(np.concatenate([np.zeros((0, 2)), *blocks]), POINTS[first:])
    assert np.array_equal(read_points(tmp_path / name), POINTS)


def test_a_fortran_array_of_singles_is_read(tmp_path):
    np.save(tmp_path / "p.npy", np.asfortranarray(POINTS.astype(np.float32)))
    assert np.array_equal(read_points(tmp_path / "p.npy"), POINTS.astype(np.float32))


@pytest.mark.parametrize("text", ["0.5,1\n2,3\n", "\ufeffx,y\n0.5,1\n\n2,3", "# made by hand\n0.5,1\n# more\n2,3\n"])
def test_headers_comments_and_blank_lines_of_a_csv_are_no_points(tmp_path, text):
    (tmp_path / "P.CSV").write_text(text, encoding="utf-8")
    assert open_points(tmp_path / "P.CSV").n_points == 2
    assert read_points(tmp_path / "P.CSV").tolist() == [[0.5, 1.0], [2.0, 3.0]]


@pytest.mark.parametrize("name", ["p.npy", "p.csv"])
def test_no_points_are_read_as_none(tmp_path, name):
    if name == "p.npy":
        np.save(tmp_path / name, np.zeros((0, 2)))
    else:
        (tmp_path / name).write_text("x,y\n")
    assert open_points(tmp_path / name).n_points == 0
    assert not read_points(tmp_path / name).size  # refused by the run, which says so


def test_a_dataset_called_points_is_preferred(tmp_path):
    with h5py.File(tmp_path / "p.h5", "w") as handle:
        handle["outputs"], handle["points"] = np.zeros((3, 1)), POINTS
    assert np.array_equal(read_points(tmp_path / "p.h5"), POINTS)


def test_two_datasets_without_that_name_are_refused(tmp_path):
    with h5py.File(tmp_path / "p.h5", "w") as handle:
        handle["a"], handle["b"] = POINTS, POINTS
    with pytest.raises(FileFormatError, match=r"or one called 'points'; got 'a', 'b'"):
        open_points(tmp_path / "p.h5")


def test_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(SpecError, match=r"end in one of \.npy, \.csv, \.h5; got points\.txt"):
        open_points(tmp_path / "points.txt")


@pytest.mark.parametrize("text", ["x,y\n1,two\n", "1,2\n3\n"])
def test_a_csv_that_is_not_numbers_is_refused(tmp_path, text):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(FileFormatError, match="an array of numbers"):
        read_points(tmp_path / "p.csv")


@pytest.mark.parametrize("array", [np.zeros(3), np.zeros((2, 2, 2, 2)), np.array([["a"]])])
def test_an_array_that_is_not_rows_of_numbers_is_refused(tmp_path, array):
    np.save(tmp_path / "p.npy", array)
    with pytest.raises(FileFormatError, match=r"an \(n, d\) array of numbers"):
        open_points(tmp_path / "p.npy")


def test_sequences_are_read_in_blocks_of_as_many_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("neuropinn_lava.app.stream.arrays_io.READ_ROWS", 30)
    sequences = np.random.default_rng(0).random((7, 10, 2))
    np.save(tmp_path / "p.npy", sequences)
    file = open_points(tmp_path / "p.npy")
    assert file.n_points == 7
    assert [len(block) for block in file.blocks()] == [3, 3, 1]
    assert np.array_equal(read_points(file), sequences)
    assert np.array_equal(np.concatenate([*file.blocks(4)]), sequences[4:])


def test_a_pickle_in_an_npy_file_is_refused_unread(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("code ran from a file",))

    np.save(tmp_path / "p.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match="an array of numbers"):
        read_points(tmp_path / "p.npy")


@pytest.mark.parametrize("name", ["nowhere.npy", "nowhere.csv", "nowhere.h5"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(
        SpecError, match=rf"points file must be an existing file; got .*{name}\. Check its name and folder"
    ):
        read_points(tmp_path / name)


def test_another_file_has_another_fingerprint(tmp_path):
    one = open_points(save(tmp_path / "p.npy")).fingerprint
    assert open_points(save(tmp_path / "q.npy")).fingerprint == one
    assert open_points(save(tmp_path / "p.npy", POINTS + 1)).fingerprint != one
