"""How a network fits the cores of a target: split, placed, and what every core holds.

A layer takes as many cores as its neurons, its synaptic memory and the fan-in ask for, and shares none with another layer.
Its neurons are dealt out evenly, in order. Cores are numbered along the mesh, layer after layer. Messages between cores are in
`traffic.py`; this module knows networks and targets, not runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...base.arrays import IntArray
from ...base.errors import HardwareRuleError
from ...conversion.targets.target import HardwareTarget
from ...network.integers import LEAK_BITS
from ...network.quantized import QuantizedAffine, QuantizedLayer, QuantizedNetwork, QuantizedOutput
from .mesh import Mesh, Place, find_mesh

ENTRY_BYTES = 4
"""Bytes of one entry of a phi table, which has at most 32 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """One core and what it holds."""

    index: int
    """Number along the mesh, 0 … n_cores - 1."""
    place: Place
    """Its tile."""
    layer: str
    """Name of the layer."""
    first: int
    """First neuron of the layer that it holds."""
    n_neurons: int
    """How many."""
    synapse_bytes: int
    """Memory of the weights that are not zero."""
    state_bytes: int
    """Memory of states, parameters and the phi table."""

    @property
    def neurons(self) -> slice:
        """Which neurons of the layer it holds."""
        return slice(self.first, self.first + self.n_neurons)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCores:
    """The cores of one layer, in numbers."""

    name: str
    """The layer's name."""
    n_neurons: int
    """Neurons of the layer."""
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
class Partition:
    """A network on the cores of a target."""

    target: HardwareTarget
    """What it was made for."""
    mesh: Mesh
    """Known or assumed."""
    cores: tuple[Core, ...]
    """In order of their numbers; layers in order, the read-out last."""

    @property
    def n_cores(self) -> int:
        """Cores that hold a neuron."""
        return len(self.cores)

    @property
    def n_chips(self) -> int:
        """Chips that these cores fill, the last one perhaps not whole."""
        return math.ceil(self.n_cores / self.target.cores_per_chip)

    def cores_of(self, layer: str) -> tuple[Core, ...]:
        """Give the cores of one layer."""
        return tuple(core for core in self.cores if core.layer == layer)

    @property
    def layers(self) -> tuple[LayerCores, ...]:
        """What every layer takes, in the order of the network, the read-out last."""
        names = dict.fromkeys(core.layer for core in self.cores)
        return tuple(_summarise(self.target, self.cores_of(name)) for name in names)


def _summarise(target: HardwareTarget, cores: tuple[Core, ...]) -> LayerCores:
    most_neurons = max(core.n_neurons for core in cores)
    most_bytes = max(core.synapse_bytes for core in cores)
    return LayerCores(
        name=cores[0].layer,
        n_neurons=sum(core.n_neurons for core in cores),
        n_cores=len(cores),
        neurons_per_core=most_neurons,
        synapse_bytes_per_core=most_bytes,
        neuron_utilisation=most_neurons / target.max_neurons_per_core,
        synapse_utilisation=most_bytes / target.synapse_bytes_per_core,
    )


def partition_network(network: QuantizedNetwork, target: HardwareTarget) -> Partition:
    """Split a network over the cores of a target, and place them on its mesh.

    Words are not judged here, `check_network` does that: a partition for a chip without graded spikes is a size, not a promise.

    Raises:
        HardwareRuleError: If a single neuron does not fit one core, or a neuron reaches more cores than the target allows.
    """
    mesh = find_mesh(target)
    cores: list[Core] = []
    layers: tuple[QuantizedLayer | QuantizedOutput, ...] = (*network.layers, network.output)
    for layer in layers:
        for first, n_neurons in _split_layer(layer, target):
            held = slice(first, first + n_neurons)
            cores.append(
                Core(
                    index=len(cores),
                    place=mesh.place(len(cores)),
                    layer=layer.name,
                    first=first,
                    n_neurons=n_neurons,
                    synapse_bytes=int(_synapse_bytes(layer.affine)[held].sum()),
                    state_bytes=_state_bytes(layer, n_neurons),
                )
            )
    partition = Partition(target=target, mesh=mesh, cores=tuple(cores))
    _check_fan_out(partition)
    return partition


def _split_layer(layer: QuantizedLayer | QuantizedOutput, target: HardwareTarget) -> tuple[tuple[int, int], ...]:
    """Deal the neurons of a layer out to the fewest cores that hold them, evenly: (first, n_neurons) for each core.

    Raises:
        HardwareRuleError: If a single neuron does not fit one core.
    """
    needed = _synapse_bytes(layer.affine)
    for neuron in range(layer.n_out):
        for rule, got in _broken(layer, target, needed, neuron, 1):
            mend = "Use shorter weights, prune, narrow the layer before it, or choose a larger target."
            raise HardwareRuleError(f"layer {layer.name!r} on {target.title}", f"one neuron fits {rule}", got, mend)
    n_cores = 1
    while True:
        ends = [layer.n_out * index // n_cores for index in range(n_cores + 1)]
        chunks = tuple((first, last - first) for first, last in pairwise(ends))
        if not any(rule for chunk in chunks for rule in _broken(layer, target, needed, *chunk)):
            return chunks
        n_cores += 1


def _broken(
    layer: QuantizedLayer | QuantizedOutput, target: HardwareTarget, needed: IntArray, first: int, n: int
) -> Iterator[tuple[str, int]]:
    """Give the limits of a core that neurons first … first + n - 1 exceed, with what they need.

    `needed` (n_out,) are the bytes of each neuron's weights.
    """
    held = slice(first, first + n)
    n_bytes = int(needed[held].sum())
    if n > target.max_neurons_per_core:
        yield f"the {target.max_neurons_per_core} neurons of a core", n
    if n_bytes > target.synapse_bytes_per_core:
        yield f"the {target.synapse_bytes_per_core} bytes of synaptic memory of a core", n_bytes
    if target.max_fan_in is not None:
        fan_in = int(np.count_nonzero(layer.affine.weight[held].any(axis=0)))
        if fan_in > target.max_fan_in:
            yield f"the fan-in of {target.max_fan_in} of a core", fan_in
    all_bytes = n_bytes + _state_bytes(layer, n)
    if target.core_bytes is not None and all_bytes > target.core_bytes:
        yield f"the {target.core_bytes} bytes of a core", all_bytes


def _synapse_bytes(affine: QuantizedAffine) -> IntArray:
    """Give the bytes of each neuron's non-zero weights, shape (n_out,)."""
    n_bits = np.count_nonzero(affine.weight, axis=1) * affine.weight_bits
    needed: IntArray = -(-n_bits // 8)
    return needed


def _state_bytes(layer: QuantizedLayer | QuantizedOutput, n_neurons: int) -> int:
    """Give the bytes of drive, membrane, bias, threshold, leak and the phi table; the read-out has drive and bias only."""
    word = math.ceil(layer.affine.state_bits / 8)
    if isinstance(layer, QuantizedOutput):
        return 2 * word * n_neurons
    leak = math.ceil((LEAK_BITS + 1) / 8)
    return (4 * word + leak) * n_neurons + ENTRY_BYTES * len(layer.table.entries)


def _check_fan_out(partition: Partition) -> None:
    limit = partition.target.max_fan_out
    widest = max(partition.layers[1:], key=lambda layer: layer.n_cores)
    if limit is not None and widest.n_cores > limit:
        where = f"layer {widest.name!r} on {partition.target.title}"
        mend = "Narrow the layer, shorten its weights, or choose a larger target."
        raise HardwareRuleError(where, f"a neuron reaches at most {limit} cores", widest.n_cores, mend)
