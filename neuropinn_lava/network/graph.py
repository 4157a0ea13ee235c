"""Order of the nodes of a network, and the rules that its connections obey, for float and for integer records alike.

A node computes its value of step t from values of step t - d of its sources, d being the delay of a connection. Connections of
delay 0 must not close a cycle, so that the nodes can be computed one after the other; those with a delay may.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..base.arrays import side_by_side, split_columns
from ..base.checks import check_choice, check_range, check_shape, check_whole, raise_violations
from ..base.errors import SpecError, Violation

MAX_DELAY = 4096
"""Largest delay of a connection in steps, as large as the largest number of steps."""


class Edge(Protocol):
    """A connection of either kind: what it reads, and how many steps before."""

    @property
    def source(self) -> str:
        """Name of the node or input that is read."""

    @property
    def delay(self) -> int:
        """Number of steps between sending and receiving."""


class Node(Protocol):
    """A population, a product or a read-out of either kind."""

    @property
    def name(self) -> str:
        """Name of the node."""

    @property
    def edges(self) -> tuple[tuple[str, int], ...]:
        """Source and delay of everything that the node reads, in the order in which it receives them."""


class WeightedEdge(Edge, Protocol):
    """A connection with its weights."""

    @property
    def weight(self) -> Any:
        """Weights, shape (n_out, n_source)."""

    @property
    def n_source(self) -> int:
        """Number of components of the source."""


_N = TypeVar("_N", bound=Node)
_E = TypeVar("_E", bound=Edge)
_W = TypeVar("_W", bound=WeightedEdge)


class AffineNode(Generic[_W]):
    """Base of the records of a sum over connections, in float and in integers: populations, read-outs, integer sums."""

    __slots__ = ()
    connections: tuple[_W, ...]
    bias: NDArray[Any]

    @property
    def edges(self) -> tuple[tuple[str, int], ...]:
        """Source and delay of every connection."""
        return tuple((each.source, each.delay) for each in self.connections)

    @property
    def weight(self) -> NDArray[Any]:
        """Weights of all connections side by side, shape (n_out, n_in), read-only."""
        return side_by_side([each.weight for each in self.connections])

    @property
    def n_in(self) -> int:
        """Number of values that every neuron receives, over all connections."""
        return sum(each.n_source for each in self.connections)

    @property
    def n_out(self) -> int:
        """Number of neurons, or of outputs."""
        return len(self.bias)

    def split_columns(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Split columns (..., n_in) of all connections side by side into those of each connection."""
        return split_columns(values, [each.n_source for each in self.connections])

    def with_weight(self, weight: NDArray[Any], **changes: Any) -> Any:
        """Return the node with other weights, (n_out, n_in) for all connections side by side, and other fields."""
        parts = zip(self.connections, self.split_columns(np.asarray(weight)), strict=True)
        connections: Any = tuple(replace(each, weight=w) for each, w in parts)  # type: ignore[type-var]
        return replace(self, connections=connections, **changes)  # type: ignore[type-var]


class ProductNode:
    """Base of the records of an elementwise product, in float and in integers."""

    __slots__ = ()
    name: str
    left: str
    right: str
    width: int

    @property
    def edges(self) -> tuple[tuple[str, int], ...]:
        """Both factors, with a delay of 0."""
        return ((self.left, 0), (self.right, 0))

    @property
    def n_out(self) -> int:
        """Number of elements."""
        return self.width


def sorted_connections(connections: Sequence[_E]) -> tuple[_E, ...]:
    """Return connections in their canonical order, by source and delay."""
    return tuple(sorted(connections, key=lambda each: (each.source, each.delay)))


def check_connections(where: str, connections: Sequence[Edge]) -> Iterator[Violation]:
    """Check that there are connections, that their delays are in range, and that none has the source and delay of another."""
    if not connections:
        yield Violation(f"{where}.connections", "hold at least one connection", 0, "Connect it to an input or a node.")
    seen: set[tuple[str, int]] = set()
    for each in connections:
        place = f"{where}: delay of the connection from {each.source!r}"
        found = [*check_whole(place, each.delay)] or [*check_range(place, each.delay, 0, MAX_DELAY)]
        yield from found
        if not found and (each.source, each.delay) in seen:
            repair = "Add their weights up into one connection."
            got = f"two from {each.source!r} with delay {each.delay}"
            yield Violation(f"{where}.connections", "be unique by source and delay", got, repair)
        seen.add((each.source, each.delay))


def check_affine(where: str, connections: Sequence[WeightedEdge], bias: NDArray[Any]) -> Iterator[Violation]:
    """Check the connections of a sum, the shape of its bias (n_out,), and that every connection has n_out rows."""
    yield from check_connections(where, connections)
    yield from check_shape(f"{where}.bias", bias, (None,), "(n_out,)")
    for each in connections:
        if len(each.weight) != len(bias):
            repair = "Give it one row for each neuron."
            place = f"{where}: weight of the connection from {each.source!r}"
            yield Violation(place, f"have n_out = {len(bias)} rows", len(each.weight), repair)


def ordered_nodes(where: str, nodes: Sequence[_N], inputs: Sequence[str]) -> tuple[_N, ...]:
    """Sort nodes so that each stands behind those that it reads without delay, equal ones by name.

    Args:
        where: The network, for errors.
        nodes: Populations and products in any order, with different names.
        inputs: Names of the network's inputs.

    Raises:
        SpecError: If a name is used twice, a source does not exist, or connections of delay 0 close a cycle.
    """
    by_name = {node.name: node for node in nodes}
    names = [*inputs, *(node.name for node in nodes)]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SpecError(f"{where}.nodes", "have different names", doubled, "Rename one of them.")
    for node in nodes:
        check_sources(where, node, names)
    waits_for = {
        node.name: {source for source, delay in node.edges if not delay and source in by_name} for node in nodes
    }
    ready = sorted(name for name, sources in waits_for.items() if not sources)
    heapq.heapify(ready)
    order: list[_N] = []
    while ready:
        name = heapq.heappop(ready)
        order.append(by_name[name])
        for other, sources in waits_for.items():
            if name in sources:
                sources.remove(name)
                if not sources:
                    heapq.heappush(ready, other)
    if len(order) < len(nodes):
        cycle = " -> ".join(_find_cycle({name: sources for name, sources in waits_for.items() if sources}))
        repair = "Give one of these connections a delay of 1 or more, or leave it out."
        raise SpecError(f"{where}.nodes", "have no cycle without a delay", cycle, repair)
    return tuple(order)


def check_sources(where: str, node: Node, names: Sequence[str]) -> None:
    """Check that everything that a node reads is one of `names`.

    Raises:
        SpecError: If a source does not exist; the nearest names are shown.
    """
    raise_violations(
        violation
        for source, _ in node.edges
        for violation in check_choice(f"{where}: source of {node.name!r}", source, names)
    )


def is_chain(inputs: Sequence[str], nodes: Sequence[Node]) -> bool:
    """Return whether each of the nodes, the read-out last, reads only the one before it, at the same step."""
    sources = [*inputs, *(node.name for node in nodes[:-1])]
    return len(inputs) == 1 and all(node.edges == ((source, 0),) for source, node in zip(sources, nodes, strict=True))


def _find_cycle(waits_for: Mapping[str, set[str]]) -> list[str]:
    """Return the names of a cycle, in the order of the signals, among nodes that all wait for one another."""
    path = [min(waits_for)]
    while True:
        before = min(name for name in waits_for[path[-1]] if name in waits_for)
        if before in path:
            return [before, *reversed(path[path.index(before) :])]
        path.append(before)
