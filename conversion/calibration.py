"""What a float network does on calibration points: the largest drives, membranes and payloads, layer by layer.

Scales are chosen from these. The points are the user's, or a seeded sample of the box that the network was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import FloatArray, freeze_arrays
from ..checks import check_finite, raise_violations
from ..network import LayerSpec, NetworkSpec, OutputSpec
from ..points import checked_points
from ..reference import FloatLayerRun

DEFAULT_POINTS = 2048
"""Size of the sample that is drawn where the user gives no points."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerRange:
    """Largest magnitudes of one layer over all calibration samples and steps."""

    name: str
    """The layer's name."""
    drive: FloatArray
    """max |z| of each neuron, shape (n_out,)."""
    membrane: FloatArray
    """max |m| of each neuron before its reset, shape (n_out,); zero for the read-out, which has none."""
    payload: FloatArray
    """max |a| of each neuron, shape (n_out,); zero for the read-out."""

    def __post_init__(self) -> None:
        freeze_arrays(self, drive=np.float64, membrane=np.float64, payload=np.float64)
        for name in ("drive", "membrane", "payload"):
            raise_violations(check_finite(f"calibrated {name} of layer {self.name!r}", getattr(self, name)))

    @property
    def state_peak(self) -> float:
        """Largest |z| or |m| of the layer."""
        return float(max(self.drive.max(), self.membrane.max()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
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
    """Draw n points uniformly from the box that the network was trained on, shape (n, n_in)."""
    unit = np.random.default_rng(seed).random((n, network.n_in))
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


def _layer_ranges(network: NetworkSpec, x: FloatArray) -> tuple[LayerRange, ...]:
    runs = [FloatLayerRun(layer, len(x)) for layer in network.layers]
    chain: tuple[LayerSpec | OutputSpec, ...] = (*network.layers, network.output)
    peaks = [np.zeros((3, layer.n_out)) for layer in chain]
    for _ in range(network.n_steps):
        a = x
        for run, peak in zip(runs, peaks[:-1], strict=True):
            z = a @ run.layer.weight.T + run.layer.bias
            m = run.layer.beta * run.membrane + z
            _, a = run.step(a)
            np.maximum(peak, [np.abs(values).max(axis=0) for values in (z, m, a)], out=peak)
        emitted = np.abs(a @ network.output.weight.T + network.output.bias).max(axis=0)
        np.maximum(peaks[-1][0], emitted, out=peaks[-1][0])
    return tuple(
        LayerRange(name=layer.name, drive=peak[0], membrane=peak[1], payload=peak[2])
        for layer, peak in zip(chain, peaks, strict=True)
    )
