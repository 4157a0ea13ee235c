"""Where the error of a quantized network comes from: what each cause in each layer adds, everything else being float.

    weights      W and b are those of the integers
    state        z and m are rounded to the state's scale, the leak is truncated
    saturation   z and m saturate at the ends of the state word
    theta, beta  are those of the integers
    phi table    payloads are interpolated between the table's entries, not rounded
    payload      payloads (of the input: coordinates) are rounded to their word, and saturate

One float network runs for every pair of layer and cause with that cause alone switched on; its output is compared with the
float network's, its spikes with the float network's spikes. Causes interact, so they do not add up to the whole. Weights that
were rounded with compensation, or tuned, make up for other causes: alone, they may add more than the whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ...base.arrays import BoolArray, FloatArray, Record
from ...base.metrics import relative_change
from ...base.points import checked_points
from ...engine.host import decode_floats
from ...engine.reference import fires, read_out, run_integer
from ...engine.trace import Probe
from ...network.activations import find_activation
from ...network.integers import LEAK_BITS, IntFormat, dequantize_array, quantize_into, round_half_up
from ...network.nodes import OutputSpec, PopulationSpec
from ...network.phi_table import PhiTable, Side
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import QuantizedAffine, QuantizedPopulation
from ...network.spec import NetworkSpec


class Cause(str, Enum):
    """The effects of integer arithmetic in a layer."""

    WEIGHTS = "weights"
    STATE = "state rounding"
    SATURATION = "state saturation"
    THETA = "theta"
    BETA = "beta"
    PHI_TABLE = "phi table"
    PAYLOAD = "payload"


INPUT = "input"
"""Name of the row for the coordinates' own rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetEntry(Record):
    """The error that one cause in one layer adds alone."""

    layer: str
    """The layer's name, or `input`."""
    cause: Cause
    """The cause that was switched on."""
    relative_change: float
    """Relative L2 of the network's output against the float network's."""
    flipped_spikes: float
    """Share of all spikes of the network, fired or not, that differ from the float network's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBudget(Record):
    """The errors of all causes in all layers, and of the whole integer network."""

    n_points: int
    """Number of points of the measurement."""
    entries: tuple[BudgetEntry, ...]
    """Entries of the input, then layer by layer; causes that change nothing are kept, with zeros."""
    whole_change: float
    """Relative L2 of the integer network's output against the float network's."""
    whole_flipped: float
    """Share of spikes that differ in the integer network."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the rows in order: `input`, the layers, the read-out."""
        return tuple(dict.fromkeys(entry.layer for entry in self.entries))

    def entry(self, layer: str, cause: Cause) -> BudgetEntry | None:
        """Return the entry of one cause in one layer, or None where a layer has no such cause."""
        return next((entry for entry in self.entries if (entry.layer, entry.cause) == (layer, cause)), None)

    def largest(self) -> BudgetEntry:
        """Return the entry with the largest relative change."""
        return max(self.entries, key=lambda entry: entry.relative_change)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run:
    """Outputs and spikes of one run."""

    outputs: FloatArray
    fired: tuple[BoolArray, ...]


def measure_error_budget(network: QuantizedNetwork, points: FloatArray) -> ErrorBudget:
    """Measure the error that each cause in each layer adds.

    Args:
        network: The quantized network.
        points: Physical coordinates, shape (n, n_in); a thousand or two are enough.

    Raises:
        SpecError: If the points are not what the network takes.
    """
    source = network.source
    points = checked_points(points, network.n_in, f"error budget of network {network.name!r}")
    reference = _run(source, network, points, None)
    entries = []
    for switch in _switches(network):
        run = _run(source, network, points, switch)
        change, flipped = _compare(run, reference)
        entries.append(BudgetEntry(layer=switch[0], cause=switch[1], relative_change=change, flipped_spikes=flipped))
    change, flipped = _compare(_run_whole(network, points), reference)
    return ErrorBudget(n_points=len(points), entries=tuple(entries), whole_change=change, whole_flipped=flipped)


def _switches(network: QuantizedNetwork) -> Iterator[tuple[str, Cause]]:
    yield INPUT, Cause.PAYLOAD
    for layer in network.populations:
        for cause in Cause:
            if cause is not Cause.PHI_TABLE or layer.table.rule.needs_table:
                yield layer.name, cause
    yield network.output.name, Cause.WEIGHTS
    yield network.output.name, Cause.STATE
    yield network.output.name, Cause.SATURATION


def _compare(run: _Run, reference: _Run) -> tuple[float, float]:
    """Compute the relative change of the output and the share of flipped spikes."""
    change = relative_change(run.outputs, reference.outputs)
    flipped = sum(int((a != b).sum()) for a, b in zip(run.fired, reference.fired, strict=True))
    return change, flipped / sum(fired.size for fired in reference.fired)


def _run_whole(network: QuantizedNetwork, points: FloatArray) -> _Run:
    trace = run_integer(network, points, Probe(n_samples=len(points)))
    layers = trace.probe.nodes if trace.probe else ()
    return _Run(outputs=trace.outputs, fired=tuple(np.swapaxes(layer.fired, 0, 1) for layer in layers))


