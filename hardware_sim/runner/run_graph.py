"""Own a run of a Lava graph from start to cleanup: it never hangs and leaves nothing, whatever fails.

Lava waits for its processes for ever and cleans up only if all of them still answer. Here a forked supervisor compiles
the graph and starts Lava's processes in a process group of their own; the caller watches (`run_monitor`), and in the end
kills and reaps the whole group (`process_group`). So the caller's process never holds anything of a run: no compiled
graph, no thread, no semaphore, no channel. Lava's channels lie in anonymous memory instead of named blocks, which
needs no manager process and is not bound by the size of `/dev/shm`.

Lava is imported inside functions, so that this module loads on Pythons that Lava does not run on. What is used of it
beyond its documented interface is all in `_start_runtime` and the classes below it, after Lava 0.10.0.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from numpy.typing import NDArray

from ...base.errors import NeuroPinnError, SimulationError, SpecError, Violation
from .actors import Actor, start_actor
from .channels import linked_channel_class, watch_senders
from .lava_guard import compiling, require_children, require_lava
from .process_group import ProcessGroup, adopted_orphans, held_interrupts
from .run_monitor import RunEnded, RunLimits, RunMonitor, RunStarted
from .shared_arrays import StepProgress, shared_memory
from .supervisor import Supervisor, Tokens
from .variables import WantedVariable, wanted_variables

__all__ = ["process_name", "require_lava", "run_graph"]

MAX_COUNTERS = 4096
"""Processes of a graph whose steps are counted; those beyond run uncounted."""


def run_graph(
    process: Any,
    run_config: Any,
    n_steps: int,
    *,
    compile_config: dict[str, Any] | None = None,
    on_progress: Callable[[int], None] | None = None,
    progress: StepProgress | None = None,
    stall_seconds: float = 60.0,
    time_limit: float | None = None,
    read: Sequence[Any] = (),
) -> tuple[NDArray[Any], ...]:
    """Run all processes connected to `process` for some steps of Lava, then end them.

    Everything happens in forked processes, so that the caller's graph stays as it is, not compiled, and can be run
    again from its initial state. Results come out through `SharedArray`s handed to the process models, or as the values
    of the variables that `read` names; `Var.get` afterwards returns the initial value. Ctrl-C ends the run, cleans up and
    raises KeyboardInterrupt.

    Args:
        process: Any Lava process of the graph.
        run_config: Lava's run configuration, which chooses the process models.
        n_steps: Lava's time steps, at least 1. A model that requests a stop or pause ends the run earlier.
        compile_config: Lava's, as `{"pypy_channel_size": 4}`; not changed.
        on_progress: Called in this thread with the number of steps that every process has finished, whenever it has
            grown, some 20 times a second at most. What it raises ends the run.
        progress: Counters that the caller's process models advance themselves, where a step of Lava is not what
            `on_progress` should show. Lava's steps are counted without it, of any model.
        stall_seconds: Give up after so many seconds in which no step was finished and no processor time was used.
        time_limit: Give up after so many seconds in any case; None for never. It alone ends an endless loop.
        read: Variables of the graph's processes, as `(sink.data,)`; one at least of each of Lava's own sinks and monitors.

    Returns:
        The values of the variables of `read` after the last step, in that order, in their process models' types.

    Raises:
        SpecError: If an argument is out of range, or nothing is read of one of Lava's own sinks.
        SimulationError: If Lava is missing, the graph cannot be compiled or started, or a process raises, dies,
            hangs or exceeds the limit. `got` carries the traceback of the process at fault, or where it hangs.
    """
    if n_steps < 1 or n_steps % 1:
        raise SpecError("run_graph.n_steps", "be a whole number of 1 or more", n_steps, "Give the number of steps.")
    limits = RunLimits(stall_seconds=stall_seconds, time_limit=time_limit)
    require_lava()
    require_children()
    wanted = wanted_variables(_graph_processes(process), read)
    graph = (process, run_config, n_steps, compile_config, StepProgress.for_models(MAX_COUNTERS), wanted)
    if violations := _monitor_run(graph, limits, progress, on_progress):
        raise SimulationError.gathered(violations)
    return tuple(each.value() for each in wanted)


def _graph_processes(process: Any) -> list[Any]:
    """Return all processes that are connected to one, which is checked to be a Lava process."""
    from lava.magma.compiler.compiler_graphs import find_processes
    from lava.magma.core.process.process import AbstractProcess

    if not isinstance(process, AbstractProcess):
        raise SpecError("run_graph.process", "be a Lava process", repr(process), "Pass any process of the graph.")
    return list(find_processes(process))


_Graph = tuple[Any, Any, int, "dict[str, Any] | None", StepProgress, tuple[WantedVariable, ...]]
"""The process, its run configuration, the number of steps, the compiler's configuration, the counters, what is read."""


