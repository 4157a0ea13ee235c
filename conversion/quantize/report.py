"""Report of a quantization, layer by layer: clipped values, spare bits, and the error that each layer adds.

The error that a layer adds is measured alone: the layer runs in integers on the float network's own input, rounded to the
word that it receives, and its payload is compared with the float one. The error of the whole is measured end to end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...base.arrays import FloatArray, IntArray, Record
from ...base.metrics import relative_change, relative_l2
from ...engine.host import encode_points
from ...engine.reference import FloatLayerRun, IntegerLayerRun, integer_drive, run_float, run_integer
from ...network.integers import IntFormat, dequantize_array, quantize_into
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import QuantizedAffine, QuantizedPopulation
from ...network.spec import NetworkSpec
from ..calibrate.calibration import Calibration
from ..calibrate.intervals import LayerBound, bound_network
from ..tuning_settings import TuningReport


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerQuantization(Record):
    """One layer of the report; errors are relative L2 over samples, steps and neurons."""

    name: str
    """The layer's name."""
    weight_bits: int
    """Word length of its weights, in bits."""
    payload_bits: int | None
    """Word length of its payloads, in bits; None for the read-out, which sends its state."""
    state_exponent: int
    """log2 of the scale of its state."""
    payload_exponent: int | None
    """log2 of the scale of its payloads; None for the read-out."""
    weight_error: float
    """Relative L2 error of its weight matrix."""
    spare_bits: float
    """log2 of the highest state over the largest calibrated |z| or |m|."""
    n_clipped: int
    """Weights and thresholds that did not fit their words; scales are chosen so that biases do."""
    n_saturated: int
    """Drives, membranes and payloads that saturated on the calibration points."""
    table_error_bound: float | None
    """Proven bound of |table(z) - phi(z)|; None for the read-out."""
    accumulator_bits: int
    """Bits that its sums of products can need, the sign included, anywhere in the network's box."""
    reached_bits: int
    """Bits that they need on the calibration points, the sign included, in any order of summation."""
    state_proved: bool
    """Whether interval arithmetic proves that its state saturates nowhere in the box."""
    payload_proved: bool | None
    """Whether its payload is proved to saturate nowhere in the box; None for the read-out."""
    added_error: float
    """Relative L2 error of its payloads, given the float network's own input."""
    flipped_spikes: float
    """Share of its spikes, fired or not, that quantizing this layer alone flips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizationReport(Record):
    """Errors, clipping and proofs of a quantized network, measured on its calibration points."""

    n_points: int
    """Number of calibration points."""
    layers: tuple[LayerQuantization, ...]
    """One entry per spiking layer, then the read-out's."""
    relative_change: float
    """Relative L2 of the integer network's output against the float network's, end to end."""
    n_saturated: int
    """Number of saturated values in the whole integer run."""
    tuning: TuningReport | None = None
    """Report of the tuning; None without tuning."""


def measure_quantization(network: QuantizedNetwork, calibration: Calibration) -> QuantizationReport:
    """Compare a quantized network with its source on the calibration points.

    Args:
        network: The quantized network.
        calibration: Points and ranges.
    """
    points = calibration.points
    whole_float, whole_integer = run_float(network.source, points), run_integer(network, points)
    return QuantizationReport(
        n_points=len(points),
        layers=_measure_layers(network, calibration),
        relative_change=relative_change(whole_integer.outputs, whole_float.outputs),
        n_saturated=whole_integer.n_saturated,
    )


class _AddedError:
    """Running sums of one layer's squared error and of its flipped spikes, and its longest sum of products."""

    def __init__(self) -> None:
        self.squared_error = self.squared = 0.0
        self.n_flipped = self.n = self.reached = 0

    def add(self, exact: FloatArray, got: FloatArray) -> None:
        self.squared_error += float(np.square(got - exact).sum())
        self.squared += float(np.square(exact).sum())

    @property
    def relative(self) -> float:
        return math.sqrt(self.squared_error / self.squared) if self.squared else math.sqrt(self.squared_error)


