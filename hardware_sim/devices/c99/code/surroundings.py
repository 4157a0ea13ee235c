"""What the code of every node refers to: the network, its names, its memory, and the arrays that its sources send."""

from __future__ import annotations

from dataclasses import dataclass

from .....base.arrays import Record
from ...integer_plan import IntegerPlan
from .memory import StateLayout
from .names import Names
from .phi import PhiCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings(Record):
    """What the code of every node refers to."""

    plan: IntegerPlan
    """Integer plan of the network."""
    names: Names
    """Names of the network in C."""
    layout: StateLayout
    """Layout of the state in memory."""
    payloads: tuple[PhiCode, ...]
    """Code of the payload tables, by number."""

    def source(self, name: str, delay: int) -> str:
        """Return the expression of the array that a source sent, some steps before."""
        part = self.names.nodes[name]
        if delay:
            longest, at = self.plan.lines[name], f"s->at_{part}"
            return f"s->line_{part}[({at} >= {delay}u) ? ({at} - {delay}u) : ({at} + {longest - delay}u)]"
        if name in self.layout.payloads:
            return f"s->{self.layout.payloads[name].name}"
        first = self._first_input(name)
        return f"&x[{first}]" if first else "x"

    def element(self, name: str) -> str:
        """Return the expression of element i of what a source sends in this step."""
        if name in self.layout.payloads:
            return f"s->{self.layout.payloads[name].name}[i]"
        first = self._first_input(name)
        return f"x[{first}u + i]" if first else "x[i]"

    def _first_input(self, name: str) -> int:
        """Return the number of the first component of an input among those of all inputs."""
        names = [each.name for each in self.plan.inputs]
        return sum(each.width for each in self.plan.inputs[: names.index(name)])
