"""The runner: whatever fails in a Lava run, there is one error that says what, and nothing is left.

Every test runs inside `nothing_left`, which compares at once, without a time of grace: child processes (zombies
too), threads and open files. Names in `/dev/shm`, which other programs use too, are compared by `tests/conftest.py`. What
must not be done to the process of the tests is done to scripts.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import importlib
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from neuropinn_lava.base.errors import SimulationError, SpecError
from neuropinn_lava.hardware_sim.runner import actors, lava_guard
from neuropinn_lava.hardware_sim.runner.lava_guard import require_lava
from neuropinn_lava.hardware_sim.runner.process_group import FORK
from neuropinn_lava.hardware_sim.runner.run_graph import run_graph
from neuropinn_lava.hardware_sim.runner.shared_arrays import SharedArray, StepProgress

FAULTY = Path(__file__).with_name("faulty_processes")
sys.path.insert(0, str(FAULTY))

N_STEPS = 10
FAULT_STEP = 3
STALL_SECONDS = 1.0
"""Short, because a stalled run does nothing at all; long against a scheduler's delays."""
SCRIPT_SECONDS = 100.0
"""For a script in a process of its own: importing Lava takes two seconds, and twenty on a busy machine."""
PROMPT_SECONDS = 40.0
"""A failed run is over long before: a second of starting, the stall time, two windows of it, the cleanup."""

pytestmark = [pytest.mark.lava, pytest.mark.timeout(150)]


def chain(*args: Any, **kwargs: Any) -> Any:
    require_lava()
    return importlib.import_module("faulty_chain").chain(*args, **kwargs)


def run(graph: Any, n_steps: int = N_STEPS, **options: Any) -> None:
    from lava.magma.core.run_configs import Loihi1SimCfg

    run_graph(graph, Loihi1SimCfg(), n_steps, **options)


def descendants() -> list[psutil.Process]:
    """List the processes that come from this one, the eldest first."""
    return sorted(psutil.Process().children(recursive=True), key=lambda child: (child.create_time(), child.pid))


def holdings() -> dict[str, list[str]]:
    """List everything that a run could leave behind."""
    return {
        "processes": [f"{child.pid} {child.status()}" for child in descendants()],
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "files": sorted(os.listdir("/proc/self/fd")),
    }


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    require_lava()
    handler = signal.getsignal(signal.SIGINT)
    before = holdings()
    yield
    assert holdings() == before
    assert signal.getsignal(signal.SIGINT) is handler


def at_fault_step(act: Callable[[Any], None]) -> Callable[[Any], None]:
    def fault(model: Any) -> None:
        if model.time_step == FAULT_STEP:
            act(model)

    return fault


def raise_error(model: Any) -> None:
    raise ValueError("broken on purpose")


def sleep_for_ever(model: Any) -> None:
    time.sleep(3600)


def loop_for_ever(model: Any) -> None:
    while True:
        pass


def forget_to_send(model: Any) -> None:
    model.sends = False


def send_wrong_shape(model: Any) -> None:
    model.s_out.send(np.zeros(5, np.int64))


def be_killed(model: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def read_nowhere(model: Any) -> None:
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)  # pytest's faulthandler would print
    ctypes.string_at(0)


class UnpicklableError(Exception):
    def __init__(self) -> None:
        super().__init__("unpicklable on purpose", threading.Lock())


def raise_unpicklable(model: Any) -> None:
    raise UnpicklableError


# Runs that succeed


def test_results_come_out_through_shared_arrays() -> None:
    result = SharedArray.zeros((N_STEPS, 4), np.int64)
    run(chain(3, result=result))
    assert (result.values == 2).all()  # the third link receives 0 + 1 + 1, in the same step


def a_sink(n_steps: int) -> Any:
    """Build Lava's own sink behind a chain that sends 2 in every step."""
    require_lava()
    sink = importlib.import_module("lava.proc.io.sink").RingBuffer(shape=(4,), buffer=n_steps)
    first = chain(2)
    first.s_out.out_connections[0].process.s_out.connect(sink.a_in)
    return sink


