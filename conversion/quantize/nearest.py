"""Rounding to the nearest: a float network and its calibrated ranges into integers and power-of-two scales.

    weight_exponent[j] = ceil(log2(max_i |W[j, i]| / highest weight))        or as the scheme's rules say (`ranges.py`)
    payload_exponent   = ceil(log2(headroom * max |a| / highest payload))    or phi's bound, where that is less
    state_exponent     = ceil(log2(headroom * max(|z|, |m|, |b|) / highest state))
    theta              = ceil(theta / 2**state_exponent)                     z >= theta stays the same question
    beta               = half_up(beta * 2**12)

Each connection has its own weight exponents, each product its own payload word. A relay's weights are exact where their word
can hold them, and its state is so fine that no product of a connection is shifted to the right: its sum is rounded once, in the
payload. All scales are chosen here, once; later passes change weights and biases only.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping

import numpy as np

from ...base.arrays import FloatArray, IntArray
from ...base.errors import FixedPointError
from ...network.activations import find_activation
from ...network.integers import LEAK_BITS, IntFormat, quantize_array, quantize_into
from ...network.nodes import ConnectionSpec, OutputSpec, PopulationSpec, ProductSpec
from ...network.phi_table import make_table
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import (
    QuantizedAffine,
    QuantizedConnection,
    QuantizedNode,
    QuantizedOutput,
    QuantizedPopulation,
    QuantizedProduct,
    Word,
)
from ...network.spec import NetworkSpec
from ..calibrate.calibration import Calibration, NodeRange
from ..scheme import Granularity, QuantizationScheme, RangeRule, Rounding
from .ranges import choose_exponent, finest_exponent, highest_below

MAX_REFINEMENT = 24
"""A neuron's weights have a scale at most 2**24 finer than their matrix's: below that they do not reach the state."""


RELAY_GUARD_BITS = 2
"""Bits by which the state of a relay is finer than the finest of what it receives, for its bias."""


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


def exact_weights(weight: FloatArray, bits: int) -> tuple[IntArray, IntArray] | None:
    """Write each row of a matrix as integers times a power of two, without any error, at the coarsest such scales.

    Args:
        weight: W, shape (n_out, n_in).
        bits: Word length of a weight.

    Returns:
        Integers (n_out, n_in) and exponents (n_out,); None where a word is too short for a row.
    """
    mantissa, exponent = np.frexp(weight)
    digits = np.ldexp(mantissa, 53).astype(np.int64)  # weight = digits * 2**(exponent - 53)
    lowest = exponent - 53 + np.log2((digits & -digits).clip(1)).astype(np.int64)
    coarsest = np.where(digits == 0, np.iinfo(np.int64).max, lowest).min(axis=1)
    exponents = np.where(digits.any(axis=1), coarsest, 0)
    integers = np.ldexp(weight, -exponents[:, None])
    if (np.abs(integers) > IntFormat(bits=bits).highest).any():
        return None
    return integers.astype(np.int64), exponents


def quantize_connection(
    connection: ConnectionSpec, incoming: Word, weight_bits: int, scheme: QuantizationScheme, *, is_relay: bool = False
) -> QuantizedConnection:
    """Quantize the weights of one connection.

    Args:
        connection: The float connection.
        incoming: The word that its source sends.
        weight_bits: Word length of its weights.
        scheme: The rules.
        is_relay: Whether it belongs to a relay, whose weights are exact where they can be.
    """
    rule = RangeRule.MIN_MAX if n_finer_scales(scheme) else scheme.weight_range
    exact = exact_weights(connection.weight, weight_bits) if is_relay else None
    weight, exponent = exact or quantize_weights(connection.weight, weight_bits, scheme.granularity, rule)
    return QuantizedConnection(
        source=connection.source,
        delay=connection.delay,
        weight=weight,
        weight_bits=weight_bits,
        weight_exponent=exponent,
        input_exponent=incoming.exponent,
        input_bits=incoming.bits,
    )


def finest_state(node: PopulationSpec | OutputSpec, seen: NodeRange, scheme: QuantizationScheme) -> int:
    """Return the exponent of the finest state that holds the calibrated range of a node, and its bias."""
    peak = max(seen.state_peak, float(np.abs(node.bias).max()))
    return finest_exponent(scheme.state_headroom * peak, scheme.state_bits)


def quantize_affine(
    node: PopulationSpec | OutputSpec,
    words: Mapping[str, Word],
    weight_bits: int,
    scheme: QuantizationScheme,
    state_exponent: int,
) -> QuantizedAffine:
    """Quantize weights and bias of one node.

    Args:
        node: The float node.
        words: The word that every source sends, by name.
        weight_bits: Word length of its weights.
        scheme: The rules.
        state_exponent: Exponent of its state; that of a relay is coarser where its payload loses nothing by that.
    """
    is_relay = isinstance(node, PopulationSpec) and node.is_relay
    connections = tuple(
        quantize_connection(each, words[each.source], weight_bits, scheme, is_relay=is_relay)
        for each in node.connections
    )
    if is_relay:
        finest = min(int(each.weight_exponent.min()) + each.input_exponent for each in connections)
        state_exponent = max(state_exponent, finest - RELAY_GUARD_BITS)
    return QuantizedAffine(
        connections=connections,
        bias=quantize_array(node.bias, state_exponent),
        state_exponent=state_exponent,
        state_bits=scheme.state_bits,
    )


def payload_word(
    activation: str | None,
    payload_peak: float,
    bits: int,
    headroom: float,
    sample: FloatArray | None = None,
    rule: RangeRule = RangeRule.MIN_MAX,
) -> Word:
    """Choose the word that a node sends, from its largest calibrated payload and phi's own bound.

    A word may end one unit below the bound of phi, because a table's entries then end there too (`make_table`).

    Args:
        activation: Name of phi; None for a product.
        payload_peak: Largest calibrated |a|.
        bits: Word length.
        headroom: Multiple of the peak that min-max holds.
        sample: Magnitudes of payloads, shape (n,), for the other rules.
        rule: What the word holds.
    """
    bound = find_activation(activation).bound if activation else None
    held = payload_peak * headroom
    if bound is not None:
        held = min(held, highest_below(bound, bits))
    exponent = finest_exponent(held, bits) if sample is None else choose_exponent(sample, bits, rule, held)
    return Word(bits=bits, exponent=exponent)


def choose_words(network: NetworkSpec, scheme: QuantizationScheme, calibration: Calibration) -> dict[str, Word]:
    """Choose the word that every input and node sends, by name.

    The word of a product is no finer than the exact product of its factors.
    """
    words = {
        each.name: Word(bits=scheme.input_bits, exponent=finest_exponent(float(peak), scheme.input_bits))
        for each, peak in zip(network.inputs, calibration.input_peaks, strict=True)
    }
    for node, bits in zip(network.nodes, scheme.payload_bits_of(len(network.nodes)), strict=True):
        seen = calibration.range_of(node.name)
        activation = node.activation if isinstance(node, PopulationSpec) else None
        peak, sample = float(seen.payload.max()), seen.payload_sample
        word = payload_word(activation, peak, bits, scheme.payload_headroom, sample, scheme.payload_range)
        if isinstance(node, ProductSpec):
            exact = words[node.left].exponent + words[node.right].exponent
            word = Word(bits=bits, exponent=max(word.exponent, exact))
        words[node.name] = word
    return words


def quantize_population(
    node: PopulationSpec,
    words: Mapping[str, Word],
    weight_bits: int,
    scheme: QuantizationScheme,
    state_exponent: int,
) -> QuantizedPopulation:
    """Quantize one population.

    A threshold beyond the state word becomes the largest state: only a saturated membrane still reaches it. The report says so.

    Args:
        node: The float population.
        words: The word that every source sends, and the population itself, by name.
        weight_bits: Word length of its weights.
        scheme: The rules.
        state_exponent: Exponent of its state.
    """
    affine = quantize_affine(node, words, weight_bits, scheme, state_exponent)
    highest = math.ldexp(IntFormat(bits=scheme.state_bits).highest, affine.state_exponent)
    theta = np.ceil(np.ldexp(np.minimum(node.theta, highest), -affine.state_exponent)).astype(np.int64)
    table = make_table(
        node.activation,
        state_exponent=affine.state_exponent,
        state_bits=scheme.state_bits,
        payload_exponent=words[node.name].exponent,
        payload_bits=words[node.name].bits,
        index_size=scheme.index_size,
    )
    beta = quantize_array(node.beta, -LEAK_BITS)
    return QuantizedPopulation(
        name=node.name, affine=affine, beta=beta, theta=theta, polarity=node.polarity, table=table
    )


def quantize_with(
    network: NetworkSpec, scheme: QuantizationScheme, calibration: Calibration, coarser: tuple[int, ...] = ()
) -> QuantizedNetwork:
    """Quantize a network at the scales that its calibrated ranges call for.

    Args:
        network: The float network.
        scheme: Word lengths and rules.
        calibration: Its ranges.
        coarser: Bits by which the state of each population is coarser than that, the read-out's last; none for no bits.

    Raises:
        FixedPointError: If the words cannot hold a node.
    """
    affines = network.affines
    weight_bits = scheme.weight_bits_of(len(affines) - 1)
    words = choose_words(network, scheme, calibration)
    made: dict[str, QuantizedNode] = {}
    for node, bits, extra in zip(affines, weight_bits, coarser or (0,) * len(affines), strict=True):
        state_exponent = finest_state(node, calibration.range_of(node.name), scheme) + extra
        with _naming(node.name):
            if isinstance(node, OutputSpec):
                affine = quantize_affine(node, words, bits, scheme, state_exponent)
                output = QuantizedOutput(affine=affine, name=node.name)
            else:
                made[node.name] = quantize_population(node, words, bits, scheme, state_exponent)
    made |= {each.name: quantize_product(each, words) for each in network.nodes if isinstance(each, ProductSpec)}
    return QuantizedNetwork(
        source=network,
        input_words=tuple(words[each.name] for each in network.inputs),
        nodes=tuple(made[node.name] for node in network.nodes),
        output=output,
    )


@contextlib.contextmanager
def _naming(name: str) -> Iterator[None]:
    """Add the name of a node to the errors that its words cause."""
    try:
        yield
    except FixedPointError as error:
        named = [violation._replace(where=f"node {name!r}: {violation.where}") for violation in error.violations]
        raise FixedPointError.gathered(named) from error


def quantize_product(node: ProductSpec, words: Mapping[str, Word]) -> QuantizedProduct:
    """Return a product in integers, with the words of its factors and its own."""
    return QuantizedProduct(
        name=node.name,
        left=node.left,
        right=node.right,
        width=node.width,
        left_word=words[node.left],
        right_word=words[node.right],
        sends=words[node.name],
    )


def n_finer_scales(scheme: QuantizationScheme) -> int:
    """Return the number of finer scales that compensated rounding tries; it then starts from scales that clip nothing."""
    per_neuron = scheme.granularity is Granularity.PER_NEURON
    compensated = scheme.rounding in (Rounding.COMPENSATED, Rounding.DESCENDED)
    by_error = compensated and scheme.weight_range is RangeRule.MSE
    return 1 if per_neuron and by_error else 0
