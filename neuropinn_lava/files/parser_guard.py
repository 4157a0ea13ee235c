"""Untrusted files are parsed in a child process first, with limits of time and memory.

Damaged HDF5 metadata can hang libhdf5 or end the process, and no `except` catches either. A network file carries a digest that
is checked first; NIR files and points in HDF5 carry none. So a child process parses them to the end; if it survives, the same
bytes are safe to parse in this process.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

from ..base.errors import FileFormatError

START_SECONDS = 30.0
"""Seconds for the child to start and to parse a small file, a hundred times what both take on a quiet machine."""
SLOWEST_BYTES_PER_SECOND = 2e6
"""Rate at which the time limit grows with the size of a file: slower than disk, decompression and a busy machine."""
MAX_PARSER_BYTES = 4 << 30
"""Bytes of memory that a parser may allocate beyond those that the child needs to start."""
_CODE = "import sys; from neuropinn_lava.files.parser_guard import run_parser; run_parser(*sys.argv[1:])"
_OUT_OF_MEMORY = 3


def try_parser(parser: str, path: str | Path, what: str, *, seconds: float | None = None) -> None:
    """Parse a file in a child process, and return if the child ends normally, even if it refuses the contents.

    Args:
        parser: `module:function` of the path; the caller calls it afterwards for its value or its error.
        path: The file.
        what: Names the file in errors.
        seconds: Time limit of the child; None derives it from the size of the file.

    Raises:
        FileFormatError: If it is no regular file, or if its parser hangs, crashes, or wants more memory than any sound file.
    """
    where, repair = f"{what} {path}", "It is damaged, or made to do harm; get it again from who wrote it."
    if not os.path.exists(path):
        return  # the parser says so
    if not os.path.isfile(path):  # opening a pipe would block
        raise FileFormatError(where, "be a regular file", "something else", "Give the path of a file.")
    limit = START_SECONDS + os.path.getsize(path) / SLOWEST_BYTES_PER_SECOND if seconds is None else seconds
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    command = [sys.executable, "-c", _CODE, parser, os.path.abspath(path)]
    try:
        done = subprocess.run(
            command,
            cwd="/",
            env=environment,
            timeout=limit,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    except subprocess.TimeoutExpired as error:
        raise FileFormatError(
            where, f"have a parser that ends within {limit:.0f} s", "one that hangs", repair
        ) from error
    if done.returncode < 0:
        got = f"one ended by {signal.Signals(-done.returncode).name}"
        raise FileFormatError(where, "be parsed without a crash", got, repair)
    if done.returncode == _OUT_OF_MEMORY:
        rule = f"be parsed within {MAX_PARSER_BYTES >> 30} GiB of memory"
        raise FileFormatError(where, rule, "one that wants more", repair)
    if done.returncode:
        raise FileFormatError(
            where, "be parsed by a process of its own", done.stderr.decode(errors="replace")[-2000:], repair
        )


def run_parser(parser: str, path: str) -> None:
    """Parse a file within the limits and end the process; errors of the parser are ignored here."""
    module, _, name = parser.partition(":")
    parse = getattr(importlib.import_module(module), name)
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = _virtual_bytes() + MAX_PARSER_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(Exception):  # it refuses the contents, as it will once more where its error is heard
        try:
            parse(Path(path))
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)
    os._exit(0)  # h5py closes what is open at exit, and may crash there too; nothing needs it


def _virtual_bytes() -> int:
    """Return the size of this process's address space in bytes; 0 where the system does not report it."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0