def test_variables_are_read_at_the_end() -> None:
    from lava.magma.core.run_configs import Loihi2SimCfg

    sink = a_sink(N_STEPS)
    (data,) = run_graph(sink, Loihi2SimCfg(select_tag="fixed_pt"), N_STEPS, read=(sink.data,))
    assert data.dtype == np.int32
    assert np.array_equal(data, np.full((4, N_STEPS), 2))
    assert not sink.data.get().any()  # the caller's graph stays in its initial state


def test_a_sink_that_nobody_reads_is_refused() -> None:
    with pytest.raises(SpecError, match=r"run_graph\.read.*RingBuffer.*read=\(sink\.data,\)"):
        run(a_sink(N_STEPS))


def test_a_variable_of_another_graph_is_refused() -> None:
    with pytest.raises(SpecError, match=r"run_graph\.read.*variables of processes of the graph"):
        run(chain(2), read=(a_sink(N_STEPS).data,))


def test_a_graph_can_be_run_again_and_stays_uncompiled() -> None:
    result = SharedArray.zeros((N_STEPS, 4), np.int64)
    graph = chain(2, result=result)
    for _ in range(2):
        result.values[:] = 0
        run(graph)
        assert (result.values == 1).all()
    assert graph.runtime is None
    assert not graph.is_compiled


def test_progress_counts_steps_that_every_process_has_finished() -> None:
    seen: list[int] = []
    run(chain(3, fault=lambda model: time.sleep(0.02), at=1), 20, on_progress=seen.append)
    assert seen == sorted(set(seen))
    assert len(seen) > 3
    assert seen[-1] == 20


def test_the_callers_own_counters_take_the_place_of_steps() -> None:
    progress = StepProgress.for_models(2)

    def count(model: Any) -> None:
        progress.advance(0, 100)
        progress.advance(1, 100)

    seen: list[int] = []
    run(chain(1, fault=count), 3, progress=progress, on_progress=seen.append)
    assert seen[-1] == 300


def test_asynchronous_models_run() -> None:
    require_lava()
    from lava.magma.core.run_configs import Loihi1SimCfg
    from lava.magma.core.sync.domain import SyncDomain
    from lava.magma.core.sync.protocols.async_protocol import AsyncProtocol

    result = SharedArray.zeros(1, np.int64)
    sprinter = importlib.import_module("faulty_chain").Sprinter(name="sprinter", result=result)
    domain = SyncDomain(name="free", protocol=AsyncProtocol(), processes=[sprinter])
    run_graph(sprinter, Loihi1SimCfg(custom_sync_domains=[domain]), 7)
    assert result.values[0] == 7


def test_slow_steps_are_not_a_stall() -> None:
    seen: list[int] = []
    graph = chain(2, fault=lambda model: time.sleep(0.5 * STALL_SECONDS), at=1)
    begin = time.monotonic()
    run(graph, 4, stall_seconds=STALL_SECONDS, on_progress=seen.append)
    assert time.monotonic() - begin > 1.5 * STALL_SECONDS
    assert seen[-1] == 4


def test_work_within_one_step_is_not_a_stall() -> None:
    def work(model: Any) -> None:
        end = time.monotonic() + 3 * STALL_SECONDS
        while time.monotonic() < end:
            pass

    seen: list[int] = []
    run(chain(2, fault=work, at=1), 1, stall_seconds=STALL_SECONDS, on_progress=seen.append)
    assert seen[-1] == 1


def test_a_model_may_stop_the_run() -> None:
    def request_stop(model: Any) -> None:
        model._req_stop = True

    seen: list[int] = []
    run(chain(2, fault=at_fault_step(request_stop)), on_progress=seen.append)
    assert seen[-1] == FAULT_STEP


def test_lavas_watchdog_processes_end_too() -> None:
    seen: list[int] = []
    run(chain(2), compile_config={"use_watchdog": True}, on_progress=seen.append)
    assert seen[-1] == N_STEPS


