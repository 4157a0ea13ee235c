"""Where in space a network spends: synaptic operations and spikes of single samples, over chosen points.

A run keeps sums only, so that a million points cost no memory. For the map some points, spread over all of them, go through
the reference engine once more in small blocks, of which only the sums per sample are kept: memory does not grow with the
number of points. The integer engine is the definition that Lava is certified against, so these are the deployed network's own
numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base.arrays import ArrayRecord, BoolArray, FloatArray, IntArray, freeze_arrays
from ...engine.host import encode_points
from ...engine.reference import run_float, run_integer
from ...engine.trace import NodeTrace, Probe
from ...network.given_points import checked_samples
from ...network.quantized import AnyNode, Network, QuantizedNetwork
from .counting import arriving, fan_outs, row_kinds
from .operations import RowKind

MAX_SAMPLES = 2000
"""Points of a map: as many as a figure can show, and a fraction of a second of the engine."""
BLOCK = 256
"""Samples of up to `LONG` steps whose full traces are held at a time."""
LONG = 16
"""Number of steps above which fewer samples are counted and held, so that memory and time stay what they are."""
COUNTED = ("spikes", "fired", "synaptic_operations", "membrane_updates")
"""What is counted of every sample, row by row."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampleCounts(ArrayRecord):
    """What single samples cost alone, held values included; columns are the rows of the counts, the output last."""

    points: FloatArray
    """Their physical coordinates, shape (n_samples, n_in); (n_samples, n_steps, n_in) where an input is a sequence."""
    spikes: IntArray
    """Events sent, shape (n_samples, n_rows)."""
    fired: IntArray
    """Neurons with s = 1, shape (n_samples, n_rows); 0 for products and the output."""
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
        """Synaptic operations of every sample, all nodes together, shape (n_samples,)."""
        total: IntArray = self.synaptic_operations.sum(axis=1)
        return total


def spread_points(points: FloatArray, n: int = MAX_SAMPLES) -> FloatArray:
    """Choose at most n points, fewer of long sequences, spread evenly over the order in which they are given."""
    if points.ndim == 3:
        n = max(1, n * LONG // max(points.shape[1], LONG))
    if len(points) <= n:
        return points
    chosen: FloatArray = points[np.linspace(0, len(points) - 1, n).round().astype(np.int64)]
    return chosen


def count_samples(network: Network, points: FloatArray) -> SampleCounts:
    """Count what every one of these points costs.

    Args:
        network: The deployed network.
        points: Physical coordinates, as a run takes them; `spread_points` keeps them few.

    Raises:
        SpecError: If the points are not what the network takes.
    """
    points = checked_samples(points, network, f"count_samples: points of network {network.name!r}")
    n_steps = network.n_steps or points.shape[1]
    size = max(1, BLOCK * LONG // max(n_steps, LONG))
    blocks = [_count_block(network, points[start : start + size]) for start in range(0, len(points), size)]
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
    held = {node.name: node for node in trace.probe.nodes}
    shown = x if x.ndim == 3 else np.broadcast_to(x[:, None], (len(x), trace.n_steps, network.n_in))
    sent = network.split_inputs(shown != 0) | {name: node.payload != 0 for name, node in held.items()}
    nothing = np.zeros(len(points), dtype=np.int64)
    spikes, fired, reached, updates = [], [], [], []
    for kind, node in zip(row_kinds(network), (*network.inputs, *network.nodes, network.output), strict=True):
        events = _all_but_samples(sent[node.name]) if node.name in sent else nothing
        has_neurons = kind.has_neurons
        spikes.append(events)
        fired.append(events if kind is RowKind.INPUT else nothing)
        reached.append(nothing if kind is RowKind.INPUT else _operations(node, sent))
        updates.append(_changed(held[node.name]) if has_neurons else nothing)
        if has_neurons:
            fired[-1] = _all_but_samples(held[node.name].fired)
    return SampleCounts(
        points=points,
        spikes=np.stack(spikes, axis=1),
        fired=np.stack(fired, axis=1),
        synaptic_operations=np.stack(reached, axis=1),
        membrane_updates=np.stack(updates, axis=1),
    )


def _operations(node: AnyNode, sent: dict[str, BoolArray]) -> IntArray:
    """Count the non-zero weights that each sample's events reach at a node, shape (n_samples,)."""
    total: IntArray = np.sum(
        [arriving(sent[each.source], each.delay).sum(axis=1) @ each.reached for each in fan_outs(node)], axis=0
    )
    return total


def _changed(node: NodeTrace) -> IntArray:
    """Count membrane updates of each sample: the first step, and every later one that left another value, (n_samples,)."""
    n_samples, _, n_neurons = node.membrane.shape
    changed: IntArray = n_neurons + _all_but_samples(np.diff(node.membrane, axis=1) != 0)
    assert changed.shape == (n_samples,)
    return changed


def _all_but_samples(marks: BoolArray) -> IntArray:
    """Count the marks (n_samples, n_steps, n) of each sample, shape (n_samples,)."""
    counted: IntArray = marks.sum(axis=(1, 2)).astype(np.int64)
    return counted
