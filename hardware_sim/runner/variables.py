"""Variables of Lava processes that a run's caller reads at its end: shared memory that each process fills before it leaves.

A run happens in forked processes, so that Lava's own `Var.get` of the caller's graph returns initial values. What is wanted is
named before the run and copied by the process that owns it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.arrays import Record
from ...base.errors import SimulationError, SpecError
from .shared_arrays import SharedArray

TYPE_BYTES = 16
"""Room for the name of a numpy type, as `<i4`; all zeros where nothing was written."""
ITEM_BYTES = 16
"""Bytes of the longest number, complex128: the caller does not know which type a process model will choose."""
KEEPERS = ("lava.proc.io.sink", "lava.proc.monitor.process")
"""Lava's modules whose processes do nothing but keep values in variables."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WantedVariable(Record):
    """A variable whose value is wanted at the end of a run."""

    variable: Any
    """Lava's `Var`, in the caller's graph."""
    memory: SharedArray
    """The name of its type and its numbers as bytes."""

    @classmethod
    def of(cls, variable: Any) -> WantedVariable:
        """Allocate memory for a variable's value."""
        n_bytes = TYPE_BYTES + ITEM_BYTES * math.prod(variable.shape)
        return cls(variable=variable, memory=SharedArray.zeros(n_bytes, np.uint8))

    def is_kept_by(self, process: Any) -> bool:
        """Return whether a process of the compiled graph keeps the value; a layer of Dense and neurons has an alias only."""
        return self._owned().process is process

    def write(self, model: Any) -> None:
        """Copy the value from its process model; to be called in the model's process."""
        value = np.asarray(getattr(model, self._owned().name))
        if hasattr(self.variable, "decoded"):  # the compiler has just made it an alias, perhaps of a multiple
            value = self.variable.decoded(value)
        name, numbers = value.dtype.str.encode(), value.tobytes()
        self.memory.values[TYPE_BYTES : TYPE_BYTES + len(numbers)] = np.frombuffer(numbers, np.uint8)
        self.memory.values[: len(name)] = np.frombuffer(name, np.uint8)

    def value(self) -> NDArray[Any]:
        """Return a copy of what was written.

        Raises:
            SimulationError: If nothing was, because the process was killed before its end.
        """
        name = self.memory.values[:TYPE_BYTES].tobytes().rstrip(b"\0").decode()
        if not name:
            where, repair = f"run_graph.read: variable {self.variable.name!r}", "Have its model end when Lava stops it."
            raise SimulationError(
                where, "be one of a process that ends in good order", "a process that was killed", repair
            )
        n = math.prod(self.variable.shape)
        return np.frombuffer(self.memory.values[TYPE_BYTES:].tobytes(), name, n).reshape(self.variable.shape)

    def _owned(self) -> Any:
        """Follow Lava's aliases, which the compiler sets, to the variable of the process that has a model."""
        variable = self.variable
        while variable.aliased_var is not None:
            variable = variable.aliased_var
        return variable


def wanted_variables(processes: Iterable[Any], read: Sequence[Any]) -> tuple[WantedVariable, ...]:
    """Allocate memory for the variables that are read at the end, and refuse a graph whose results would be lost.

    Args:
        processes: All processes of the graph.
        read: Lava's variables, each of one of the processes.

    Raises:
        SpecError: If a variable is of no process of the graph, or nothing is read of a process that only keeps values.
    """
    graph = list(processes)
    for variable in read:
        if not any(getattr(variable, "process", None) is process for process in graph):
            repair = "Pass variables of this graph, as `sink.data`."
            raise SpecError("run_graph.read", "name variables of processes of the graph", repr(variable), repair)
    for process in graph:
        is_keeper = any(base.__module__ in KEEPERS for base in type(process).__mro__)
        if is_keeper and not any(variable.process is process for variable in read):
            repair = (
                "Read it at the end, as `(data,) = run_graph(sink, ..., read=(sink.data,))`, or have a model of your own"
                " write into a SharedArray."
            )
            rule = "name a variable of each sink, because the run happens in forked processes and `Var.get` sees none of it"
            raise SpecError("run_graph.read", rule, f"none of {type(process).__name__} {process.name!r}", repair)
    return tuple(map(WantedVariable.of, read))