# Runs that fail


def failure(graph: Any, **options: Any) -> SimulationError:
    begin = time.monotonic()
    with pytest.raises(SimulationError) as caught:
        run(graph, **{"stall_seconds": STALL_SECONDS, **options})
    assert time.monotonic() - begin < PROMPT_SECONDS
    return caught.value


@pytest.mark.parametrize("at", [0, 1, 2])
def test_an_exception_in_any_model_is_reported_with_its_traceback(at: int) -> None:
    error = failure(chain(3, at_fault_step(raise_error), at))
    (violation,) = error.violations
    assert violation.where == f"Link 'link{at}' (PyLink)"
    assert str(violation.got).startswith("ValueError: broken on purpose\nTraceback")
    assert ", in raise_error" in str(violation.got)


@pytest.mark.parametrize(
    ("act", "got"),
    [
        (lambda model: os._exit(3), "got exit code 3"),
        (lambda model: os._exit(0), "got exit code 0"),
        (lambda model: sys.exit(4), "got SystemExit: 4"),
        (be_killed, "got SIGKILL.*for want of memory"),
        (read_nowhere, "got SIGSEGV"),
        (raise_unpicklable, "UnpicklableError: .'unpicklable on purpose'"),
        (send_wrong_shape, r"AssertionError: data.shape=\(5,\) self._shape=\(4,\) Mismatch"),
    ],
    ids=["_exit", "_exit0", "sys.exit", "SIGKILL", "SIGSEGV", "unpicklable", "shape"],
)
def test_a_death_is_reported_with_its_cause(act: Callable[[Any], None], got: str) -> None:
    error = failure(chain(3, at_fault_step(act), at=1))
    assert error.violations[0].where == "Link 'link1' (PyLink)"
    assert len(error.violations) == 1
    with pytest.raises(SimulationError, match=f"(?s){got}"):
        raise error


@pytest.mark.parametrize(
    ("at", "act", "place"), [(1, sleep_for_ever, "in sleep_for_ever"), (0, forget_to_send, "recv")]
)
def test_a_hang_is_told_by_the_lack_of_steps(at: int, act: Callable[[Any], None], place: str) -> None:
    (violation,) = failure(chain(3, at_fault_step(act), at)).violations
    assert violation.rule == f"finish a step or use the processor within {STALL_SECONDS:g} s"
    report = str(violation.got)
    assert report.startswith(f"{FAULT_STEP - 1} of {N_STEPS} steps; furthest behind are\n")
    assert f"Link 'link1' (PyLink), {FAULT_STEP - 1} steps finished, in\n" in report
    assert "Link 'link0'" not in report  # it has finished the step
    assert place in report.split("Link '")[1]  # who waits for no other comes first


