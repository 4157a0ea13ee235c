"""Watches what Python does while a file is read: no code from a file runs, nothing but files is opened, and only to read."""

from __future__ import annotations

import os
import sys
import sysconfig
import typing
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

FORBIDDEN = (
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "subprocess.Popen",
    "pickle.find_class",
    "socket.connect",
    "ctypes.dlopen",
)
"""Events of Python's audit that no reader causes. Source: the table of audit events in the library reference."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = tuple(map(os.path.realpath, {ROOT, sys.base_prefix, sys.prefix, *sysconfig.get_paths().values()}))
"""Where code may come from: the interpreter, what is installed, the checkout."""


class Sentinel:
    """A context in which forbidden events are noted; `caught` is the first one, or empty."""

    def __init__(self, folder: Path) -> None:
        self.caught = ""
        self._watching = False
        self._folder = str(folder)
        sys.addaudithook(self._note)

    def __enter__(self) -> Sentinel:
        self.caught, self._watching = "", True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._watching = False

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._watching and not self.caught and self._is_forbidden(event, arguments):
            self.caught = f"code: {event} {arguments!r}"[:300].replace("\n", " ")

    def _is_forbidden(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "exec":
            return not self._is_library(arguments[0])
        if event == "open":
            name, mode, flags = arguments
            writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else flags & WRITING
            return bool(writes) and not isinstance(name, int) and not str(name).startswith(self._folder)
        return event in FORBIDDEN

    def _is_library(self, code: CodeType) -> bool:
        """Tell whether code comes from a module, is made while one is imported, or is an annotation being resolved."""
        if code.co_filename.startswith("<"):
            frame: FrameType | None = sys._getframe()
            while frame is not None:
                if "importlib._bootstrap" in frame.f_code.co_filename or frame.f_code.co_filename == typing.__file__:
                    return True
                frame = frame.f_back
            return False
        return os.path.realpath(code.co_filename).startswith(LIBRARIES)
