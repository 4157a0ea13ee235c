"""Process groups: their end is certain, also for grandchildren and for those that ignore signals."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing import Pipe

import psutil
import pytest

from neuropinn_lava.base.errors import SimulationError
from neuropinn_lava.hardware_sim.runner import process_group
from neuropinn_lava.hardware_sim.runner.process_group import FORK, ProcessGroup, adopted_orphans, held_interrupts

WORK_SECONDS = 0.3
"""Thirty times the resolution of a process's clock."""


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    files, elder = os.listdir("/proc/self/fd"), set(psutil.Process().children(recursive=True))
    yield
    assert set(psutil.Process().children(recursive=True)) <= elder
    assert os.listdir("/proc/self/fd") == files


def work() -> None:
    while True:
        pass


def start_a_stubborn_grandchild() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    FORK.Process(target=time.sleep, args=(3600,)).start()
    time.sleep(3600)


def wait_for(n_processes: int) -> None:
    n_processes += sum("resource_tracker" in " ".join(child.cmdline()) for child in psutil.Process().children())
    while len(psutil.Process().children(recursive=True)) < n_processes:
        time.sleep(0.001)


@pytest.mark.parametrize("kill_leader_first", [False, True])
def test_the_end_reaches_grandchildren(kill_leader_first: bool) -> None:
    with adopted_orphans():
        group = ProcessGroup.start(start_a_stubborn_grandchild)
        wait_for(2)
        if kill_leader_first:
            os.kill(group.pid, signal.SIGKILL)
        members = [child for child in psutil.Process().children(recursive=True) if os.getpgid(child.pid) == group.pid]
        assert len(members) == 2
        group.end()
        assert not any(member.is_running() for member in members)


def test_the_leaders_exit_code() -> None:
    group = ProcessGroup.start(os.getpid)
    while group.is_alive():
        time.sleep(0.001)
    assert group.exit_code == 0
    group.end()


def test_processor_time_is_that_of_the_group() -> None:
    busy, idle = ProcessGroup.start(work), ProcessGroup.start(time.sleep, 3600)
    end = time.monotonic() + 20
    while busy.cpu_seconds() < WORK_SECONDS and time.monotonic() < end:
        time.sleep(0.01)
    assert busy.cpu_seconds() >= WORK_SECONDS > idle.cpu_seconds()
    busy.end()
    idle.end()


def test_no_more_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fork", refuse)
        with pytest.raises(SimulationError, match=r"fork a process; got \[Errno 11\]"):
            ProcessGroup.start(work)


def test_orphans_are_adopted_while_anyone_asks() -> None:
    with adopted_orphans():
        with adopted_orphans():
            assert process_group._adopts()
        assert process_group._adopts()
    assert not process_group._adopts()


def test_an_interrupt_waits_for_the_check() -> None:
    with held_interrupts() as check:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            check()
        check()  # it was raised once
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_after_the_last_check_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt), held_interrupts():
        os.kill(os.getpid(), signal.SIGINT)


def test_another_handler_is_left_alone() -> None:
    caught = []
    before = signal.signal(signal.SIGINT, lambda number, frame: caught.append(number))
    try:
        with held_interrupts() as check:
            os.kill(os.getpid(), signal.SIGINT)
            check()
    finally:
        signal.signal(signal.SIGINT, before)
    assert caught == [signal.SIGINT]


def test_another_thread_may_hold_interrupts_without_effect() -> None:
    ours, theirs = Pipe()

    def hold() -> None:
        with held_interrupts():
            theirs.send(signal.getsignal(signal.SIGINT) is signal.default_int_handler)

    thread = threading.Thread(target=hold)
    with ours, theirs:
        thread.start()
        assert ours.recv()
        thread.join()
