"""Values that belong to a stage of a pipeline, aligned by registers where they meet.

Every stage lasts one cycle and none ever stalls: what enters at stage 0 has been proved to find room at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from amaranth.hdl import Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib.memory import Memory

ROM_STAGES = 2
"""Cycles between an address and its word: block RAM answers late in a cycle, so that a register follows it."""


class Staged(NamedTuple):
    """A value, and the stage at which it belongs to the element that entered at stage 0."""

    value: Any
    stage: int


class Pipeline:
    """Builds registers into a module so that values of one element meet in one cycle; not to be called inside of an `m.If`."""

    def __init__(self, m: Module) -> None:
        self.m = m
        self._later: dict[int, Any] = {}
        self._held: list[Any] = []

    def at(self, staged: Staged, stage: int) -> Any:
        """Return the value delayed to a stage. Flags are reset, numbers are not: nobody looks at them without a flag."""
        value = staged.value
        assert stage >= staged.stage, "a pipeline has no way back"
        if isinstance(value, Const):
            return value
        for _ in range(stage - staged.stage):
            value = self._delayed(value)
        return value

    def _delayed(self, value: Any) -> Any:
        later = self._later.get(id(value))
        if later is None:
            value = Value.cast(value)
            later = Signal(value.shape(), reset_less=len(value) > 1, name=f"{getattr(value, 'name', 'value')}_d")
            self.m.d.sync += later.eq(value)
            self._later[id(value)] = later
            self._held.append(value)  # its id stays its own
        return later

    def compute(self, name: str, function: Callable[..., Any], *operands: Staged, shape: Any = None) -> Staged:
        """Register a function of values that meet at the latest of their stages; a shape truncates it."""
        stage = max(operand.stage for operand in operands)
        result = Value.cast(function(*(self.at(operand, stage) for operand in operands)))
        register = Signal(result.shape() if shape is None else shape, name=name, reset_less=len(result) > 1)
        self.m.d.sync += register.eq(result)
        return Staged(register, stage + 1)

    def look_up(self, name: str, values: Sequence[int], index: Staged, stage: int) -> Staged:
        """Read a table of constants, one for each index, so that the word is there at a stage; equal ones need no table."""
        shape = shape_of(values)
        if min(values) == max(values):
            return Staged(Const(int(values[0]), shape), stage)
        rom = add_memory(self.m, name, shape, len(values), values)
        port = rom.read_port()
        self.m.d.comb += port.addr.eq(self.at(index, stage - ROM_STAGES))
        return self.compute(f"{name}_word", lambda word: word, Staged(port.data, stage - 1))


def add_memory(m: Module, name: str, shape: Any, depth: int, values: Sequence[int] = (), style: str = "") -> Memory:
    """Add a memory to a module; `style` asks the synthesis for `block` or `distributed` RAM."""
    attributes = {"ram_style": style} if style else {}
    memory = Memory(shape=shape, depth=depth, init=[int(value) for value in values], attrs=attributes)
    m.submodules[name] = memory
    return memory


def index_bits(n: int) -> int:
    """Return the length of a number below n, at least one bit."""
    return max((n - 1).bit_length(), 1)


def shape_of(values: Sequence[int]) -> Shape:
    """Return the shortest word that holds every value; it has a sign where one of them is negative."""
    low, high = int(np.min(values)), int(np.max(values))
    if low >= 0:
        return unsigned(max(high.bit_length(), 1))
    return signed(max((-low - 1).bit_length(), max(high, 0).bit_length()) + 1)


def clipped(value: Any, bits: int) -> tuple[Any, Any]:
    """Return a signed value saturated to ±(2**(bits - 1) - 1), and whether that changed it."""
    highest = (1 << (bits - 1)) - 1
    if len(value) < bits:
        return value, Const(0)
    is_above, is_below = value > highest, value < -highest
    held = Mux(is_above, highest, Mux(is_below, -highest, value))
    return held[:bits].as_signed(), is_above | is_below


def floor_shifted(value: Any, down: int) -> Any:
    """Return floor(value / 2**down) of a signed value, in as many bits as that has."""
    return value[min(down, len(value) - 1) :].as_signed()
