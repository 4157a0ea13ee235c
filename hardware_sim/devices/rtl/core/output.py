"""The read-out: its drives, added over the steps, or those of the last step, or all of them, sent out as a stream of words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, signed

from .....network.spec import Readout
from ...integer_plan import OutputPlan
from .connection import Connection
from .drain import Drain, NodeRecord
from .drive import build_drive, connect
from .pipeline import Pipeline, Staged, add_memory, index_bits
from .ring import Ring

N_SLOTS = 2
SUM_BITS = 64
"""Length of a sum over a number of steps that is not known."""


def output_bits(plan: OutputPlan, n_steps: int | None) -> int:
    """Return the bits of an output word before it is filled up to bytes."""
    bits = plan.affine.state.bits
    if plan.readout is not Readout.MEAN:
        return bits
    return SUM_BITS if n_steps is None else bits + (n_steps - 1).bit_length()


class Output(Elaboratable):
    """The sums of the read-out and the stream that leaves."""

    def __init__(self, plan: OutputPlan, n_steps: int | None, connections: Sequence[Connection], drain: Drain) -> None:
        self.plan, self.connections, self.drain = plan, connections, drain
        self.adds = plan.readout is Readout.MEAN and n_steps != 1
        self.bits = output_bits(plan, n_steps)
        self.record = NodeRecord("output")
        self.valid, self.ready = Signal(), Signal()
        self.data = Signal(signed(-(-self.bits // 8) * 8))
        self.last = Signal()
        """Out: the word is the last one of its sample."""

    def elaborate(self, platform: Any) -> Module:
        """Build the node; slots of words wait for the receiver."""
        m = Module()
        m.submodules.drain = self.drain
        m.submodules.ring = ring = Ring(N_SLOTS, 1)
        drain, pipe = self.drain, Pipeline(m)
        index, valid = Staged(drain.index, 0), Staged(drain.valid, 0)
        has_products = connect(m, self.connections, drain)
        emits = Const(1) if self.plan.readout is Readout.EVERY else drain.step.last
        m.d.comb += [
            drain.ready.eq(has_products & (ring.has_space | ~emits)),
            ring.begin.eq(drain.begin & emits),
        ]
        drive = build_drive(pipe, self.plan.affine, self.connections, index)
        word = self._add(m, pipe, drive.z, index, valid) if self.adds else drive.z
        kept = pipe.at(Staged(drain.valid & emits, 0), word.stage)
        m.d.comb += ring.commit.eq(pipe.at(Staged(drain.final & emits, 0), word.stage))
        self._stream(m, pipe, ring, word, index, kept)
        self.record.connect(m, pipe, valid, drive.z, {"saturated_drive": drive.saturated})
        return m

    def _add(self, m: Module, pipe: Pipeline, z: Staged, index: Staged, valid: Staged) -> Staged:
        """Add the drives of a sample's steps, neuron by neuron."""
        sums = add_memory(m, "sums", signed(self.bits), 1 << index_bits(self.plan.n_out), style="distributed")
        write = sums.write_port()
        before = sums.read_port(transparent_for=(write,) if self.plan.n_out == 1 else ())
        is_first = pipe.at(Staged(self.drain.is_first_step, 0), z.stage)
        total = Signal(signed(self.bits))
        m.d.comb += [
            before.addr.eq(pipe.at(index, z.stage - 1)),
            total.eq(Mux(is_first, 0, before.data) + z.value),
            write.addr.eq(pipe.at(index, z.stage)),
            write.data.eq(total),
            write.en.eq(pipe.at(valid, z.stage)),
        ]
        return Staged(total, z.stage)

    def _stream(self, m: Module, pipe: Pipeline, ring: Ring, word: Staged, index: Staged, kept: Any) -> None:
        """Keep words in slots, and send them in order."""
        reader, at = ring.readers[0], Signal(index_bits(self.plan.n_out))
        lasts = Signal(N_SLOTS)
        words = add_memory(m, "words", signed(self.bits), N_SLOTS << len(at), style="distributed")
        write, read = words.write_port(), words.read_port(domain="comb")
        is_last_step = pipe.at(Staged(self.drain.step.last, 0), word.stage)
        is_final = at == self.plan.n_out - 1
        m.d.comb += [
            write.addr.eq(Cat(pipe.at(index, word.stage), ring.slot)),
            write.data.eq(word.value),
            write.en.eq(kept),
            read.addr.eq(Cat(at, reader.slot)),
            self.valid.eq(reader.available),
            self.data.eq(read.data),
            self.last.eq(is_final & lasts.bit_select(reader.slot, 1)),
            reader.leave.eq(self.valid & self.ready & is_final),
        ]
        with m.If(kept):
            m.d.sync += lasts.bit_select(ring.slot, 1).eq(is_last_step)
        with m.If(self.valid & self.ready):
            m.d.sync += at.eq(Mux(is_final, 0, at + 1))
