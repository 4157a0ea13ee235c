"""Points and outputs in files: what is read, what is refused, and that nothing is half written."""

from __future__ import annotations

import numpy as np
import pytest

from neuropinn_lava.app.arrays_io import read_points, write_outputs
from neuropinn_lava.errors import FileFormatError, SpecError

POINTS = np.array([[0.25, 1.0], [-3.5e-9, 2.0]])


@pytest.mark.parametrize("name", ["p.npy", "p.csv", "P.CSV"])
def test_what_is_written_is_read_again_exactly(tmp_path, name):
    write_outputs(tmp_path / name, POINTS, ("u", "v"))
    assert (read_points(tmp_path / name) == POINTS).all()


def test_a_csv_without_a_header_is_read(tmp_path):
    (tmp_path / "p.csv").write_text("0.5,1\n2,3\n")
    assert read_points(tmp_path / "p.csv").tolist() == [[0.5, 1.0], [2.0, 3.0]]


def test_an_unknown_ending_is_refused(tmp_path):
    with pytest.raises(SpecError, match=r"a file ending in \.npy or \.csv; got points\.txt"):
        read_points(tmp_path / "points.txt")


@pytest.mark.parametrize("text", ["x,y\n1,two\n", "1,2\n3\n", ""])
@pytest.mark.filterwarnings("ignore:loadtxt. input contained no data")
def test_a_csv_that_is_not_numbers_is_refused(tmp_path, text):
    path = tmp_path / "p.csv"
    path.write_text(text)
    if text:
        with pytest.raises(FileFormatError, match="an array of numbers"):
            read_points(path)
    else:
        assert read_points(path).size == 0  # no points: refused by the run, which says so


def test_a_pickle_in_an_npy_file_is_refused_unread(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("code ran from a file",))

    np.save(tmp_path / "p.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match="an array of numbers"):
        read_points(tmp_path / "p.npy")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileFormatError, match=r"nowhere\.npy"):
        read_points(tmp_path / "nowhere.npy")
