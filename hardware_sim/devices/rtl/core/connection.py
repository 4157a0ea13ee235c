"""A connection: lanes that multiply each event with a row of weights, some neurons a cycle, and add to banks of accumulators.

    for each event (i, a), for each group g of lanes:   bank[g] = (0 if it is the first event) + W[:, i] of the group * a

A group enters the pipeline in every cycle. While one bank is filled, the neurons read the other one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth.hdl import Array, Cat, Const, Elaboratable, Module, Mux, Signal, signed

from ...integer_plan import ConnectionPlan
from .pipeline import Pipeline, Staged, add_memory, index_bits
from .ring import Ring, StepReader
from .source import Edge, EventReader

N_BANKS = 2


class Connection(Elaboratable):
    """Lanes, weights and accumulators of one connection."""

    def __init__(
        self, plan: ConnectionPlan, lanes: int, source: EventReader, step: StepReader, is_constant: bool
    ) -> None:
        self.plan, self.source, self.step = plan, source, step
        self.n_out, self.n_source = plan.weight.shape
        self.lanes = min(lanes, self.n_out)
        self.n_groups = -(-self.n_out // self.lanes)
        self.edge = Edge(source.ring, plan.delay, is_constant)
        self.banks = Ring(N_BANKS, 1)
        self.available = self.banks.readers[0].available
        """Out: the products of a step are there."""
        self.take = Signal()
        """In: read the product of the next neuron, from the first one on."""
        self.final = Signal()
        """In: it is the last one."""
        self.product = Signal(signed(plan.product_bits))
        """Out: the product, two cycles later."""

    def elaborate(self, platform: Any) -> Module:
        """Build the walk over events and groups, the lanes, and the read side."""
        m = Module()
        m.submodules.banks, m.submodules.edge = self.banks, self.edge
        pipe = Pipeline(m)
        go, nothing, final = (Signal(name=name) for name in ("go", "nothing", "final"))
        event, group = Signal.like(self.source.at), Signal(index_bits(self.n_groups))
        self._walk(m, go, nothing, final, event, group)
        row = pipe.compute("event_index", lambda value: value, Staged(self.source.index, 1))
        value = pipe.compute("event_value", lambda value: value, Staged(self.source.value, 1))
        base = pipe.compute("base", self._times_groups, row)
        address = pipe.compute("weight_address", lambda base, g: base + g, base, Staged(group, 0))
        products = self._multiply(m, pipe, address, value)
        bank = Signal()
        m.d.sync += bank.eq(bank ^ final)
        enters = Staged(go & ~nothing, 0)
        at = Staged(Cat(group, bank), 0)
        self._accumulate(m, pipe, products, enters, Staged(event == 0, 0), at)
        stage = products.stage
        m.d.comb += self.banks.commit.eq(pipe.at(Staged(final, 0), stage))
        was_nothing = pipe.at(Staged(nothing, 0), stage)
        with m.If(self.banks.commit):
            m.d.sync += self.is_empty[self.banks.slot].eq(was_nothing)
        return m

    def _walk(self, m: Module, go: Any, nothing: Any, final: Any, event: Any, group: Any) -> None:
        """Step through the events of a step, all groups of each; a step without events takes one cycle."""
        running, is_last_group, is_last_event = Signal(), Signal(), Signal()
        may_start = self.step.ring.available & self.edge.ready & self.banks.has_space
        m.d.comb += [
            go.eq(running | may_start),
            nothing.eq(self.edge.silent | (self.source.count == 0)),
            is_last_group.eq(group == self.n_groups - 1),
            is_last_event.eq(event + 1 == self.source.count),
            final.eq(go & (nothing | (is_last_group & is_last_event))),
            self.source.at.eq(event),
            self.edge.done.eq(final),
            self.edge.last.eq(self.step.last),
            self.step.ring.leave.eq(final),
            self.banks.begin.eq(go & ~running),
        ]
        with m.If(final):
            m.d.sync += [running.eq(0), event.eq(0), group.eq(0)]
        with m.Elif(go):
            m.d.sync += [running.eq(1), event.eq(event + is_last_group), group.eq(Mux(is_last_group, 0, group + 1))]

    def _times_groups(self, row: Any) -> Any:
        """Multiply by the number of groups, by adding: the synthesis would spend a multiplier on it."""
        shifts = [k for k in range(self.n_groups.bit_length()) if self.n_groups >> k & 1]
        total = row << shifts[0]
        for shift in shifts[1:]:
            total = total + (row << shift)
        return total[: index_bits(self.n_source * self.n_groups)]

    def _multiply(self, m: Module, pipe: Pipeline, address: Staged, value: Staged) -> Staged:
        """Read a group's weights and multiply them by the event."""
        bits = self.plan.weight_bits
        padded = np.zeros((self.n_groups * self.lanes, self.n_source), np.int64)
        padded[: self.n_out] = self.plan.weight
        grouped = padded.T.reshape(self.n_source * self.n_groups, self.lanes)
        weights = add_memory(m, "weights", self.lanes * bits, len(grouped), [_packed(row, bits) for row in grouped])
        port = weights.read_port()
        m.d.comb += port.addr.eq(pipe.at(address, address.stage))
        word = pipe.compute("weight_word", lambda word: word, Staged(port.data, address.stage + 1))
        shape = signed(bits + len(value.value))
        products = [
            pipe.compute(
                f"product{k}",
                lambda word, a, k=k: word.word_select(k, bits).as_signed() * a,
                word,
                value,
                shape=shape,
            )
            for k in range(self.lanes)
        ]
        return Staged([each.value for each in products], products[0].stage)

    def _accumulate(
        self, m: Module, pipe: Pipeline, products: Staged, enters: Staged, first: Staged, at: Staged
    ) -> None:
        """Add a group's products to its accumulators: one is read, added to and written within a cycle."""
        bits, stage = self.plan.product_bits, products.stage
        depth = N_BANKS << index_bits(self.n_groups)
        sums = add_memory(m, "sums", self.lanes * bits, depth, style="distributed")
        write = sums.write_port()
        before = sums.read_port(transparent_for=(write,) if self.n_groups == 1 else ())
        is_first = pipe.at(first, stage)
        added = [
            (Mux(is_first, 0, before.data.word_select(k, bits).as_signed()) + each)[:bits]
            for k, each in enumerate(products.value)
        ]
        m.d.comb += [
            before.addr.eq(pipe.at(at, stage - 1)),
            write.addr.eq(pipe.at(at, stage)),
            write.en.eq(pipe.at(enters, stage)),
            write.data.eq(Cat(*added)),
        ]
        self.is_empty = Array(Signal(name=f"empty{k}") for k in range(N_BANKS))
        self._add_reader(m, pipe, sums)

    def _add_reader(self, m: Module, pipe: Pipeline, sums: Any) -> None:
        """Read neuron by neuron: the group's word, then its lane."""
        reader = self.banks.readers[0]
        group, lane = Signal(index_bits(self.n_groups)), Signal(index_bits(self.lanes))
        is_last_lane = lane == self.lanes - 1
        with m.If(self.final):
            m.d.sync += [group.eq(0), lane.eq(0)]
        with m.Elif(self.take):
            m.d.sync += [lane.eq(Mux(is_last_lane, 0, lane + 1)), group.eq(group + is_last_lane)]
        port = sums.read_port()
        m.d.comb += [port.addr.eq(Cat(group, reader.slot)), reader.leave.eq(self.final)]
        is_empty = pipe.at(Staged(self.is_empty[reader.slot], 0), 1)
        chosen = (
            port.data.word_select(pipe.at(Staged(lane, 0), 1), self.plan.product_bits) if self.lanes > 1 else port.data
        )
        m.d.sync += self.product.eq(Mux(is_empty, Const(0), chosen.as_signed()))


def _packed(values: Any, bits: int) -> int:
    """Pack signed words into one, the first one in the lowest bits."""
    return sum((int(value) & ((1 << bits) - 1)) << (k * bits) for k, value in enumerate(values))
