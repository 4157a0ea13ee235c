"""What holds for every test: Lava first, its absence announced, and nothing left running.

Lava sets multiprocessing's start method when it is imported and fails where another library did so before: it is
imported here, before torch. A test that leaves a process or shared memory behind fails, and what it left is ended, so
that the next test starts clean. BLAS and OpenMP compute with one thread each, here and in every command that a test
starts. This file must not know the package.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import sys
import time
import uuid
from collections.abc import Iterator
from multiprocessing import resource_tracker
from pathlib import Path

import hypothesis
import psutil
import pytest

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""On the small matrices of the tests, threads of BLAS spin while they wait: up to ten times the CPU time."""
for variable, one in ONE_THREAD.items():
    os.environ.setdefault(variable, one)

SHARED_MEMORY = Path("/dev/shm")
SESSION_VARIABLE = "NEUROPINN_LAVA_TEST_SESSION"
SESSION = uuid.uuid4().hex
os.environ[SESSION_VARIABLE] = SESSION
"""Inherited by every command that a test starts, so that its orphans can be told from other people's processes."""

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
"""Name of this worker of pytest-xdist, whose processes are in one group with those of the other workers; empty without it."""
GRACE_SECONDS = 3.0
"""How long a process that is ending may take after its test."""


def reason_without_lava() -> str | None:
    """Import Lava, or say why it cannot be."""
    if sys.version_info >= (3, 11):
        return f"Lava needs Python 3.10, this is {sys.version_info.major}.{sys.version_info.minor}"
    try:
        importlib.import_module("lava.magma.runtime.runtime")
    except Exception as error:  # Lava raises RuntimeError and ValueError at import, too
        return f"Lava cannot be imported: {type(error).__name__}: {error}"
    return None


WHY_NO_LAVA = reason_without_lava()

# No deadline, because test machines are shared; the same examples every time, because CI must not flicker.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")


def pytest_report_header() -> str:
    return "Lava tests: run" if WHY_NO_LAVA is None else f"Lava tests: SKIPPED ({WHY_NO_LAVA})"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run Lava's tests first, while this process is small: they fork it some hundred times, and a fork costs 0.07 ms a MiB."""
    items.sort(key=lambda item: item.get_closest_marker("lava") is None)
    if WHY_NO_LAVA is not None:
        for item in items:
            if item.get_closest_marker("lava"):
                item.add_marker(pytest.mark.skip(reason=WHY_NO_LAVA))


def pytest_collection_finish() -> None:
    """Take what was imported out of garbage collection, which else visits half a million objects again and again."""
    gc.collect()
    gc.freeze()


def is_ours(process: psutil.Process) -> bool:
    """Tell whether a live process descends from this test run, orphans included.

    Descendants, members of our process group, and whatever was started with our environment. Zombies have ended, and
    multiprocessing's resource tracker lives as long as the interpreter.
    """
    try:
        if process.status() == psutil.STATUS_ZOMBIE or process.pid == getattr(
            resource_tracker._resource_tracker, "_pid", None
        ):
            return False
        return (
            (not WORKER and os.getpgid(process.pid) == os.getpgrp())
            or any(parent.pid == os.getpid() for parent in process.parents())
            or process.environ().get(SESSION_VARIABLE) == SESSION
        )
    except (psutil.Error, ProcessLookupError):
        return False


def processes_since(before: set[int]) -> list[psutil.Process]:
    new = []
    for pid in set(psutil.pids()) - before:
        try:
            process = psutil.Process(pid)
        except psutil.Error:
            continue
        if is_ours(process):
            new.append(process)
    return new


def shared_memory() -> set[str]:
    return set(os.listdir(SHARED_MEMORY)) if SHARED_MEMORY.is_dir() else set()


def shared_memory_since(before: set[str]) -> list[str]:
    """Name the new blocks of our user that no process but ours has mapped."""
    new = shared_memory() - before
    if not new:
        return []
    foreign = set()
    for process in psutil.process_iter():
        try:
            maps = Path(f"/proc/{process.pid}/maps").read_text()
        except OSError:
            continue
        if process.pid != os.getpid() and not is_ours(process):
            foreign |= {name for name in new if f"{SHARED_MEMORY}/{name}" in maps}
    return sorted(name for name in new - foreign if owner(SHARED_MEMORY / name) == os.getuid())


def owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except FileNotFoundError:
        return None


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a process or a block of shared memory behind, and end what it left."""
    pids, blocks = set(psutil.pids()), shared_memory()
    yield
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := processes_since(pids)) or (held := shared_memory_since(blocks)):
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    else:
        return
    held = shared_memory_since(blocks)
    lines = [f"process {process.pid}: {describe(process)}" for process in left]
    lines += [f"shared memory {SHARED_MEMORY / name}" for name in held]
    for process in left:
        end(process)
    for name in held:
        (SHARED_MEMORY / name).unlink(missing_ok=True)
    pytest.fail("left behind:\n  " + "\n  ".join(lines), pytrace=False)


def describe(process: psutil.Process) -> str:
    try:
        return f"{process.status()}, {' '.join(process.cmdline())[:200]}"
    except psutil.Error:
        return "ended meanwhile"


def end(process: psutil.Process) -> None:
    """Kill a process; through multiprocessing where it started it, which else waits for it at exit.

    Lava's own `join` closes the process too, and fails: the base class's is called.
    """
    try:
        process.kill()
        for child in multiprocessing.active_children():
            if child.pid == process.pid:
                multiprocessing.process.BaseProcess.join(child, GRACE_SECONDS)
        process.wait(GRACE_SECONDS)
    except psutil.Error:
        pass
