"""The core of a network: a unit for each input, node and read-out, connected by rings of slots, each at work on its own step.

Nothing is scheduled. A unit starts when its operands are there and its result has space; so points follow each other through
the network as in a pipeline, whatever its graph, and the same core carries chains, products, delays and loops. A ring has at
least as many slots as the longest delay and one more, so that the unit that is behind all others can always go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from amaranth.hdl import Elaboratable, Module, Signal

from ...integer_plan import IntegerPlan, PopulationPlan, ProductPlan, SumPlan
from .connection import Connection
from .drain import Drain, NodeRecord
from .inputs import Inputs
from .output import Output
from .population import Population
from .product import Product
from .ring import StepReader, Steps
from .source import Edge, Source

MAX_SLACK = 16
"""Slots of a ring that serve speed alone: a source may be so far ahead of one that reads it past others."""


class Core(Elaboratable):
    """The hardware of a network, with two streams."""

    def __init__(self, plan: IntegerPlan, lanes: Mapping[tuple[str, int], int]) -> None:
        """Make the units of a plan; `lanes` has the number of multipliers of each connection, by node and number."""
        self.plan = plan
        self.lanes = lanes
        self._is_constant = plan.n_steps is not None
        nodes = (*plan.nodes, plan.output)
        n_units = sum(1 if isinstance(node, ProductPlan) else 1 + len(node.edges) for node in nodes)
        self.steps = Steps(n_units)
        self._steps: Iterator[StepReader] = iter(self.steps.readers)
        self._sources = self._make_sources()
        self._events = {name: iter(source.events) for name, source in self._sources.items()}
        self._values = {name: iter(source.values) for name, source in self._sources.items()}
        self.inputs = Inputs([self._sources[each.name] for each in plan.inputs], self.steps, plan.n_steps)
        self.nodes = [self._make_node(k, node) for k, node in enumerate(plan.nodes)]
        connections = self._make_connections(plan.output.name, plan.output.affine)
        self.output = Output(plan.output, plan.n_steps, connections, self._drain(plan.output.n_out))
        self._name_ports()

    def _name_ports(self) -> None:
        """Name the ports as those of an AXI stream."""
        entry, leaving = self.inputs, self.output
        self.s_axis_tvalid, self.s_axis_tready = Signal(name="s_axis_tvalid"), Signal(name="s_axis_tready")
        self.s_axis_tdata = Signal(len(entry.data), name="s_axis_tdata")
        self.s_axis_tlast = Signal(name="s_axis_tlast")
        self.m_axis_tvalid, self.m_axis_tready = Signal(name="m_axis_tvalid"), Signal(name="m_axis_tready")
        self.m_axis_tdata = Signal(len(leaving.data), name="m_axis_tdata")
        self.m_axis_tlast = Signal(name="m_axis_tlast")

    @property
    def ports(self) -> list[Any]:
        """The ports of both streams."""
        return [
            self.s_axis_tvalid, self.s_axis_tready, self.s_axis_tdata, self.s_axis_tlast,
            self.m_axis_tvalid, self.m_axis_tready, self.m_axis_tdata, self.m_axis_tlast,
        ]  # fmt: skip

    @property
    def records(self) -> list[NodeRecord]:
        """What a simulation may see: a record of each node and of the read-out, in order."""
        return [*(node.record for node in self.nodes), self.output.record]

    def elaborate(self, platform: Any) -> Module:
        """Connect units and ports."""
        m = Module()
        m.submodules.steps, m.submodules.inputs, m.submodules.output = self.steps, self.inputs, self.output
        for k, node in enumerate(self.nodes):
            m.submodules[f"node{k}"] = node
        entry, leaving = self.inputs, self.output
        m.d.comb += [
            entry.valid.eq(self.s_axis_tvalid),
            entry.data.eq(self.s_axis_tdata),
            entry.last.eq(self.s_axis_tlast),
            self.s_axis_tready.eq(entry.ready),
            leaving.ready.eq(self.m_axis_tready),
            self.m_axis_tvalid.eq(leaving.valid),
            self.m_axis_tdata.eq(leaving.data),
            self.m_axis_tlast.eq(leaving.last),
        ]
        return m

    def _make_sources(self) -> dict[str, Source]:
        plan, levels = self.plan, node_levels(self.plan)
        n_events, n_values = dict.fromkeys(plan.widths, 0), dict.fromkeys(plan.widths, 0)
        slots = dict.fromkeys(plan.widths, 2)
        for node in (*plan.nodes, plan.output):
            counted = n_values if isinstance(node, ProductPlan) else n_events
            for name, delay in node.edges:
                counted[name] += 1
                slack = min(2 * max(levels[node.name] - levels[name], 1), MAX_SLACK)
                slots[name] = max(slots[name], delay + slack)
        bits = {each.name: each.word.bits for each in plan.inputs} | {node.name: node.sends.bits for node in plan.nodes}
        return {
            name: Source(width, bits[name], 1 << (slots[name] - 1).bit_length(), n_events[name], n_values[name])
            for name, width in plan.widths.items()
        }

    def _make_node(self, k: int, node: PopulationPlan | ProductPlan) -> Population | Product:
        name, source = f"node{k}", self._sources[node.name]
        if isinstance(node, PopulationPlan):
            connections = self._make_connections(node.name, node.affine)
            return Population(name, node, self.plan.tables[node.table], connections, self._drain(node.n_out), source)
        left, right = (next(self._values[name]) for name in (node.left, node.right))
        edges = Edge(left.ring, 0, self._is_held(node.left)), Edge(right.ring, 0, self._is_held(node.right))
        return Product(name, node, (left, right), edges, self._drain(node.n_out), source)

    def _make_connections(self, name: str, affine: SumPlan) -> list[Connection]:
        return [
            Connection(
                each,
                self.lanes[name, k],
                next(self._events[each.source]),
                next(self._steps),
                self._is_held(each.source),
            )
            for k, each in enumerate(affine.connections)
        ]

    def _is_held(self, source: str) -> bool:
        """Return whether a source is there once a sample: an input of a network with a known number of steps."""
        return self._is_constant and any(each.name == source for each in self.plan.inputs)

    def _drain(self, n_out: int) -> Drain:
        return Drain(n_out, next(self._steps))


def node_levels(plan: IntegerPlan) -> dict[str, int]:
    """Return how many nodes lie between the inputs and each source, itself included, along connections without delay."""
    levels = {each.name: 0 for each in plan.inputs}
    for node in (*plan.nodes, plan.output):
        levels[node.name] = 1 + max((levels[name] for name, delay in node.edges if not delay), default=0)
    return levels
