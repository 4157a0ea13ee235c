"""Writing a file so that a reader finds the old one or the new one, never half of one.

The new contents go to a temporary file in the same directory, reach the disk, and take the name in one rename. A path that
cannot be written is found before the work whose result it is to hold (`check_writable`); a disk that fills up in between leaves
the old file as it was.
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
"""What the system says when a file cannot grow: a full disk, a quota, a limit on files."""


_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
"""Source: linux/fcntl.h and linux/fs.h."""


def check_writable(path: str | Path) -> Path:
    """Return the path if a file can be made there, and leave nothing behind.

    Raises:
        SpecError: If the directory does not exist or refuses new files, or if the path is a directory.
    """
    target = Path(path)
    if target.is_dir():
        raise SpecError(f"output {target}", "a file's path", "a directory", "Name a file in it.")
    try:
        handle, probe = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        mend = "Create the directory, or choose another one."
        raise SpecError(
            f"output {target}", "a directory that takes new files", error.strerror or error, mend
        ) from error
    os.close(handle)
    os.unlink(probe)
    if target.exists() and not os.access(target, os.W_OK):
        raise SpecError(f"output {target}", "a file that may be replaced", "a read-only file", "Choose another name.")
    return target


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it becomes `path`, on any failure it goes and `path` stays as it was.

    Raises:
        SpecError: If the directory refuses new files, or has no room for this one.
    """
    target = check_writable(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        with told_if_full(target):
            yield temporary
            _flush_to_disk(temporary)
            os.chmod(temporary, target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
            os.replace(temporary, target)
            _flush_to_disk(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def told_if_full(target: Path) -> Iterator[None]:
    """Turn what the system says of a full disk into our own error; every other error passes.

    Raises:
        SpecError: If what is done in the context finds no room.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        mend = "Free some space, or choose another place; the file that was there before is unchanged."
        got = os.strerror(error.errno)  # what libraries put into `strerror` is a page long
        raise SpecError(f"output {target}", "a disk with room for the whole file", got, mend) from error


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
    """Let two files or folders of one file system swap their names, in one step of the system.

    Returns:
        Whether it was done; not every system and file system can.

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
