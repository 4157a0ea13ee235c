"""What a float network does on calibration points: the largest drives, membranes and payloads, node by node.

Scales are chosen from these. The points are the user's, or a seeded sample of the box that the network was trained on.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, freeze_arrays
from ...base.checks import check_finite, raise_violations
from ...base.errors import SpecError
from ...engine.reference import FloatArithmetic, constant_inputs
from ...engine.walk import Arithmetic, NodeStep, walk
from ...network.given_points import checked_samples
from ...network.nodes import NodeSpec, OutputSpec
from ...network.quantized import Network
from ...network.spec import NetworkSpec

DEFAULT_POINTS = 2048
"""Size of the sample that is drawn where the user gives no points."""
TUNING_POINTS = 10240
"""Size of the sample that is drawn for tuning."""
MAX_SAMPLE = 1 << 16
"""Largest number of payloads kept per node, for the range rules that need more than their peak."""
LONGEST_SAMPLE = 4 * MAX_SAMPLE
"""Largest number of payloads of a node in memory, so that memory does not grow with the number of steps."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NodeRange(ArrayRecord):
    """Largest magnitudes of one node over all calibration samples and steps."""

    name: str
    """Name of the node."""
    drive: FloatArray
    """max |z| of each neuron, or of each product, shape (n_out,)."""
    membrane: FloatArray
    """max |m| of each neuron before its reset, shape (n_out,); zero for products and the read-out, which have none."""
    payload: FloatArray
    """max |a| of each neuron, shape (n_out,); zero for the read-out."""
    payload_sample: FloatArray = field(default_factory=lambda: np.zeros(0))
    """Payloads |a| that are not zero, thinned to at most `MAX_SAMPLE`, shape (n,); empty for the read-out, or if not kept."""

    def __post_init__(self) -> None:
        freeze_arrays(self, drive=np.float64, membrane=np.float64, payload=np.float64, payload_sample=np.float64)
        for name in ("drive", "membrane", "payload", "payload_sample"):
            raise_violations(check_finite(f"calibrated {name} of node {self.name!r}", getattr(self, name)))

    @property
    def state_peak(self) -> float:
        """Largest |z| or |m| of the node."""
        return float(max(self.drive.max(), self.membrane.max()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration(ArrayRecord):
    """Ranges of a whole network on its calibration points."""

    points: FloatArray
    """The points, physical, shape (n_samples, n_in), or (n_samples, n_steps, n_in) of sequences."""
    input_peaks: FloatArray
    """Largest |x| of each normalised input, over the points and the corners of the network's box, shape (n_inputs,)."""
    nodes: tuple[NodeRange, ...]
    """One per population and product, in the network's order, then the read-out's."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points=np.float64, input_peaks=np.float64)

    def range_of(self, name: str) -> NodeRange:
        """Return the range of the node of that name."""
        return next(each for each in self.nodes if each.name == name)


def count_steps(network: Network, points: FloatArray) -> int:
    """Return the number of steps of a run on these points: the network's own, or the length of the sequences."""
    return network.n_steps or points.shape[1]


def trace_received(network: Network, values: Any, arithmetic: Arithmetic, name: str) -> list[Any]:
    """Walk a network and return what a node receives over each connection, all steps stacked, (n_rows, n_source) each.

    Args:
        network: Float or quantized.
        values: Inputs in its numbers, shape (n_samples, n_in), or sequences (n_samples, n_steps, n_in).
        arithmetic: Computes the nodes, of as many samples.
        name: Name of the node.
    """
    steps: list[Sequence[Any]] = []

    def see(t: int, node: Any, step: NodeStep) -> None:
        if node.name == name:
            steps.append(step.received)

    walk(network, constant_inputs(network, values), count_steps(network, values), arithmetic, see)
    return [np.concatenate(parts) for parts in zip(*steps, strict=True)]


def sample_box(network: NetworkSpec, n: int = DEFAULT_POINTS, seed: int = 0) -> FloatArray:
    """Draw n points from the box that the network was trained on, shape (n, n_in): its corners first, the others uniformly.

    The corners are left out where they would be more than half of the points.

    Raises:
        SpecError: If an input of the network is a sequence, which a box does not describe.
    """
    if network.has_sequences:
        repair = "Give sequences that the network will see, shape (n, n_steps, n_in)."
        raise SpecError(f"points of network {network.name!r}", "be given where an input is a sequence", None, repair)
    unit = np.random.default_rng(seed).random((n, network.n_in))
    n_corners = 2**network.n_in
    if 2 * n_corners <= n:
        unit[:n_corners] = list(itertools.product((0.0, 1.0), repeat=network.n_in))
    points: FloatArray = network.lower + (network.upper - network.lower) * unit
    return points


def calibrate_network(network: NetworkSpec, points: FloatArray | None = None) -> Calibration:
    """Run the float network on calibration points and record the range of every node.

    Args:
        network: The float network.
        points: Physical coordinates, shape (n_samples, n_in), or sequences (n_samples, n_steps, n_in); None draws
            `DEFAULT_POINTS` from the network's box.

    Raises:
        SpecError: If there are no points, if their dimension is wrong, if one is not finite, or if the network overflows.
    """
    given = sample_box(network) if points is None else points
    held = checked_samples(given, network, f"calibrate_network: points of network {network.name!r}")
    x = network.input_transform.apply(held)
    corners = network.input_transform.apply(np.stack([network.lower, network.upper]))
    peaks = np.maximum(np.abs(corners).max(axis=0), np.abs(x).reshape(-1, network.n_in).max(axis=0))
    seen = {node.name: _Seen(node) for node in (*network.nodes, network.output)}
    with np.errstate(over="ignore", invalid="ignore"):  # a range that is not finite is refused by its record
        inputs, n_steps = constant_inputs(network, x), count_steps(network, held)
        walk(network, inputs, n_steps, FloatArithmetic(len(x)), lambda t, node, step: seen[node.name].add(step))
    input_peaks = np.array([part.max() for part in network.split_inputs(peaks).values()])
    return Calibration(points=held, input_peaks=input_peaks, nodes=tuple(each.range() for each in seen.values()))


class _Seen:
    """Running maxima of one node, and a sample of its payloads."""

    def __init__(self, node: NodeSpec | OutputSpec) -> None:
        self.name, self.is_output = node.name, isinstance(node, OutputSpec)
        self.drive, self.membrane, self.payload = np.zeros((3, node.n_out))
        self._payloads = np.zeros(0)
        self._stride, self._n_sent = 1, 0

    def add(self, step: NodeStep) -> None:
        """Add the values of one step, each (n_samples, n_out)."""
        np.maximum(self.drive, np.abs(step.drive).max(axis=0), out=self.drive)
        if step.membrane is not None:
            np.maximum(self.membrane, np.abs(step.membrane).max(axis=0), out=self.membrane)
        if not self.is_output:
            np.maximum(self.payload, np.abs(step.payload).max(axis=0), out=self.payload)
            self._keep(np.abs(step.payload[step.payload != 0]))

    def _keep(self, sent: FloatArray) -> None:
        """Add every so many-th payload to the sample; where it grows too long, every other one is dropped for good."""
        chosen = sent[-self._n_sent % self._stride :: self._stride]
        self._n_sent += len(sent)
        self._payloads = np.concatenate([self._payloads, chosen])
        while len(self._payloads) > LONGEST_SAMPLE:
            self._payloads = self._payloads[::2].copy()
            self._stride *= 2

    def range(self) -> NodeRange:
        """Return the range of the node."""
        thinned = self._payloads[:: max(1, -(-len(self._payloads) // MAX_SAMPLE))]
        return NodeRange(
            name=self.name,
            drive=self.drive,
            membrane=self.membrane,
            payload=self.payload,
            payload_sample=thinned,
        )
