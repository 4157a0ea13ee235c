"""An elementwise product of two sources: a = clip((left * right << up) + half >> down), an element a cycle."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Elaboratable, Module, signed

from ...integer_plan import ProductPlan
from .drain import Drain, NodeRecord
from .pipeline import Pipeline, Staged, clipped, floor_shifted
from .source import Edge, Source, ValueReader


class Product(Elaboratable):
    """Both factors, multiplied."""

    def __init__(
        self,
        name: str,
        plan: ProductPlan,
        factors: tuple[ValueReader, ValueReader],
        edges: tuple[Edge, Edge],
        drain: Drain,
        source: Source,
    ) -> None:
        self.plan, self.factors, self.edges = plan, factors, edges
        self.drain, self.source = drain, source
        self.record = NodeRecord(name)

    def elaborate(self, platform: Any) -> Module:
        """Build the reading of both factors and the multiplier."""
        m = Module()
        m.submodules.drain, m.submodules.source = self.drain, self.source
        m.submodules.left, m.submodules.right = self.edges
        drain, source, pipe = self.drain, self.source, Pipeline(m)
        index, valid, final = (Staged(each, 0) for each in (drain.index, drain.valid, drain.final))
        left, right = self.edges
        m.d.comb += [
            drain.ready.eq(left.ready & right.ready & source.ring.has_space),
            source.ring.begin.eq(drain.begin),
        ]
        for edge, factor in zip(self.edges, self.factors, strict=True):
            m.d.comb += [edge.done.eq(drain.final), edge.last.eq(drain.step.last), factor.at.eq(drain.index)]
        a, b = (
            pipe.compute(f"factor{k}", lambda value: value, Staged(factor.value, 1))
            for k, factor in enumerate(self.factors)
        )
        payload, saturated = self._multiply(pipe, a, b)
        m.d.comb += [
            source.valid.eq(pipe.at(valid, payload.stage)),
            source.index.eq(pipe.at(index, payload.stage)),
            source.final.eq(pipe.at(final, payload.stage)),
            source.value.eq(payload.value),
        ]
        multiplied = pipe.compute("multiplied", lambda a, b: a.any() & b.any(), a, b)
        self.record.connect(m, pipe, valid, payload, {"saturated_payload": saturated, "multiplied": multiplied})
        return m

    def _multiply(self, pipe: Pipeline, a: Staged, b: Staged) -> tuple[Staged, Staged]:
        plan = self.plan
        half = 1 << (plan.down - 1) if plan.down else 0
        wide = signed(plan.product_bits)
        exact = pipe.compute("exact", lambda a, b: a * b, a, b)
        total = pipe.compute("total", lambda p: (p << plan.up) + half, exact, shape=wide)
        bits = plan.sends.bits
        value = pipe.compute(
            "payload", lambda v: clipped(floor_shifted(v, plan.down), bits)[0], total, shape=signed(bits)
        )
        if not plan.clips_payload:
            return value, Staged(Const(0), value.stage)
        return value, pipe.compute("saturated", lambda v: clipped(floor_shifted(v, plan.down), bits)[1], total)
