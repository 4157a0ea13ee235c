"""A ring of slots that one unit fills and others empty, all in order: the only way in which units wait for each other.

The writer begins a slot and commits it later; several may be begun, and the oldest is committed first. A slot is free again
when every reader has left it. What a slot holds lies in memories beside the ring.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Elaboratable, Module, Signal


class RingReader:
    """One reader's view of a ring."""

    def __init__(self, bits: int) -> None:
        self.available = Signal()
        """Out: a committed slot is there."""
        self.slot = Signal(bits)
        """Out: its number."""
        self.leave = Signal()
        """In: the reader is done with it."""


class Ring(Elaboratable):
    """Pointers of a ring."""

    def __init__(self, depth: int, n_readers: int) -> None:
        """Make the pointers for `depth` slots, a power of two and at least 2."""
        self.depth, self.bits = depth, (depth - 1).bit_length()
        assert depth == 1 << self.bits, "slots are numbered by whole bits"
        self.has_space = Signal()
        """Out: a slot can be begun."""
        self.begin = Signal()
        """In: the writer begins a slot."""
        self.commit = Signal()
        """In: the oldest begun slot is complete."""
        self.slot = Signal(self.bits)
        """Out: number of the oldest slot that is begun and not committed."""
        self.readers = tuple(RingReader(self.bits) for _ in range(n_readers))

    def elaborate(self, platform: Any) -> Module:
        """Build the pointers, a bit longer than a slot's number so that full and empty differ."""
        m = Module()
        begun, committed = Signal(self.bits + 1), Signal(self.bits + 1)
        m.d.sync += [begun.eq(begun + self.begin), committed.eq(committed + self.commit)]
        is_full = []
        for k, reader in enumerate(self.readers):
            left = Signal(self.bits + 1, name=f"left{k}")
            m.d.sync += left.eq(left + reader.leave)
            m.d.comb += [reader.available.eq(left != committed), reader.slot.eq(left[: self.bits])]
            is_full.append((begun ^ left) == self.depth)
        m.d.comb += [self.slot.eq(committed[: self.bits]), self.has_space.eq(~Cat(*is_full).any())]
        return m


class StepReader:
    """One unit's view of the steps."""

    def __init__(self, ring: RingReader) -> None:
        self.ring = ring
        self.last = Signal()
        """Out: the step is the last one of its sample."""


class Steps(Elaboratable):
    """The steps that the inputs have started, each marked if it is the last one of its sample; every unit follows them."""

    DEPTH = 16
    """Number of steps by which one unit may be ahead of another."""

    def __init__(self, n_readers: int) -> None:
        self.ring = Ring(self.DEPTH, n_readers)
        self.push = Signal()
        """In: start a step; only where the ring has space."""
        self.last = Signal()
        """In: it is the last one."""
        self.readers = tuple(StepReader(each) for each in self.ring.readers)

    def elaborate(self, platform: Any) -> Module:
        """Build the ring and a flag for each slot."""
        m = Module()
        m.submodules.ring = self.ring
        flags = Signal(self.DEPTH)
        m.d.comb += [self.ring.begin.eq(self.push), self.ring.commit.eq(self.push)]
        with m.If(self.push):
            m.d.sync += flags.bit_select(self.ring.slot, 1).eq(self.last)
        for reader in self.readers:
            m.d.comb += reader.last.eq(flags.bit_select(reader.ring.slot, 1))
        return m