def test_a_question_that_comes_before_its_handler_kills_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor may ask by SIGUSR1, whose default is death, as soon as a process is forked."""
    end_with_parent = actors.end_with_parent

    def be_asked_at_once(parent: int) -> None:
        end_with_parent(parent)
        os.kill(os.getpid(), signal.SIGUSR1)

    monkeypatch.setattr(actors, "end_with_parent", be_asked_at_once)
    monkeypatch.setattr(actors, "_write_text", lambda speak, text: None)  # nobody asked who would take the answer
    result = SharedArray.zeros((N_STEPS, 4), np.int64)
    run(chain(2, result=result))
    assert (result.values == 1).all()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, set()) == set()


def test_an_endless_loop_ends_at_the_time_limit() -> None:
    (violation,) = failure(chain(2, at_fault_step(loop_for_ever), at=1), time_limit=1.5).violations
    assert violation.rule == "end within time_limit"
    assert "in loop_for_ever" in str(violation.got)


@pytest.mark.parametrize(
    ("act", "words"),
    [(raise_error, "broken on purpose"), (lambda model: os._exit(3), "exit code 3"), (sleep_for_ever, "0 of 10 steps")],
)
def test_a_model_that_cannot_be_built(act: Callable[[Any], None], words: str) -> None:
    error = failure(chain(2, build_fault=act))
    assert words in str(error)


def test_a_graph_that_cannot_be_compiled() -> None:
    graph = importlib.import_module("faulty_chain").Unimplemented(name="odd")
    with pytest.raises(SimulationError, match=r"Lava graph of Unimplemented 'odd' must compile.*NoProcessModelFound"):
        raise failure(graph)


def test_a_compiler_that_hangs() -> None:
    from lava.magma.core.run_configs import Loihi1SimCfg

    class Endless(Loihi1SimCfg):
        def select(self, process: Any, models: Any) -> Any:
            time.sleep(3600)

    with pytest.raises(SimulationError, match=r"(?s)0 of 10 steps.*it is compiling.*What compiles the graph"):
        run_graph(chain(2), Endless(), N_STEPS, stall_seconds=STALL_SECONDS)


def test_a_full_dev_shm_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lava's channels are synchronized by semaphores, which Linux keeps as files in /dev/shm."""

    def no_space(value: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    require_lava()
    monkeypatch.setattr("lava.magma.compiler.channels.pypychannel.Semaphore", no_space)
    (violation,) = failure(chain(2)).violations
    assert violation.where == "/dev/shm"
    assert "--shm-size" in violation.repair


def test_shared_memory_runs_out() -> None:
    error = failure(chain(2), compile_config={"pypy_channel_size": 1 << 50})
    assert error.violations[0].where == "Lava graph, a channel"
    assert "smaller compile_config" in str(error)


@pytest.mark.parametrize("depth", ["supervisor", "actor"])
def test_a_process_is_killed_from_outside(depth: str) -> None:
    killed, elder = [], set(psutil.Process().children())  # an earlier test's resource tracker may live on

    def kill_one(steps: int) -> None:
        if not killed:
            (supervisor,) = set(psutil.Process().children()) - elder
            killed.append(supervisor if depth == "supervisor" else random.choice(supervisor.children()))
            killed[0].kill()

    graph = chain(3, fault=lambda model: time.sleep(0.02))
    with pytest.raises(SimulationError, match=r"lives until .* ends; got SIGKILL"):
        run(graph, 1000, on_progress=kill_one)


def test_the_whole_group_is_killed_by_a_model() -> None:
    error = failure(chain(3, at_fault_step(lambda model: os.killpg(0, signal.SIGKILL)), at=1))
    assert error.violations[0].where == "Lava run"


def test_processes_that_models_start_end_too() -> None:
    started = SharedArray.zeros(1, np.int64)

    def start_one(model: Any) -> None:
        started.values[0] = subprocess.Popen(["sleep", "3600"]).pid

    run(chain(2, at_fault_step(start_one), at=1))
    assert started.values[0] > 0
    assert not psutil.pid_exists(int(started.values[0]))


def test_ctrl_c_ends_the_run() -> None:
    graph = chain(3, fault=lambda model: time.sleep(0.02))
    with pytest.raises(KeyboardInterrupt):
        run(graph, 10_000, on_progress=lambda steps: os.kill(os.getpid(), signal.SIGINT))


def test_ctrl_c_ends_a_run_that_does_nothing() -> None:
    timer = threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run(chain(2, at_fault_step(sleep_for_ever)))
    finally:
        timer.join()


def test_what_the_progress_callback_raises_ends_the_run() -> None:
    def fail(steps: int) -> None:
        raise ZeroDivisionError("in the callback")

    with pytest.raises(ZeroDivisionError, match="in the callback"):
        run(chain(2, fault=lambda model: time.sleep(0.02)), 10_000, on_progress=fail)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_steps": 0}, r"run_graph\.n_steps must be a whole number of 1 or more; got 0"),
        ({"n_steps": 2.5}, r"run_graph\.n_steps.*got 2\.5"),
        ({"stall_seconds": 0}, r"run_graph\.stall_seconds must be a positive time; got 0"),
        ({"time_limit": -1.0}, r"run_graph\.time_limit must be a positive time; got -1\.0"),
    ],
)
def test_arguments_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        run(chain(1), **options)


