"""A population: the drives of its neurons, their leak, threshold and payload, a neuron a cycle.

    m    = clip(toward_zero(m' * beta / 2**12) + z)
    a    = clip(phi(z)) where m >= theta (or |m| >= theta), else 0;  m = 0 there

phi is computed of every drive, beside the membrane: both are there in the same cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from amaranth.hdl import Const, Elaboratable, Module, Mux, Signal, signed

from ....kernels.layout import Phi
from ...integer_plan import PopulationPlan
from .connection import Connection
from .drain import Drain, NodeRecord
from .drive import build_drive, connect
from .phi import build_phi
from .pipeline import ROM_STAGES, Pipeline, Staged, add_memory, clipped
from .source import Source

LEAK_BITS = 12
"""Bits of beta after its point."""


class _Membrane(NamedTuple):
    """What decides about a neuron."""

    m: Staged
    saturated: Staged


class Population(Elaboratable):
    """Connections and the pipeline of the neurons."""

    def __init__(
        self,
        name: str,
        plan: PopulationPlan,
        phi: Phi,
        connections: Sequence[Connection],
        drain: Drain,
        source: Source,
    ) -> None:
        self.plan, self.phi, self.connections = plan, phi, connections
        self.drain, self.source = drain, source
        self.record = NodeRecord(name)

    def elaborate(self, platform: Any) -> Module:
        """Build the node; what a neuron carries into the next step is written before the next step reads it."""
        m = Module()
        m.submodules.drain, m.submodules.source = self.drain, self.source
        plan, drain, source, pipe = self.plan, self.drain, self.source, Pipeline(m)
        index, valid, final = (Staged(each, 0) for each in (drain.index, drain.valid, drain.final))
        has_products = connect(m, self.connections, drain)
        drive = build_drive(pipe, plan.affine, self.connections, index)
        is_quiet = Signal(init=1)
        m.d.comb += [drain.ready.eq(has_products & source.ring.has_space & is_quiet), source.ring.begin.eq(drain.begin)]
        state = _Membrane(drive.z, Staged(Const(0), 0))
        if plan.has_membrane:
            self._memory = add_memory(m, "membranes", signed(plan.affine.state.bits), plan.n_out)
            state = self._leak(m, pipe, index, drive.z)
        fired = self._compare(pipe, state.m, index)
        carried = pipe.compute("carried", lambda m, fired: Mux(fired, 0, m).as_signed(), state.m, fired)
        if plan.has_membrane:
            self._carry(m, pipe, index, valid, final, carried, is_quiet)
        phi = build_phi(m, pipe, self.phi, drive.z, plan.phi_bits, plan.sends.bits, plan.clips_payload)
        payload = pipe.compute("payload", lambda a, fired: Mux(fired, a, 0).as_signed(), phi.value, fired)
        saturated = pipe.compute("payload_saturated", lambda s, fired: s & fired, phi.saturated, fired)
        m.d.comb += [
            source.valid.eq(pipe.at(valid, payload.stage)),
            source.index.eq(pipe.at(index, payload.stage)),
            source.final.eq(pipe.at(final, payload.stage)),
            source.value.eq(payload.value),
        ]
        flags = {
            "fired": fired,
            "saturated_drive": drive.saturated,
            "saturated_membrane": state.saturated,
            "saturated_payload": saturated,
        }
        self.record.connect(m, pipe, valid, payload, flags, carried)
        return m

    def _leak(self, m: Module, pipe: Pipeline, index: Staged, z: Staged) -> _Membrane:
        """Read what the neurons carry, let it leak toward zero, and add the drive."""
        bits = self.plan.affine.state.bits
        port = self._memory.read_port()
        read = z.stage - N_LEAK_STAGES
        m.d.comb += port.addr.eq(pipe.at(index, read))
        fresh = Staged(pipe.at(Staged(self.drain.is_first_step, 0), read + 1), read + 1)
        before = pipe.compute(
            "before", lambda m, fresh: Mux(fresh, 0, m).as_signed(), Staged(port.data, read + 1), fresh
        )
        size = pipe.compute("size", lambda m: Mux(m[-1], -m, m)[:bits], before)
        beta = pipe.look_up("beta", self.plan.beta.tolist(), index, size.stage)
        scaled = pipe.compute("scaled", lambda size, beta: size * beta, size, beta)
        kept = pipe.compute(
            "kept",
            lambda scaled, sign: Mux(sign, -(scaled >> LEAK_BITS), scaled >> LEAK_BITS),
            scaled,
            Staged(before.value[-1], before.stage),
            shape=signed(bits),
        )
        total = pipe.compute("leaked", lambda kept, z: kept + z, kept, z)
        if not self.plan.clips_membrane:
            return _Membrane(Staged(total.value[:bits].as_signed(), total.stage), Staged(Const(0), total.stage))
        held = pipe.compute("m", lambda total: clipped(total, bits)[0], total)
        return _Membrane(held, pipe.compute("m_saturated", lambda total: clipped(total, bits)[1], total))

    def _compare(self, pipe: Pipeline, m: Staged, index: Staged) -> Staged:
        reached = m
        if self.plan.is_two_sided:
            reached = pipe.compute("reached", lambda m: Mux(m[-1], -m, m), m)
        theta = pipe.look_up("theta", self.plan.theta.tolist(), index, max(reached.stage, ROM_STAGES))
        return pipe.compute("fired", lambda m, theta: m >= theta, reached, theta)

    def _carry(
        self, m: Module, pipe: Pipeline, index: Staged, valid: Staged, final: Staged, carried: Staged, is_quiet: Any
    ) -> None:
        """Write what is carried; the next step begins after the last one is written."""
        port = self._memory.write_port()
        m.d.comb += [
            port.addr.eq(pipe.at(index, carried.stage)),
            port.data.eq(carried.value),
            port.en.eq(pipe.at(valid, carried.stage)),
        ]
        with m.If(pipe.at(final, carried.stage)):
            m.d.sync += is_quiet.eq(1)
        with m.Elif(self.drain.final):
            m.d.sync += is_quiet.eq(0)


N_LEAK_STAGES = 5
"""Stages from the address of a membrane to its leaked value: read, reset, size, product, sign."""
