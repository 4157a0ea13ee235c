"""Records of the nodes of a network in integers, as a chip would be loaded with. docs/integer.md defines the arithmetic.

    z[t] = saturate(sum over connections c of shift(W_c a_c[t - d_c], left_c[j]) + bias)     the sum exact
           left_c[j] = weight_exponent_c[j] + input_exponent_c - state_exponent
    m[t] = saturate(leaked(m[t-1], beta) + z[t])
    s[t] = m[t] >= theta                            or |m[t]| >= theta
    a[t] = table(z[t])  where s[t], else 0
    m[t] = 0            where s[t]
    a[t] = saturate(shift(a_left[t] * a_right[t], left))                                     of a product

Every scale is 2**exponent. `engine/reference.py` runs these records; `neuropinn_lava.conversion` builds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..base.arrays import ArrayRecord, FloatArray, IntArray, Record, freeze_arrays, side_by_side
from ..base.checks import as_member, check_range, check_shape, check_whole, raise_violations
from ..base.errors import FixedPointError, Violation
from .graph import AffineNode, ProductNode, check_affine, sorted_connections
from .integers import LEAK_BITS, MAX_EXACT, IntFormat, dequantize_array
from .nodes import Polarity
from .phi_table import PhiTable

EXPONENT_RANGE = (-64, 64)
"""Range of exponents: scales outside 2**±64 are mistakes."""

MAX_SHIFT = 62
"""Largest shift of a product in bits, to the left or right: int64 has 63."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word(Record):
    """An integer word: what an input or a node sends."""

    bits: int
    """Word length in bits, sign included."""
    exponent: int
    """Exponent of the scale: an integer q stands for q * 2**exponent."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedConnection(ArrayRecord):
    """A connection in integers, with the scales that give it meaning."""

    source: str
    """Name of the input or node that is read."""
    delay: int = 0
    """Number of steps between sending and receiving."""
    weight: IntArray
    """Weights W, shape (n_out, n_source), within the weight word."""
    weight_bits: int
    """Word length of a weight, 2 to 16 bits."""
    weight_exponent: IntArray
    """Exponents of the weights, shape (n_out,): W[j] stands for W[j] * 2**weight_exponent[j]."""
    input_exponent: int
    """Exponent of what the source sends: a stands for a * 2**input_exponent."""
    input_bits: int
    """Word length of what the source sends, 2 to 24 bits."""

    def __post_init__(self) -> None:
        freeze_arrays(self, weight=np.int64, weight_exponent=np.int64)
        where = f"QuantizedConnection from {self.source!r}"
        raise_violations(check_shape(f"{where}.weight", self.weight, (None, None), "(n_out, n_source)"))
        shape = self.weight.shape[:1]
        raise_violations(check_shape(f"{where}.weight_exponent", self.weight_exponent, shape, "(n_out,)"))
        for name in ("weight_bits", "input_exponent", "input_bits"):
            raise_violations(check_whole(f"{where}.{name}", getattr(self, name)))
        found = [*check_range(f"{where}.weight_bits", self.weight_bits, 2, 16)]
        found += check_range(f"{where}.input_bits", self.input_bits, 2, 24)
        for name in ("weight_exponent", "input_exponent"):
            found += check_range(f"{where}.{name}", getattr(self, name), *EXPONENT_RANGE)
        raise_violations(found, FixedPointError)
        highest = IntFormat(bits=self.weight_bits).highest
        raise_violations(check_range(f"{where}.weight", self.weight, -highest, highest), FixedPointError)

    @property
    def n_source(self) -> int:
        """Number of components of the source."""
        return int(self.weight.shape[1])

    @property
    def real_weight(self) -> FloatArray:
        """Weights as floats, exact, shape (n_out, n_source)."""
        return dequantize_array(self.weight, self.weight_exponent[:, None])

    def left(self, state_exponent: int) -> IntArray:
        """Compute the shift that aligns each neuron's product with the state, (n_out,): to the left, negative to the right."""
        return self.weight_exponent + (self.input_exponent - state_exponent)

    def product_bound(self) -> IntArray:
        """Compute the largest possible |W a| of each neuron, shape (n_out,)."""
        bound: IntArray = np.abs(self.weight).sum(axis=1) * IntFormat(bits=self.input_bits).highest
        return bound


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedAffine(AffineNode[QuantizedConnection], ArrayRecord):
    """z = saturate(sum of shift(W_c a_c, left_c) + bias) in integers, with the scales that give them meaning."""

    connections: tuple[QuantizedConnection, ...]
    """Connections that are added up, unique by source and delay, held in that order."""
    bias: IntArray
    """Biases b at scale 2**state_exponent, shape (n_out,), within the state word."""
    state_exponent: int
    """Exponent of the state: z, m, bias and theta stand for themselves times 2**state_exponent."""
    state_bits: int
    """Word length of z, m, bias and theta, 4 to 32 bits."""

    def __post_init__(self) -> None:
        freeze_arrays(self, bias=np.int64)
        object.__setattr__(self, "connections", sorted_connections(self.connections))
        raise_violations(check_affine("QuantizedAffine", self.connections, self.bias))
        for name in ("state_exponent", "state_bits"):
            raise_violations(check_whole(f"QuantizedAffine.{name}", getattr(self, name)))
        raise_violations(self._violations(), FixedPointError)

    def _violations(self) -> Iterator[Violation]:
        found = [*check_range("QuantizedAffine.state_bits", self.state_bits, 4, 32)]
        found += check_range("QuantizedAffine.state_exponent", self.state_exponent, *EXPONENT_RANGE)
        yield from found
        if found:
            return
        bits = [each.weight_bits for each in self.connections]
        if len(set(bits)) > 1:
            repair = "Give the weights of all its connections one word; their scales may differ."
            yield Violation("QuantizedAffine.connections", "have weights of one word length", bits, repair)
        highest = IntFormat(bits=self.state_bits).highest
        yield from check_range("QuantizedAffine.bias", self.bias, -highest, highest)
        for left in self.lefts:
            yield from check_range("QuantizedAffine.left", left, -MAX_SHIFT, MAX_SHIFT)
        highest_sum = self.sum_bound()
        if (highest_sum >= MAX_EXACT).any():
            repair = "Use a coarser state scale or shorter words."
            yield Violation(
                "QuantizedAffine.left", "keep the sum of shifted products below 2**62", highest_sum.max(), repair
            )

    @property
    def weight_bits(self) -> int:
        """Word length of a weight, which all connections share."""
        return self.connections[0].weight_bits

    @property
    def lefts(self) -> tuple[IntArray, ...]:
        """Shifts to the left that align the products of each connection with the state, shape (n_out,) each."""
        return tuple(each.left(self.state_exponent) for each in self.connections)

    @property
    def real_weight(self) -> FloatArray:
        """Weights of all connections side by side as floats, exact, shape (n_out, n_in), read-only."""
        return side_by_side([each.real_weight for each in self.connections])

    @property
    def real_bias(self) -> FloatArray:
        """Biases as floats, exact, shape (n_out,)."""
        return dequantize_array(self.bias, self.state_exponent)

    def sum_bound(self) -> FloatArray:
        """Compute the largest possible sum of shifted products and bias before saturation, shape (n_out,)."""
        total: FloatArray = np.abs(self.bias).astype(np.float64)
        for each, left in zip(self.connections, self.lefts, strict=True):
            total = total + np.ldexp(each.product_bound().astype(np.float64), np.maximum(left, 0))
        return total


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedPopulation(ArrayRecord):
    """A population of Variable Spiking Neurons in integers."""

    name: str
    """Name of the population in the source network."""
    affine: QuantizedAffine
    """Weights, biases and scales that produce the drive z."""
    beta: IntArray
    """Leak factors in units of 2**-12, shape (n_out,), 0 … 4096."""
    theta: IntArray
    """Thresholds in units of the state, shape (n_out,), not negative."""
    polarity: Polarity
    """Condition under which a neuron fires."""
    table: PhiTable
    """Table of phi from the state to the payload."""

    def __post_init__(self) -> None:
        freeze_arrays(self, beta=np.int64, theta=np.int64)
        where = f"QuantizedPopulation {self.name!r}.polarity"
        object.__setattr__(self, "polarity", as_member(Polarity, self.polarity, where))
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        where = f"QuantizedPopulation {self.name!r}"
        for name in ("beta", "theta"):
            yield from check_shape(f"{where}.{name}", getattr(self, name), (self.affine.n_out,), "(n_out,)")
        yield from check_range(f"{where}.beta", self.beta, 0, 1 << LEAK_BITS)
        yield from check_range(f"{where}.theta", self.theta, 0, IntFormat(bits=self.affine.state_bits).highest)
        state = (self.affine.state_exponent, self.affine.state_bits)
        if (self.table.state_exponent, self.table.state_bits) != state:
            got = (self.table.state_exponent, self.table.state_bits)
            yield Violation(
                f"{where}.table", f"have state (exponent, bits) = {state}", got, "Build the table for this state."
            )

    @property
    def edges(self) -> tuple[tuple[str, int], ...]:
        """Source and delay of every connection."""
        return self.affine.edges

    @property
    def sends(self) -> Word:
        """The word of the payloads."""
        return Word(bits=self.table.payload_bits, exponent=self.table.payload_exponent)

    @property
    def n_in(self) -> int:
        """Number of values that every neuron receives."""
        return self.affine.n_in

    @property
    def n_out(self) -> int:
        """Number of neurons."""
        return self.affine.n_out


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizedProduct(ProductNode, Record):
    """An elementwise product in integers: exact in 64 bits, shifted once, half up, and saturated into its word."""

    name: str
    """Name of the product in the source network."""
    left: str
    """Name of the node or input of the first factor."""
    right: str
    """Name of the node or input of the second factor."""
    width: int
    """Number of elements of each factor."""
    left_word: Word
    """Word of the first factor."""
    right_word: Word
    """Word of the second factor."""
    sends: Word
    """Word of the payloads."""

    def __post_init__(self) -> None:
        where = f"QuantizedProduct {self.name!r}"
        found: list[Violation] = []
        for name in ("left_word", "right_word", "sends"):
            found += check_range(f"{where}.{name}.bits", getattr(self, name).bits, 2, 24)
            found += check_range(f"{where}.{name}.exponent", getattr(self, name).exponent, *EXPONENT_RANGE)
        highest = 2.0 ** (self.left_word.bits + self.right_word.bits - 2 + max(self.shift, 0))
        if not found and (highest >= MAX_EXACT or abs(self.shift) > MAX_SHIFT):
            repair = "Use a coarser or finer payload word."
            found.append(Violation(f"{where}.sends", "keep the shifted product below 2**62", self.shift, repair))
        raise_violations(found, FixedPointError)

    @property
    def shift(self) -> int:
        """Shift to the left that aligns the exact product with the payload; negative is to the right."""
        return self.left_word.exponent + self.right_word.exponent - self.sends.exponent


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedOutput(Record):
    """The linear read-out in integers: the chip emits z of every step."""

    affine: QuantizedAffine
    """Weights, biases and scales that produce z."""
    name: str = "output"
    """Name of the read-out in the source network."""

    @property
    def edges(self) -> tuple[tuple[str, int], ...]:
        """Source and delay of every connection."""
        return self.affine.edges

    @property
    def n_in(self) -> int:
        """Number of values that every output receives."""
        return self.affine.n_in

    @property
    def n_out(self) -> int:
        """Number of outputs of the network."""
        return self.affine.n_out


QuantizedNode = QuantizedPopulation | QuantizedProduct
"""A node that sends payloads, in integers."""
AnyQuantizedNode = QuantizedNode | QuantizedOutput
"""A node or the read-out, in integers."""
