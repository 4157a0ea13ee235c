"""What an input or a node sends, step by step: slots of events for connections, and of all values for products."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Elaboratable, Module, Signal, signed

from .pipeline import add_memory, index_bits
from .ring import Ring, RingReader, Steps


class EventReader:
    """A connection's view: the events of a step, in the order of their indices."""

    def __init__(self, ring: RingReader, width: int, bits: int) -> None:
        self.ring = ring
        self.count = Signal(range(width + 1))
        """Out: number of events."""
        self.at = Signal(index_bits(width))
        """In: which event is read."""
        self.index = Signal(index_bits(width))
        """Out: which value it is, a cycle later."""
        self.value = Signal(signed(bits))
        """Out: its value, a cycle later."""


class ValueReader:
    """A product's view: every value of a step."""

    def __init__(self, ring: RingReader, width: int, bits: int) -> None:
        self.ring = ring
        self.at = Signal(index_bits(width))
        """In: which value is read."""
        self.value = Signal(signed(bits))
        """Out: the value, a cycle later."""


class Source(Elaboratable):
    """Slots of one input or node."""

    def __init__(self, width: int, bits: int, depth: int, n_events: int, n_values: int) -> None:
        """Make slots of `width` values of `bits` bits for readers of events and of values."""
        self.width, self.bits = width, bits
        self.ring = Ring(depth, n_events + n_values)
        self.valid = Signal()
        """In: a value is sent; all of a step are, in the order of their indices."""
        self.index = Signal(index_bits(width))
        self.value = Signal(signed(bits))
        self.final = Signal()
        """In: it is the last of its step."""
        ends = self.ring.readers
        self.events = tuple(EventReader(each, width, bits) for each in ends[:n_events])
        self.values = tuple(ValueReader(each, width, bits) for each in ends[n_events:])

    def elaborate(self, platform: Any) -> Module:
        """Build the ring and its memories; what is sent is registered once, so that zero is found in a cycle of its own."""
        m = Module()
        m.submodules.ring = self.ring
        valid, final, is_event = Signal(), Signal(), Signal()
        index, value = Signal.like(self.index), Signal.like(self.value)
        m.d.sync += [
            valid.eq(self.valid),
            final.eq(self.valid & self.final),
            is_event.eq(self.valid & self.value.any()),
            index.eq(self.index),
            value.eq(self.value),
        ]
        m.d.comb += self.ring.commit.eq(final)
        if self.events:
            self._add_events(m, is_event, final, index, value)
        if self.values:
            self._add_values(m, valid, index, value)
        return m

    def _add_events(self, m: Module, is_event: Any, final: Any, index: Any, value: Any) -> None:
        counts = Array(Signal(range(self.width + 1), name=f"count{k}") for k in range(self.ring.depth))
        n = Signal(range(self.width + 1))
        n_after = Signal.like(n)
        m.d.comb += n_after.eq(n + is_event)
        m.d.sync += n.eq(n_after)
        with m.If(final):
            m.d.sync += [counts[self.ring.slot].eq(n_after), n.eq(0)]
        word = Cat(value, index)
        events = add_memory(m, "events", len(word), self.ring.depth << len(index))
        port = events.write_port()
        m.d.comb += [port.addr.eq(Cat(n[: len(index)], self.ring.slot)), port.data.eq(word), port.en.eq(is_event)]
        for reader in self.events:
            read = events.read_port()
            m.d.comb += [
                read.addr.eq(Cat(reader.at, reader.ring.slot)),
                reader.count.eq(counts[reader.ring.slot]),
                Cat(reader.value, reader.index).eq(read.data),
            ]

    def _add_values(self, m: Module, valid: Any, index: Any, value: Any) -> None:
        values = add_memory(m, "values", signed(self.bits), self.ring.depth << len(index))
        port = values.write_port()
        m.d.comb += [port.addr.eq(Cat(index, self.ring.slot)), port.data.eq(value), port.en.eq(valid)]
        for reader in self.values:
            read = values.read_port()
            m.d.comb += [read.addr.eq(Cat(reader.at, reader.ring.slot)), reader.value.eq(read.data)]


class Edge(Elaboratable):
    """The steps of a source as one unit receives them, a delay of d steps later.

    The first d steps of a sample are silent. Its last d steps are sent and never received: they are dropped.
    """

    def __init__(self, ring: RingReader, delay: int, is_constant: bool) -> None:
        """Follow a source; a constant input is there once a sample, and stays until its last step."""
        self.ring, self.delay, self.is_constant = ring, delay, is_constant
        self.ready = Signal()
        """Out: the step can be read."""
        self.silent = Signal()
        """Out: it is silent."""
        self.done = Signal()
        """In: the unit has read it."""
        self.last = Signal()
        """In: it is the last one of the sample."""

    def elaborate(self, platform: Any) -> Module:
        """Build a count of the silent steps and one of those to drop."""
        m = Module()
        leaves = self.done & (self.last | (not self.is_constant))
        if not self.delay:
            m.d.comb += [self.ready.eq(self.ring.available), self.ring.leave.eq(leaves)]
            return m
        waited = Signal(range(self.delay + 1))
        owed = Signal(range(Steps.DEPTH + 2 * self.delay + 1))
        drop = Signal()
        m.d.comb += [
            self.silent.eq(waited != self.delay),
            self.ready.eq(self.silent | (self.ring.available & (owed == 0))),
            drop.eq((owed != 0) & self.ring.available),
            self.ring.leave.eq(drop | (leaves & ~self.silent)),
        ]
        missed = Signal(range(self.delay + 1))
        m.d.comb += missed.eq(self.silent if self.is_constant else waited + self.silent)
        with m.If(self.done):
            m.d.sync += waited.eq(waited + self.silent)
        with m.If(self.done & self.last):
            m.d.sync += [waited.eq(0), owed.eq(owed + missed - drop)]
        with m.Else():
            m.d.sync += owed.eq(owed - drop)
        return m
