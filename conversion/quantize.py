"""Post-training quantization: a float network and its calibrated ranges into integers and power-of-two scales.

    weight_exponent[j] = ceil(log2(max_i |W[j, i]| / highest weight))        finest that holds the largest weight
    payload_exponent   = ceil(log2(headroom * max |a| / highest payload))    or phi's bound, where that is less
    state_exponent     = ceil(log2(headroom * max(|z|, |m|, |b|) / highest state))
    theta              = ceil(theta / 2**state_exponent)                     z >= theta stays the same question
    beta               = half_up(beta * 2**12)

Everything is chosen here, once; the engines only carry it out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..activations import find_activation
from ..arrays import FloatArray, IntArray
from ..integers import LEAK_BITS, IntFormat, quantize_array
from ..network import LayerSpec, NetworkSpec, OutputSpec
from ..quantized import QuantizedAffine, QuantizedLayer, QuantizedNetwork, QuantizedOutput
from ..tables import make_table
from .calibration import Calibration, LayerRange, calibrate_network
from .report import QuantizationReport, measure_quantization
from .scheme import Granularity, QuantizationScheme

MAX_REFINEMENT = 24
"""A neuron's weights have a scale at most 2**24 finer than their matrix's: below that they do not reach the state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantization:
    """What quantizing gives: the integers, and what they cost."""

    network: QuantizedNetwork
    """The integers."""
    report: QuantizationReport
    """What was clipped and what error each layer adds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word length and a scale: what one layer sends to the next."""

    bits: int
    """Word length."""
    exponent: int
    """An integer q stands for q * 2**exponent."""


def finest_exponent(peak: float, bits: int) -> int:
    """Give the smallest exponent e with peak <= highest * 2**e, exactly; a peak of zero counts as one.

    Args:
        peak: A finite magnitude.
        bits: Word length, 2 to 32.
    """
    mantissa, exponent = math.frexp(peak or 1.0)  # peak = mantissa * 2**exponent, 1/2 <= mantissa < 1
    below_one = math.ldexp(IntFormat(bits=bits).highest, 1 - bits)
    return exponent - (bits - 1) + (mantissa > below_one)


def quantize_weights(weight: FloatArray, bits: int, granularity: Granularity) -> tuple[IntArray, IntArray]:
    """Quantize a matrix at the finest scales that clip nothing.

    Args:
        weight: W, shape (n_out, n_in).
        bits: Word length of a weight.
        granularity: One scale per output neuron or per tensor.

    Returns:
        Integers (n_out, n_in) and exponents (n_out,).
    """
    whole = finest_exponent(float(np.abs(weight).max()), bits)
    rows = np.abs(weight).max(axis=1)
    per_row = [max(finest_exponent(float(peak), bits), whole - MAX_REFINEMENT) if peak > 0 else whole for peak in rows]
    exponents = np.array(per_row if granularity is Granularity.PER_NEURON else [whole] * len(rows))
    return quantize_array(weight, exponents[:, None]), exponents


def quantize_affine(
    layer: LayerSpec | OutputSpec, state_peak: float, incoming: Word, weight_bits: int, scheme: QuantizationScheme
) -> QuantizedAffine:
    """Quantize weights and bias, and choose the scale of the state.

    Args:
        layer: The float layer.
        state_peak: Largest calibrated |z| or |m|.
        incoming: The word that the layer receives.
        weight_bits: Word length of its weights.
        scheme: The rules.
    """
    weight, weight_exponent = quantize_weights(layer.weight, weight_bits, scheme.granularity)
    peak = max(state_peak, float(np.abs(layer.bias).max()))
    state_exponent = finest_exponent(scheme.state_headroom * peak, scheme.state_bits)
    return QuantizedAffine(
        weight=weight,
        weight_bits=weight_bits,
        weight_exponent=weight_exponent,
        bias=quantize_array(layer.bias, state_exponent),
        input_exponent=incoming.exponent,
        input_bits=incoming.bits,
        state_exponent=state_exponent,
        state_bits=scheme.state_bits,
    )


def payload_word(layer: LayerSpec, payload_peak: float, bits: int, headroom: float) -> Word:
    """Choose the word that a layer sends, from its largest calibrated payload and phi's own bound."""
    bound = find_activation(layer.activation).bound
    peak = payload_peak * headroom if bound is None else min(payload_peak * headroom, bound)
    return Word(bits=bits, exponent=finest_exponent(peak, bits))


def quantize_layer(
    layer: LayerSpec, seen: LayerRange, incoming: Word, weight_bits: int, payload_bits: int, scheme: QuantizationScheme
) -> QuantizedLayer:
    """Quantize one spiking layer.

    A threshold beyond the state word becomes the largest state: only a saturated membrane still reaches it. The report says so.
    """
    affine = quantize_affine(layer, seen.state_peak, incoming, weight_bits, scheme)
    sent = payload_word(layer, float(seen.payload.max()), payload_bits, scheme.payload_headroom)
    highest = math.ldexp(IntFormat(bits=scheme.state_bits).highest, affine.state_exponent)
    theta = np.ceil(np.ldexp(np.minimum(layer.theta, highest), -affine.state_exponent)).astype(np.int64)
    table = make_table(
        layer.activation,
        state_exponent=affine.state_exponent,
        state_bits=scheme.state_bits,
        payload_exponent=sent.exponent,
        payload_bits=sent.bits,
        index_size=scheme.index_size,
    )
    beta = quantize_array(layer.beta, -LEAK_BITS)
    return QuantizedLayer(name=layer.name, affine=affine, beta=beta, theta=theta, polarity=layer.polarity, table=table)


def quantize_with(network: NetworkSpec, scheme: QuantizationScheme, calibration: Calibration) -> QuantizedNetwork:
    """Quantize a network at the scales that its calibrated ranges call for."""
    n_layers = len(network.layers)
    weight_bits, payload_bits = scheme.weight_bits_of(n_layers), scheme.payload_bits_of(n_layers)
    word = Word(bits=scheme.input_bits, exponent=finest_exponent(calibration.input_peak, scheme.input_bits))
    input_exponent, layers = word.exponent, []
    for layer, seen, w_bits, p_bits in zip(
        network.layers, calibration.layers[:-1], weight_bits[:-1], payload_bits, strict=True
    ):
        layers.append(quantize_layer(layer, seen, word, w_bits, p_bits, scheme))
        word = Word(bits=p_bits, exponent=layers[-1].table.payload_exponent)
    last_peak = calibration.layers[-1].state_peak
    output = quantize_affine(network.output, last_peak, word, weight_bits[-1], scheme)
    return QuantizedNetwork(
        source=network,
        input_exponent=input_exponent,
        input_bits=scheme.input_bits,
        layers=tuple(layers),
        output=QuantizedOutput(affine=output, name=network.output.name),
    )


def quantize_network(
    network: NetworkSpec, scheme: QuantizationScheme | None = None, points: FloatArray | None = None
) -> Quantization:
    """Quantize a float network and measure what it costs.

    Args:
        network: The float network.
        scheme: Word lengths and rules; None is `QuantizationScheme()`.
        points: Calibration points, physical, shape (n_samples, n_in); None draws a sample of the network's box.

    Raises:
        SpecError: If scheme and network disagree, or if the calibration points are not usable.
        FixedPointError: If the words cannot hold the network.
    """
    chosen = scheme or QuantizationScheme()
    calibration = calibrate_network(network, points)
    quantized = quantize_with(network, chosen, calibration)
    return Quantization(network=quantized, report=measure_quantization(quantized, calibration))
