"""Monitor a run from the caller's process: report its progress, and distinguish a hang from slow work.

A run continues while its processes finish steps or use the processor; the clock alone ends it only if the caller set a limit.
The messages of the run's supervisor are defined here: how many models count steps, where they stand, how the run ended.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from ...base.arrays import Record
from ...base.errors import SpecError, Violation
from .actors import signal_name
from .process_group import ProcessGroup
from .shared_arrays import StepProgress

TICK_SECONDS = 0.05
"""Seconds between two readings of the counters."""
WINDOWS = 8
"""Number of readings of the processor time within `stall_seconds`."""
IDLE_SHARE = 0.01
"""Share of one core over a window above which a run works: waiting processes use none, a thread that polls uses less."""
ANSWER_SECONDS = 2.0
"""Seconds that a supervisor may take to report where its run stands."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunLimits(Record):
    """The limits after which a run is ended."""

    stall_seconds: float
    """Seconds without a finished step and without use of the processor; positive."""
    time_limit: float | None
    """Seconds for the whole run, whatever it does; None for as long as it takes."""

    def __post_init__(self) -> None:
        for name in ("stall_seconds", "time_limit"):
            seconds = getattr(self, name)
            if seconds is not None and not 0 < seconds <= math.inf:
                raise SpecError(f"run_graph.{name}", "be a positive time", seconds, "Give seconds, as 60.0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Record):
    """The supervisor has started every process of the graph."""

    n_counters: int
    """Number of processes that count steps; they use the first counters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPosition(Record):
    """The supervisor's answer to the question where the run stands."""

    stacks: str
    """Stacks of the processes that are furthest behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Record):
    """The run is over."""

    violations: tuple[Violation, ...]
    """Reasons why the run failed; empty if it did not."""


@dataclass(slots=True, kw_only=True)
class RunMonitor:
    """The state of a run in its caller's process."""

    group: ProcessGroup
    supervisor: Connection
    """Connection that sends `RunStarted`, `RunEnded`, and a `RunPosition` in answer to any message."""
    steps: StepProgress
    """Lava's steps, counted by the actors."""
    caller_steps: StepProgress | None
    """What the caller's own process models count."""
    n_steps: int
    limits: RunLimits
    on_progress: Callable[[int], None] | None
    n_counters: int = 0
    n_reported: int = 0

    def until_end(self, check_interrupt: Callable[[], None]) -> tuple[Violation, ...]:
        """Wait until the run ends or is given up; return why it failed, or nothing.

        Args:
            check_interrupt: Raises KeyboardInterrupt if the user wants to stop.
        """
        begin = time.monotonic()
        stall_clock = _StallClock(self, begin)
        while True:
            wait([self.supervisor, self.group.sentinel], TICK_SECONDS)
            check_interrupt()
            ended = self.read_messages()
            self.report_progress()
            if ended is not None:
                return ended.violations
            now = time.monotonic()
            if self.limits.time_limit is not None and now - begin >= self.limits.time_limit:
                return self.give_up("end within time_limit", "Raise time_limit, or give the run less to do.")
            if stall_clock.seconds_idle(now) >= self.limits.stall_seconds:
                rule = f"finish a step or use the processor within {self.limits.stall_seconds:g} s"
                return self.give_up(rule, REPAIR_STALL if self.n_counters else REPAIR_START)

    def read_messages(self) -> RunEnded | None:
        """Read what the supervisor has sent; return the end of the run, which its death is too."""
        alive = self.group.is_alive()
        with contextlib.suppress(EOFError, OSError):
            while self.supervisor.poll():
                message = self.supervisor.recv()
                if isinstance(message, RunEnded):
                    return message
                if isinstance(message, RunStarted):
                    self.n_counters = message.n_counters
        return None if alive else RunEnded(violations=(_supervisor_violation(self.group.exit_code),))

    def completed(self) -> int:
        """Return the number of steps that every process of the graph has finished."""
        return self.steps.completed(self.n_counters) if self.caller_steps is None else self.caller_steps.completed()

    def report_progress(self) -> None:
        """Call `on_progress` if a step was finished since the last call."""
        steps = self.completed()
        if steps != self.n_reported and self.on_progress is not None:
            self.n_reported = steps
            self.on_progress(steps)

    def give_up(self, rule: str, repair: str) -> tuple[Violation, ...]:
        """Return the error of a run that exceeds a limit, with its position; a run that has just ended returns its own."""
        stacks = "no answer: it is compiling, or starting its processes"
        deadline = time.monotonic() + ANSWER_SECONDS
        with contextlib.suppress(EOFError, OSError):
            self.supervisor.send("where?")
            while self.supervisor.poll(max(0.0, deadline - time.monotonic())):
                message = self.supervisor.recv()
                if isinstance(message, RunEnded):
                    return message.violations
                if isinstance(message, RunPosition):
                    stacks = message.stacks
                    break
        done = self.steps.completed(self.n_counters)
        return (Violation("Lava run", rule, f"{done} of {self.n_steps} steps; furthest behind are\n{stacks}", repair),)


REPAIR_START = "What compiles the graph, or builds its models, waits for something: give it what it waits for."
REPAIR_STALL = (
    "A process that does not send in a step leaves its receivers waiting: send in every step, zeros if nothing"
    " else. A model that waits for something outside needs a larger stall_seconds."
)


class _StallClock:
    """The time since a run last finished a step or used the processor."""

    def __init__(self, monitor: RunMonitor, now: float) -> None:
        self._monitor = monitor
        self._active_at = now
        self._steps = self._count()
        self._read_at = now
        self._cpu = 0.0

    def seconds_idle(self, now: float) -> float:
        """Return the seconds since a step was finished or the processor was used."""
        if (steps := self._count()) != self._steps:
            self._steps, self._active_at = steps, now
        window = self._monitor.limits.stall_seconds / WINDOWS
        if now - max(self._active_at, self._read_at) >= window:
            cpu = self._monitor.group.cpu_seconds()
            if cpu - self._cpu > IDLE_SHARE * (now - self._read_at):
                self._active_at = now
            self._cpu, self._read_at = cpu, now
        return now - self._active_at

    def _count(self) -> int:
        caller = self._monitor.caller_steps
        return self._monitor.steps.total + (caller.total if caller is not None else 0)


def _supervisor_violation(exit_code: int | None) -> Violation:
    got = signal_name(-exit_code) if exit_code is not None and exit_code < 0 else f"exit code {exit_code}"
    return Violation(
        "Lava run",
        "have a supervising process that lives until the run ends",
        got,
        "Something killed it. If it was the kernel for want of memory, use smaller batches.",
    )
