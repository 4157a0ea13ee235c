"""What a float network does on calibration points: the largest drives, membranes and payloads, layer by layer.

Scales are chosen from these. The points are the user's, or a seeded sample of the box that the network was trained on.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np

from ...base.arrays import ArrayRecord, FloatArray, freeze_arrays
from ...base.checks import check_finite, raise_violations
from ...base.points import checked_points
from ...engine.reference import FloatLayerRun
from ...network.nodes import OutputSpec, PopulationSpec
from ...network.spec import NetworkSpec

DEFAULT_POINTS = 2048
"""Size of the sample that is drawn where the user gives no points."""
TUNING_POINTS = 10240
"""Size of the sample that is drawn for tuning."""
MAX_SAMPLE = 1 << 16
"""Largest number of payloads kept per layer, for the range rules that need more than their peak."""
LONGEST_SAMPLE = 4 * MAX_SAMPLE
"""Largest number of payloads of a layer in memory, so that memory does not grow with the number of steps."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerRange(ArrayRecord):
    """Largest magnitudes of one layer over all calibration samples and steps."""

    name: str
    """The layer's name."""
    drive: FloatArray
    """max |z| of each neuron, shape (n_out,)."""
    membrane: FloatArray
    """max |m| of each neuron before its reset, shape (n_out,); zero for the read-out, which has none."""
    payload: FloatArray
    """max |a| of each neuron, shape (n_out,); zero for the read-out."""
    payload_sample: FloatArray = field(default_factory=lambda: np.zeros(0))
    """|a| where the neuron fired, thinned to at most `MAX_SAMPLE`, shape (n,); empty for the read-out, or if not kept."""

    def __post_init__(self) -> None:
        freeze_arrays(self, drive=np.float64, membrane=np.float64, payload=np.float64, payload_sample=np.float64)
        for name in ("drive", "membrane", "payload", "payload_sample"):
            raise_violations(check_finite(f"calibrated {name} of layer {self.name!r}", getattr(self, name)))

    @property
    def state_peak(self) -> float:
        """Largest |z| or |m| of the layer."""
        return float(max(self.drive.max(), self.membrane.max()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration(ArrayRecord):
    """Ranges of a whole network on its calibration points."""

    points: FloatArray
    """The points, physical, shape (n_samples, n_in)."""
    input_peak: float
    """Largest |x| of the normalised input, over the points and the corners of the network's box."""
    layers: tuple[LayerRange, ...]
    """One per spiking layer, then the read-out."""

    def __post_init__(self) -> None:
        freeze_arrays(self, points=np.float64)


def sample_box(network: NetworkSpec, n: int = DEFAULT_POINTS, seed: int = 0) -> FloatArray:
    """Draw n points from the box that the network was trained on, shape (n, n_in): its corners first, the others uniformly.

    The corners are left out where they would be more than half of the points.
    """
    unit = np.random.default_rng(seed).random((n, network.n_in))
    n_corners = 2**network.n_in
    if 2 * n_corners <= n:
        unit[:n_corners] = list(itertools.product((0.0, 1.0), repeat=network.n_in))
    points: FloatArray = network.lower + (network.upper - network.lower) * unit
    return points


def calibrate_network(network: NetworkSpec, points: FloatArray | None = None) -> Calibration:
    """Run the float network on calibration points and record the range of every layer.

    Args:
        network: The float network.
        points: Physical coordinates, shape (n_samples, n_in); None draws `DEFAULT_POINTS` from the network's box.

    Raises:
        SpecError: If there are no points, if their dimension is wrong, if one is not finite, or if the network overflows.
    """
    given = sample_box(network) if points is None else points
    held = checked_points(given, network.n_in, f"calibrate_network: points of network {network.name!r}")
    corners = network.input_transform.apply(np.stack([network.lower, network.upper]))
    x = network.input_transform.apply(held)
    input_peak = float(max(np.abs(corners).max(), np.abs(x).max()))
    with np.errstate(over="ignore", invalid="ignore"):  # a range that is not finite is refused by its record
        layers = _layer_ranges(network, x)
    return Calibration(points=held, input_peak=input_peak, layers=layers)


class _Seen:
    """Running maxima of one layer, and a sample of its payloads."""

    def __init__(self, layer: PopulationSpec | OutputSpec) -> None:
        self.name = layer.name
        self.drive, self.membrane, self.payload = np.zeros((3, layer.n_out))
        self._payloads = np.zeros(0)
        self._stride, self._n_sent = 1, 0

    def add(self, z: FloatArray, m: FloatArray | None = None, a: FloatArray | None = None) -> None:
        """Add the values of one step, each (n_samples, n_out)."""
        np.maximum(self.drive, np.abs(z).max(axis=0), out=self.drive)
        if m is not None and a is not None:
            np.maximum(self.membrane, np.abs(m).max(axis=0), out=self.membrane)
            np.maximum(self.payload, np.abs(a).max(axis=0), out=self.payload)
            self._keep(np.abs(a[a != 0]))

    def _keep(self, sent: FloatArray) -> None:
        """Add every so many-th payload to the sample; where it grows too long, every other one is dropped for good."""
        chosen = sent[-self._n_sent % self._stride :: self._stride]
        self._n_sent += len(sent)
        self._payloads = np.concatenate([self._payloads, chosen])
        while len(self._payloads) > LONGEST_SAMPLE:
            self._payloads = self._payloads[::2].copy()
            self._stride *= 2

    def range(self) -> LayerRange:
        """Return the range of the layer."""
        thinned = self._payloads[:: max(1, -(-len(self._payloads) // MAX_SAMPLE))]
        return LayerRange(
            name=self.name,
            drive=self.drive,
            membrane=self.membrane,
            payload=self.payload,
            payload_sample=thinned,
        )


def _layer_ranges(network: NetworkSpec, x: FloatArray) -> tuple[LayerRange, ...]:
    runs = [FloatLayerRun(layer, len(x)) for layer in network.populations]
    seen = [*map(_Seen, network.populations), _Seen(network.output)]
    for _ in range(network.n_steps):
        a = x
        for run, kept in zip(runs, seen[:-1], strict=True):
            now = run.step(a)
            a = now.payload
            kept.add(now.drive, now.membrane, a)
        seen[-1].add(a @ network.output.weight.T + network.output.bias)
    return tuple(kept.range() for kept in seen)
