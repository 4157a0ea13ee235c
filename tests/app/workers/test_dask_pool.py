"""Dask: results, errors and lost workers; an address where nobody answers; workers that cannot do the work."""

from __future__ import annotations

import io
import logging
import math
import operator
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

import neuropinn_lava
from neuropinn_lava.app.workers import dask_pool, local_workers
from neuropinn_lava.app.workers.dask_pool import ClusterChoice, open_pool
from neuropinn_lava.app.workers.task_pool import Call, LocalPool, in_order
from neuropinn_lava.base.checks import raise_violations
from neuropinn_lava.base.errors import SimulationError, SpecError, Violation
from neuropinn_lava.hardware_sim.runner.lava_guard import require_children

pytest.importorskip("distributed", reason="needs the extra `dask`")

TWO = ClusterChoice(n_workers=2)


@pytest.fixture(scope="module")
def pool():
    """Two workers for all tests that leave them alive."""
    with open_pool(TWO) as opened:
        yield opened


@pytest.fixture
def scheduler():
    """The address of a scheduler without workers."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=0, processes=False, protocol="tcp://", host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster.scheduler_address


def test_without_choice_this_process_does_the_work():
    with open_pool(ClusterChoice()) as opened:
        assert isinstance(opened, LocalPool)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_workers": -1}, r"--workers must lie in \[0, 1024\]; got -1"),
        ({"n_workers": 1.5}, "--workers must be a whole number; got 1.5"),
        ({"n_workers": 2, "address": "tcp://a:1"}, "--workers must be left out beside --cluster; got 2"),
    ],
)
def test_wrong_choices_are_refused(fields, message):
    with pytest.raises(SpecError, match=message):
        ClusterChoice(**fields)


def test_results_of_two_workers_come_in_order(pool):
    calls = [Call(name=f"root {k}", function=math.sqrt, arguments=(k,)) for k in range(12)]
    assert list(in_order(pool, calls)) == [math.sqrt(k) for k in range(12)]


def test_work_is_done_elsewhere_and_by_processes_that_may_have_children(pool):
    calls = [Call(name=f"pid {k}", function=os.getpid) for k in range(4)]
    assert os.getpid() not in set(in_order(pool, calls))
    assert list(in_order(pool, [Call(name="may you", function=require_children)])) == [None]  # it raises if not


def test_the_packages_errors_come_back_whole(pool):
    broken = [Violation("net", "small", 7, "Shrink it."), Violation("net", "light", 9, "Lighten it.")]
    pool.submit(Call(name="refused", function=raise_violations, arguments=(broken,)))
    outcome = pool.next_outcome()
    assert isinstance(outcome.error, SpecError)
    assert outcome.error.violations == tuple(broken)


def test_foreign_errors_are_raised(pool):
    pool.submit(Call(name="division", function=operator.truediv, arguments=(1, 0)))
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        pool.next_outcome()


@pytest.mark.slow  # a worker is killed and started again
def test_a_lost_worker_s_call_is_done_again():
    with open_pool(TWO) as opened:
        (pid,) = in_order(opened, [Call(name="who", function=os.getpid)])
        for k in range(6):
            opened.submit(Call(name=f"sleep {k}", function=time.sleep, arguments=(0.2,)))
        os.kill(pid, signal.SIGKILL)
        assert sorted(opened.next_outcome().name for _ in range(6)) == [f"sleep {k}" for k in range(6)]
        assert pid not in set(in_order(opened, [Call(name=f"pid {k}", function=os.getpid) for k in range(8)]))


@pytest.mark.slow  # workers are started again four times
def test_a_call_that_takes_worker_after_worker_with_it_is_given_up():
    with open_pool(ClusterChoice(n_workers=1)) as opened:
        opened.submit(Call(name="exit", function=os._exit, arguments=(3,)))
        with pytest.raises(SimulationError, match="Dask task 'exit' must be done by a worker that outlives it"):
            opened.next_outcome()


def test_workers_that_never_live_are_an_error(monkeypatch):
    monkeypatch.setattr(local_workers, "WORKER_MODULE", "neuropinn_lava.no_such_module")
    monkeypatch.setattr(local_workers, "MAX_LOST", 1)
    with open_pool(ClusterChoice(n_workers=1)) as opened:
        opened.submit(Call(name="root", function=math.sqrt, arguments=(4,)))
        with pytest.raises(
            SimulationError, match="local Dask workers must live until the work is done; got 2 that ended"
        ):
            opened.next_outcome()


def interrupted_work():
    with open_pool(TWO) as opened:
        for k in range(2):
            opened.submit(Call(name=f"sleep {k}", function=time.sleep, arguments=(1000,)))
        raise KeyboardInterrupt


def test_an_interrupt_ends_the_workers_at_once():
    with pytest.raises(KeyboardInterrupt):
        interrupted_work()  # and the fixture of all tests finds no process left


HANGING = """
import time
from neuropinn_lava.app.workers.dask_pool import ClusterChoice, open_pool
from neuropinn_lava.app.workers.task_pool import Call
with open_pool(ClusterChoice(n_workers=1)) as pool:
    pool.submit(Call(name="now", function=time.sleep, arguments=(0,)))
    pool.next_outcome()
    print("ready", flush=True)
    pool.submit(Call(name="long", function=time.sleep, arguments=(1000,)))
    pool.next_outcome()
