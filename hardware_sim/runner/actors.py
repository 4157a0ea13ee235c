"""One forked process for each part of a Lava graph: what it counts, and what it says before it dies.

An actor builds its process model and lives in it until the run ends. If the model raises, the traceback is its last words;
asked by SIGUSR1, it says where it stands.
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

from ...base.errors import Violation
from .process_group import FORK, die_with, leave
from .shared_arrays import StepProgress
from .variables import WantedVariable

WORDS_BYTES = 32_000
"""Of the end of a text that is passed on: two of them fit into a pipe's 64 KiB, so that nobody waits for a reader."""
STACK_ENTRIES = 8
"""Calls shown of a process that hangs, at most."""
LAVA = f"{os.sep}lava{os.sep}magma{os.sep}"
"""Part of the name of Lava's files."""
COUNTED = "run_spk_counted"
"""Name of the function around a model's step, by which its stack is cut."""
ANSWER_SECONDS = 0.5
"""How long a process may take to say where it stands; one inside native code says nothing."""
SHOWN_ACTORS = 4
"""Of those that are furthest behind."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Actor:
    """A process of a run, as the one that started it sees it."""

    name: str
    """Of the Lava process and its model."""
    process: ForkProcess
    counter: int | None
    """Index of its counter of steps; None for one that has no steps of its own."""
    words: int
    """Read end of the pipe through which it speaks; does not block."""

    def said(self) -> str:
        """Return what it said since the last call."""
        try:
            return os.read(self.words, 1 << 16).decode(errors="replace").strip()
        except BlockingIOError:
            return ""


def start_actor(
    builder: Any, name: str, counter: int | None, progress: StepProgress, wanted: Sequence[WantedVariable] = ()
) -> Actor:
    """Fork a process that builds a model, or Lava's runtime service, and runs it.

    Args:
        builder: Lava's builder of it; `builder.build().start()` returns at the end of the run.
        name: How errors call it.
        counter: Which of the `progress` counters counts the calls of its `run_spk`.
        progress: Counters of steps.
        wanted: Variables of the model whose values it writes for the caller at its end.
    """
    listen, speak = os.pipe()
    for end in (listen, speak):
        os.set_blocking(end, False)
    counters = None if counter is None else (progress, counter)
    process = FORK.Process(target=_live, args=(os.getpid(), builder, counters, wanted, speak), name=name)
    with _blocked_questions():
        process.start()
    os.close(speak)
    return Actor(name=name, process=process, counter=counter, words=listen)


@contextlib.contextmanager
def _blocked_questions() -> Iterator[None]:
    """Block SIGUSR1, whose default is death, in this thread and in a process forked meanwhile; it waits until unblocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _live(
    parent: int,
    builder: Any,
    counters: tuple[StepProgress, int] | None,
    wanted: Sequence[WantedVariable],
    speak: int,
) -> None:
    """Be an actor: build, run, and leave a traceback behind if anything is raised, SystemExit included."""
    try:
        die_with(parent)
        signal.signal(signal.SIGUSR1, lambda number, frame: _say(speak, _stack(frame)))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})  # only now: see `_blocked_questions`
        model = builder.build()
        if counters is not None:
            _count_steps(model, *counters)
        model.start()
        for each in wanted:
            each.write(model)
    except BaseException:
        _say(speak, traceback.format_exc())
        leave(1)


def _count_steps(model: Any, progress: StepProgress, counter: int) -> None:
    """Have a model count each finished step, whoever wrote it."""
    run_spk = model.run_spk

    def run_spk_counted() -> None:
        run_spk()
        progress.advance(counter)

    assert run_spk_counted.__name__ == COUNTED
    model.run_spk = run_spk_counted


def _say(speak: int, text: str) -> None:
    with contextlib.suppress(OSError):  # nobody listens, or too much was said
        os.write(speak, text.encode()[-WORDS_BYTES:])


def _stack(frame: FrameType | None) -> str:
    """Format the calls of a model's step: from its `run_spk` to the first one into Lava, as a port's `recv`."""
    calls = traceback.extract_stack(frame)
    step = next((i + 1 for i, call in enumerate(calls) if call.name == COUNTED), 0)
    lava = next((i + 1 for i, call in enumerate(calls) if i > step and LAVA in call.filename), len(calls))
    return "".join(traceback.format_list(calls[step:lava][-STACK_ENTRIES:]))


def causes_of_death(actors: Sequence[Actor]) -> tuple[Violation, ...]:
    """Return why actors ended before the run did: those that left a traceback, else all that have ended."""
    ended = [(actor.name, actor.process.exitcode) for actor in actors if not actor.process.is_alive()]
    ended.sort(key=lambda each: not each[1])  # who ended in good order last: it may be because another one failed
    return tracebacks(actors) or tuple(_vanished(name, exit_code) for name, exit_code in ended)


def tracebacks(actors: Sequence[Actor]) -> tuple[Violation, ...]:
    """Collect the last words of the actors that raised something."""
    return tuple(
        _raised(actor.name, words) for actor in actors if not actor.process.is_alive() and (words := actor.said())
    )


def _raised(name: str, words: str) -> Violation:
    error = words.splitlines()[-1]
    return Violation(
        name, "run its process model without an exception", f"{error}\n{words}", "Mend the model or what it was given."
    )


def _vanished(name: str, exit_code: int | None) -> Violation:
    if exit_code is not None and exit_code < 0:
        got = signal_name(-exit_code)
        mend = (
            "Something killed it. If it was the kernel for want of memory, use smaller batches or a smaller"
            " compile_config['pypy_channel_size']."
            if got == "SIGKILL"
            else "Native code that it calls broke down."
        )
    else:
        got, mend = f"exit code {exit_code}", "A process model must not end its process."
    return Violation(name, "have a process that lives until the run ends", got, mend)


def signal_name(number: int) -> str:
    """Name a signal as the system's manual does, as SIGKILL; real-time ones by their number."""
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def where_they_stand(actors: Sequence[Actor], progress: StepProgress) -> str:
    """Ask the actors that have finished the fewest steps what they do, and show those first that wait for no other."""
    steps = {actor: int(progress.counters.values[actor.counter]) for actor in actors if actor.counter is not None}
    behind = [actor for actor, n in steps.items() if n == min(steps.values())] or list(actors)
    stacks = _stacks([actor for actor in behind if actor.process.is_alive()])
    shown = sorted(stacks, key=lambda actor: LAVA in stacks[actor])[:SHOWN_ACTORS]
    lines = [f"{actor.name}, {steps.get(actor, 0)} steps finished, in\n  {stacks[actor]}" for actor in shown]
    return "\n".join([*lines, f"({len(stacks) - len(shown)} more)"] if len(stacks) > len(shown) else lines)


def _stacks(actors: Sequence[Actor]) -> dict[Actor, str]:
    for actor in actors:
        assert actor.process.pid is not None  # it was started
        os.kill(actor.process.pid, signal.SIGUSR1)
    deadline = time.monotonic() + ANSWER_SECONDS
    silent = {actor.words: actor for actor in actors}
    stacks = dict.fromkeys(actors, "native code")
    while silent and (left := deadline - time.monotonic()) > 0:
        for words in wait(list(silent), left):
            assert isinstance(words, int)
            actor = silent.pop(words)
            stacks[actor] = actor.said()
    return stacks
