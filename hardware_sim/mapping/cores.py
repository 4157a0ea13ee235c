"""The cores of a network, placed on the mesh of a target, and what every core holds.

How nodes are split over cores is defined in `conversion.core_split`, on which the verdict of `check_network` stands too.
Here the cores are numbered along the mesh, node after node. Messages between cores are in `traffic.py`; this module knows
networks and targets, not runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...base.arrays import Record
from ...conversion.targets.hardware_rules import require_placement
from ...conversion.targets.target import HardwareTarget
from ...network.quantized import QuantizedNetwork
from .mesh import Mesh, Place, find_mesh


@dataclass(frozen=True, slots=True, kw_only=True)
class Core(Record):
    """One core and what it holds."""

    index: int
    """Number along the mesh, 0 … n_cores - 1."""
    place: Place
    """Tile on which the core lies."""
    node: str
    """Name of the node."""
    first: int
    """First neuron of the node that it holds."""
    n_neurons: int
    """Number of neurons that it holds."""
    synapse_bytes: int
    """Memory of the weights that are not zero."""
    state_bytes: int
    """Memory of states, parameters, the phi table, and kept payloads of held sources."""

    @property
    def neurons(self) -> slice:
        """Which neurons of the node it holds."""
        return slice(self.first, self.first + self.n_neurons)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCores(Record):
    """The cores of one node, in numbers."""

    name: str
    """The node's name."""
    n_neurons: int
    """Neurons of the node."""
    n_cores: int
    """Cores that it takes."""
    neurons_per_core: int
    """On the fullest core."""
    synapse_bytes_per_core: int
    """On the fullest core."""
    neuron_utilisation: float
    """Share of the target's neurons that the fullest core uses, 0 to 1."""
    synapse_utilisation: float
    """Share of its synaptic memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition(Record):
    """A network on the cores of a target."""

    target: HardwareTarget
    """What it was made for."""
    mesh: Mesh
    """Known or assumed."""
    cores: tuple[Core, ...]
    """In order of their numbers; nodes in order, the read-out last."""

    @property
    def n_cores(self) -> int:
        """Cores that hold a neuron."""
        return len(self.cores)

    @property
    def n_chips(self) -> int:
        """Chips that these cores fill, the last one perhaps not whole."""
        return math.ceil(self.n_cores / self.target.cores_per_chip)

    def cores_of(self, node: str) -> tuple[Core, ...]:
        """Return the cores of one node."""
        return tuple(core for core in self.cores if core.node == node)

    @property
    def nodes(self) -> tuple[NodeCores, ...]:
        """What every node takes, in the order of the network, the read-out last."""
        names = dict.fromkeys(core.node for core in self.cores)
        return tuple(_summarise(self.target, self.cores_of(name)) for name in names)


def _summarise(target: HardwareTarget, cores: tuple[Core, ...]) -> NodeCores:
    most_neurons = max(core.n_neurons for core in cores)
    most_bytes = max(core.synapse_bytes for core in cores)
    return NodeCores(
        name=cores[0].node,
        n_neurons=sum(core.n_neurons for core in cores),
        n_cores=len(cores),
        neurons_per_core=most_neurons,
        synapse_bytes_per_core=most_bytes,
        neuron_utilisation=most_neurons / target.max_neurons_per_core,
        synapse_utilisation=most_bytes / target.synapse_bytes_per_core,
    )


def partition_network(network: QuantizedNetwork, target: HardwareTarget) -> Partition:
    """Place the cores of a network on the mesh of a target.

    Words are not judged here, `check_network` does that: a partition for a chip without graded spikes is a size, not a promise.

    Raises:
        HardwareRuleError: If a neuron exceeds one core, or reaches more cores than the target allows.
    """
    mesh = find_mesh(target)
    contents = ((split.name, core) for split in require_placement(network, target) for core in split.cores)
    cores = tuple(
        Core(
            index=index,
            place=mesh.place(index),
            node=name,
            first=held.first,
            n_neurons=held.n_neurons,
            synapse_bytes=held.synapse_bytes,
            state_bytes=held.state_bytes,
        )
        for index, (name, held) in enumerate(contents)
    )
    return Partition(target=target, mesh=mesh, cores=cores)
