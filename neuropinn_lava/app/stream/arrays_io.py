"""Files of points, .npy, .csv and .h5, read block by block and without pickle, so that any number of points fits.

A `PointFile` is what is known of a file before its numbers are read: the number of points, and a fingerprint by which an
interrupted run recognizes it. Outputs are written by `row_files`.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...base.arrays import FloatArray, Record
from ...base.errors import FileFormatError, SpecError
from ...files.hdf5_links import check_self_contained
from ...files.parser_guard import try_parser

if TYPE_CHECKING:
    import h5py

SUFFIXES = (".npy", ".csv", ".h5")
"""File types that points come from and outputs go to."""
DATASET = "points"
"""Name of the points in an .h5 file that holds more than one array."""
READ_ROWS = 1 << 16
"""Number of points read at a time: a megabyte."""
END_BYTES = 1 << 20
"""Length of each end of a file that its fingerprint covers, in bytes."""


def check_suffix(path: Path, where: str) -> Path:
    """Accept a path whose ending names a known type.

    Raises:
        SpecError: If it does not.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise SpecError(where, f"end in one of {', '.join(SUFFIXES)}", path.name, "Choose another ending.")
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class PointFile(Record):
    """A file of points that are not read yet; `open_points` builds it."""

    path: Path
    """Path of the file."""
    n_points: int
    """Number of points in it."""
    fingerprint: str
    """Length and digest of both its ends: another file is told apart without reading all of it."""

    def blocks(self, first: int = 0) -> Iterator[FloatArray]:
        """Read the points from number `first` on, in arrays of at most `READ_ROWS`.

        Raises:
            FileFormatError: If the file holds something else than numbers; the points before it have been yielded.
        """
        with _file_errors(self.path):
            yield from _READERS[self.path.suffix.lower()](self.path, first)


def open_points(path: str | Path | PointFile) -> PointFile:
    """Open a file of points: an array in .npy, rows in .csv with or without a header line, a dataset in .h5.

    The array is (n, d), or (n, n_steps, d) of sequences, which .npy alone holds.

    An .h5 file holds one two-dimensional dataset, or one that is called `points`; a child process reads it to its end first,
    because nothing proves such a file whole. A file that is open already is returned as it is: none is parsed twice in a run.

    Raises:
        SpecError: If the ending is unknown, or there is no such file.
        FileFormatError: If the file cannot be read, or does not hold an array of numbers.
    """
    if isinstance(path, PointFile):
        return path
    file = check_suffix(Path(path), "points file")
    if not file.is_file():
        raise SpecError("points file", "be an existing file", str(file), "Check its name and folder.")
    if file.suffix.lower() == ".h5":
        try_parser(f"{__name__}:read_to_the_end", file, "file")
    return open_unchecked(file)


def open_unchecked(file: Path) -> PointFile:
    """Open a file of points without reading it in a child process first.

    Raises:
        FileFormatError: If the file cannot be read, or does not hold an array of numbers.
    """
    with _file_errors(file):
        return PointFile(path=file, n_points=_COUNTERS[file.suffix.lower()](file), fingerprint=_fingerprint(file))


def read_points(path: str | Path | PointFile) -> FloatArray:
    """Read all points of a file at once, shape (n, d).

    Raises:
        SpecError: If the ending is unknown, or there is no such file.
        FileFormatError: If the file cannot be read, or does not hold an array of numbers.
    """
    file = open_points(path)
    blocks = list(file.blocks())
    return np.concatenate(blocks) if blocks else np.zeros((0, 0))


def read_places(path: str | Path) -> FloatArray:
    """Read the places of sensors from a file, shape (n, d), or (n,) where an .npy file holds places on a line.

    Raises:
        SpecError: If the ending is unknown, or there is no such file.
        FileFormatError: If the file cannot be read, or does not hold an array of numbers.
    """
    file = check_suffix(Path(path), "points file")
    if file.suffix.lower() == ".npy" and file.is_file():
        with _file_errors(file):
            array = np.load(file, allow_pickle=False)
        if isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype.kind in "fiu":
            return np.array(array, dtype=np.float64)
    return read_points(file)


def read_to_the_end(file: Path) -> None:
    """Read every block of a file, and discard it.

    Raises:
        FileFormatError: If the file cannot be read, or does not hold an array of numbers.
    """
    for _ in open_unchecked(file).blocks():
        pass


@contextlib.contextmanager
def _file_errors(file: Path) -> Iterator[None]:
    """Turn what the libraries raise about a file into a `FileFormatError`."""
    try:
        yield
    except FileFormatError:
        raise
    except Exception as error:  # whatever numpy and h5py make of what such a file may hold
        repair = "Save points with numpy.save, as comma-separated rows, or as a dataset of an .h5 file."
        raise FileFormatError(f"file {file}", "hold an array of numbers", error, repair) from error


