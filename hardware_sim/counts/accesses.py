"""Memory accesses and messages of a run, derived from its counts: integers, one row per input and node.

weights       read once per synaptic operation
accumulator   read and written once per synaptic operation, read once per update
membrane      read and written once per update of a spiking neuron; the linear output has none
parameters    bias, leak and threshold per update of a spiking neuron; the output's bias
table         two entries per fired neuron, where phi is a table: interpolation needs both corners
messages      one per event, however many nodes read it: how many cores that are, a partition says

A sum over a held source reads the payloads that it keeps of it as states, one for each component and step of every sample.
A product reads no weight: an event of a factor is one accumulator written, an update reads both factors, and it has no
membrane, parameter or table.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...base.arrays import Record
from ...network.quantized import Network
from ...network.spec import NetworkSpec
from .operations import NodeOperations, OperationCounts, RowKind


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAccesses(Record):
    """Words read and written by one input or node in a run, and messages that it sent."""

    name: str
    """Name of the row in the counts."""
    weight_reads: int
    """Number of weights read."""
    accumulator_reads: int
    """Number of sums of products read."""
    accumulator_writes: int
    """Number of sums of products written."""
    state_reads: int
    """Number of membranes, and of kept payloads of held sources, read."""
    state_writes: int
    """Number of membranes written."""
    parameter_reads: int
    """Number of biases, leaks and thresholds read."""
    table_reads: int
    """Number of entries of the phi table read."""
    messages: int
    """Number of events that leave the node, each counted once."""


def count_accesses(network: Network, counts: OperationCounts) -> tuple[NodeAccesses, ...]:
    """Derive memory accesses and messages from the counts of the same network, row by row."""
    tables = _nodes_with_table(network)
    held = {row.name: row.n_neurons for row in counts.rows if row.is_held}
    return tuple(_count_row(row, row.name in tables, held) for row in counts.rows)


def _nodes_with_table(network: Network) -> set[str]:
    """Return the names of the populations that look phi up; a float network looks nothing up."""
    if isinstance(network, NetworkSpec):
        return set()
    return {node.name for node in network.populations if node.table.rule.needs_table}


def _count_row(row: NodeOperations, uses_table: bool, held: dict[str, int]) -> NodeAccesses:
    """Count the accesses of a row; `held` are the widths of the held sources."""
    is_product = row.kind is RowKind.PRODUCT
    n_replayed = 0 if row.is_held or is_product else sum(held.get(each.source, 0) for each in row.connections)
    spiking_updates = row.neuron_updates if row.kind.has_neurons else 0
    output_updates = row.neuron_updates if row.kind is RowKind.OUTPUT else 0
    weight_reads = 0 if is_product else row.synaptic_operations
    return NodeAccesses(
        name=row.name,
        weight_reads=weight_reads,
        accumulator_reads=2 * row.neuron_updates if is_product else weight_reads + row.neuron_updates,
        accumulator_writes=row.synaptic_operations,
        state_reads=spiking_updates + n_replayed * row.n_steps * row.n_samples,
        state_writes=spiking_updates,
        parameter_reads=3 * spiking_updates + output_updates,
        table_reads=2 * row.fired if uses_table else 0,
        messages=row.spikes,
    )
