"""Wait for a run's last step, for the end of a process, and for the caller's questions.

The supervisor is the parent of a run's processes, so that it learns at once of each that ends. It waits without a clock
and uses no processor meanwhile; the caller decides when a run has taken too long (`run_monitor`). Lava's runtime and the tokens
of Lava's messages are passed to it.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from ...base.arrays import Record
from ...base.errors import Violation
from .actors import Actor, collect_tracebacks, describe_positions, find_causes
from .process_group import POLL_SECONDS
from .run_monitor import RunPosition
from .shared_arrays import StepProgress

STOP_SECONDS = 2.0
"""Seconds that models may take to end after the last step; then they are killed."""
DYING_SECONDS = 0.5
"""Seconds that the process that caused a failure may take to end with an exit code that is not 0."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tokens(Record):
    """The messages between Lava's runtime and its services, as far as they matter here."""

    stop: Any
    """The command to end."""
    ends: frozenset[float]
    """The responses after which a service has nothing left to do: the steps are over, or a model wants to stop."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Supervisor(Record):
    """A run that has been started."""

    runtime: Any
    """Lava's runtime, which has been started."""
    actors: tuple[Actor, ...]
    """All processes of the run."""
    steps: StepProgress
    """Counters of the steps that the actors have finished."""
    caller: Connection
    """Connection to the caller, who asks by any message where the run stands."""
    news: int
    """File descriptor that is readable after a service has sent something."""
    tokens: Tokens
    """Lava's tokens that end a run."""

    def until_last_step(self) -> tuple[Violation, ...]:
        """Return nothing when every service has reported the end, or why one never will.

        Raises:
            EOFError: If the caller has died.
        """
        deaths = [actor.process.sentinel for actor in self.actors]
        unfinished = list(self.runtime.service_to_runtime)
        while unfinished:
            ready = wait([self.caller, self.news, *deaths])
            if self.caller in ready:
                self.caller.recv()
                self.caller.send(RunPosition(stacks=describe_positions(self.actors, self.steps)))
            if any(death in ready for death in deaths):
                return self._find_causes()
            if self.news in ready:
                os.read(self.news, 1 << 10)
                spoken = [port for port in unfinished if port.probe()]
                if any(port.recv().item() not in self.tokens.ends for port in spoken):
                    return self._find_causes()
                unfinished = [port for port in unfinished if port not in spoken]
        return ()

    def stop(self) -> tuple[Violation, ...]:
        """Ask the models to end, and return the tracebacks of those that raise; the others are killed later."""
        for port in self.runtime.runtime_to_service:
            port.send(self.tokens.stop)
        deadline = time.monotonic() + STOP_SECONDS
        for actor in self.actors:
            actor.process.join(max(0.0, deadline - time.monotonic()))
        return collect_tracebacks(self.actors)

    def _find_causes(self) -> tuple[Violation, ...]:
        """Wait until the process at fault has ended, which Lava's service may report before, and return the causes."""
        deadline = time.monotonic() + DYING_SECONDS
        while not any(actor.process.exitcode for actor in self.actors) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return find_causes(self.actors) or (SERVICE_FAILED,)


SERVICE_FAILED = Violation(
    "Lava's runtime service",
    "report the end of the steps",
    "an error that no process model explains",
    "Run fewer of the graph's processes to find the one at fault.",
)