def _fingerprint(file: Path) -> str:
    size = file.stat().st_size
    digest = hashlib.sha256()
    with file.open("rb") as handle:
        digest.update(handle.read(END_BYTES))
        handle.seek(max(0, size - END_BYTES))
        digest.update(handle.read(END_BYTES))
    return f"{size} bytes, sha256 of both ends {digest.hexdigest()}"


def _map_npy(file: Path) -> Any:
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except ValueError:  # an empty array cannot be mapped; whatever else is wrong raises again
        array = np.load(file, allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.ndim not in (2, 3) or array.dtype.kind not in "fiu":
        found = f"shape {array.shape} of {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        repair = "Save one row per point; of sequences an array (n, n_steps, d)."
        raise FileFormatError(f"file {file}", "hold an (n, d) array of numbers", found, repair)
    return array


def read_npy_blocks(file: Path, first: int = 0) -> Iterator[FloatArray]:
    """Read the rows of an .npy file; it is mapped anew for every block, so that the pages read before do not stay in memory."""
    n_rows, *n_steps, _ = _map_npy(file).shape
    size = max(1, READ_ROWS // max([1, *n_steps]))
    for start in range(first, n_rows, size):
        yield np.array(_map_npy(file)[start : start + size], dtype=np.float64)


def numbered_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a .csv file that hold points (no header, blank lines or comments), numbered in the file from 1."""
    with file.open(encoding="utf-8-sig") as lines:
        held = ((number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#"))
        first = next(held, None)
        if first is None:
            return
        _check_separator(file, first[1])
        if _n_numbers(first[1].split(",")):  # otherwise it names the columns
            yield first
        yield from held


def _check_separator(file: Path, line: str) -> None:
    """Refuse a file whose first line is not separated by commas.

    Raises:
        FileFormatError: If semicolons, tabs or spaces separate it.
    """
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), (None, "spaces")):
        entries = line.strip().split(separator)
        if len(entries) > 1 and (separator == ";" or ("," not in line and _n_numbers(entries) == len(entries))):
            repair = "Write 0.1,0.2: commas between the numbers, points within them."
            raise FileFormatError(
                f"file {file}", "be an array of numbers, separated by commas", f"{name} in {line.strip()!r}", repair
            )


def _n_numbers(entries: list[str]) -> int:
    """Count the entries that are numbers."""
    n = 0
    for entry in entries:
        with contextlib.suppress(ValueError):
            float(entry)
            n += 1
    return n


def _read_csv(file: Path, first: int) -> Iterator[FloatArray]:
    lines = itertools.islice(numbered_lines(file), first, None)
    while rows := list(itertools.islice(lines, READ_ROWS)):
        try:
            yield np.loadtxt([line for _, line in rows], delimiter=",", ndmin=2, dtype=np.float64)
        except ValueError as error:
            raise _row_error(file, rows, error) from error


def _row_error(file: Path, rows: list[tuple[int, str]], found: ValueError) -> FileFormatError:
    """Return an error about the first row that holds other things than numbers, or has another length than the first one."""
    n_columns = len(rows[0][1].split(","))
    for number, line in rows:
        entries = line.split("#")[0].split(",")
        if len(entries) != n_columns or _n_numbers(entries) != n_columns:
            rule = f"be an array of numbers, {n_columns} in every row, separated by commas"
            return FileFormatError(f"file {file}, line {number}", rule, repr(line.strip()), "Correct that line.")
    return FileFormatError(f"file {file}", "be an array of numbers, separated by commas", found, "Correct such lines.")


def _dataset(handle: h5py.File, file: Path) -> h5py.Dataset:
    import h5py

    check_self_contained(handle, f"file {file}")
    arrays: dict[str, h5py.Dataset] = {}
    handle.visititems(
        lambda name, item: arrays.update({name: item}) if isinstance(item, h5py.Dataset) and item.ndim == 2 else None
    )
    if DATASET not in arrays and len(arrays) != 1:
        found = ", ".join(map(repr, arrays)) or "none"
        rule = f"hold one two-dimensional dataset, or one called {DATASET!r}"
        raise FileFormatError(f"file {file}", rule, found, "Keep the points in a dataset of that name.")
    found = arrays.get(DATASET) or next(iter(arrays.values()))
    if found.dtype.kind not in "fiu":
        repair = "Store floating point numbers."
        raise FileFormatError(f"file {file}, dataset {found.name!r}", "hold an array of numbers", found.dtype, repair)
    return found


def _count_h5(file: Path) -> int:
    import h5py

    with h5py.File(file, "r") as handle:
        return len(_dataset(handle, file))


def _read_h5(file: Path, first: int) -> Iterator[FloatArray]:
    import h5py

    with h5py.File(file, "r") as handle:
        points = _dataset(handle, file)
        for start in range(first, len(points), READ_ROWS):
            yield np.array(points[start : start + READ_ROWS], dtype=np.float64)


_COUNTERS = {
    ".npy": lambda file: len(_map_npy(file)),
    ".csv": lambda file: sum(1 for _ in numbered_lines(file)),
    ".h5": _count_h5,
}
_READERS = {".npy": read_npy_blocks, ".csv": _read_csv, ".h5": _read_h5}
