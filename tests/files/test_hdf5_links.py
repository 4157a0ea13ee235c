"""HDF5 files that lead elsewhere are refused; cycles within a file are not our business."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from neuropinn_lava.base.errors import FileFormatError
from neuropinn_lava.files.hdf5_links import check_self_contained


def make(path: Path, member: object = None) -> Path:
    with h5py.File(path, "w") as file:
        file["a/b"] = np.zeros(3)
        file["a/loop"] = file["a"]
        if member is not None:
            file["a/c"] = member
    return path


def check(path: Path) -> None:
    with h5py.File(path, "r") as file:
        check_self_contained(file, "file")


def test_what_lies_in_the_file(tmp_path: Path) -> None:
    path = make(tmp_path / "a.h5")
    before = path.read_bytes()
    check(path)
    assert path.read_bytes() == before
    with h5py.File(path, "r+") as file:  # the check went through the loop, and beyond it
        file["a/loop/late"] = h5py.SoftLink("/a/b")
    with pytest.raises(FileFormatError, match=r"late: lies in the file itself; got SoftLink"):
        check(path)


@pytest.mark.parametrize("link", [h5py.SoftLink("/a/b"), h5py.ExternalLink("/dev/zero", "/")])
def test_links(link: object, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"file: /a/c: lies in the file itself; got (Soft|External)Link"):
        check(make(tmp_path / "a.h5", link))


def test_numbers_in_another_file(tmp_path: Path) -> None:
    path = make(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file.create_dataset("a/raw", (4,), "u1", external=[("/etc/hostname", 0, 4)])
    with pytest.raises(FileFormatError, match=r"/a/raw: lies in the file itself; got numbers in another file"):
        check(path)
    with h5py.File(path, "r+") as file:
        del file["a/raw"]
        layout = h5py.VirtualLayout((3,), "f8")
        layout[:] = h5py.VirtualSource("other.h5", "x", (3,))
        file.create_virtual_dataset("a/virtual", layout)
    with pytest.raises(FileFormatError, match=r"/a/virtual: lies in the file itself; got numbers in another file"):
        check(path)
