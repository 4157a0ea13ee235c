"""Independent calls in a pool: this process, or workers behind the same small interface (`dask_pool.py`).

A pool takes calls, and returns each one's result when it is there, whichever comes first. `in_order` puts results back into the
order of the calls, with no more of them under way than the workers need.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from ...base.errors import NeuroPinnError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """A function with its arguments; function, arguments and result can be pickled, and calling it twice does no harm."""

    name: str
    """Name of the call, unique within its pool; it stands in errors and on Dask's pages."""
    function: Callable[..., Any]
    """A function that can be imported."""
    arguments: tuple[Any, ...] = ()
    """Positional arguments of the function."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """The result of a call, or its error."""

    name: str
    """Name of the call."""
    value: Any = None
    """Value that the function returned."""
    error: NeuroPinnError | None = None
    """Error that it raised, if that is one of the package's own; any other exception ends the caller's work."""


class TaskPool(Protocol):
    """A pool that does calls."""

    @property
    def n_under_way(self) -> int:
        """Number of calls that should be submitted at the same time, so that no worker waits."""

    def submit(self, call: Call) -> None:
        """Take a call; it starts when a worker is free."""

    def next_outcome(self) -> Outcome:
        """Wait until one of the submitted calls has ended, and return its outcome."""


class LocalPool:
    """Does one call after the other in this process, when its outcome is asked for."""

    n_under_way = 1

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
    """Run calls in a pool that has no others, and yield their results in the order of the calls.

    `calls` is read as results are taken, so that a long stream needs the memory of a few calls only.

    Raises:
        Exception: What the first call that fails, in their order, raised, or what reading the next call raised: the results
            before it have been yielded.
    """
    remaining = _until_error(calls)
    wanted: deque[str | Exception] = deque()
    held: dict[str, Outcome] = {}
    while True:
        while len(wanted) < pool.n_under_way and (call := next(remaining, None)) is not None:
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
    """Yield calls, and as the last one the exception that reading them raises, so that it waits for its turn."""
    try:
        yield from calls
    except Exception as error:
        yield error