"""


def test_workers_end_with_a_caller_that_is_killed():
    with subprocess.Popen([sys.executable, "-c", HANGING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.kill()  # and the fixture of all tests finds no process left


def open_address(address):
    with open_pool(ClusterChoice(address=address)):
        pass


def test_distributed_is_silent_until_the_pool_has_gone(monkeypatch):
    """It tells of connections to workers that have been ended, with a traceback, if nobody silences it."""
    handler = logging.StreamHandler(io.StringIO())
    monkeypatch.setattr(logging.getLogger("distributed"), "handlers", [handler])
    with open_pool(ClusterChoice(n_workers=1)) as opened:
        assert list(in_order(opened, [Call(name="root", function=math.sqrt, arguments=(4,))])) == [2.0]
        logging.getLogger("distributed.batched").error("Batched Comm Closed")
    assert handler.stream.getvalue() == ""
    logging.getLogger("distributed.batched").error("after the pool, distributed speaks as before")
    assert "speaks as before" in handler.stream.getvalue()


def test_an_address_where_nobody_answers_is_named_and_does_not_hang(monkeypatch):
    monkeypatch.setattr(dask_pool, "CONNECT_SECONDS", 0.5)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # not listening
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        begun = time.monotonic()
        with pytest.raises(SimulationError, match=f"Dask cluster {address} must have a scheduler that answers"):
            open_address(address)
    assert time.monotonic() - begun < 10.0


@pytest.mark.parametrize("address", ["nonsense", "http://127.0.0.1:80", "tcp://127.0.0.1"])
def test_an_address_that_is_none_is_named(monkeypatch, address):
    monkeypatch.setattr(dask_pool, "CONNECT_SECONDS", 0.5)
    with pytest.raises(SimulationError, match=f"Dask cluster {address} must have a scheduler that answers"):
        open_address(address)


def test_a_cluster_without_workers_is_an_error(monkeypatch, scheduler):
    monkeypatch.setattr(dask_pool, "CONNECT_SECONDS", 0.5)
    with pytest.raises(SimulationError, match="at least one worker within"):
        open_address(scheduler)


def test_a_cluster_at_an_address_does_the_work(scheduler):
    workers = local_workers.LocalWorkers(scheduler, 1)
    try:
        with open_pool(ClusterChoice(address=scheduler)) as opened:
            assert opened.n_under_way == 2
            assert list(in_order(opened, [Call(name="root", function=math.sqrt, arguments=(9,))])) == [3.0]
    finally:
        workers.end()


def test_a_cluster_that_loses_its_workers_is_not_waited_for_for_ever(monkeypatch, scheduler):
    monkeypatch.setattr(dask_pool, "WORKER_SECONDS", 0.5)
    workers = local_workers.LocalWorkers(scheduler, 1)
    with open_pool(ClusterChoice(address=scheduler)) as opened:
        workers.end()
        opened.submit(Call(name="root", function=math.sqrt, arguments=(9,)))
        with pytest.raises(SimulationError, match="never be without a worker for 0 s; got none left"):
            opened.next_outcome()


def test_workers_of_another_version_are_refused(monkeypatch, scheduler):
    workers, theirs = local_workers.LocalWorkers(scheduler, 1), re.escape(neuropinn_lava.__version__)
    monkeypatch.setattr("neuropinn_lava.__version__", "9.9.9")
    try:
        message = rf"workers with version 9\.9\.9 of this package; got {theirs} on tcp"
        with pytest.raises(SimulationError, match=message):
            open_address(scheduler)
    finally:
        workers.end()
