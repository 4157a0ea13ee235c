"""The walk over the neurons of a node, one a cycle, and what it says about each value for a simulation."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, signed

from .pipeline import Pipeline, Staged, index_bits
from .ring import StepReader

RECORD_BITS = 32
"""Length of recorded membranes and payloads, that of the longest state word."""
FLAGS = ("fired", "saturated_drive", "saturated_membrane", "saturated_payload", "multiplied")
"""Flags of a record, from the lowest bit on."""


class Drain(Elaboratable):
    """Starts when what a node needs is there, and then sends every index into the pipeline."""

    def __init__(self, n_out: int, step: StepReader) -> None:
        self.n_out, self.step = n_out, step
        self.ready = Signal()
        """In: operands are there, and space for the results."""
        self.valid = Signal()
        """Out: a neuron enters."""
        self.index = Signal(index_bits(n_out))
        self.begin = Signal()
        """Out: it is the first one."""
        self.final = Signal()
        """Out: it is the last one."""
        self.is_first_step = Signal(init=1)
        """Out: the step is the first one of its sample."""

    def elaborate(self, platform: Any) -> Module:
        """Build a counter; one step follows the other without a pause."""
        m = Module()
        running = Signal()
        m.d.comb += [
            self.valid.eq(running | (self.ready & self.step.ring.available)),
            self.begin.eq(self.valid & ~running),
            self.final.eq(self.valid & (self.index == self.n_out - 1)),
            self.step.ring.leave.eq(self.final),
        ]
        with m.If(self.valid):
            m.d.sync += [self.index.eq(Mux(self.final, 0, self.index + 1)), running.eq(~self.final)]
        with m.If(self.final):
            m.d.sync += self.is_first_step.eq(self.step.last)
        return m


class NodeRecord:
    """What a simulation sees of a node: a value in each cycle with `valid`, in the order of steps and neurons."""

    def __init__(self, name: str) -> None:
        self.valid = Signal(name=f"{name}_valid")
        self.flags = Signal(len(FLAGS), name=f"{name}_flags")
        self.membrane = Signal(signed(RECORD_BITS), name=f"{name}_membrane")
        self.payload = Signal(signed(RECORD_BITS), name=f"{name}_payload")

    def connect(
        self,
        m: Module,
        pipe: Pipeline,
        valid: Staged,
        payload: Staged,
        flags: dict[str, Staged],
        membrane: Staged | None = None,
    ) -> None:
        """Connect the record to values of a pipeline, all at the stage of the payload."""
        stage = payload.stage
        kept = [pipe.at(flags[name], stage) if name in flags else Const(0, 1) for name in FLAGS]
        m.d.comb += [
            self.valid.eq(pipe.at(valid, stage)),
            self.flags.eq(Cat(*kept)),
            self.payload.eq(payload.value),
            self.membrane.eq(0 if membrane is None else pipe.at(membrane, stage)),
        ]

    @property
    def signals(self) -> tuple[Any, ...]:
        """The signals of a record, in the order in which harnesses read them."""
        return self.valid, self.flags, self.membrane, self.payload
