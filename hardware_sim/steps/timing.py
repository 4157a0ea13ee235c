"""Start of each node on the chip, and what waits in its delay lines: the timing of a graph in steps of Lava.

A node sends in one step of Lava what it computed in the step before. Node v computes step t of a sample, t = 0, 1, …, in
Lava's step 1 + start(v) + I * t, where the interval I is the number of Lava's steps that a network step takes. A message over
a connection u -> v of delay d is in time for it if

    start(v) >= start(u) + 1 - d * I          start(v) >= 0          start(input) = -1

and the smallest I for which all bounds hold is taken, with the earliest starts (`engine/schedule.py`). An input arrives in the
step in which it is sent. The receiver keeps each message of the connection for start(v) - start(u) - 1 + d * I steps of Lava.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...base.arrays import Record
from ...engine.schedule import schedule_network
from ...network.quantized import Network
from ..kernels.layer_kernel import message_widths


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayLine(Record):
    """What waits at a node for its turn, of one connection or factor."""

    source: str
    """Name of the input or node that sends."""
    delay: int
    """Delay d of the connection in steps of the network; at the first d steps of a sample zero is received."""
    width: int
    """Number of values of a message."""
    length: int
    """Number of Lava's steps that each message waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTiming(Record):
    """When a node works, and what waits for it."""

    name: str
    """Name of the node or read-out."""
    start: int
    """Number of Lava's steps before the first one in which it computes."""
    lines: tuple[DelayLine, ...]
    """Delay line of each connection or factor, in the order in which the node receives them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTiming(Record):
    """Timing of a whole network."""

    interval: int
    """Number I of Lava's steps that a step of the network takes; 1 where no loop is longer than its delays."""
    nodes: tuple[NodeTiming, ...]
    """Timing of each node in the network's order, the read-out's last."""

    @property
    def latency(self) -> int:
        """Number of Lava's steps from the first input to the first output of the read-out."""
        return self.nodes[-1].start + 1

    @property
    def last_start(self) -> int:
        """Start of the node that begins last; it may be one that the read-out reads with a delay, or never."""
        return max(node.start for node in self.nodes)

    @property
    def longest_line(self) -> int:
        """Number of Lava's steps that the longest delay line keeps its messages."""
        return max(line.length for node in self.nodes for line in node.lines)


def time_network(network: Network) -> NetworkTiming:
    """Compute the interval and the earliest starts of a network's nodes.

    Args:
        network: Float or quantized.
    """
    schedule = schedule_network(network)
    return NetworkTiming(
        interval=schedule.interval,
        nodes=tuple(
            NodeTiming(
                name=node.name,
                start=schedule.starts[node.name],
                lines=tuple(
                    DelayLine(
                        source=source,
                        delay=delay,
                        width=width,
                        length=schedule.line(source, node.name, delay),
                    )
                    for (source, delay), width in zip(node.edges, message_widths(node), strict=True)
                ),
            )
            for node in (*network.nodes, network.output)
        ),
    )
