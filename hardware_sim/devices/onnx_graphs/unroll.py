"""A plan as a graph of standard ONNX operators, its steps unrolled: float64 carries the integers, exactly.

    z = clip(floor(Gemm(a, W * 2**left, half)) + ... + bias)                one Gemm for each connection that has begun to send
    m = clip(sign(m') floor(|m'| beta / 2**12) + z)
    a = clip(where(m >= theta, floor(slope[cell] z + intercept[cell]), 0))    `payload_lines.py`
    m' = where(m >= theta, 0, m)
    y = sum of the emitted z over the steps, the last one, or all of them, as int64

Inputs are int32 words, one tensor for each input of the network: (n_samples, width), of a sequence (n_samples, n_steps, width).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ....base.arrays import IntArray, Record
from ....base.checks import check_range, check_whole, raise_violations
from ....base.errors import SpecError
from ....network.integers import LEAK_BITS, IntFormat
from ....network.spec import MAX_STEPS, Readout
from ..integer_plan import ConnectionPlan, IntegerPlan, OutputPlan, PopulationPlan, ProductPlan, SumPlan
from .exactness import check_exact
from .graph import Draft, Graph, Value
from .payload_lines import PayloadLines, draw_lines

NUMBERS = "float64"
"""Type of all tensors between the inputs and the output."""


class NodeTensors(NamedTuple):
    """Names of the tensors that hold what one node computes in one step."""

    payload: str
    """Payload a; of the read-out, what it emits."""
    membrane: str | None = None
    """Membrane m before its reset; None for a product or the read-out."""
    fired: str | None = None
    """Spikes s; None where every neuron fires, and for a product or the read-out."""
    wide_drive: str | None = None
    """Drive before it is clipped; None where no clip is needed, and for a product."""
    wide_membrane: str | None = None
    """Membrane before it is clipped; None where no clip is needed."""
    wide_payload: str | None = None
    """Payload before it is clipped; None where no clip is needed."""

    @property
    def names(self) -> list[str]:
        """Names of the tensors that are there."""
        return [name for name in self if name is not None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnrolledPlan(Record):
    """A graph of all steps, and where to find every value in it."""

    graph: Graph
    """The graph with the read-out as its only output."""
    traced: Graph
    """The same nodes with every value as an output beside it, and with those that the read-out does not need."""
    tensors: Mapping[str, tuple[NodeTensors, ...]]
    """Tensors of each node and the read-out by name, one entry a step."""
    n_steps: int
    """Number of steps."""


def membrane_input(node: str) -> str:
    """Return the name of the input with the membrane that a node carries over, of a graph that continues."""
    return f"{node}/membrane/before"


def line_input(source: str, delay: int) -> str:
    """Return the name of the input with what a source sent `delay` steps before the first, of a graph that continues."""
    return f"{source}/payload/{delay}_before"


def unroll_plan(plan: IntegerPlan, n_steps: int | None = None, *, continues: bool = False) -> UnrolledPlan:
    """Unroll a plan into a graph.

    Args:
        plan: The plan.
        n_steps: Length of the sequences, 1 to 4096; None where the network has a number of steps of its own.
        continues: Whether the membranes and the late payloads before the first step are inputs of the graph, too. The plan's
            proofs begin with a fresh state, so that such a graph has all clips.

    Raises:
        SpecError: If sequences have no length, or if a length differs from the network's own number of steps.
        HardwareRuleError: If float64 does not hold every integer exactly.
    """
    lines = tuple(draw_lines(table, _state_bits(plan, number)) for number, table in enumerate(plan.tables))
    check_exact(plan, lines)
    return _Unroller(plan, lines, _checked_steps(plan, n_steps), continues).unroll()


def _state_bits(plan: IntegerPlan, table: int) -> int:
    return max(node.affine.state.bits for node in plan.populations if node.table == table)


def _checked_steps(plan: IntegerPlan, n_steps: int | None) -> int:
    where = f"ONNX graph of network {plan.name!r}: n_steps"
    if n_steps is None:
        if plan.n_steps is None:
            repair = "Give n_steps, the number of steps of every sample; longer sequences need a graph of their own."
            raise SpecError(where, "be the length of the sequences, which a graph unrolls", None, repair)
        return plan.n_steps
    raise_violations([*check_whole(where, n_steps)] or check_range(where, n_steps, 1, MAX_STEPS))
    if plan.n_steps not in (None, n_steps):
        repair = "Leave n_steps out; it is for sequences."
        raise SpecError(where, f"be the network's own number of steps, {plan.n_steps}", n_steps, repair)
    return n_steps


@dataclass(slots=True)
class _Unroller:
    """The unrolling of one plan."""

    plan: IntegerPlan
    lines: tuple[PayloadLines, ...]
    n_steps: int
    continues: bool
    draft: Draft = field(default_factory=Draft)
    carried: dict[str, str] = field(default_factory=dict)
    """Membrane of each population after its reset."""
    sent: dict[str, list[str]] = field(default_factory=dict)
    """What every source has sent, step by step."""
    before: dict[tuple[str, int], str] = field(default_factory=dict)
    """What a source sent before the first step, by source and number of steps before it; of a graph that continues."""

    def unroll(self) -> UnrolledPlan:
        """Unroll all steps."""
        self.draft.taken.add(self.plan.output.name)
        words = {each.name: self._input(each.name, each.width, each.is_sequence) for each in self.plan.inputs}
        if self.continues:
            self._begin_with_state()
        tensors: dict[str, list[NodeTensors]] = {node.name: [] for node in (*self.plan.nodes, self.plan.output)}
        for t in range(self.n_steps):
            for each in self.plan.inputs:
                word = words[each.name]
                at_step = self._step_of(word, t) if each.is_sequence else word
                self.sent.setdefault(each.name, []).append(at_step)
            for node in (*self.plan.nodes, self.plan.output):
                made = self._node(node, t)
                tensors[node.name].append(made)
                self.sent.setdefault(node.name, []).append(made.payload)
        return self._finished(tensors)

    def _finished(self, tensors: dict[str, list[NodeTensors]]) -> UnrolledPlan:
        output, widths = self.plan.output, self.plan.widths | {self.plan.output.name: self.plan.output.n_out}
        axes = (self.n_steps,) if output.readout is Readout.EVERY else ()
        result = Value(self._read_out(), "int64", (None, *axes, output.n_out))
        values = {
            name: Value(name, "bool" if name == step.fired else NUMBERS, (None, widths[node]))
            for node, steps in tensors.items()
            for step in steps
            for name in step.names
        }
        everything = self.draft.finish(self.plan.name, [result, *values.values()])
        return UnrolledPlan(
            graph=everything.pruned([result]),
            traced=everything,
            tensors={name: tuple(steps) for name, steps in tensors.items()},
            n_steps=self.n_steps,
        )

    # Inputs and scalars.

    def _input(self, name: str, width: int, is_sequence: bool) -> str:
        steps = (self.n_steps,) if is_sequence else ()
        word = self.draft.input(name, "int32", None, *steps, width)
        return self.draft.add("Cast", word, name=f"{name}/number", to=NUMBERS)

    def _step_of(self, word: str, t: int) -> str:
        at = self.draft.constant(np.array(t, np.int64), f"step/{t}")
        return self.draft.add("Gather", word, at, name=f"{word}/{t}", axis=1)

    def _begin_with_state(self) -> None:
        for node in self.plan.populations:
            name = membrane_input(node.name)
            self.carried[node.name] = self.draft.input(name, NUMBERS, None, node.n_out)
        for source, longest in self.plan.lines.items():
            for delay in range(1, longest + 1):
                name = line_input(source, delay)
                self.before[source, delay] = self.draft.input(name, NUMBERS, None, self.plan.widths[source])

    def _number(self, value: float) -> str:
        return self.draft.constant(np.array(value, NUMBERS), f"number/{value:g}")

    # Nodes.

    def _node(self, node: PopulationPlan | ProductPlan | OutputPlan, t: int) -> NodeTensors:
        """Add one step of a node."""
        at = f"{node.name}/{{}}/{t}"
        if isinstance(node, ProductPlan):
            return self._product(node, at)
        z, wide_drive = self._drive(node.affine, t, at)
        if isinstance(node, OutputPlan):
            return NodeTensors(z, wide_drive=wide_drive)
        m, wide_membrane = self._membrane(node, z, at)
        fired = self._fired(node, m, at)
        self._carry(node, m, fired, at)
        payload, wide_payload = self._payload(node, z, fired, at)
        return NodeTensors(payload, m, fired, wide_drive, wide_membrane, wide_payload)

    def _product(self, node: ProductPlan, at: str) -> NodeTensors:
        left, right = self.sent[node.left][-1], self.sent[node.right][-1]
        product = self.draft.add("Mul", left, right, name=at.format("product"))
        scaled = self._scaled(product, node.up - node.down, at.format("shifted"))
        if node.down:
            half = self.draft.add("Add", scaled, self._number(0.5), name=at.format("half"))
            scaled = self.draft.add("Floor", half, name=at.format("rounded"))
        payload, wide = self._clipped(scaled, node.clips_payload, node.sends.bits, at.format("payload"))
        return NodeTensors(payload, wide_payload=wide)

    def _scaled(self, value: str, exponent: int, name: str) -> str:
        return self.draft.add("Mul", value, self._number(2.0**exponent), name=name) if exponent else value

    def _clipped(self, value: str, is_needed: bool, bits: int, name: str) -> tuple[str, str | None]:
        """Clip into a word where needed or where the graph continues; return the result, and what was clipped."""
        if not (is_needed or self.continues):
            return value, None
        highest = float(IntFormat(bits=bits).highest)
        return self.draft.add("Clip", value, self._number(-highest), self._number(highest), name=name), value

    def _drive(self, affine: SumPlan, t: int, at: str) -> tuple[str, str | None]:
        terms = [
            self._term(each, source, at.format(f"from_{each.source}_{each.delay}"))
            for each in affine.connections
            if (source := self._received(each, t)) is not None
        ]
        total = terms[0] if terms else self._silence(affine.n_out)
        for term in terms[1:]:
            total = self.draft.add("Add", total, term, name=at.format("sum"))
        if affine.bias.any():
            bias = self._vector(affine.bias, at.format("bias"))
            total = self.draft.add("Add", total, bias, name=at.format("drive"))
        return self._clipped(total, affine.clips_drive, affine.state.bits, at.format("clipped"))

    def _received(self, each: ConnectionPlan, t: int) -> str | None:
        """Return what a connection reads at a step; None while it is silent."""
        late = t - each.delay
        if late >= 0:
            return self.sent[each.source][late]
        return self.before.get((each.source, -late))

    def _silence(self, n_out: int) -> str:
        """Return zeros with a row for each sample."""
        first = self.plan.inputs[0]
        weight = self.draft.constant(np.zeros((first.width, n_out)), f"silence/{n_out}")
        return self.draft.add("MatMul", self.sent[first.name][0], weight, name=f"silent/{n_out}")

    def _term(self, each: ConnectionPlan, source: str, name: str) -> str:
        """Add half_up(W a * 2**left) of one connection."""
        scaled = np.ldexp(each.weight.astype(np.float64), (each.up - each.down)[:, None])
        weight = self.draft.constant(scaled.T, f"{name}/weight")
        if not each.down.any():
            return self.draft.add("MatMul", source, weight, name=name)
        half = self.draft.constant(np.where(each.down > 0, 0.5, 0.0), f"{name}/half")
        product = self.draft.add("Gemm", source, weight, half, name=f"{name}/product")
        return self.draft.add("Floor", product, name=name)

    def _vector(self, values: IntArray, name: str) -> str:
        return self.draft.constant(values.astype(NUMBERS), name)

    def _membrane(self, node: PopulationPlan, z: str, at: str) -> tuple[str, str | None]:
        before = self.carried.get(node.name)
        if before is None or not node.beta.any():
            return z, None
        kept = before
        if (node.beta != 1 << LEAK_BITS).any():
            beta = self.draft.constant(np.ldexp(node.beta.astype(np.float64), -LEAK_BITS), f"{node.name}/beta")
            size = self.draft.add("Abs", before, name=at.format("size"))
            scaled = self.draft.add("Mul", size, beta, name=at.format("scaled"))
            leaked = self.draft.add("Floor", scaled, name=at.format("leaked"))
            sign = self.draft.add("Sign", before, name=at.format("sign"))
            kept = self.draft.add("Mul", sign, leaked, name=at.format("kept"))
        m = self.draft.add("Add", kept, z, name=at.format("membrane"))
        return self._clipped(m, node.clips_membrane, node.affine.state.bits, at.format("held"))

    def _fired(self, node: PopulationPlan, m: str, at: str) -> str | None:
        if node.is_two_sided and not node.theta.any():
            return None
        reached = self.draft.add("Abs", m, name=at.format("reached")) if node.is_two_sided else m
        theta = self._vector(node.theta, f"{node.name}/theta")
        return self.draft.add("GreaterOrEqual", reached, theta, name=at.format("fired"))

    def _carry(self, node: PopulationPlan, m: str, fired: str | None, at: str) -> None:
        """Reset the neurons that fired; those of a node where all fire begin anew at every step."""
        if fired is None:
            self.carried.pop(node.name, None)
        else:
            self.carried[node.name] = self.draft.add("Where", fired, self._number(0.0), m, name=at.format("carried"))

    def _payload(self, node: PopulationPlan, z: str, fired: str | None, at: str) -> tuple[str, str | None]:
        lines = self.lines[node.table]
        if lines.period:
            z = self.draft.add("Mod", z, self._number(float(lines.period)), name=at.format("in_period"), fmod=1)
        slope, intercept = (self._looked_up(lines, values, z, at) for values in (lines.slope, lines.intercept))
        a = self.draft.add("Mul", z, slope, name=at.format("rise"))
        if lines.intercept.any():
            a = self.draft.add("Add", a, intercept, name=at.format("line"))
        if lines.shift:
            a = self.draft.add("Floor", a, name=at.format("phi"))
        if fired is not None:
            a = self.draft.add("Where", fired, a, self._number(0.0), name=at.format("sent"))
        return self._clipped(a, node.clips_payload, node.sends.bits, at.format("payload"))

    def _looked_up(self, lines: PayloadLines, values: IntArray, z: str, at: str) -> str:
        """Return one number of the line at z, at the scale of the payload."""
        scaled = np.ldexp(values.astype(np.float64), -lines.shift)
        if not lines.n_below:
            return self._number(float(scaled[0]))
        place = self._scaled(z, -lines.index_bits, at.format("place"))
        cell = self.draft.add("Floor", place, name=at.format("cell")) if lines.index_bits else place
        ends = self._number(float(-lines.n_below)), self._number(float(lines.n_above - 1))
        within = self.draft.add("Clip", cell, *ends, name=at.format("within"))
        index = self.draft.add("Cast", within, name=at.format("index"), to="int64")
        table = self.draft.constant(scaled, "table")
        return self.draft.add("Gather", table, index, name=at.format("gathered"), axis=0)

    # The read-out.

    def _read_out(self) -> str:
        """Reduce what was emitted to the network's output, in int64."""
        name, emitted = self.plan.output.name, self.sent[self.plan.output.name]
        if self.plan.output.readout is Readout.EVERY:
            axis = self.draft.constant(np.array([1], np.int64), "axis/1")
            stacked = [self.draft.add("Unsqueeze", each, axis, name=f"{each}/step") for each in emitted]
            total = self.draft.add("Concat", *stacked, name=f"{name}/steps", axis=1)
        else:
            total = emitted[-1]
            if self.plan.output.readout is not Readout.LAST:
                total = emitted[0]
                for each in emitted[1:]:
                    total = self.draft.add("Add", total, each, name=f"{name}/total")
        self.draft.taken.discard(name)
        return self.draft.add("Cast", total, name=name, to="int64")
