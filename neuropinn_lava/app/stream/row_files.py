"""Outputs that grow row by row into a file, and survive whatever ends the run: .npy, .csv and .h5.

While a run lasts its rows stand in `NAME.part`, and beside it `NAME.part.json` says how many of them are certain. After each
block the rows reach the disk first and the record then, so that a run killed at any moment leaves at worst a tail that the
record does not count; `RowFile.open` cuts it off. At the end the file takes its name in one rename. An .h5 file is made of the
rows at the end, in pieces, because HDF5 itself survives neither a kill nor a full disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from ...base.arrays import FloatArray
from ...base.errors import FileFormatError, SpecError
from ...files.atomic import check_writable, full_disk_as_error, replacing, write_text
from .arrays_io import check_suffix

SCHEMA = "neuropinn-lava/rows/1"
"""First entry of the record of an unfinished file."""
NPY_MAGIC = b"\x93NUMPY\x01\x00"
"""How an .npy file of version 1.0 begins."""
HEADER_BYTES = 128
"""Of an .npy file: numpy pads its header to this, with room for any number of rows."""
DATASET = "outputs"
"""Where an .h5 file holds the rows."""
COPIED_BYTES = 1 << 20
"""Of rows, in memory while an .h5 file is made."""


class RowFile:
    """A file of float64 rows that is being written: `append` blocks, `finish`, or leave it to be resumed."""

    def __init__(self, path: Path, names: tuple[str, ...], part: BinaryIO) -> None:
        self.path = path
        self.names = names
        self.n_rows = 0
        """Rows that are certain."""
        self.notes: dict[str, Any] = {}
        """What the record says besides: whatever the last `append` gave."""
        self._part = part

    @classmethod
    def open(cls, path: str | Path, names: tuple[str, ...], *, resume: bool = False) -> RowFile:
        """Start a file of rows with these column names, or go on with an unfinished one if there is one.

        Raises:
            SpecError: If the ending is unknown, the file cannot be written, or another run is writing it.
            FileFormatError: If an unfinished file is not one of ours.
        """
        target = check_writable(check_suffix(Path(path), "output file"))
        resume = resume and part_path(target).exists()  # a record alone is that of a file which has its name by now
        part = os.fdopen(os.open(part_path(target), os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            _lock(part, target)
            rows = cls(target, names, part)
            with full_disk_as_error(target):
                rows._begin(resume)
        except BaseException:
            part.close()
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
        before = self.n_rows, self.notes
        try:
            with full_disk_as_error(self.path):
                if self.path.suffix.lower() == ".csv":
                    self._part.write("".join(",".join(map(repr, row)) + "\n" for row in rows.tolist()).encode())
                else:
                    self._part.write(np.ascontiguousarray(rows, dtype="<f8").data)
                self.n_rows, self.notes = self.n_rows + len(rows), dict(notes)
                self._save()
        except BaseException:
            self.n_rows, self.notes = before
            raise

    def finish(self) -> None:
        """Give the file its name; it replaces one that has it already.

        Raises:
            SpecError: If the disk is full; the rows are kept, and resuming finishes the file.
        """
        with full_disk_as_error(self.path):
            if self.path.suffix.lower() == ".h5":
                self._write_h5()
                part_path(self.path).unlink()
            else:
                os.replace(part_path(self.path), self.path)
            record_path(self.path).unlink()

    def _begin(self, resume: bool) -> None:
        """Write the head of a new file, or cut an unfinished one behind its last certain row."""
        record = _read_record(record_path(self.path)) if resume and record_path(self.path).exists() else None
        if record is None:
            record_path(self.path).unlink(missing_ok=True)
            self._part.truncate(0)
            head = (",".join(self.names) + "\n").encode() if self.path.suffix.lower() == ".csv" else self._npy_header()
            self._part.write(head)
            return
        self.n_rows, self.notes = record.n_rows, record.notes
        n_bytes = self._part.seek(0, os.SEEK_END)
        if n_bytes < record.n_bytes:
            got, mend = f"{n_bytes} bytes of {record.n_bytes}", "Start again without resuming."
            raise FileFormatError(f"file {part_path(self.path)}", "hold the rows that its record counts", got, mend)
        self._part.truncate(record.n_bytes)
        self._part.seek(record.n_bytes)

    def _save(self) -> None:
        if self.path.suffix.lower() != ".csv":
            end = self._part.tell()
            self._part.seek(0)
            self._part.write(self._npy_header())
            self._part.seek(end)
        self._part.flush()
        os.fsync(self._part.fileno())
        record = _Record(n_rows=self.n_rows, n_bytes=self._part.tell(), notes=self.notes)
        write_text(record_path(self.path), json.dumps({"schema": SCHEMA, **asdict(record)}, indent=1))

    def _npy_header(self) -> bytes:
        """Make the header of an .npy file that holds the rows so far. Source: numpy, `numpy.lib.format`, version 1.0."""
        fields = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({self.n_rows}, {len(self.names)}), }}"
        text = fields.ljust(HEADER_BYTES - len(NPY_MAGIC) - 3) + "\n"
        return NPY_MAGIC + len(text).to_bytes(2, "little") + text.encode()

    def _write_h5(self) -> None:
        """Write the head of an HDF5 file and the rows behind it, without libhdf5, which a full disk may bring down."""
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            file.write(self._h5_head())
            self._part.seek(HEADER_BYTES)
            left = 8 * self.n_rows * len(self.names)
            while left:
                left -= file.write(self._part.read(min(COPIED_BYTES, left)))

    def _h5_head(self) -> bytes:
        """Make what an HDF5 file of these rows holds before them: they are one piece, at its end."""
        import h5py

        held = io.BytesIO()  # does not grow when HDF5 claims room for rows that nobody has written
        with h5py.File(held, "w") as handle:
            rows = handle.create_dataset(DATASET, (self.n_rows, len(self.names)), np.dtype("<f8"))
            rows.attrs["names"] = list(self.names)
            if self.n_rows:
                rows[0] = 0.0  # claims the room
            at = rows.id.get_offset()
        return held.getvalue()[:at]


def _lock(part: BinaryIO, target: Path) -> None:
    """Keep other runs from the unfinished file until it is closed; one may have finished it just now."""
    try:
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(part.fileno()), part_path(target).stat()):
            return
    except (BlockingIOError, FileNotFoundError):
        pass
    raise SpecError(
        f"output {target}",
        "be written by one run at a time",
        "another run that writes it",
        "Wait for it, or choose another name.",
    )


def part_path(path: Path) -> Path:
    """Name the unfinished file."""
    return path.with_name(path.name + ".part")


def record_path(path: Path) -> Path:
    """Name the record of the unfinished file."""
    return path.with_name(path.name + ".part.json")


def n_kept(path: Path) -> int:
    """Tell how many rows of an unfinished file are certain; 0 where there is none."""
    try:
        return _read_record(record_path(path)).n_rows
    except FileFormatError:
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """What stands in the record of an unfinished file."""

    n_rows: int
    """Rows that are certain."""
    n_bytes: int
    """Where they end in the file."""
    notes: dict[str, Any]
    """Whatever the caller noted with the last of them; it is JSON's."""


def _read_record(path: Path) -> _Record:
    """Read the record of an unfinished file.

    Raises:
        FileFormatError: If it is not one.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["schema"] == SCHEMA and isinstance(record["notes"], dict):
            return _Record(n_rows=int(record["n_rows"]), n_bytes=int(record["n_bytes"]), notes=record["notes"])
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        found: object = f"{type(error).__name__}: {error}"
    else:
        found = record["schema"]
    raise FileFormatError(f"file {path}", f"be a record of schema {SCHEMA}", found, "Start again without resuming.")
