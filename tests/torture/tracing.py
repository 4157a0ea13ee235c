"""A process that is killed before its k-th system call of those that change files: ptrace, by ctypes, on Linux and x86-64.

Source: ptrace(2); the numbers of the calls, arch/x86/entry/syscalls/syscall_64.tbl of Linux; the register's place, sys/user.h.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
from collections.abc import Callable

SUPPORTED = sys.platform == "linux" and platform.machine() == "x86_64"

CHANGING = {
    1: "write", 2: "open", 3: "close", 18: "pwrite64", 20: "writev", 40: "sendfile", 73: "flock", 74: "fsync", 75: "fdatasync",
    76: "truncate", 77: "ftruncate", 82: "rename", 83: "mkdir", 84: "rmdir", 85: "creat", 86: "link", 87: "unlink",
    88: "symlink", 90: "chmod", 91: "fchmod", 257: "openat", 258: "mkdirat", 263: "unlinkat", 264: "renameat", 265: "linkat",
    266: "symlinkat", 268: "fchmodat", 285: "fallocate", 296: "pwritev", 316: "renameat2", 326: "copy_file_range",
}  # fmt: skip
"""Between two of these calls no file changes, so that to be killed before each of them is to be killed anywhere."""

_TRACEME, _PEEKUSER, _SYSCALL, _SETOPTIONS = 0, 3, 24, 0x4200
_TRACESYSGOOD, _EXITKILL = 1, 0x100000
_ORIG_RAX = 15 * 8
_STOP_AT_CALL = signal.SIGTRAP | 0x80


def run_traced(work: Callable[[], None], kill_before: int | None = None) -> list[str]:
    """Run `work` in a forked child, and kill it before one of its changing calls.

    Args:
        work: What the child does; it must not start threads.
        kill_before: Index of the call, from 0; None lets the child end.

    Returns:
        The names of the changing calls that the child entered, that before which it was killed included.
    """
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    ptrace.restype = ctypes.c_long
    child = os.fork()
    if not child:
        _work_traced(ptrace, work)
    os.waitpid(child, 0)
    ptrace(_SETOPTIONS, child, None, _TRACESYSGOOD | _EXITKILL)
    calls, entering, passed_on = list[str](), True, 0
    while True:
        ptrace(_SYSCALL, child, None, passed_on)
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            break
        if os.WSTOPSIG(status) != _STOP_AT_CALL:
            passed_on = os.WSTOPSIG(status)
            continue
        passed_on = 0
        number = ptrace(_PEEKUSER, child, _ORIG_RAX, None)
        if entering and number in CHANGING:
            calls.append(CHANGING[number])
            if kill_before == len(calls) - 1:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return calls
        entering = not entering
    if kill_before is None and os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"the traced child ended with {os.waitstatus_to_exitcode(status)}")
    return calls


def _work_traced(ptrace: Callable[..., int], work: Callable[[], None]) -> None:
    """Be traced, wait for the parent, work, and end without cleaning up for it."""
    code = 1
    try:
        ptrace(_TRACEME, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        work()
        code = 0
    finally:
        os._exit(code)
