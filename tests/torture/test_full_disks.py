"""A disk that fills up while a file is written: the package's own error, and the former file as it was.

A file system of a few pages in memory is filled to the brim (needs the right to mount); a limit on the size of files does
the same for everybody, with another error number.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from writers import NAMES, NEEDS

CHILD = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from writers import make_writers
writer = make_writers()[{name!r}]
folder = Path({folder!r})
{limit}
try:
    writer.write(folder / writer.target, 1)
except Exception as error:
    print(type(error).__name__, "|", " ".join(str(error).split()))
else:
    print("written")
"""


@pytest.fixture(scope="module")
def writers() -> dict:
    from writers import make_writers

    return make_writers()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk, or skip."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path, n_free: int) -> None:
    """Leave so many bytes free."""
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    with open(place / "ballast", "wb") as ballast:
        ballast.write(bytes(max(0, free - n_free)))


def write_in_child(name: str, folder: Path, limit: str = "") -> str:
    needed = NEEDS.get(name)
    if needed is not None and importlib.util.find_spec(needed) is None:
        pytest.skip(f"needs {needed}, of an extra")
    code = CHILD.format(path=sys.path, name=name, folder=str(folder), limit=limit)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Exception ignored" not in done.stderr
    return done.stdout.strip()


@pytest.mark.torture
@pytest.mark.timeout(600)
@pytest.mark.parametrize("n_free", [0, 1 << 12, 3 << 12, 27 << 12])
@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk(name: str, n_free: int, small_disk: Path, writers: dict) -> None:
    """In 27 pages there is room for the rows of outputs, and not for the HDF5 file that is made of them."""
    folder = small_disk / "work"
    old = writers[name].begin(folder)
    fill(small_disk, n_free)
    said = write_in_child(name, folder)
    if said == "written":  # it fits
        assert n_free
        return
    assert said.startswith("SpecError")
    assert "No space left on device" in said
    assert writers[name].state(folder) == old
    (small_disk / "ballast").unlink()
    assert write_in_child(name, folder) == "written"


@pytest.mark.torture
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_a_limit_on_the_size_of_files(name: str, tmp_path: Path, writers: dict) -> None:
    old = writers[name].begin(tmp_path / "work")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"
    said = write_in_child(name, tmp_path / "work", limit)
    assert said.startswith("SpecError")
    assert "File too large" in said
    assert writers[name].state(tmp_path / "work") == old


def test_the_smallest_full_disk(tmp_path: Path) -> None:
    """What the two above show, for one writer and in this process."""
    from neuropinn_lava.base.errors import SpecError
    from neuropinn_lava.files.atomic import write_text

    write_text(tmp_path / "a", "old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(SpecError, match=r"a disk with room for the whole file; got File too large"):
            write_text(tmp_path / "a", "new" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (tmp_path / "a").read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]
