"""Held inputs: the run of the samples that bring a new held value, and what a value and a further point cost.

    total = n_values * value + n_samples * point         each a mean: over the held values, and over the samples

The rows of what depends on held inputs only are counted from a run of one sample for each held value, all others from the
whole run, so that operations on replayed payloads count for every sample.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...base.arrays import FloatArray, Record
from ...engine.host import held_rows
from ...engine.reference import run_float, run_integer
from ...engine.trace import RunTrace
from ...network.quantized import Network, QuantizedNetwork
from .operations import NodeOperations, OperationCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost(Record):
    """What one held value, or one further point, costs; means."""

    synaptic_operations: float
    """Non-zero weights that events reach."""
    multiplications: float
    """Multiplications of payloads: synaptic operations, and those of products."""
    neuron_updates: float
    """Neurons, elements of products and outputs, times steps."""
    ann_macs: int
    """Multiply-accumulates of the same part of one dense pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCosts(Record):
    """What a run with held inputs costs, apart by what is computed once for each held value."""

    n_values: int
    """How many held values were computed."""
    value: UnitCost
    """What a new held value costs, before its points."""
    point: UnitCost
    """What each point costs, operations on replayed payloads included."""


def run_held(network: Network, points: FloatArray) -> RunTrace | None:
    """Run the samples that bring a new held value through the reference engine; None where no input is held.

    Args:
        network: The network that ran at the points.
        points: Physical points, shape (n_samples, n_in).
    """
    rows = held_rows(network, points)
    if not len(rows):
        return None
    first = points[rows]
    return run_integer(network, first) if isinstance(network, QuantizedNetwork) else run_float(network, first)


def held_costs(counts: OperationCounts) -> HeldCosts | None:
    """Return what a held value and a point cost; None where every sample was counted anew."""
    held = [row for row in counts.rows if row.is_held]
    if not held:
        return None
    others = (row for row in counts.rows if not row.is_held)
    n_values = held[0].n_samples
    return HeldCosts(n_values=n_values, value=_unit_cost(held, n_values), point=_unit_cost(others, counts.n_samples))


def _unit_cost(rows: Iterable[NodeOperations], n: int) -> UnitCost:
    """Add rows up and divide by the number of values or points."""
    summed = tuple(rows)
    return UnitCost(
        synaptic_operations=sum(row.synaptic_operations for row in summed) / n,
        multiplications=sum(row.multiplications for row in summed) / n,
        neuron_updates=sum(row.neuron_updates for row in summed) / n,
        ann_macs=sum(row.ann_macs for row in summed),
    )
