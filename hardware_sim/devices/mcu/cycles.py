"""Estimated cycles of a Cortex-M0/M0+ and a Cortex-M4 from the instruction timings in their manuals.

    cycles = sum over the executed instructions of their cycles in the table

An instruction has a lowest and a highest number, and so has their sum:

    cortex-m0   lowest: Cortex-M0+ with the multiplier of one cycle;  highest: Cortex-M0 with the one of 32 cycles
    cortex-m4   lowest: loads and stores overlap, the pipeline refills in 1 cycle, results are used later;
                highest: none overlaps, it refills in 3 cycles, divisions take 12, float results are used at once

Both assume that memory has no wait states. A chip whose flash has some, behind a cache or not, takes longer: the manuals of the
processors say nothing on it. So this is an estimate with its range, and no measurement.

Sources: Cortex-M0+ Technical Reference Manual, ARM DDI 0484C, table 3-1; Cortex-M0, ARM DDI 0432C, table 3-1; Cortex-M4,
ARM 100166_0001, tables 3-1 (instructions) and 7-1 (floating-point unit).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ....base.arrays import Record
from .decoding import Decoder, Instruction
from .device import Device
from .emulator import START, Block, Passage

REFILL = (1, 3)
"""Cycles in which the Cortex-M4 refills its pipeline after a jump, P in the manual's table."""
CONDITIONS = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"
"""Conditions of a jump, as suffixes."""

_CONDITIONAL_JUMP = re.compile(rf"(b|bl|bx|blx|pop|ldm|ldr|mov)({CONDITIONS})(\.[nw])?|cbn?z")
"""Mnemonics that jump or not; all but the first four only where they write the program counter."""

Cycles = tuple[int, int]
"""Lowest and highest number of cycles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleEstimate(Record):
    """Estimated cycles of some instructions; not a measurement."""

    lowest: int
    """Number of cycles at least, without wait states."""
    highest: int
    """Number of cycles at most, without wait states."""


class CycleModel:
    """The timings of a device's instructions, for the blocks of one program."""

    def __init__(self, device: Device, decoder: Decoder) -> None:
        """Choose the table of a device.

        Args:
            device: The processor; one without a table has no estimate.
            decoder: Knows the instructions of the program's blocks.
        """
        self._table = _TABLES.get(device.name)
        self._decoder = decoder
        self._known: dict[Block, Cycles] = {}

    @property
    def is_known(self) -> bool:
        """Whether the device has a table."""
        return self._table is not None

    def estimate(self, passages: Mapping[Passage, int]) -> CycleEstimate | None:
        """Estimate the cycles of executed blocks; the jump that ends a block was taken unless the next one lies behind it."""
        if self._table is None:
            return None
        lowest = highest = 0
        for passage, n in passages.items():
            for sign, (low, high) in ((1, self._cycles(passage.block)), (-1, self._excess(passage))):
                lowest, highest = lowest + sign * n * low, highest + sign * n * high
        return CycleEstimate(lowest=lowest, highest=highest)

    def _cycles(self, block: Block) -> Cycles:
        """Return the cycles of a block's instructions, its jump taken."""
        assert self._table is not None, "asked of a device with a table"
        if block not in self._known:
            each = [self._table(instruction) for instruction in self._decoder.instructions(block)]
            self._known[block] = sum(low for low, _ in each), sum(high for _, high in each)
        return self._known[block]

    def _excess(self, passage: Passage) -> Cycles:
        """Return the cycles counted too much for a conditional jump at the end of the block before, if it was not taken."""
        assert self._table is not None, "asked of a device with a table"
        before = passage.before
        if before == START or before.address + before.size != passage.block.address:
            return 0, 0
        last = self._decoder.instructions(before)[-1]
        is_jump = last.name.startswith(("b", "cb")) or "pc" in last.operands
        if not is_jump or not _CONDITIONAL_JUMP.fullmatch(last.name):
            return 0, 0
        low, high = self._table(last)
        return low - 1, high - 1


def _m0_cycles(instruction: Instruction) -> Cycles:
    """Return the cycles of an instruction on Cortex-M0+ and on Cortex-M0, jumps taken."""
    name, operands = instruction
    n = operands.count(",") + 1
    if name.startswith(("push", "stm", "ldm")):
        return 1 + n - name.startswith(("stm", "ldm")), 1 + n - name.startswith(("stm", "ldm"))
    if name.startswith("pop"):
        return (2 + n, 4 + n) if "pc" in operands else (1 + n, 1 + n)  # 3 + N or 4 + N; N with the counter or without
    if name.startswith(("ldr", "str")):
        return 2, 2
    if name.startswith("mul"):
        return 1, 32
    if name == "bl":
        return 3, 4
    if name in ("b", "bx", "blx") or re.fullmatch(rf"b({CONDITIONS})", name) or _writes_pc(operands):
        return 2, 3
    return (3, 4) if name in ("mrs", "msr", "dsb", "dmb", "isb") else (1, 1)


def _writes_pc(operands: str) -> bool:
    return operands.startswith("pc,")


def _m4_cycles(instruction: Instruction) -> Cycles:
    """Return the cycles of an instruction on Cortex-M4, at least and at most, jumps taken."""
    name, operands = instruction
    if name.startswith("v"):
        return _m4_float_cycles(name, operands)
    n = operands.count(",") + 1
    if name.startswith(("push", "stm", "ldm", "pop")):
        n += 1 - name.startswith(("stm", "ldm"))
        return (n + REFILL[0], n + REFILL[1]) if "pc" in operands and not name.startswith("push") else (n, n)
    if name.startswith(("ldrd", "strd")):
        return 2, 3
    if name.startswith(("ldr", "str")):
        return (2 + REFILL[0], 2 + REFILL[1]) if _writes_pc(operands) else (1, 2)
    if name.startswith(("tbb", "tbh")):
        return 2 + REFILL[0], 2 + REFILL[1]
    if name.startswith(("sdiv", "udiv")):
        return 2, 12
    if name.startswith("it"):
        return 0, 1
    is_jump = re.fullmatch(rf"(b|bl|bx|blx)({CONDITIONS})?(\.[nw])?|cbn?z", name) or _writes_pc(operands)
    return (1 + REFILL[0], 1 + REFILL[1]) if is_jump else (1, 1)


def _m4_float_cycles(name: str, operands: str) -> Cycles:
    """Return the cycles of an instruction of the floating-point unit; its result may stall the next one for a cycle."""
    n = operands.count(",") + 1
    if name.startswith(("vpush", "vpop", "vldm", "vstm")):
        return 1 + n, 1 + n
    if name.startswith(("vldr", "vstr")):
        return 1, 2
    if name.startswith(("vdiv", "vsqrt")):
        return 14, 15
    if name.startswith(("vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms", "vfnma", "vfnms")):
        return 3, 4
    return (1, 1) if name.startswith("vmrs") else (1, 2)


_TABLES: dict[str, Callable[[Instruction], Cycles]] = {"cortex-m0": _m0_cycles, "cortex-m4": _m4_cycles}
