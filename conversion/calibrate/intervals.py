"""Bounds of a quantized network over the whole box of its domain, by interval arithmetic in its own integers.

    x in [lo, hi]                       one cell of the box, as input words
    p in [W+ lo + W- hi, W+ hi + W- lo]                     W = W+ + W-, W+ >= 0 >= W-
    z in shift(p) + bias                                    shifting is monotone
    m in [leaked(min(r_lo, 0)) + z_lo, leaked(max(r_hi, 0)) + z_hi]     r the last m, or 0 where it fired
    a in table([z_lo, z_hi]) and 0                          where phi is monotone in |z|, and so its table; else all of it

The box is cut into cells, and the worst cell counts: the bound of a cell is tight, that of the whole box is not. Nothing
saturates in these intervals, so a bound within its word proves that the word never saturates, at any point of the box.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ...base.arrays import FloatArray, IntArray, Record
from ...network.integers import IntFormat, leaked, multiply_exactly, quantize_array, shift_half_up
from ...network.phi_table import look_up
from ...network.quantized import QuantizedAffine, QuantizedLayer, QuantizedNetwork
from ...network.spec import NetworkSpec, Polarity

MAX_CELLS = 4096
"""Largest number of cells that the box is divided into."""


class Interval(NamedTuple):
    """Integers from low to high, each of shape (n_cells, n)."""

    low: IntArray
    high: IntArray

    def joined(self, value: int) -> Interval:
        """Return the smallest interval that also holds `value`."""
        return Interval(np.minimum(self.low, value), np.maximum(self.high, value))

    @property
    def peak(self) -> int:
        """Largest magnitude of all."""
        return int(max(np.abs(self.low).max(), np.abs(self.high).max()))


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerBound(Record):
    """Largest magnitudes that one layer can reach anywhere in the box, in its own integers."""

    name: str
    """The layer's name."""
    accumulator: int
    """Bound of |W a| before the shift, and of every partial sum."""
    drive: int
    """Bound of the drive |z|, in state units."""
    membrane: int
    """Bound of the membrane |m| before the reset, in state units; for the read-out, of its drive."""
    payload: int | None
    """Bound of the payload |a| before saturation; None for the read-out."""
    state_highest: int
    """Highest value of the state word."""
    payload_highest: int | None
    """Highest value of the payload word; None for the read-out."""

    @property
    def state_is_proved(self) -> bool:
        """Whether neither drive nor membrane can ever saturate."""
        return max(self.drive, self.membrane) <= self.state_highest

    @property
    def payload_is_proved(self) -> bool:
        """Whether the payload can never saturate."""
        return self.payload is None or self.payload_highest is None or self.payload <= self.payload_highest

    @property
    def accumulator_bits(self) -> int:
        """Bits that the accumulator needs, its sign included."""
        return self.accumulator.bit_length() + 1


def bound_network(network: QuantizedNetwork) -> tuple[LayerBound, ...]:
    """Bound every layer over the box of the network's domain, the read-out last."""
    signal = _input_cells(network)
    bounds = []
    for layer in network.layers:
        drive = _drive_interval(layer.affine, signal)
        membrane = _membrane_interval(layer, drive, network.n_steps)
        payload = _payload_interval(layer, drive, network.n_steps)
        word = IntFormat(bits=layer.table.payload_bits).highest
        bounds.append(_describe(layer.name, layer.affine, signal, drive, membrane, payload, word))
        signal = Interval(np.maximum(payload.low, -word), np.minimum(payload.high, word))
    affine = network.output.affine
    drive = _drive_interval(affine, signal)
    return (*bounds, _describe(network.output.name, affine, signal, drive, drive, None, None))


def states_are_proved(network: QuantizedNetwork) -> bool:
    """Return whether no state of the network can saturate anywhere in its box."""
    return all(bound.state_is_proved for bound in bound_network(network))


def _describe(
    name: str,
    affine: QuantizedAffine,
    signal: Interval,
    drive: Interval,
    membrane: Interval,
    payload: Interval | None,
    payload_highest: int | None,
) -> LayerBound:
    received = np.maximum(np.abs(signal.low), np.abs(signal.high))
    return LayerBound(
        name=name,
        accumulator=int(multiply_exactly(received, np.abs(affine.weight).T).max()),
        drive=drive.peak,
        membrane=membrane.peak,
        payload=payload.peak if payload else None,
        state_highest=IntFormat(bits=affine.state_bits).highest,
        payload_highest=payload_highest,
    )


