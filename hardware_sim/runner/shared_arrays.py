"""Memory that a run's processes write and its caller reads: arrays, and counters of finished steps.

Both lie in anonymous shared mappings, which every process forked later has too. They have no name, in `/dev/shm` or anywhere,
so that nothing can be left of them: the kernel frees them with the last process that holds them.
"""

from __future__ import annotations

import math
import mmap
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...base.arrays import Record
from ...base.errors import SimulationError, SpecError


@dataclass(frozen=True, slots=True, eq=False)
class SharedArray(Record):
    """An array that processes forked after its making write and read in place.

    Pass it to process models through `proc_params` and use its `values` there. It reaches processes by `fork` alone:
    pickling it would make a silent copy, and is refused.
    """

    values: NDArray[Any]
    """The memory itself, writable. It lives as long as this array or a view of it."""

    @classmethod
    def zeros(cls, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> SharedArray:
        """Allocate an array of zeros; pages that are never written take no memory.

        Args:
            shape: Lengths of its axes; may be empty.
            dtype: Any type of fixed size, so no objects.

        Raises:
            SpecError: If the type holds Python objects.
            SimulationError: If there is not enough memory.
        """
        kind = np.dtype(dtype)
        if kind.hasobject:
            raise SpecError("SharedArray.dtype", "have elements of a fixed size", kind, "Choose a number or a bool.")
        size = math.prod(shape) if isinstance(shape, tuple) else shape
        memory = shared_memory("SharedArray", size * kind.itemsize)
        return cls(np.frombuffer(memory, dtype=kind, count=size).reshape(shape))

    def __reduce__(self) -> NoReturn:
        raise SimulationError(
            "SharedArray",
            "reach other processes by fork, never by a pickle or a deep copy",
            f"shape {self.values.shape}, {self.values.dtype}",
            "Copy what it holds with `array.values.copy()`.",
        )


@dataclass(frozen=True, slots=True, eq=False)
class StepProgress(Record):
    """Counts of finished steps, one for each process model, written by them and read by whoever waits."""

    counters: SharedArray
    """Finished steps, shape (n_models,), int64. Each is written by one process only, so that no lock is needed."""

    @classmethod
    def for_models(cls, n_models: int) -> StepProgress:
        """Allocate counters at zero for `n_models` models.

        Raises:
            SpecError: If there are none.
        """
        if n_models < 1:
            raise SpecError("StepProgress.counters", "have one entry for each model", n_models, "Count at least one.")
        return cls(SharedArray.zeros(n_models, np.int64))

    def advance(self, model: int, n_steps: int = 1) -> None:
        """Count steps of the model with this index as finished; to be called in its own process."""
        self.counters.values[model] += n_steps

    def completed(self, n_models: int | None = None) -> int:
        """Return how many steps all of the first `n_models` models have finished (default: all models)."""
        counted = self.counters.values[:n_models]
        return int(counted.min()) if counted.size else 0

    @property
    def total(self) -> int:
        """The steps of all models together, which grow while any of them works."""
        return int(self.counters.values.sum())


def shared_memory(where: str, n_bytes: int) -> mmap.mmap:
    """Map zeroed memory that is shared with every process forked later.

    Args:
        where: What it is for, as an error would name it.
        n_bytes: Its size; a mapping cannot be empty, so that 0 gives 1.

    Raises:
        SimulationError: If the system refuses.
    """
    try:
        return mmap.mmap(-1, max(1, n_bytes))
    except (OSError, OverflowError, ValueError) as error:
        raise SimulationError(
            where,
            "fit into the machine's shared memory",
            f"{n_bytes} bytes ({error})",
            "Use smaller batches or shapes, or a smaller compile_config['pypy_channel_size'].",
        ) from error
