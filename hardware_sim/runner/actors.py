"""One forked process, an actor, for each part of a Lava graph: it counts steps, and reports exceptions and positions.

An actor builds its process model and runs it until the run ends. If the model raises, the actor writes the traceback into its
pipe before it exits; on SIGUSR1 it writes the stack of its current step.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from types import FrameType
from typing import Any

from ...base.arrays import Record
from ...base.errors import Violation
from .process_group import FORK, end_with_parent, leave
from .shared_arrays import StepProgress
from .variables import WantedVariable

TEXT_BYTES = 32_000
"""Bytes of the end of a text that are passed on: two texts fit into a pipe's 64 KiB, so that no writer waits for a reader."""
STACK_ENTRIES = 8
"""Largest number of calls shown of a process that hangs."""
LAVA = f"{os.sep}lava{os.sep}magma{os.sep}"
"""Part of the name of Lava's files."""
COUNTED = "run_spk_counted"
"""Name of the function around a model's step, by which its stack is cut."""
ANSWER_SECONDS = 0.5
"""Seconds that a process may take to report its position; one inside native code does not answer."""
SHOWN_ACTORS = 4
"""Largest number of positions shown, of the processes that have finished the fewest steps."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Actor(Record):
    """A process of a run, as the one that started it sees it."""

    name: str
    """Name of the Lava process and of its model."""
    process: ForkProcess
    counter: int | None
    """Index of its counter of steps; None for one that has no steps of its own."""
    pipe: int
    """Read end of the pipe into which the process writes texts; reading does not block."""

    def read_text(self) -> str:
        """Return the text that it has written since the last call."""
        try:
            return os.read(self.pipe, 1 << 16).decode(errors="replace").strip()
        except BlockingIOError:
            return ""


def start_actor(
    builder: Any, name: str, counter: int | None, progress: StepProgress, wanted: Sequence[WantedVariable] = ()
) -> Actor:
    """Fork a process that builds a model, or Lava's runtime service, and runs it.

    Args:
        builder: Lava's builder of it; `builder.build().start()` returns at the end of the run.
        name: Its name in errors.
        counter: Index of the `progress` counter that counts the calls of its `run_spk`.
        progress: Counters of steps.
        wanted: Variables of the model whose values it writes for the caller at its end.
    """
    listen, speak = os.pipe()
    for end in (listen, speak):
        os.set_blocking(end, False)
    counters = None if counter is None else (progress, counter)
    process = FORK.Process(target=_run_actor, args=(os.getpid(), builder, counters, wanted, speak), name=name)
    with _blocked_signal():
        process.start()
    os.close(speak)
    return Actor(name=name, process=process, counter=counter, pipe=listen)


@contextlib.contextmanager
def _blocked_signal() -> Iterator[None]:
    """Block SIGUSR1, whose default is death, in this thread and in a process forked meanwhile; it waits until unblocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_actor(
    parent: int,
    builder: Any,
    counters: tuple[StepProgress, int] | None,
    wanted: Sequence[WantedVariable],
    speak: int,
) -> None:
    """Build and run a model in this process; write a traceback if anything is raised, SystemExit included."""
    try:
        end_with_parent(parent)
        signal.signal(signal.SIGUSR1, lambda number, frame: _write_text(speak, _format_stack(frame)))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})  # only now: see `_blocked_signal`
        model = builder.build()
        if counters is not None:
            _count_steps(model, *counters)
        model.start()
        for each in wanted:
            each.write(model)
    except BaseException:
        _write_text(speak, traceback.format_exc())
        leave(1)


def _count_steps(model: Any, progress: StepProgress, counter: int) -> None:
    """Wrap the `run_spk` of a model so that each finished step is counted."""
    run_spk = model.run_spk

    def run_spk_counted() -> None:
        run_spk()
        progress.advance(counter)

    assert run_spk_counted.__name__ == COUNTED
    model.run_spk = run_spk_counted


def _write_text(speak: int, text: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads, or the pipe is full
        os.write(speak, text.encode()[-TEXT_BYTES:])


def _format_stack(frame: FrameType | None) -> str:
    """Format the calls of a model's step: from its `run_spk` to the first one into Lava, as a port's `recv`."""
    calls = traceback.extract_stack(frame)
    step = next((i + 1 for i, call in enumerate(calls) if call.name == COUNTED), 0)
    lava = next((i + 1 for i, call in enumerate(calls) if i > step and LAVA in call.filename), len(calls))
    return "".join(traceback.format_list(calls[step:lava][-STACK_ENTRIES:]))


def find_causes(actors: Sequence[Actor]) -> tuple[Violation, ...]:
    """Return why actors ended before the run did: those that left a traceback, else all that have ended."""
    ended = [(actor.name, actor.process.exitcode) for actor in actors if not actor.process.is_alive()]
    ended.sort(key=lambda each: not each[1])  # who ended in good order last: it may be because another one failed
    return collect_tracebacks(actors) or tuple(_exit_violation(name, exit_code) for name, exit_code in ended)


def collect_tracebacks(actors: Sequence[Actor]) -> tuple[Violation, ...]:
    """Return the tracebacks of the actors that raised an exception."""
    return tuple(
        _exception_violation(actor.name, text)
        for actor in actors
        if not actor.process.is_alive() and (text := actor.read_text())
    )


def _exception_violation(name: str, text: str) -> Violation:
    error = text.splitlines()[-1]
    return Violation(
        name, "run its process model without an exception", f"{error}\n{text}", "Repair the model or what it was given."
    )


def _exit_violation(name: str, exit_code: int | None) -> Violation:
    if exit_code is not None and exit_code < 0:
        got = signal_name(-exit_code)
        repair = (
            "Something killed it. If it was the kernel for want of memory, use smaller batches or a smaller"
            " compile_config['pypy_channel_size']."
            if got == "SIGKILL"
            else "Native code that it calls broke down."
        )
    else:
        got, repair = f"exit code {exit_code}", "A process model must not end its process."
    return Violation(name, "have a process that lives until the run ends", got, repair)


def signal_name(number: int) -> str:
    """Return the name of a signal, as SIGKILL; a real-time signal has its number."""
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def describe_positions(actors: Sequence[Actor], progress: StepProgress) -> str:
    """Return the stacks of the actors that have finished the fewest steps; those that wait for no other actor come first."""
    steps = {actor: int(progress.counters.values[actor.counter]) for actor in actors if actor.counter is not None}
    behind = [actor for actor, n in steps.items() if n == min(steps.values())] or list(actors)
    stacks = _request_stacks([actor for actor in behind if actor.process.is_alive()])
    shown = sorted(stacks, key=lambda actor: LAVA in stacks[actor])[:SHOWN_ACTORS]
    lines = [f"{actor.name}, {steps.get(actor, 0)} steps finished, in\n  {stacks[actor]}" for actor in shown]
    return "\n".join([*lines, f"({len(stacks) - len(shown)} more)"] if len(stacks) > len(shown) else lines)


def _request_stacks(actors: Sequence[Actor]) -> dict[Actor, str]:
    for actor in actors:
        assert actor.process.pid is not None  # it was started
        os.kill(actor.process.pid, signal.SIGUSR1)
    deadline = time.monotonic() + ANSWER_SECONDS
    silent = {actor.pipe: actor for actor in actors}
    stacks = dict.fromkeys(actors, "native code")
    while silent and (left := deadline - time.monotonic()) > 0:
        for pipe in wait(list(silent), left):
            assert isinstance(pipe, int)
            actor = silent.pop(pipe)
            stacks[actor] = actor.read_text()
    return stacks
