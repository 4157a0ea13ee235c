"""Atomic writing of files: a reader finds the old file or the new one, never a part of one.

The new contents are written to a temporary file in the same directory, flushed to the disk, and renamed. `check_writable`
finds a path that cannot be written before a long computation; a disk that fills up leaves the old file unchanged.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..base.errors import SpecError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Error numbers of a file that cannot grow: a full disk, a quota, a limit on files."""


_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
"""Constants of the Linux system call. Source: linux/fcntl.h and linux/fs.h."""


def check_writable(path: str | Path) -> Path:
    """Check that a file can be created at a path, and return the path.

    Raises:
        SpecError: If the directory does not exist or refuses new files, or if the path is a directory.
    """
    target = Path(path)
    if target.is_dir():
        raise SpecError(f"output {target}", "be the path of a file", "a directory", "Name a file in it.")
    try:
        handle, probe = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        repair = "Create the directory, or choose another one."
        raise SpecError(
            f"output {target}", "be in a directory that takes new files", error.strerror or error, repair
        ) from error
    os.close(handle)
    os.unlink(probe)
    if target.exists() and not os.access(target, os.W_OK):
        raise SpecError(
            f"output {target}", "be a file that may be replaced", "a read-only file", "Choose another name."
        )
    return target


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` on success; on a failure it is deleted, and `path` stays as it was.

    Raises:
        SpecError: If the directory refuses new files, or has no room for this one.
    """
    target = check_writable(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        with full_disk_as_error(target):
            yield temporary
            _flush_to_disk(temporary)
            os.chmod(temporary, target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
            os.replace(temporary, target)
            _flush_to_disk(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def full_disk_as_error(target: Path) -> Iterator[None]:
    """Convert a system error about a full disk into a SpecError; other errors pass.

    Raises:
        SpecError: If a write in the context finds no room.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        repair = "Free some space, or choose another place; the file that was there before is unchanged."
        got = os.strerror(error.errno)  # what libraries put into `strerror` is a page long
        raise SpecError(f"output {target}", "be on a disk with room for the whole file", got, repair) from error


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text, all of it or none.

    Raises:
        SpecError: If the path cannot be written, or the disk is full.
    """
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: str | Path, contents: bytes) -> None:
    """Write bytes, all of them or none.

    Raises:
        SpecError: If the path cannot be written, or the disk is full.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(contents)


def exchange_names(one: Path, other: Path) -> bool:
    """Exchange the names of two files or folders of one file system atomically.

    Returns:
        Whether it was done: some systems and file systems do not support it.

    Source: renameat2(2) of Linux, its flag RENAME_EXCHANGE.
    """
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        return False
    return bool(renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