def _monitor_run(
    graph: _Graph, limits: RunLimits, progress: StepProgress | None, on_progress: Callable[[int], None] | None
) -> tuple[Violation, ...]:
    """Run a graph in its own process group, and end the group whatever happens; return why the run failed, or nothing."""
    _, _, n_steps, _, steps, _ = graph
    with held_interrupts() as check_interrupt, adopted_orphans():
        group, supervisor = _start_supervisor(graph)
        with supervisor:
            try:
                monitor = RunMonitor(
                    group=group,
                    supervisor=supervisor,
                    steps=steps,
                    caller_steps=progress,
                    n_steps=n_steps,
                    limits=limits,
                    on_progress=on_progress,
                )
                return monitor.until_end(check_interrupt)
            finally:
                group.end()


def _start_supervisor(graph: _Graph) -> tuple[ProcessGroup, Connection]:
    try:
        ours, theirs = multiprocessing.Pipe()
    except OSError as error:
        raise SimulationError("run_graph", "open a pipe", error, "Close files.") from error
    with theirs:
        try:
            return ProcessGroup.start(_supervise, ours, theirs, graph), ours
        except BaseException:
            ours.close()
            raise


# What follows runs in the supervisor.


def _supervise(callers_end: Connection, caller: Connection, graph: _Graph) -> None:
    """Run a graph and tell the caller how it ended."""
    callers_end.close()  # so that the other end notices if the caller closes or loses it
    try:
        violations = _run(caller, graph)
    except NeuroPinnError as error:
        violations = error.violations
    except EOFError:  # the caller has died; where this is not Linux, nobody has killed its group
        os.killpg(os.getpid(), signal.SIGKILL)
    except BaseException as error:
        violations = (_start_violation(process_name(graph[0]), error),)
    caller.send(RunEnded(violations=violations))


