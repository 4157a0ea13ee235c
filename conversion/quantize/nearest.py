"""Rounding to the nearest: a float network and its calibrated ranges into integers and power-of-two scales.

    weight_exponent[j] = ceil(log2(max_i |W[j, i]| / highest weight))        or as the scheme's rules say (`ranges.py`)
    payload_exponent   = ceil(log2(headroom * max |a| / highest payload))    or phi's bound, where that is less
    state_exponent     = ceil(log2(headroom * max(|z|, |m|, |b|) / highest state))
    theta              = ceil(theta / 2**state_exponent)                     z >= theta stays the same question
    beta               = half_up(beta * 2**12)

All scales are chosen here, once; later passes change weights and biases only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...base.arrays import FloatArray, IntArray, Record
from ...base.errors import FixedPointError
from ...network.activations import find_activation
from ...network.integers import LEAK_BITS, IntFormat, quantize_array, quantize_into
from ...network.nodes import OutputSpec, PopulationSpec
from ...network.phi_table import make_table
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import QuantizedAffine, QuantizedOutput, QuantizedPopulation
from ...network.spec import NetworkSpec
from ..calibrate.calibration import Calibration, LayerRange
from ..scheme import Granularity, QuantizationScheme, RangeRule, Rounding
from .ranges import choose_exponent, finest_exponent, highest_below

MAX_REFINEMENT = 24
"""A neuron's weights have a scale at most 2**24 finer than their matrix's: below that they do not reach the state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word(Record):
    """A word length and a scale: what one layer sends to the next."""

    bits: int
    """Word length in bits, sign included."""
    exponent: int
    """An integer q stands for q * 2**exponent."""


def quantize_weights(
    weight: FloatArray, bits: int, granularity: Granularity, rule: RangeRule = RangeRule.MIN_MAX
) -> tuple[IntArray, IntArray]:
    """Quantize a matrix to the nearest integers.

    Args:
        weight: W, shape (n_out, n_in).
        bits: Word length of a weight.
        granularity: One scale per output neuron or per tensor.
        rule: What the words hold; min-max clips nothing.

    Returns:
        Integers (n_out, n_in) and exponents (n_out,).
    """
    whole = choose_exponent(weight, bits, rule)
    exponents = np.full(len(weight), whole)
    if granularity is Granularity.PER_NEURON:
        alive = np.flatnonzero(np.abs(weight).max(axis=1) > 0)
        exponents[alive] = [max(choose_exponent(weight[j], bits, rule), whole - MAX_REFINEMENT) for j in alive]
    integers = [quantize_into(row, int(e), IntFormat(bits=bits))[0] for row, e in zip(weight, exponents, strict=True)]
    return np.stack(integers), exponents


def quantize_affine(
    layer: PopulationSpec | OutputSpec,
    state_peak: float,
    incoming: Word,
    weight_bits: int,
    scheme: QuantizationScheme,
    coarser: int = 0,
) -> QuantizedAffine:
    """Quantize weights and bias, and choose the scale of the state.

    Args:
        layer: The float layer.
        state_peak: Largest calibrated |z| or |m|.
        incoming: The word that the layer receives.
        weight_bits: Word length of its weights.
        scheme: The rules.
        coarser: Bits by which the state is coarser than its finest scale.

    Raises:
        FixedPointError: If the words cannot hold the layer.
    """
    rule = RangeRule.MIN_MAX if n_finer_scales(scheme) else scheme.weight_range
    weight, weight_exponent = quantize_weights(layer.weight, weight_bits, scheme.granularity, rule)
    peak = max(state_peak, float(np.abs(layer.bias).max()))
    state_exponent = finest_exponent(scheme.state_headroom * peak, scheme.state_bits) + coarser
    try:
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
    except FixedPointError as error:
        named = [violation._replace(where=f"layer {layer.name!r}: {violation.where}") for violation in error.violations]
        raise FixedPointError.gathered(named) from error