def cell_corners(network: NetworkSpec) -> tuple[FloatArray, FloatArray]:
    """Cut the network's box into equal cells; give their lower and upper corners, physical, each (n_cells, n_in)."""
    n_per_axis = max(1, int(MAX_CELLS ** (1.0 / network.n_in) + 1e-9))
    axes = [np.linspace(low, high, n_per_axis + 1) for low, high in zip(network.lower, network.upper, strict=True)]
    lower = np.stack(np.meshgrid(*(axis[:-1] for axis in axes), indexing="ij"), axis=-1).reshape(-1, network.n_in)
    upper = np.stack(np.meshgrid(*(axis[1:] for axis in axes), indexing="ij"), axis=-1).reshape(-1, network.n_in)
    return lower, upper


def _input_cells(network: QuantizedNetwork) -> Interval:
    """Return the input words of every cell, shape (n_cells, n_in), saturated as the host saturates them."""
    transform = network.source.input_transform
    corners = [transform.apply(corner) for corner in cell_corners(network.source)]
    highest = IntFormat(bits=network.input_bits).highest
    words = [np.clip(quantize_array(corner, network.input_exponent), -highest, highest) for corner in corners]
    return Interval(np.minimum(*words), np.maximum(*words))  # a negative scale turns them around


def _drive_interval(affine: QuantizedAffine, signal: Interval) -> Interval:
    positive, negative = np.maximum(affine.weight, 0).T, np.minimum(affine.weight, 0).T
    low = multiply_exactly(signal.low, positive) + multiply_exactly(signal.high, negative)
    high = multiply_exactly(signal.high, positive) + multiply_exactly(signal.low, negative)
    return Interval(shift_half_up(low, affine.left) + affine.bias, shift_half_up(high, affine.left) + affine.bias)


def _membrane_interval(layer: QuantizedLayer, drive: Interval, n_steps: int) -> Interval:
    """Bound all m[t] before the reset; a membrane that is carried over did not fire, so it lies below the threshold."""
    quiet = np.maximum(layer.theta - 1, 0)
    lowest = -quiet if layer.polarity is Polarity.BOTH else -IntFormat(bits=layer.affine.state_bits).highest
    low, high = drive
    for _ in range(n_steps - 1):
        rest_low, rest_high = np.clip(low, lowest, 0), np.clip(high, 0, quiet)
        low = np.minimum(low, leaked(rest_low, layer.beta) + drive.low)
        high = np.maximum(high, leaked(rest_high, layer.beta) + drive.high)
    return Interval(low, high)


def _payload_interval(layer: QuantizedLayer, drive: Interval, n_steps: int) -> Interval:
    """Bound all payloads, 0 included.

    Where only m >= theta fires, what was carried over is less than theta, so that z >= theta - leaked(theta - 1) >= 0.
    """
    highest = IntFormat(bits=layer.affine.state_bits).highest
    low, high = (np.clip(end, -highest, highest) for end in drive)
    if layer.polarity is Polarity.POSITIVE:
        carried = leaked(np.maximum(layer.theta - 1, 0), layer.beta) if n_steps > 1 else np.zeros_like(layer.theta)
        least = layer.theta - carried
        low, high = np.where(high >= least, np.maximum(low, least), 0), np.where(high >= least, high, 0)
    if not _is_monotone(layer):
        peak = np.full_like(low, _highest_entry(layer))
        return Interval(-peak, peak)
    ends = [_sent_at(layer, end) for end in (low, high)]
    return Interval(np.minimum(*ends), np.maximum(*ends)).joined(0)


def _is_monotone(layer: QuantizedLayer) -> bool:
    """Return whether phi does not fall over z >= 0, so that its values at the ends of an interval bound those between."""
    return bool((np.diff(layer.table.entries) >= 0).all())


def _highest_entry(layer: QuantizedLayer) -> int:
    """Return the largest payload that the table can make."""
    return int(shift_half_up(np.abs(layer.table.entries).max(), -layer.table.fraction_bits))


def _sent_at(layer: QuantizedLayer, drive: IntArray) -> IntArray:
    """Look up payloads in a word of 24 bits; a payload that saturates even there counts as one unit more."""
    widest = replace(layer.table, payload_bits=24)
    payload, n_saturated = look_up(widest, drive)
    highest = IntFormat(bits=24).highest
    return payload + np.sign(payload) * (np.abs(payload) == highest) if n_saturated else payload
