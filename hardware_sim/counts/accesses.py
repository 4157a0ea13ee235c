"""Memory accesses and messages of a run, derived from its counts: integers, one row per layer.

weights       read once per synaptic operation
accumulator   read and written once per synaptic operation, read once per update
membrane      read and written once per update of a spiking neuron; the linear output has none
parameters    bias, leak and threshold per update of a spiking neuron; the output's bias
table         two entries per fired neuron, where phi is a table: interpolation needs both corners
messages      one per event and destination core; one core per layer, unless a partition says otherwise
"""

from __future__ import annotations

from dataclasses import dataclass

from ...base.arrays import Record
from ...network.quantized import Network
from ...network.spec import NetworkSpec
from .counting import LayerOperations, OperationCounts, RowKind


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerAccesses(Record):
    """Words read and written by one layer in a run, and messages that it sent."""

    name: str
    """Name of the row in the counts."""
    weight_reads: int
    """Number of weights read."""
    accumulator_reads: int
    """Number of sums of products read."""
    accumulator_writes: int
    """Number of sums of products written."""
    state_reads: int
    """Number of membranes read."""
    state_writes: int
    """Number of membranes written."""
    parameter_reads: int
    """Number of biases, leaks and thresholds read."""
    table_reads: int
    """Number of entries of the phi table read."""
    messages: int
    """Events that leave the layer, each to one core."""


def count_accesses(network: Network, counts: OperationCounts) -> tuple[LayerAccesses, ...]:
    """Derive memory accesses and messages from the counts of the same network, row by row."""
    tables = [False, *_uses_table(network), False]
    return tuple(_count_row(row, uses) for row, uses in zip(counts.layers, tables, strict=True))


def _uses_table(network: Network) -> list[bool]:
    """Return which spiking layers look phi up."""
    if isinstance(network, NetworkSpec):
        return [False] * len(network.populations)
    return [layer.table.rule.needs_table for layer in network.populations]


def _count_row(row: LayerOperations, uses_table: bool) -> LayerAccesses:
    spiking_updates = row.neuron_updates if row.kind is RowKind.SPIKING else 0
    output_updates = row.neuron_updates if row.kind is RowKind.OUTPUT else 0
    return LayerAccesses(
        name=row.name,
        weight_reads=row.synaptic_operations,
        accumulator_reads=row.synaptic_operations + row.neuron_updates,
        accumulator_writes=row.synaptic_operations,
        state_reads=spiking_updates,
        state_writes=spiking_updates,
        parameter_reads=3 * spiking_updates + output_updates,
        table_reads=2 * row.fired if uses_table else 0,
        messages=row.spikes,
    )
