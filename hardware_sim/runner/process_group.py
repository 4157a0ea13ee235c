"""Processes that end for certain: a forked leader, its process group, and nothing left when it has been ended.

The group is the unit: whatever its processes do (raise, hang, fork, die by a signal), `ProcessGroup.end` kills all of them at
once and reaps each, without asking any of them for help. On Linux they also die with the process that started them, even if
that is killed.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any, NoReturn

from ...base.errors import SimulationError

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_GET_CHILD_SUBREAPER = 37
"""Source: Linux `include/uapi/linux/prctl.h`."""

FORK = multiprocessing.get_context("fork")

END_SECONDS = 10.0
"""Seconds that killed processes may take to vanish: they need no processor, but may be in a system call."""
POLL_SECONDS = 0.001
"""Seconds between two checks whether they have vanished."""

_libc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None
"""The C library, loaded before any fork: in a forked process another thread's lock of the loader might never be released."""
_starting = threading.Lock()
"""Lock around a fork: a process forked meanwhile would inherit, and keep open, the pipe whose end marks the other's end."""
_adopting = threading.Lock()
_n_adopting = 0
_adopted_before = False


class ProcessGroup:
    """A forked process that leads a process group of its own, with all its descendants that stay in it."""

    def __init__(self, process: ForkProcess) -> None:
        assert process.pid is not None  # it was started
        self._process = process
        self.pid: int = process.pid
        """Process number of the leader, which is that of the group."""
        self._owner = os.getpid()
        atexit.register(self._kill)  # multiprocessing waits at exit for its processes, if a daemon thread left one

    @classmethod
    def start(cls, target: Callable[..., object], *args: object) -> ProcessGroup:
        """Fork a process that calls `target(*args)` and ends; its group ignores Ctrl-C.

        Raises:
            SimulationError: If the system refuses another process.
        """
        process = FORK.Process(target=_run_leader, args=(os.getpid(), target, args), name="lava-run")
        try:
            with _starting:
                process.start()
        except OSError as error:
            _close_pipes_of(error)
            raise SimulationError(
                "run_graph", "fork a process", error, "Free memory, processes or open files."
            ) from error
        group = cls(process)
        with contextlib.suppress(OSError):  # the child does the same: whoever comes first
            os.setpgid(group.pid, group.pid)
        return group

    @property
    def sentinel(self) -> int:
        """A file descriptor that becomes readable at the end of the leader, or later."""
        return self._process.sentinel

    @property
    def exit_code(self) -> int | None:
        """Exit code of the leader: None while it lives, negative for a signal."""
        return self._process.exitcode

    def is_alive(self) -> bool:
        """Return whether the leader lives; also where SIGCHLD is ignored, so that no exit code is ever known."""
        if self.exit_code is not None:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def cpu_seconds(self) -> float:
        """Sum the processor time of the group's living processes; 0 where the system has no `/proc`."""
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it ended meanwhile
                # After the name in parentheses: state, parent, group, ... Source: proc(5), fields 3 to 15.
                fields = path.read_text(errors="replace").rpartition(")")[2].split()
                if int(fields[2]) == self.pid:
                    ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """Kill every process of the group and reap it; to be called once, whatever has happened."""
        self._kill()
        atexit.unregister(self._kill)
        deadline = time.monotonic() + END_SECONDS
        while self._has_members() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        if self.exit_code is None and (popen := getattr(self._process, "_popen", None)) is not None:
            popen.returncode = -signal.SIGKILL  # SIGCHLD is ignored: multiprocessing would take it for alive, for ever
        self._process.close()

    def _kill(self) -> None:
        if os.getpid() != self._owner:
            return  # a process that was forked meanwhile inherits this as a duty at exit
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _has_members(self) -> bool:
        """Reap the leader, or an orphan of the group that was given to us; tell whether anyone is left."""
        if self.exit_code is not None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-self.pid, os.WNOHANG)
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True


def _close_pipes_of(error: OSError) -> None:
    """Close the pipes of a process that could not be forked, which multiprocessing leaves open.

    Source: `Popen._launch` of CPython's multiprocessing/popen_fork.py, 3.10 to 3.13.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "_launch":
            for name in ("parent_r", "child_w", "child_r", "parent_w"):
                if name in frame.f_locals:
                    os.close(frame.f_locals[name])


def _run_leader(parent: int, target: Callable[..., object], args: tuple[object, ...]) -> None:
    """Run `target` as the leader of a process group, and exit; this is the only call of the forked process."""
    exit_code = 1
    try:
        gc.freeze()  # no finalizer of the parent's garbage runs here, and no collection touches, so copies, its pages
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        end_with_parent(parent)
        signal.set_wakeup_fd(-1)  # a running asyncio loop's
        for number in (signal.SIGINT, signal.SIGTTOU):
            signal.signal(number, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        multiprocessing.set_start_method("fork", force=True)
        target(*args)
        exit_code = 0
    finally:
        leave(exit_code)


def leave(exit_code: int) -> NoReturn:
    """End the calling process at once: its output is flushed, and the exit handlers of its parent do not run."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(exit_code)


def end_with_parent(parent: int) -> None:
    """Let the system kill the calling process when `parent`, which forked it, ends; only Linux does."""
    if _prctl(PR_SET_PDEATHSIG, signal.SIGKILL) and os.getppid() != parent:
        os._exit(1)  # it ended before the request


@contextlib.contextmanager
def adopted_orphans() -> Iterator[None]:
    """Adopt grandchildren whose parent was killed, so that this process can reap them.

    Without it they go to process 1, which in a container often reaps nothing. Linux only; elsewhere it does nothing.
    """
    global _n_adopting, _adopted_before
    with _adopting:
        if not _n_adopting:
            _adopted_before = _adopts()
            _prctl(PR_SET_CHILD_SUBREAPER, 1)
        _n_adopting += 1
    try:
        yield
    finally:
        with _adopting:
            _n_adopting -= 1
            if not _n_adopting and not _adopted_before:
                _prctl(PR_SET_CHILD_SUBREAPER, 0)


def _adopts() -> bool:
    answer = ctypes.c_int()
    return _prctl(PR_GET_CHILD_SUBREAPER, ctypes.addressof(answer)) and bool(answer.value)


@contextlib.contextmanager
def held_interrupts() -> Iterator[Callable[[], None]]:
    """Delay Ctrl-C until the caller checks for it, so that it interrupts no statement.

    Python's own handler alone is replaced: who installed another one, or runs in another thread, gets no
    KeyboardInterrupt from us.

    Yields:
        A function that raises KeyboardInterrupt if Ctrl-C came since. It is called once more at the end.
    """
    held: list[int] = []

    def check() -> None:
        if held:
            held.clear()
            raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield check
        return
    signal.signal(signal.SIGINT, lambda number, frame: held.append(number))
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        check()


def _prctl(option: int, value: int) -> bool:
    """Set an attribute of the calling process, and return whether the system did."""
    return _libc is not None and _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) == 0
