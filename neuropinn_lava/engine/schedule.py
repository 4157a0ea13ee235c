"""The schedule of a network on a machine whose nodes send in one step what they computed in the step before.

    start(v) >= start(u) + 1 - d * interval         for every connection u -> v of delay d, and every factor of a product

The interval is the number of the machine's steps that one step of the network takes: the smallest for which such starts exist,
1 for networks without loops and for loops of a node onto itself. What arrives too early waits in the receiver's delay line.
Inputs arrive in the step in which they are sent, in place of the one behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..base.arrays import Record
from ..network.quantized import Network

INPUT_START = -1
"""Start of the inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(Record):
    """The starts of all nodes, in the machine's steps."""

    interval: int
    """Number of the machine's steps that one step of the network takes, at least 1."""
    starts: Mapping[str, int]
    """Step in which each node computes the first step of a sample, by name, from 0 on; -1 for the inputs."""
    output: str
    """Name of the read-out."""
    replayed_start: int | None = None
    """Start of the read-out for a further sample of a held value, whose payloads are there; None where nothing is held."""

    def line(self, source: str, node: str, delay: int) -> int:
        """Return the length of the delay line of a connection, in the machine's steps, at least 0."""
        return self.starts[node] - self.starts[source] - 1 + delay * self.interval

    def n_alone(self, n_steps: int) -> int:
        """Return the number of the machine's steps from a sample's first one to its last output."""
        return (n_steps - 1) * self.interval + self.starts[self.output] + 1

    def n_replayed(self, n_steps: int) -> int | None:
        """Return the same for a further sample of a held value; None where nothing is held."""
        return None if self.replayed_start is None else (n_steps - 1) * self.interval + self.replayed_start + 1


def schedule_network(network: Network) -> Schedule:
    """Find the smallest interval, and the earliest starts for it, by relaxing the inequalities above."""
    nodes = (*network.nodes, network.output)
    interval = 1
    while (starts := _earliest(nodes, [each.name for each in network.inputs], interval)) is None:
        interval += 1  # ends at the longest loop: all its delays are at least 1
    replayed, held = None, network.held_sources
    if held:
        others = tuple(node for node in nodes if node.name not in held)
        found = _earliest(others, [*held, *(each.name for each in network.inputs)], interval)
        assert found is not None, "fewer nodes need no longer interval"
        replayed = found[network.output.name]
    return Schedule(interval=interval, starts=starts, output=network.output.name, replayed_start=replayed)


def _earliest(nodes: tuple[Any, ...], inputs: list[str], interval: int) -> dict[str, int] | None:
    """Return the earliest starts, or None where a loop is longer than its delays."""
    starts = dict.fromkeys(inputs, INPUT_START) | {node.name: 0 for node in nodes}
    for _ in range(len(nodes) + 1):
        before = dict(starts)
        for node in nodes:
            starts[node.name] = max(0, *(starts[source] + 1 - delay * interval for source, delay in node.edges))
        if starts == before:
            return starts
    return None