def _start_violation(name: str, error: BaseException) -> Violation:
    """Return why a graph was not started: a full /dev/shm is the machine's fault, all else the graph's."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        rule = f"have room for the semaphores of Lava's channels, which the graph of {name} is connected by"
        repair = (
            "Remove what other programs left there (`df -h /dev/shm` and `ls -l /dev/shm` show it), or make it larger;"
            " in a container by `docker run --shm-size=256m`."
        )
        return Violation("/dev/shm", rule, error, repair)
    got = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
    return Violation(f"Lava graph of {name}", "compile and start", got, "Repair the graph or its run configuration.")


def _run(caller: Connection, graph: _Graph) -> tuple[Violation, ...]:
    process, run_config, n_steps, compile_config, steps, wanted = graph
    with compiling():
        executable = process.compile(run_config, compile_config)
    infrastructure = _Infrastructure(executable, steps, wanted)
    listen, speak = os.pipe()
    runtime = _start_runtime(executable, infrastructure, n_steps, lambda: os.write(speak, b"."))
    caller.send(RunStarted(n_counters=infrastructure.n_counters))
    supervisor = Supervisor(
        runtime=runtime, actors=tuple(infrastructure.actors), steps=steps, caller=caller, news=listen, tokens=_tokens()
    )
    return supervisor.until_last_step() or supervisor.stop()


def _tokens() -> Tokens:
    from lava.magma.runtime.mgmt_token_enums import MGMT_COMMAND, MGMT_RESPONSE

    ends = (MGMT_RESPONSE.DONE, MGMT_RESPONSE.REQ_STOP, MGMT_RESPONSE.REQ_PAUSE)
    return Tokens(stop=MGMT_COMMAND.STOP, ends=frozenset(token.item() for token in ends))


def _start_runtime(executable: Any, infrastructure: _Infrastructure, n_steps: int, wake: Callable[[], object]) -> Any:
    """Build Lava's runtime over our infrastructure and start the run; `wake` is called when a message has come.

    Source: `Runtime.initialize` of lava/magma/runtime/runtime.py, without its own infrastructure and without its wait
    for each process to be built, which never ends if one dies.
    """
    from lava.magma.core.process.message_interface_enum import ActorType
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.runtime.runtime import Runtime

    runtime = Runtime(executable, ActorType.MultiProcessing)
    runtime._messaging_infrastructure = infrastructure
    runtime._build_watchdog_manager()
    runtime._build_channels()
    watch_senders(executable)
    runtime._build_sync_channels()
    runtime._build_processes()
    runtime._build_runtime_services()
    for port in runtime.service_to_runtime:
        port.observer = wake
    runtime._start_ports()
    runtime._is_initialized = True
    runtime.start(RunSteps(num_steps=int(n_steps), blocking=False))
    runtime._is_started = False  # or its finalizer would stop it once more
    return runtime


class _Infrastructure:
    """What Lava's runtime asks for processes and channels; takes the place of Lava's `MultiProcessing`."""

    def __init__(self, executable: Any, steps: StepProgress, wanted: Sequence[WantedVariable]) -> None:
        self.actors: list[Actor] = []
        self.n_counters = 0
        self._steps = steps
        self._names = {id(builder): process_name(process) for process, builder in executable.proc_builders.items()}
        self._wanted = {
            id(builder): tuple(each for each in wanted if each.is_kept_by(process))
            for process, builder in executable.proc_builders.items()
        }

    @property
    def smm(self) -> _Infrastructure:
        """Lava's shared memory manager: this object serves as one."""
        return self

    def create_shared_memory(self, n_bytes: int) -> _ChannelMemory:
        return _ChannelMemory(n_bytes)

    def channel_class(self, channel_type: Any) -> Any:
        """Return the class of channels between Python process models, the only kind there is here."""
        from lava.magma.compiler.channels.interfaces import ChannelType

        if channel_type is not ChannelType.PyPy:
            repair = "Choose Python process models in the run configuration."
            raise SimulationError("Lava graph", "connect Python models only on the CPU simulator", channel_type, repair)
        return linked_channel_class()

    def build_actor(self, target: object, builder: Any, exception_q: object = None) -> None:
        """Start a process for a builder; Lava's own target and queue for exceptions are not used."""
        model = getattr(builder, "proc_model", None)
        name = f"{self._names[id(builder)]} ({model.__name__})" if model is not None else "Lava's runtime service"
        counter = None
        if hasattr(model, "run_spk") and self.n_counters < MAX_COUNTERS:
            counter, self.n_counters = self.n_counters, self.n_counters + 1
        self.actors.append(start_actor(builder, name, counter, self._steps, self._wanted.get(id(builder), ())))


class _ChannelMemory:
    """A block of memory for a channel; takes the place of `multiprocessing.shared_memory.SharedMemory`."""

    def __init__(self, n_bytes: int) -> None:
        self.buf = memoryview(shared_memory("Lava graph, a channel", n_bytes))


def process_name(process: Any) -> str:
    """Name a Lava process by its class and its own name, as errors do."""
    return f"{type(process).__name__} {process.name!r}"
