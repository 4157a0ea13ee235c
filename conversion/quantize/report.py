"""Report of a quantization, node by node: clipped values, spare bits, and the error that each node adds.

The error that a node adds is measured alone: the node runs in integers on what the float node receives, rounded to the words of
its sources, and its payload is compared with the float one. The error of the whole is measured end to end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base.arrays import FloatArray, IntArray, Record
from ...base.metrics import relative_change, relative_l2
from ...engine.reference import FloatArithmetic, constant_inputs, run_float, run_integer, step_integer
from ...engine.walk import NodeStep, walk
from ...network.integers import IntFormat, dequantize_array, quantize_into
from ...network.nodes import OutputSpec, PopulationSpec
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import (
    QuantizedAffine,
    QuantizedNode,
    QuantizedOutput,
    QuantizedPopulation,
    QuantizedProduct,
    Word,
)
from ..calibrate.calibration import Calibration, count_steps
from ..calibrate.intervals import LayerBound, ProductBound, bound_nodes
from ..tuning_settings import TuningReport


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerQuantization(Record):
    """One population or the read-out in the report; errors are relative L2 over samples, steps and neurons."""

    name: str
    """Name of the node."""
    weight_bits: int
    """Word length of its weights, in bits."""
    payload_bits: int | None
    """Word length of its payloads, in bits; None for the read-out, which sends its state."""
    state_exponent: int
    """log2 of the scale of its state."""
    payload_exponent: int | None
    """log2 of the scale of its payloads; None for the read-out."""
    weight_error: float
    """Relative L2 error of its weights, over all connections."""
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
    """Share of its spikes, fired or not, that quantizing this node alone flips."""
    is_fixed_point: bool = False
    """Whether its bounds hold for any number of steps, found as fixed points; else its own steps were walked one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductQuantization(Record):
    """One product in the report; errors are relative L2 over samples, steps and elements."""

    name: str
    """Name of the product."""
    payload_bits: int
    """Word length of its payloads, in bits."""
    payload_exponent: int
    """log2 of the scale of its payloads."""
    n_saturated: int
    """Payloads that saturated on the calibration points."""
    accumulator_bits: int
    """Bits that its exact products can need, the sign included, anywhere in the network's box."""
    payload_proved: bool
    """Whether its payload is proved to saturate nowhere in the box."""
    added_error: float
    """Relative L2 error of its payloads, given the float network's own factors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizationReport(Record):
    """Errors, clipping and proofs of a quantized network, measured on its calibration points."""

    n_points: int
    """Number of calibration points."""
    layers: tuple[LayerQuantization, ...]
    """One entry per population, then the read-out's."""
    relative_change: float
    """Relative L2 of the integer network's output against the float network's, end to end."""
    n_saturated: int
    """Number of saturated values in the whole integer run."""
    tuning: TuningReport | None = None
    """Report of the tuning; None without tuning."""
    products: tuple[ProductQuantization, ...] = ()
    """One entry per product."""


def measure_quantization(network: QuantizedNetwork, calibration: Calibration) -> QuantizationReport:
    """Compare a quantized network with its source on the calibration points.

    Args:
        network: The quantized network.
        calibration: Points and ranges.
    """
    points = calibration.points
    whole_float, whole_integer = run_float(network.source, points), run_integer(network, points)
    added = _measure_nodes(network, points)
    pairs = [(added[bound.name], bound) for bound in bound_nodes(network)]
    return QuantizationReport(
        n_points=len(points),
        layers=tuple(
            _describe_layer(each, calibration, bound) for each, bound in pairs if isinstance(bound, LayerBound)
        ),
        products=tuple(_describe_product(each, bound) for each, bound in pairs if isinstance(bound, ProductBound)),
        relative_change=relative_change(whole_integer.outputs, whole_float.outputs),
        n_saturated=whole_integer.n_saturated,
    )


class _AddedError:
    """A node with running sums of its squared error, flipped spikes and saturations, and its longest sum of products."""

    def __init__(self, exact: Any, node: QuantizedNode | QuantizedOutput, received: Sequence[Word]) -> None:
        self.exact, self.node, self.words = exact, node, received
        self.membrane: IntArray = np.zeros((1, node.n_out), dtype=np.int64)
        self.squared_error = self.squared = 0.0
        self.n_flipped = self.n = self.n_saturated = self.reached = 0

    def add(self, exact: NodeStep) -> None:
        """Run the integer node on what the float node received at one step, and compare what they send."""
        rounded = [
            quantize_into(a, word.exponent, IntFormat(bits=word.bits))[0]
            for a, word in zip(exact.received, self.words, strict=True)
        ]
        step = step_integer(self.node, self.membrane, rounded)
        self.membrane = step.carried
        self.n_saturated += sum(step.saturated)
        if not isinstance(self.node, QuantizedProduct):
            pairs = zip(self.node.affine.connections, rounded, strict=True)
            self.reached = max(self.reached, *(reached_sum(each.weight, words) for each, words in pairs))
        got = dequantize_array(step.payload, self.exponent)
        self.squared_error += float(np.square(got - exact.payload).sum())
        self.squared += float(np.square(exact.payload).sum())
        if exact.fired is not None:
            self.n_flipped += int((exact.fired != step.fired).sum())
            self.n += exact.fired.size

    @property
    def exponent(self) -> int:
        """Exponent of what the node sends, or emits."""
        return self.node.affine.state_exponent if isinstance(self.node, QuantizedOutput) else self.node.sends.exponent

    @property
    def relative(self) -> float:
        """Relative L2 error of what the node sends."""
        return math.sqrt(self.squared_error / self.squared) if self.squared else math.sqrt(self.squared_error)


