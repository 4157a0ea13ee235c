"""Outputs that are written block by block, and survive whatever ends the run: .npy, .csv and .h5.

While a run lasts its rows stand in `NAME.part`, an .npy file, and `NAME.part.json` says how many of them are certain. Where the
number of rows is known, their room is claimed first, so that a full disk is found before the work. After each block the rows
reach the disk first and the record then: a run killed at any moment loses one block at most. At the end the file takes its name
in one rename; .csv and .h5 files are made from the mapped rows then, in pieces.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from ...base.arrays import FloatArray
from ...base.errors import FileFormatError, SpecError
from ...files.atomic import NO_ROOM, check_writable, full_disk_as_error, replacing, write_text
from .arrays_io import check_suffix, read_npy_blocks

SCHEMA = "neuropinn-lava/rows/2"
"""First entry of the record of an unfinished file."""
HEADER_BYTES = 128
"""Bytes before the numbers of an .npy file: two lines of 64, of which the lengths of the axes fill the second in part."""
DATASET = "outputs"
"""Name of the dataset that holds the rows in an .h5 file."""


class RowFile:
    """A file of float64 rows that is being written: `append` blocks, `finish`, or leave it to be resumed."""

    def __init__(self, path: Path, names: tuple[str, ...], part: BinaryIO, axes: tuple[int, ...] = ()) -> None:
        self.path = path
        self.names = names
        self.axes = axes
        self.n_rows = 0
        """Number of rows that are certain."""
        self.notes: dict[str, Any] = {}
        """Notes of the last `append`, which stand in the record."""
        self._part, self._n_claimed = part, 0

    @classmethod
    def open(
        cls,
        path: str | Path,
        names: tuple[str, ...],
        *,
        n_expected: int = 0,
        resume: bool = False,
        axes: tuple[int, ...] = (),
    ) -> RowFile:
        """Start a file of rows, or go on with an unfinished one if there is one.

        Args:
            path: The file, .npy, .csv or .h5.
            names: Names of the columns.
            n_expected: Number of rows to claim room for; others may follow.
            resume: Whether to go on with an unfinished file.
            axes: Lengths of the axes that take the place of the rows in the finished file, .npy alone: (k, n) for the k * n
                rows of a grid.

        Raises:
            SpecError: If the ending is unknown, the file cannot be written, the disk is full, or another run is writing it.
            FileFormatError: If an unfinished file is not one of ours.
        """
        target = check_writable(check_suffix(Path(path), "output file"))
        if axes and target.suffix.lower() != ".npy":
            rule = "end in .npy for a grid, whose outputs have more axes than rows and columns"
            raise SpecError("output file", rule, target.name, "Choose another ending.")
        resume = resume and part_path(target).exists()  # a record alone is that of a file which has its name by now
        part = os.fdopen(os.open(part_path(target), os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            _lock(part, target)
            rows = cls(target, names, part, axes)
            rows._begin(resume)
        except BaseException:
            part.close()
            raise
        try:
            with full_disk_as_error(target):
                rows._resize(max(n_expected, rows.n_rows))
        except BaseException as error:
            rows.__exit__(type(error), error, None)
            raise
        return rows

    def __enter__(self) -> RowFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.nullcontext() if error is None else contextlib.suppress(OSError):
            self._part.close()  # on a full disk, what is left in memory cannot be written either
        if not self.n_rows:  # nothing to resume
            part_path(self.path).unlink(missing_ok=True)
            record_path(self.path).unlink(missing_ok=True)

    def append(self, rows: FloatArray, notes: Mapping[str, Any]) -> None:
        """Add rows (n, n_columns); when this returns they, and the notes, are on the disk.

        Raises:
            SpecError: If the disk is full; the rows before are kept and can be resumed.
        """
        n_rows = self.n_rows + len(rows)
        with full_disk_as_error(self.path):
            if n_rows > self._n_claimed:
                self._resize(n_rows)
            self._part.seek(self._row_offset(self.n_rows))  # a mapping would answer a full disk with a fatal signal
            self._part.write(np.ascontiguousarray(rows, dtype="<f8").data)
            self._flush()
            record = {"schema": SCHEMA, "n_rows": n_rows, "notes": dict(notes)}
            write_text(record_path(self.path), json.dumps(record, indent=1))
        self.n_rows, self.notes = n_rows, dict(notes)

    def discard(self) -> None:
        """Give up the rows that have been written, so that nothing is left to be resumed."""
        self.n_rows = 0

    def finish(self) -> None:
        """Move the rows to the path of the file, in its format; a file that is there is replaced.

        Raises:
            SpecError: If the disk is full; the rows are kept, and resuming finishes the file.
        """
        part, kind = part_path(self.path), self.path.suffix.lower()
        with full_disk_as_error(self.path):
            self._resize(self.n_rows)
            if self.axes:
                self._part.seek(0)
                self._part.write(self._header(*self.axes))
            self._flush()
            if kind == ".npy":
                os.replace(part, self.path)
            else:
                with replacing(self.path) as temporary, temporary.open("wb") as file:
                    file.write(self._h5_head() if kind == ".h5" else (",".join(self.names) + "\n").encode())
                    for rows in read_npy_blocks(part):
                        file.write(rows.data if kind == ".h5" else _csv_lines(rows))
                part.unlink()
            record_path(self.path).unlink()

    def _begin(self, resume: bool) -> None:
        """Read the record of an unfinished file, or empty the file."""
        record = record_path(self.path)
        if not resume or not record.exists():
            record.unlink(missing_ok=True)
            self._part.truncate(0)
            return
        self.n_rows, self.notes = _read_record(record)
        wanted, found = self._row_offset(self.n_rows), self._part.seek(0, os.SEEK_END)
        if found < wanted:
            self.n_rows, repair = 0, "Start again without resuming."
            got = f"{found} bytes of {wanted}"
            raise FileFormatError(f"file {part_path(self.path)}", "hold the rows that its record counts", got, repair)

    def _resize(self, n_rows: int) -> None:
        """Write the header of an array of so many rows, and claim the room for all of them."""
        self._part.seek(0)
        self._part.write(self._header(n_rows))
        self._part.truncate(self._row_offset(n_rows))
        try:
            os.posix_fallocate(self._part.fileno(), 0, self._row_offset(n_rows))
        except (AttributeError, OSError) as error:  # not every system and file system can claim room
            if getattr(error, "errno", None) in NO_ROOM:
                raise
        self._n_claimed = n_rows

    def _flush(self) -> None:
        self._part.flush()
        os.fsync(self._part.fileno())

    def _header(self, *axes: int) -> bytes:
        """Return the header of an .npy file of rows along some axes, always of the same length."""
        head = io.BytesIO()
        write_header: Callable[..., None] = np.lib.format.write_array_header_1_0  # numpy 1 gives it no types
        write_header(head, {"descr": "<f8", "fortran_order": False, "shape": (*axes, len(self.names))})
        assert len(head.getvalue()) == HEADER_BYTES, "numpy leaves room for any lengths of two or three axes"
        return head.getvalue()

    def _row_offset(self, n_rows: int) -> int:
        """Return where the row of this number begins in the file, in bytes."""
        return HEADER_BYTES + 8 * n_rows * len(self.names)

    def _h5_head(self) -> bytes:
        """Build what an HDF5 file of these rows holds before them, in memory: a full disk may bring libhdf5 down."""
        import h5py

        held = io.BytesIO()  # does not grow when HDF5 claims room for rows that nobody has written
        with h5py.File(held, "w") as handle:
            rows = handle.create_dataset(DATASET, (self.n_rows, len(self.names)), np.dtype("<f8"))
            rows.attrs["names"] = list(self.names)
            if self.n_rows:
                rows[0] = 0.0  # claims the room
            at = rows.id.get_offset()
        return held.getvalue()[:at]


def _csv_lines(rows: FloatArray) -> bytes:
    """Return rows as lines whose numbers read back to the same bits."""
    return "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist()).encode()


def _lock(part: BinaryIO, target: Path) -> None:
    """Lock the unfinished file against other runs until it is closed; one may have finished it just now."""
    try:
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(part.fileno()), part_path(target).stat()):
            return
    except (BlockingIOError, FileNotFoundError):
        pass
    repair = "Wait for it, or choose another name."
    raise SpecError(f"output {target}", "be written by one run at a time", "another run that writes it", repair)


def part_path(path: Path) -> Path:
    """Return the path of the unfinished file."""
    return path.with_name(path.name + ".part")


def record_path(path: Path) -> Path:
    """Return the path of the record of the unfinished file."""
    return path.with_name(path.name + ".part.json")


def n_kept(path: Path) -> int:
    """Count the rows of an unfinished file that are certain; 0 where there is none."""
    try:
        return _read_record(record_path(path))[0]
    except FileFormatError:
        return 0


def _read_record(path: Path) -> tuple[int, dict[str, Any]]:
    """Read number of rows and notes from the record of an unfinished file.

    Raises:
        FileFormatError: If it is not one.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["schema"] == SCHEMA and isinstance(record["notes"], dict) and record["n_rows"] >= 0:
            return int(record["n_rows"]), record["notes"]
        found: object = record["schema"]
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        found = f"{type(error).__name__}: {error}"
    raise FileFormatError(f"file {path}", f"be a record of schema {SCHEMA}", found, "Start again without resuming.")