def payload_word(
    layer: PopulationSpec,
    payload_peak: float,
    bits: int,
    headroom: float,
    sample: FloatArray | None = None,
    rule: RangeRule = RangeRule.MIN_MAX,
) -> Word:
    """Choose the word that a layer sends, from its largest calibrated payload and phi's own bound.

    A word may end one unit below the bound of phi, because a table's entries then end there too (`make_table`).

    Args:
        layer: Gives phi.
        payload_peak: Largest calibrated |a|.
        bits: Word length.
        headroom: Multiple of the peak that min-max holds.
        sample: Magnitudes of payloads, shape (n,), for the other rules.
        rule: What the word holds.
    """
    bound = find_activation(layer.activation).bound
    held = payload_peak * headroom
    if bound is not None:
        held = min(held, highest_below(bound, bits))
    exponent = finest_exponent(held, bits) if sample is None else choose_exponent(sample, bits, rule, held)
    return Word(bits=bits, exponent=exponent)


def quantize_layer(
    layer: PopulationSpec,
    seen: LayerRange,
    incoming: Word,
    weight_bits: int,
    payload_bits: int,
    scheme: QuantizationScheme,
    coarser: int = 0,
) -> QuantizedPopulation:
    """Quantize one spiking layer.

    A threshold beyond the state word becomes the largest state: only a saturated membrane still reaches it. The report says so.

    Args:
        layer: The float layer.
        seen: Its calibrated ranges.
        incoming: The word that it receives.
        weight_bits: Word length of its weights.
        payload_bits: Word length of what it sends.
        scheme: The rules.
        coarser: Bits by which the state is coarser than its finest scale.

    Raises:
        FixedPointError: If the words cannot hold the layer.
    """
    affine = quantize_affine(layer, seen.state_peak, incoming, weight_bits, scheme, coarser)
    sent = payload_word(
        layer,
        float(seen.payload.max()),
        payload_bits,
        scheme.payload_headroom,
        seen.payload_sample,
        scheme.payload_range,
    )
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
    return QuantizedPopulation(
        name=layer.name, affine=affine, beta=beta, theta=theta, polarity=layer.polarity, table=table
    )


def quantize_with(
    network: NetworkSpec, scheme: QuantizationScheme, calibration: Calibration, coarser: tuple[int, ...] = ()
) -> QuantizedNetwork:
    """Quantize a network at the scales that its calibrated ranges call for.

    Args:
        network: The float network.
        scheme: Word lengths and rules.
        calibration: Its ranges.
        coarser: Bits by which each state is coarser than that, the read-out's last; none for no bits.
    """
    n_layers = len(network.populations)
    weight_bits, payload_bits = scheme.weight_bits_of(n_layers), scheme.payload_bits_of(n_layers)
    extra = coarser or (0,) * (n_layers + 1)
    word = Word(bits=scheme.input_bits, exponent=finest_exponent(calibration.input_peak, scheme.input_bits))
    input_exponent, layers = word.exponent, []
    for index, layer in enumerate(network.populations):
        seen, p_bits = calibration.layers[index], payload_bits[index]
        layers.append(quantize_layer(layer, seen, word, weight_bits[index], p_bits, scheme, extra[index]))
        word = Word(bits=p_bits, exponent=layers[-1].table.payload_exponent)
    last_peak = calibration.layers[-1].state_peak
    output = quantize_affine(network.output, last_peak, word, weight_bits[-1], scheme, extra[-1])
    return QuantizedNetwork(
        source=network,
        input_exponent=input_exponent,
        input_bits=scheme.input_bits,
        layers=tuple(layers),
        output=QuantizedOutput(affine=output, name=network.output.name),
    )


def n_finer_scales(scheme: QuantizationScheme) -> int:
    """Return the number of finer scales that compensated rounding tries; it then starts from scales that clip nothing."""
    per_neuron = scheme.granularity is Granularity.PER_NEURON
    compensated = scheme.rounding in (Rounding.COMPENSATED, Rounding.DESCENDED)
    by_error = compensated and scheme.weight_range is RangeRule.MSE
    return 1 if per_neuron and by_error else 0