def _measure_nodes(network: QuantizedNetwork, points: FloatArray) -> dict[str, _AddedError]:
    """Walk the float network, and with it every integer node, each on what the float node receives."""
    source, words = network.source, network.words
    pairs = zip((*source.nodes, source.output), (*network.nodes, network.output), strict=True)
    added = {node.name: _AddedError(exact, node, [words[source] for source, _ in node.edges]) for exact, node in pairs}
    x = source.input_transform.apply(points)
    inputs, arithmetic = constant_inputs(source, x), FloatArithmetic(len(x))
    walk(source, inputs, count_steps(source, points), arithmetic, lambda t, node, step: added[node.name].add(step))
    return added


def reached_sum(weight: IntArray, words: IntArray) -> int:
    """Return the largest partial sum of products that words of shape (n_samples, n_in) make, in any order of summation."""
    received, factors = words.astype(np.float64), weight.T.astype(np.float64)  # products stay exact below 2**53
    positive = np.maximum(received, 0) @ np.maximum(factors, 0) + np.minimum(received, 0) @ np.minimum(factors, 0)
    negative = np.maximum(received, 0) @ np.minimum(factors, 0) + np.minimum(received, 0) @ np.maximum(factors, 0)
    return int(max(positive.max(), -negative.min()))


def _describe_product(added: _AddedError, bound: ProductBound) -> ProductQuantization:
    assert isinstance(added.node, QuantizedProduct)
    return ProductQuantization(
        name=added.node.name,
        payload_bits=added.node.sends.bits,
        payload_exponent=added.node.sends.exponent,
        n_saturated=added.n_saturated,
        accumulator_bits=bound.accumulator_bits,
        payload_proved=bound.payload_is_proved,
        added_error=added.relative,
    )


def _describe_layer(added: _AddedError, calibration: Calibration, bound: LayerBound) -> LayerQuantization:
    node, spec = added.node, added.exact
    assert not isinstance(node, QuantizedProduct)
    sent = node.sends if isinstance(node, QuantizedPopulation) else None
    affine = node.affine
    highest = math.ldexp(IntFormat(bits=affine.state_bits).highest, affine.state_exponent)
    peak = calibration.range_of(node.name).state_peak
    return LayerQuantization(
        name=node.name,
        weight_bits=affine.weight_bits,
        payload_bits=sent.bits if sent else None,
        state_exponent=affine.state_exponent,
        payload_exponent=sent.exponent if sent else None,
        weight_error=relative_l2(affine.real_weight, spec.weight) if spec.weight.any() else 0.0,
        spare_bits=math.log2(highest / peak) if peak else math.inf,
        n_clipped=_count_clipped(affine, spec) + _count_clipped_thresholds(spec, highest),
        n_saturated=added.n_saturated,
        table_error_bound=node.table.error_bound() if isinstance(node, QuantizedPopulation) else None,
        accumulator_bits=bound.accumulator_bits,
        reached_bits=added.reached.bit_length() + 1,
        state_proved=bound.state_is_proved,
        payload_proved=bound.payload_is_proved if sent else None,
        added_error=added.relative,
        flipped_spikes=added.n_flipped / added.n if added.n else 0.0,
        is_fixed_point=bound.is_fixed_point,
    )


def _count_clipped(affine: QuantizedAffine, spec: PopulationSpec | OutputSpec) -> int:
    """Count weights that lie beyond their word by more than its rounding."""
    n_clipped = 0
    for each, exact in zip(affine.connections, spec.connections, strict=True):
        highest = dequantize_array(np.array(IntFormat(bits=each.weight_bits).highest), each.weight_exponent)
        half_unit = np.ldexp(0.5, each.weight_exponent)
        n_clipped += int((np.abs(exact.weight) > (highest + half_unit)[:, None]).sum())
    return n_clipped


def _count_clipped_thresholds(spec: PopulationSpec | OutputSpec, highest: float) -> int:
    return int((spec.theta > highest).sum()) if isinstance(spec, PopulationSpec) else 0