def test_no_run_while_a_graph_is_compiled() -> None:
    with lava_guard.compiling(), pytest.raises(SimulationError, match="no other graph is being compiled"):
        run(chain(1))


def test_something_that_is_no_process() -> None:
    with pytest.raises(SpecError, match=r"run_graph\.process must be a Lava process; got 'net\.h5'"):
        run("net.h5")


# Where runs happen


def run_checked(n_links: int) -> None:
    result = SharedArray.zeros((N_STEPS, 4), np.int64)
    run(chain(n_links, result=result))
    assert (result.values == n_links - 1).all()


def test_in_threads_at_once() -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run_checked, [2, 3, 4]))
        failed = pool.submit(failure, chain(3, at_fault_step(raise_error)))
        run_checked(2)
        assert "broken on purpose" in str(failed.result())


def test_in_processes_at_once() -> None:
    processes = [FORK.Process(target=run_checked, args=(n_links,)) for n_links in (2, 3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    for process in processes:
        process.close()


def test_inside_a_running_event_loop() -> None:
    async def main() -> list[str]:
        run_checked(2)
        await asyncio.to_thread(run_checked, 3)
        return [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    assert asyncio.run(main()) == []


def test_a_daemonic_process_is_refused() -> None:
    ours, theirs = multiprocessing.Pipe()

    def call() -> None:
        try:
            run(chain(1))
        except SimulationError as error:
            theirs.send(str(error))

    process = FORK.Process(target=call, name="worker", daemon=True)
    process.start()
    with ours, theirs:
        assert "got a call inside the daemonic process 'worker'. Use concurrent.futures" in ours.recv()
    process.join()
    process.close()


# Scripts: what cannot be done to the process of the tests

SETUP = f"""
import multiprocessing, os, signal, sys, time
sys.path.insert(0, {str(FAULTY)!r})
"""
RUN = """
from neuropinn_lava.hardware_sim.runner.lava_guard import require_lava
require_lava()
from faulty_chain import chain
from lava.magma.core.run_configs import Loihi1SimCfg
from neuropinn_lava.hardware_sim.runner.run_graph import run_graph
"""
RUN_LONG = """
graph = chain(3, fault=lambda model: time.sleep(0.02))
run_graph(graph, Loihi1SimCfg(), 10_000, on_progress=lambda steps: print("running", flush=True))
"""


def python(script: str, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@contextlib.contextmanager
def a_long_run() -> Iterator[subprocess.Popen[str]]:
    with python(SETUP + RUN + RUN_LONG, start_new_session=True) as script:
        assert script.stdout is not None
        assert script.stdout.readline() == "running\n"
        yield script


def test_ctrl_c_reaches_the_whole_process_group() -> None:
    with a_long_run() as script:
        family = psutil.Process(script.pid).children(recursive=True)
        os.killpg(script.pid, signal.SIGINT)
        _, errors = script.communicate(timeout=SCRIPT_SECONDS)
        assert script.returncode == -signal.SIGINT
        assert errors.count("Traceback") == 1  # the caller's; no process of the run says a word
        assert not psutil.wait_procs(family, timeout=0)[1]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_does_not_outlive_its_caller(number: int) -> None:
    with a_long_run() as script:
        family = psutil.Process(script.pid).children(recursive=True)
        assert len(family) == 5  # the supervisor, three links, Lava's runtime service
        os.kill(script.pid, number)
        assert not psutil.wait_procs(family, timeout=10)[1]


def test_a_run_in_a_daemon_thread_does_not_hold_up_the_exit() -> None:
    script = """
    import threading
    graph = chain(2, fault=lambda model: time.sleep(3600))
    threading.Thread(target=run_graph, args=(graph, Loihi1SimCfg(), 10), daemon=True).start()
    time.sleep(1)
    """
    with python(SETUP + RUN + textwrap.dedent(script)) as process:
        process.communicate(timeout=SCRIPT_SECONDS)
        assert process.returncode == 0


@pytest.mark.parametrize(
    "before",
    ["multiprocessing.set_start_method('spawn')", "multiprocessing.Lock()"],
)
def test_another_librarys_start_method_is_respected(before: str) -> None:
    script = f"""
    {before}
    method = multiprocessing.get_start_method(allow_none=True)
    {textwrap.indent(RUN, "    ").strip()}
    assert multiprocessing.get_start_method(allow_none=True) == (method or "fork")
    run_graph(chain(2), Loihi1SimCfg(), 5)
    print("done")
    """
    with python(SETUP + textwrap.dedent(script)) as process:
        output, errors = process.communicate(timeout=SCRIPT_SECONDS)
        assert (output, errors) == ("done\n", "")


def test_ignored_sigchld_does_no_harm() -> None:
    script = """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    files = os.listdir("/proc/self/fd")
    run_graph(chain(2), Loihi1SimCfg(), 5)
    assert os.listdir("/proc/self/fd") == files and not multiprocessing.active_children()
    print("done")
    """
    begin = time.monotonic()
    with python(SETUP + RUN + textwrap.dedent(script)) as process:
        assert process.communicate(timeout=SCRIPT_SECONDS) == ("done\n", "")
    assert time.monotonic() - begin < PROMPT_SECONDS


def test_open_files_run_out() -> None:
    script = """
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
    run_graph(chain(12), Loihi1SimCfg(), 5)
    """
    with python(SETUP + RUN + textwrap.dedent(script)) as process:
        _, errors = process.communicate(timeout=SCRIPT_SECONDS)
        assert "SimulationError: " in errors
        assert "Too many open files" in errors


def test_a_script_without_a_main_guard(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    (tmp_path / "own_links.py").write_text(FAULTY.joinpath("faulty_chain.py").read_text())
    script.write_text(
        RUN.replace("faulty_chain", "own_links") + "run_graph(chain(2), Loihi1SimCfg(), 5)\nprint('done')\n"
    )
    process = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=SCRIPT_SECONDS, check=True
    )
    assert process.stdout == "done\n"
    assert "Cannot import module '<module 'unguarded'" in process.stderr


# Many runs in a row


def run_something(rng: random.Random) -> str:
    """Run a chain that fails in one of the quick ways, or not at all."""
    kinds: dict[str, Callable[[Any], None] | None] = {
        "fine": None,
        "raise": raise_error,
        "exit": lambda model: os._exit(3),
        "killed": be_killed,
        "shape": send_wrong_shape,
        "silent": forget_to_send,
        "interrupt": None,
        "outside": None,
    }
    kind = rng.choice(list(kinds))
    act = kinds[kind]
    n_links = rng.randint(1, 4)
    graph = chain(n_links, at_fault_step(act) if act else None, at=rng.randrange(n_links))
    elder = set(descendants())  # multiprocessing's resource tracker is not the run's

    def disturb(steps: int) -> None:
        if kind == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        elif kind == "outside":
            with contextlib.suppress(psutil.Error, IndexError):  # it has just ended
                rng.choice([child for child in descendants() if child not in elder]).kill()

    try:
        run(graph, stall_seconds=0.3, on_progress=disturb)
    except SimulationError:
        return f"{kind}: error"
    except KeyboardInterrupt:
        return f"{kind}: interrupt"
    return f"{kind}: finished"


def run_many(n_runs: int) -> set[str]:
    rng = random.Random(0)
    ends = set()
    for _ in range(n_runs):
        before = holdings()
        ends.add(run_something(rng))
        assert holdings() == before
    return ends


@pytest.mark.slow
def test_thirty_runs_leave_nothing() -> None:
    assert {"fine: finished", "raise: error", "killed: error", "interrupt: interrupt"} <= run_many(30)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_thousand_runs_leave_nothing() -> None:
    run_many(20)  # what is loaded once is loaded
    before = psutil.Process().memory_info().rss
    run_many(1000)
    assert psutil.Process().memory_info().rss - before < 1 << 24  # 16 KiB a run