def _run(source: NetworkSpec, network: QuantizedNetwork, points: FloatArray, switch: tuple[str, Cause] | None) -> _Run:
    """Run the float network with one cause switched on, or none."""

    def cause_in(name: str) -> Cause | None:
        return switch[1] if switch and switch[0] == name else None

    x = source.input_transform.apply(points)
    if cause_in(INPUT):
        x = _rounded(x, network.input_exponent, network.input_bits)
    runs = [
        _SwitchedLayer(layer, chip, cause_in(layer.name), len(x))
        for layer, chip in zip(source.populations, network.populations, strict=True)
    ]
    emitted, fired = [], []
    for _ in range(source.n_steps):
        a = x
        for run in runs:
            s, a = run.step(a)
            fired.append(s)
        emitted.append(_drive(a, source.output, network.output.affine, cause_in(source.output.name)))
    n_layers = len(runs)
    stacked = tuple(np.stack(fired[index::n_layers]) for index in range(n_layers))
    return _Run(outputs=decode_floats(source, points, read_out(emitted, source.readout)), fired=stacked)


def _rounded(values: FloatArray, exponent: int, bits: int) -> FloatArray:
    return dequantize_array(quantize_into(values, exponent, IntFormat(bits=bits))[0], exponent)


def _drive(
    a: FloatArray, spec: PopulationSpec | OutputSpec, affine: QuantizedAffine, cause: Cause | None
) -> FloatArray:
    """Compute z, shape (n_samples, n_out)."""
    integers = cause is Cause.WEIGHTS
    weight, bias = (affine.real_weight, affine.real_bias) if integers else (spec.weight, spec.bias)
    return _as_state(a @ weight.T + bias, affine, cause)


def _as_state(values: FloatArray, affine: QuantizedAffine, cause: Cause | None) -> FloatArray:
    """Round or saturate z or m as the state word does, if that is the cause."""
    unit = math.ldexp(1.0, affine.state_exponent)
    if cause is Cause.STATE:
        return unit * round_half_up(values / unit)
    if cause is Cause.SATURATION:
        highest = unit * IntFormat(bits=affine.state_bits).highest
        return np.clip(values, -highest, highest)
    return values


def interpolate(table: PhiTable, drive: FloatArray) -> FloatArray:
    """Interpolate a phi table at real drives z, physical, any shape; return phi itself where there is no table.

    The equations are those of `phi_table.py` without the roundings of z and of the payload, and without saturation, so that
    the cost of the table is separated from that of the words around it.
    """
    if not table.rule.needs_table:
        return table.rule.phi(drive)
    z = drive * math.ldexp(1.0, -table.state_exponent)
    q = np.abs(z) if table.period_mask < 0 else np.remainder(np.abs(z), table.period_mask + 1.0)
    above, below = (side.sign * _interpolate_side(side, q, table.index_bits) for side in table.sides)
    value: FloatArray = np.ldexp(np.where(z < 0, below, above), table.left + table.payload_exponent)
    return value


def _interpolate_side(side: Side, q: FloatArray, index_bits: int) -> FloatArray:
    """Compute p of the table's equations at real q, without its sign."""
    corners = np.ldexp(np.arange(len(side.entries), dtype=np.float64), index_bits)
    inside = np.interp(q, corners, np.ldexp(side.entries.astype(np.float64), index_bits))
    p: FloatArray = inside + np.maximum(q - side.domain, 0.0) * side.slope
    return p


class _SwitchedLayer:
    """A float layer with at most one of its causes switched on."""

    def __init__(self, spec: PopulationSpec, chip: QuantizedPopulation, cause: Cause | None, n_samples: int) -> None:
        self.spec, self.chip, self.cause = spec, chip, cause
        self.phi = find_activation(spec.activation).phi
        self.beta = dequantize_array(chip.beta, -LEAK_BITS) if cause is Cause.BETA else spec.beta
        unit = chip.affine.state_exponent
        self.theta = dequantize_array(chip.theta, unit) if cause is Cause.THETA else spec.theta
        self.membrane = np.zeros((n_samples, spec.n_out))

    def step(self, a_in: FloatArray) -> tuple[BoolArray, FloatArray]:
        """Advance by one step; return s and a, each (n_samples, n_out)."""
        affine, table = self.chip.affine, self.chip.table
        z = _drive(a_in, self.spec, affine, self.cause)
        m = _as_state(self._leaked() + z, affine, self.cause)
        fired = fires(m, self.theta, self.spec.polarity)
        gated = np.where(fired, z, 0.0)
        payload = interpolate(table, gated) if self.cause is Cause.PHI_TABLE else self.phi(gated)
        if self.cause is Cause.PAYLOAD:
            payload = _rounded(payload, table.payload_exponent, table.payload_bits)
        self.membrane = np.where(fired, 0.0, m)
        return fired, payload

    def _leaked(self) -> FloatArray:
        """Compute beta * m, truncated toward zero if state rounding is the cause."""
        kept: FloatArray = self.beta * self.membrane
        if self.cause is Cause.STATE:
            unit = math.ldexp(1.0, self.chip.affine.state_exponent)
            kept = np.trunc(kept / unit) * unit
        return kept
