"""The memory of a run in C: the fields of the state, in which payloads that are no longer read make room for others."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .....base.arrays import Record
from ...integer_plan import IntegerPlan, SumPlan
from .names import Names
from .tables import SIZES, signed_type

READ_TO_THE_END = 1 << 30
"""Last reader of a payload that goes into a delay line at the end of the step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(Record):
    """One array or number of the state."""

    name: str
    """Name of the field."""
    c_type: str
    """Type of an element."""
    shape: tuple[int, ...]
    """Lengths of its axes; empty for a number."""
    comment: str
    """What it holds, for readers of the header."""

    @property
    def n_bytes(self) -> int:
        """Bytes that it takes."""
        n = SIZES[self.c_type]
        for length in self.shape:
            n *= length
        return n

    @property
    def alignment(self) -> int:
        """Bytes by which its address is divided; a microcontroller may ask for less."""
        return SIZES[self.c_type]

    @property
    def declaration(self) -> str:
        """Its line in the struct."""
        shape = "".join(f"[{n}]" for n in self.shape)
        return f"    {self.c_type} {self.name}{shape}; /* {self.comment} */"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLayout(Record):
    """The fields of the state, and where each node's payload lies while it is read."""

    fields: tuple[Field, ...]
    """Fields in the order of the struct."""
    payloads: dict[str, Field]
    """Field that holds the payload of each node, by name; several nodes may share one, one after the other."""


def input_type(plan: IntegerPlan) -> str:
    """Return the type of the input words, which all inputs share."""
    return signed_type(max(each.word.bits for each in plan.inputs))


def sent_type(plan: IntegerPlan, source: str) -> str:
    """Return the type of what an input or node sends."""
    node = next((node for node in plan.nodes if node.name == source), None)
    return input_type(plan) if node is None else signed_type(node.sends.bits)


def membrane_type(bits: int) -> str:
    """Return the type of a membrane in a state word of so many bits."""
    return signed_type(max(bits, 16))


def product_type(affine: SumPlan) -> str:
    """Return the type of every product and sum of a node."""
    return signed_type(max(affine.sum_bits, 32))


def lay_out_state(plan: IntegerPlan, names: Names) -> StateLayout:
    """Lay out the state of one run: membranes, delay lines, payloads, and room for sums."""
    slots, payloads = _share_slots(plan)
    fields = [*_membranes(plan, names), *_lines(plan, names), *_sums(plan), *slots]
    if plan.held:
        fields.append(
            Field(name="is_held", c_type="uint32_t", shape=(), comment="whether payloads of a function are held")
        )
    if not fields:
        fields = [Field(name="nothing", c_type="int8_t", shape=(), comment="a struct is not empty")]
    fields.sort(key=lambda field: -SIZES[field.c_type])  # no padding between fields
    return StateLayout(fields=tuple(fields), payloads=payloads)


def _membranes(plan: IntegerPlan, names: Names) -> list[Field]:
    return [
        Field(
            name=f"membrane_{names.nodes[node.name]}",
            c_type=membrane_type(node.affine.state.bits),
            shape=(node.n_out,),
            comment=f"membranes of {names.nodes[node.name]}",
        )
        for node in plan.populations
        if node.has_membrane
    ]


def _lines(plan: IntegerPlan, names: Names) -> list[Field]:
    """Return a ring of payloads and its place for each source that is read with a delay."""
    fields = []
    for source, longest in plan.lines.items():
        part = names.nodes[source]
        fields += [
            Field(
                name=f"line_{part}",
                c_type=sent_type(plan, source),
                shape=(longest, plan.widths[source]),
                comment=f"what {part} sent in the last {longest} steps",
            ),
            Field(name=f"at_{part}", c_type="uint32_t", shape=(), comment="row of that which is the oldest"),
        ]
    return fields


def _sums(plan: IntegerPlan) -> list[Field]:
    """Return room for the products of connections that are walked event by event."""
    needed: dict[tuple[str, str], int] = {}
    for affine in (*(node.affine for node in plan.populations), plan.output.affine):
        n_walked = sum(not each.is_dense for each in affine.connections)
        c_type = product_type(affine)
        for name, least in (("products", 1), ("sums", 2)):
            if n_walked >= least:
                needed[name, c_type] = max(needed.get((name, c_type), 0), affine.n_out)
    comments = {"products": "weighted sums of one connection", "sums": "those of the connections before it"}
    return [
        Field(name=sum_field(name, c_type), c_type=c_type, shape=(width,), comment=comments[name])
        for (name, c_type), width in needed.items()
    ]


def sum_field(name: str, c_type: str) -> str:
    """Return the name of the field of `products` or `sums` of a type."""
    return f"{name}{SIZES[c_type] * 8}"


def _share_slots(plan: IntegerPlan) -> tuple[list[Field], dict[str, Field]]:
    """Assign payloads to fields: a field is free again behind the last node that reads its payload in the same step.

    What a held node sends to others stays for many samples, in a field of its own.
    """
    readers = [node for node in (*plan.nodes, plan.output) if node.name not in plan.held]
    kept = {source for node in readers for source, _ in node.edges} & plan.held
    last_read = {node.name: k for k, node in enumerate(plan.nodes)}
    for k, node in enumerate((*plan.nodes, plan.output)):
        for source, delay in node.edges:
            if not delay and source in last_read:
                last_read[source] = max(last_read[source], k)
    last_read |= {source: READ_TO_THE_END for source in plan.lines if source in last_read}
    slots: list[Field] = []
    busy_until: list[int] = []
    place: dict[str, int] = {}
    for k, node in enumerate(plan.nodes):
        c_type = sent_type(plan, node.name)
        free = [i for i, slot in enumerate(slots) if slot.c_type == c_type and busy_until[i] < k]
        if free and node.name not in kept:
            at = free[0]
            slots[at] = replace(slots[at], shape=(max(slots[at].shape[0], node.n_out),))
        else:
            at = len(slots)
            slots.append(Field(name=f"payload{at}", c_type=c_type, shape=(node.n_out,), comment="payloads"))
            busy_until.append(0)
        busy_until[at] = READ_TO_THE_END if node.name in kept else last_read[node.name]
        place[node.name] = at
    return slots, {name: slots[at] for name, at in place.items()}
