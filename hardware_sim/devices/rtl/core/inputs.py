"""The stream of input words, dealt out to the inputs, and the steps that they start.

A sample is one word for each component, in the order of the inputs. With sequences a sample brings such a row for each step,
and the stream's last flag ends it with the last word of the last row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, signed

from .pipeline import index_bits
from .ring import Steps
from .source import Source


class Inputs(Elaboratable):
    """The receiving end."""

    def __init__(self, sources: Sequence[Source], steps: Steps, n_steps: int | None) -> None:
        self.sources, self.steps, self.n_steps = sources, steps, n_steps
        self.valid, self.ready = Signal(), Signal()
        self.data = Signal(signed(-(-max(each.bits for each in sources) // 8) * 8))
        self.last = Signal()
        """In: the word is the last one of its sample; read where the number of steps is not known."""

    def elaborate(self, platform: Any) -> Module:
        """Build the counters of words and steps."""
        m = Module()
        running, left, ends = Signal(), Signal(range((self.n_steps or 1) + 1)), Signal()
        spaces = Cat(*(each.ring.has_space for each in self.sources))
        total = sum(each.width for each in self.sources)
        at = Signal(index_bits(total))
        accepted, final = Signal(), Signal()
        m.d.comb += [
            self.ready.eq((left == 0) & (running | spaces.all())),
            accepted.eq(self.valid & self.ready),
            final.eq(accepted & (at == total - 1)),
            self.steps.push.eq((left != 0) & self.steps.ring.has_space),
            self.steps.last.eq((left == 1) & ends),
        ]
        with m.If(accepted):
            m.d.sync += [at.eq(Mux(final, 0, at + 1)), running.eq(~final)]
        with m.If(final):
            m.d.sync += [left.eq(self.n_steps or 1), ends.eq(self.last if self.n_steps is None else 1)]
        with m.Elif(self.steps.push):
            m.d.sync += left.eq(left - 1)
        first = 0
        for k, source in enumerate(self.sources):
            m.submodules[f"source{k}"] = source
            m.d.comb += [
                source.ring.begin.eq(accepted & ~running),
                source.valid.eq(accepted & (at >= first) & (at < first + source.width)),
                source.index.eq(at - first),
                source.value.eq(self.data),
                source.final.eq(at == first + source.width - 1),
            ]
            first += source.width
        return m