def _measure_layers(network: QuantizedNetwork, calibration: Calibration) -> tuple[LayerQuantization, ...]:
    """Step float and integer layers side by side, each integer layer on the float network's input."""
    source = network.source
    x = source.input_transform.apply(calibration.points)
    x_words, _ = encode_points(network, calibration.points)
    floats = [FloatLayerRun(layer, len(x)) for layer in source.populations]
    integers = [IntegerLayerRun(layer, len(x)) for layer in network.populations]
    sums = [_AddedError() for _ in network.affines]
    n_output_saturated = 0
    for _ in range(source.n_steps):
        a, words = x, x_words
        for exact, deployed, total in zip(floats, integers, sums[:-1], strict=True):
            total.reached = max(total.reached, _reached_sum(deployed.layer.affine, words))
            now, now_deployed = exact.step(a), deployed.step(words)
            a, table = now.payload, deployed.layer.table
            total.add(a, dequantize_array(now_deployed.payload, table.payload_exponent))
            total.n_flipped += int((now.fired != now_deployed.fired).sum())
            total.n += now.fired.size
            words, _ = quantize_into(a, table.payload_exponent, IntFormat(bits=table.payload_bits))
        sums[-1].reached = max(sums[-1].reached, _reached_sum(network.output.affine, words))
        emitted, n = integer_drive(network.output.affine, words)
        n_output_saturated += n
        exact_output = a @ source.output.weight.T + source.output.bias
        sums[-1].add(exact_output, dequantize_array(emitted, network.output.affine.state_exponent))
    n_saturated = [int(run.saturated.sum()) for run in integers] + [n_output_saturated]
    return tuple(
        _describe_layer(source, network, index, calibration, bound, total, n)
        for index, (bound, total, n) in enumerate(zip(bound_network(network), sums, n_saturated, strict=True))
    )


def _reached_sum(affine: QuantizedAffine, words: IntArray) -> int:
    """Return the largest partial sum of products that words of shape (n_samples, n_in) make, in any order of summation."""
    received, weight = words.astype(np.float64), affine.weight.T.astype(np.float64)  # products stay exact below 2**53
    positive = np.maximum(received, 0) @ np.maximum(weight, 0) + np.minimum(received, 0) @ np.minimum(weight, 0)
    negative = np.maximum(received, 0) @ np.minimum(weight, 0) + np.minimum(received, 0) @ np.maximum(weight, 0)
    return int(max(positive.max(), -negative.min()))


def _describe_layer(
    source: NetworkSpec,
    network: QuantizedNetwork,
    index: int,
    calibration: Calibration,
    bound: LayerBound,
    total: _AddedError,
    n_saturated: int,
) -> LayerQuantization:
    layer: QuantizedPopulation | None = network.populations[index] if index < len(network.populations) else None
    spec = source.populations[index] if layer else source.output
    affine = network.affines[index]
    highest = math.ldexp(IntFormat(bits=affine.state_bits).highest, affine.state_exponent)
    peak = calibration.layers[index].state_peak
    return LayerQuantization(
        name=spec.name,
        weight_bits=affine.weight_bits,
        payload_bits=layer.table.payload_bits if layer else None,
        state_exponent=affine.state_exponent,
        payload_exponent=layer.table.payload_exponent if layer else None,
        weight_error=relative_l2(affine.real_weight, spec.weight) if spec.weight.any() else 0.0,
        spare_bits=math.log2(highest / peak) if peak else math.inf,
        n_clipped=_count_clipped(affine, spec.weight) + _count_clipped_thresholds(source, layer, index),
        n_saturated=n_saturated,
        table_error_bound=layer.table.error_bound() if layer else None,
        accumulator_bits=bound.accumulator_bits,
        reached_bits=total.reached.bit_length() + 1,
        state_proved=bound.state_is_proved,
        payload_proved=bound.payload_is_proved if layer else None,
        added_error=total.relative,
        flipped_spikes=total.n_flipped / total.n if total.n else 0.0,
    )


def _count_clipped(affine: QuantizedAffine, weight: FloatArray) -> int:
    """Count weights that lie beyond their word by more than its rounding."""
    highest = dequantize_array(np.array(IntFormat(bits=affine.weight_bits).highest), affine.weight_exponent)
    half_unit = np.ldexp(0.5, affine.weight_exponent)
    return int((np.abs(weight) > (highest + half_unit)[:, None]).sum())


def _count_clipped_thresholds(source: NetworkSpec, layer: QuantizedPopulation | None, index: int) -> int:
    if layer is None:
        return 0
    highest = math.ldexp(IntFormat(bits=layer.affine.state_bits).highest, layer.affine.state_exponent)
    return int((source.populations[index].theta > highest).sum())
