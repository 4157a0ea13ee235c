"""Independent calls and who does them: this process, or workers behind the same small interface (`dask_pool.py`).

A pool takes calls, and gives back each one's result when it is there, whichever comes first. `in_order` puts results back into
the order of the calls, with no more of them under way than the workers need. This module knows nothing of Dask.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from ...base.arrays import Record
from ...base.errors import NeuroPinnError

CALLS_PER_WORKER = 2
"""Calls under way for each worker: one that runs, and one that waits with its data there."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call(Record):
    """A function with its arguments; function, arguments and result can be pickled, and calling it twice does no harm."""

    name: str
    """Unique within its pool, in words: it stands in errors and on Dask's pages."""
    function: Callable[..., Any]
    """A function that can be imported."""
    arguments: tuple[Any, ...] = ()
    """Its positional arguments."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome(Record):
    """How a call ended."""

    name: str
    """The call's name."""
    value: Any = None
    """What the function returned."""
    error: NeuroPinnError | None = None
    """What it raised, if that is one of the package's own errors; any other exception ends the caller's work."""


class TaskPool(Protocol):
    """Who does calls."""

    @property
    def n_workers(self) -> int:
        """How many calls are done at the same time."""

    def submit(self, call: Call) -> None:
        """Take a call; it starts when a worker is free."""

    def next_outcome(self) -> Outcome:
        """Wait until one of the submitted calls has ended, and give that one."""


class LocalPool:
    """Does one call after the other in this process, when its outcome is asked for."""

    n_workers = 1

    def __init__(self) -> None:
        self._waiting: deque[Call] = deque()

    def submit(self, call: Call) -> None:
        """Remember a call; nothing runs before its outcome is asked for."""
        self._waiting.append(call)

    def next_outcome(self) -> Outcome:
        """Run the call that was submitted first and has not run yet."""
        call = self._waiting.popleft()
        try:
            return Outcome(name=call.name, value=call.function(*call.arguments))
        except NeuroPinnError as error:
            return Outcome(name=call.name, error=error)


def in_order(pool: TaskPool, calls: Iterable[Call]) -> Iterator[Any]:
    """Do calls in a pool that has no others, and yield their results in the order of the calls.

    `calls` is read as results are taken, so that a long stream needs the memory of a few calls only.

    Raises:
        Exception: What the first call that fails, in their order, raised, or what reading the next call raised: the results
            before it have been yielded.
    """
    window, remaining = CALLS_PER_WORKER * pool.n_workers, _until_error(calls)
    wanted: deque[str | Exception] = deque()
    held: dict[str, Outcome] = {}
    while True:
        while len(wanted) < window and (call := next(remaining, None)) is not None:
            wanted.append(call if isinstance(call, Exception) else call.name)
            if isinstance(call, Call):
                pool.submit(call)
        if not wanted:
            return
        name = wanted.popleft()
        if isinstance(name, Exception):
            raise name
        while name not in held:
            outcome = pool.next_outcome()
            held[outcome.name] = outcome
        outcome = held.pop(name)
        if outcome.error is not None:
            raise outcome.error
        yield outcome.value


def _until_error(calls: Iterable[Call]) -> Iterator[Call | Exception]:
    """Give calls, and as the last one what reading them raises, so that it waits for its turn."""
    try:
        yield from calls
    except Exception as error:
        yield error
