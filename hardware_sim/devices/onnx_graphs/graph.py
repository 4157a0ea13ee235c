"""An ONNX graph as plain records, and the draft that builds one: nodes, constants and inputs, without the package onnx.

A draft adds each node once: the same operator of the same tensors is the same node. So what does not change from step to step,
the drive of a constant input for one, is computed once however many steps are unrolled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....base.arrays import Record


class Value(NamedTuple):
    """An input or an output of a graph."""

    name: str
    """Name of the tensor."""
    dtype: str
    """Type of numpy: `int32`, `int64`, `float32`, `float64` or `bool`."""
    shape: tuple[int | None, ...]
    """Lengths of the axes; None for the number of samples."""


class Node(NamedTuple):
    """One application of an operator."""

    op: str
    """Name of the operator."""
    inputs: tuple[str, ...]
    """Names of the tensors that it reads."""
    output: str
    """Name of the tensor that it makes."""
    attributes: tuple[tuple[str, Any], ...] = ()
    """Names and values of its attributes, by name."""
    domain: str = ""
    """Domain of the operator; empty for the standard ones."""


class Constant(NamedTuple):
    """A tensor that is stored in the graph."""

    name: str
    """Name of the tensor."""
    values: NDArray[Any]
    """Its values, read-only."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Graph(Record):
    """A whole graph, its nodes in an order in which they can be computed."""

    name: str
    """Name of the graph."""
    inputs: tuple[Value, ...]
    """Inputs of the graph."""
    nodes: tuple[Node, ...]
    """Nodes, each behind those whose tensors it reads."""
    constants: tuple[Constant, ...]
    """Tensors that the graph stores, by name."""
    outputs: tuple[Value, ...]
    """Outputs of the graph."""

    def pruned(self, outputs: Iterable[Value]) -> Graph:
        """Return the graph with these outputs, without the nodes and constants that they do not need; inputs stay."""
        wanted = tuple(outputs)
        needed, kept = {each.name for each in wanted}, []
        for node in reversed(self.nodes):
            if node.output in needed:
                needed.update(node.inputs)
                kept.append(node)
        constants = tuple(each for each in self.constants if each.name in needed)
        return replace(self, nodes=tuple(reversed(kept)), constants=constants, outputs=wanted)


@dataclass(slots=True)
class Draft:
    """A graph under construction."""

    taken: set[str] = field(default_factory=set)
    """Names that tensors have already."""
    inputs: list[Value] = field(default_factory=list)
    """Inputs so far."""
    nodes: list[Node] = field(default_factory=list)
    """Nodes so far."""
    constants: list[Constant] = field(default_factory=list)
    """Stored tensors so far."""
    known: dict[tuple[object, ...], str] = field(default_factory=dict)
    """Tensor that each node or constant has made, by what it is."""

    def input(self, name: str, dtype: str, *shape: int | None) -> str:
        """Add an input of the graph; return its tensor."""
        self.taken.add(name)
        self.inputs.append(Value(name, dtype, shape))
        return name

    def constant(self, values: NDArray[Any], name: str) -> str:
        """Store a tensor, unless the same one is stored already; return its name."""
        held = np.array(values, order="C", copy=True)
        key = ("constant", held.dtype.str, held.shape, held.tobytes())
        if key not in self.known:
            held.setflags(write=False)
            self.known[key] = self._named(name)
            self.constants.append(Constant(self.known[key], held))
        return self.known[key]

    def add(self, op: str, *inputs: str, name: str, domain: str = "", **attributes: Any) -> str:
        """Add a node, unless the same one is there already; return the tensor that it makes."""
        listed = tuple(sorted(attributes.items()))
        key = (op, domain, inputs, listed)
        if key not in self.known:
            self.known[key] = self._named(name)
            self.nodes.append(Node(op, inputs, self.known[key], listed, domain))
        return self.known[key]

    def finish(self, name: str, outputs: Iterable[Value]) -> Graph:
        """Return the graph with everything that its outputs need."""
        everything = Graph(
            name=name, inputs=tuple(self.inputs), nodes=tuple(self.nodes), constants=tuple(self.constants), outputs=()
        )
        return everything.pruned(outputs)

    def _named(self, name: str) -> str:
        """Return the name, or the first that is free of the name with a number behind it."""
        free, number = name, 1
        while free in self.taken:
            number += 1
            free = f"{name}.{number}"
        self.taken.add(free)
        return free
