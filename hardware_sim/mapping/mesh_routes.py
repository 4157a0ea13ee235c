"""The links that messages take between cores, and what each link carries in a step.

    core -> router of its tile -> routers along the row -> routers along the column -> core        x before y

Every arrow is a link of its own, and so is its opposite. Input enters at the router of the host's tile; the link on which it
enters the chip is not counted. With the pipeline full, a node that starts in step s of the chip works on step t of a sample in
step (s + t * interval) mod (T * interval): what one link carries in a step is the sum over all nodes.

Source: Timcheck, Pierro, Shrestha, A Compute and Communication Runtime Model for Loihi 2, arXiv 2601.10035.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, freeze_arrays
from .cores import Partition
from .mesh import HOST_PLACE, Place
from .traffic import Link, Traffic


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinkLoad(ArrayRecord):
    """What one link carries in each step of the full pipeline, mean over samples, of held sources over held values."""

    start: str
    """Where the link begins, as in `core 3` or `router (1, 0)`."""
    end: str
    """Where the link ends."""
    messages: FloatArray
    """The number of messages, shape (n_steps * interval,)."""
    payload_bits: FloatArray
    """The bits of their payloads, shape (n_steps * interval,)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, messages=np.float64, payload_bits=np.float64)

    def bits(self, header_bits: float) -> FloatArray:
        """Return all bits in each step, shape (n_steps * interval,), with so many bits of header a message."""
        total: FloatArray = self.payload_bits + header_bits * self.messages
        return total


def route(start: Place, end: Place) -> tuple[str, ...]:
    """Return the routers from one tile to another, both included, along the row first."""
    step = 1 if end.column >= start.column else -1
    along_row = [Place(column, start.row) for column in range(start.column, end.column, step)]
    step = 1 if end.row >= start.row else -1
    along_column = [Place(end.column, row) for row in range(start.row, end.row, step)]
    return tuple(f"router ({place.column}, {place.row})" for place in (*along_row, *along_column, end))


def load_links(partition: Partition, traffic: Traffic) -> tuple[LinkLoad, ...]:
    """Return what each link of the mesh carries; links without a message are left out."""
    interval = traffic.schedule.interval
    messages: dict[tuple[str, str], FloatArray] = {}
    payload_bits: dict[tuple[str, str], FloatArray] = {}
    for link in traffic.links:
        carried = np.zeros(traffic.n_steps * interval)
        carried[::interval] = np.array(link.messages_per_step) / link.n_samples
        sent = np.roll(carried, link.start)
        for hop in pairwise(_nodes(partition, link)):
            messages[hop] = messages.get(hop, 0.0) + sent
            payload_bits[hop] = payload_bits.get(hop, 0.0) + sent * link.payload_bits
    return tuple(
        LinkLoad(start=start, end=end, messages=messages[start, end], payload_bits=payload_bits[start, end])
        for start, end in messages
    )


def _nodes(partition: Partition, link: Link) -> tuple[str, ...]:
    """Return the nodes that a message passes: the core that sends, routers, the core that receives."""
    receiver = partition.cores[link.destination]
    if link.source is None:
        return (*route(HOST_PLACE, receiver.place), f"core {receiver.index}")
    sender = partition.cores[link.source]
    return (f"core {sender.index}", *route(sender.place, receiver.place), f"core {receiver.index}")
