"""How the layers of a network are split over the cores of a target: what a core holds, and which neurons share one.

This is the only definition of it. The verdict of `hardware_rules.check_network` and the placement of
`hardware_sim.costs.cores.partition_network` both stand on it, so that they count the same cores.

A layer takes the fewest cores that hold its neurons, their non-zero weights, states, phi table and axons when the neurons are
dealt out evenly and in order; layers share no core. Layers are split from the last one to the first, because a core's routing
table holds an entry for every pair of one of its neurons and a core of the next layer that the neuron has a weight on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...base.arrays import ArrayRecord, BoolArray, IntArray, Record, freeze_arrays
from ...network.integers import LEAK_BITS
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import QuantizedAffine, QuantizedOutput, QuantizedPopulation
from .target import HardwareTarget

ENTRY_BYTES = 4
"""Bytes of one entry of a phi table, which has at most 32 bits."""

AnyLayer = QuantizedPopulation | QuantizedOutput


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreContents(Record):
    """The share of a layer that one core holds."""

    first: int
    """The first neuron of the layer on this core."""
    n_neurons: int
    """The number of neurons on this core."""
    synapse_bytes: int
    """Memory of the non-zero weights, in bytes."""
    state_bytes: int
    """Memory of states, parameters and the phi table, in bytes."""
    in_axons: int
    """Senders that at least one neuron of this core has a weight for."""
    out_axons: int
    """Pairs of a neuron of this core and a core of the next layer that it reaches; the read-out has none."""

    @property
    def neurons(self) -> slice:
        """The neurons of the layer on this core."""
        return slice(self.first, self.first + self.n_neurons)

    def exceeds(self, target: HardwareTarget) -> bool:
        """Return whether a core of the target is too small for this."""
        held_and_limits = (
            (self.n_neurons, target.max_neurons_per_core),
            (self.synapse_bytes, target.synapse_bytes_per_core),
            (self.synapse_bytes + self.state_bytes, target.core_bytes),
            (self.in_axons, target.max_fan_in),
            (self.out_axons, target.max_out_axons),
        )
        return any(limit is not None and held > limit for held, limit in held_and_limits)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerSplit(ArrayRecord):
    """The cores of one layer."""

    name: str
    """The layer's name."""
    cores: tuple[CoreContents, ...]
    """The cores in the order of their neurons; none where a single neuron exceeds a core."""
    cores_reached: IntArray
    """The number of these cores that each sender has a weight on, shape (n_in,)."""

    def __post_init__(self) -> None:
        freeze_arrays(self, cores_reached=np.int64)


def split_network(network: QuantizedNetwork, target: HardwareTarget) -> tuple[LayerSplit, ...]:
    """Split every layer of a network over cores of a target, the read-out last.

    A layer with a neuron that exceeds a core by itself has no cores, and the layer before it is then split as if its neurons
    sent nothing. `hardware_rules` says which limit is exceeded.
    """
    splits: list[LayerSplit] = []
    reached = np.zeros(network.n_out, dtype=np.int64)
    layers: tuple[AnyLayer, ...] = (*network.populations, network.output)
    for layer in reversed(layers):
        split = _split_layer(layer, target, reached)
        splits.append(split)
        reached = split.cores_reached
    return tuple(reversed(splits))


def _split_layer(layer: AnyLayer, target: HardwareTarget, reached: IntArray) -> LayerSplit:
    """Deal the neurons of a layer out to the fewest cores; `reached` (n_out,) are the cores that each of them sends to."""
    connected: BoolArray = layer.affine.weight != 0
    needed = synapse_bytes(layer.affine)

    def contents(first: int, n_neurons: int) -> CoreContents:
        held = slice(first, first + n_neurons)
        return CoreContents(
            first=first,
            n_neurons=n_neurons,
            synapse_bytes=int(needed[held].sum()),
            state_bytes=state_bytes(layer, n_neurons),
            in_axons=int(np.count_nonzero(connected[held].any(axis=0))),
            out_axons=int(reached[held].sum()),
        )

    if any(contents(neuron, 1).exceeds(target) for neuron in range(layer.n_out)):
        return LayerSplit(name=layer.name, cores=(), cores_reached=np.zeros(layer.n_in, dtype=np.int64))
    n_cores = math.ceil(layer.n_out / target.max_neurons_per_core)
    while True:
        ends = [layer.n_out * index // n_cores for index in range(n_cores + 1)]
        cores = tuple(contents(first, last - first) for first, last in pairwise(ends))
        if not any(core.exceeds(target) for core in cores):
            break
        n_cores += 1
    cores_reached = np.sum([connected[core.neurons].any(axis=0) for core in cores], axis=0)
    return LayerSplit(name=layer.name, cores=cores, cores_reached=cores_reached)


def synapse_bytes(affine: QuantizedAffine) -> IntArray:
    """Return the bytes of each neuron's non-zero weights, shape (n_out,)."""
    n_bits = np.count_nonzero(affine.weight, axis=1) * affine.weight_bits
    needed: IntArray = -(-n_bits // 8)
    return needed


def state_bytes(layer: AnyLayer, n_neurons: int) -> int:
    """Return the bytes of drive, membrane, bias, threshold, leak and phi table; the read-out has drive and bias only."""
    word = math.ceil(layer.affine.state_bits / 8)
    if isinstance(layer, QuantizedOutput):
        return 2 * word * n_neurons
    leak = math.ceil((LEAK_BITS + 1) / 8)
    return (4 * word + leak) * n_neurons + ENTRY_BYTES * layer.table.n_entries
