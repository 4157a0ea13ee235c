"""Where in space a network spends: synaptic operations and spikes of single samples, over chosen points.

A run keeps sums only, so that a million points cost no memory. For the map some points, spread over all of them, go through
the reference engine once more in small blocks, of which only the sums per sample are kept: memory does not grow with the
number of points. The integer engine is the definition that Lava is certified against, so these are the deployed network's own
numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, IntArray, freeze_arrays
from ...base.points import checked_points
from ...engine.host import encode_points
from ...engine.reference import run_float, run_integer
from ...engine.trace import NodeTrace, NumberArray, Probe
from ...network.quantized import Network, QuantizedNetwork
from .counting import count_fan_out

MAX_SAMPLES = 2000
"""Points of a map: as many as a figure can show, and a fraction of a second of the engine."""
BLOCK = 256
"""Samples whose full traces are held at a time."""
COUNTED = ("spikes", "fired", "synaptic_operations", "membrane_updates")
"""What is counted of every sample, row by row."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampleCounts(ArrayRecord):
    """What single samples cost; columns are the rows of the counts, the input first and the output last."""

    points: FloatArray
    """Their physical coordinates, shape (n_samples, n_in)."""
    spikes: IntArray
    """Events sent, shape (n_samples, n_rows)."""
    fired: IntArray
    """Neurons with s = 1, shape (n_samples, n_rows); 0 for the output."""
    synaptic_operations: IntArray
    """Non-zero weights reached, shape (n_samples, n_rows)."""
    membrane_updates: IntArray
    """First steps, and later ones at which the membrane changed, shape (n_samples, n_rows); see `neurobench.py`."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points=np.float64)
        freeze_arrays(self, **dict.fromkeys(COUNTED, np.int64))

    @property
    def n_samples(self) -> int:
        """Points that were counted one by one."""
        return int(self.points.shape[0])

    @property
    def operations(self) -> IntArray:
        """Synaptic operations of every sample, all layers together, shape (n_samples,)."""
        total: IntArray = self.synaptic_operations.sum(axis=1)
        return total


def spread_points(points: FloatArray, n: int = MAX_SAMPLES) -> FloatArray:
    """Choose at most n points, spread evenly over the order in which they are given."""
    if len(points) <= n:
        return points
    chosen: FloatArray = points[np.linspace(0, len(points) - 1, n).round().astype(np.int64)]
    return chosen


def count_samples(network: Network, points: FloatArray) -> SampleCounts:
    """Count what every one of these points costs.

    Args:
        network: The deployed network.
        points: Physical coordinates, shape (n_samples, n_in); `spread_points` keeps them few.

    Raises:
        SpecError: If the points are not what the network takes.
    """
    points = checked_points(points, network.n_in, f"count_samples: points of network {network.name!r}")
    blocks = [_count_block(network, points[start : start + BLOCK]) for start in range(0, len(points), BLOCK)]
    joined = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in COUNTED}
    return SampleCounts(points=points, **joined)


def _count_block(network: Network, points: FloatArray) -> SampleCounts:
    """Count points that are followed in full at once."""
    probe = Probe(n_samples=len(points))
    if isinstance(network, QuantizedNetwork):
        trace, x = run_integer(network, points, probe), encode_points(network, points)[0]
    else:
        trace, x = run_float(network, points, probe), network.input_transform.apply(points)
    assert trace.probe is not None
    layers = trace.probe.nodes
    silent = np.zeros((len(points), network.n_out), dtype=np.int64)
    events = [(x != 0) * network.n_steps, *((layer.payload != 0).sum(axis=1) for layer in layers), silent]
    fired = [events[0], *(layer.fired.sum(axis=1) for layer in layers), silent]
    updates = [0 * events[0], *(_changed(layer) for layer in layers), silent]
    nothing = np.zeros(len(points), dtype=np.int64)
    reached = [nothing, *(n @ count_fan_out(w) for n, w in zip(events, network.weights, strict=False))]
    return SampleCounts(
        points=points,
        spikes=_row_sums(events),
        fired=_row_sums(fired),
        synaptic_operations=np.stack(reached, axis=1),
        membrane_updates=_row_sums(updates),
    )


def _changed(layer: NodeTrace) -> NumberArray:
    """Count membrane updates by neuron: the first step, and every later one that left another value, (n_samples, n)."""
    changed: NumberArray = 1 + (np.diff(layer.membrane, axis=1) != 0).sum(axis=1)
    return changed


def _row_sums(by_neuron: list[NumberArray]) -> IntArray:
    """Sum over the neurons of every row: arrays (n_samples, n_neurons) into one (n_samples, n_rows)."""
    sums: IntArray = np.stack([values.sum(axis=1) for values in by_neuron], axis=1).astype(np.int64)
    return sums
