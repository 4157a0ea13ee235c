"""Records of a network in integers, as a chip would be loaded with. docs/integer.md defines the arithmetic.

    p    = W a_in                                   exact
    z[t] = saturate(shift(p, left[j]) + bias)       left[j] = weight_exponent[j] + input_exponent - state_exponent
    m[t] = saturate(leaked(m[t-1], beta) + z[t])
    s[t] = m[t] >= theta                            or |m[t]| >= theta
    a[t] = table(z[t])  where s[t], else 0
    m[t] = 0            where s[t]

Every scale is 2**exponent. A quantized network embeds its float network, which determines transforms, steps and read-out, and
which the float backend runs. `engine/reference.py` runs these records; `neuropinn_lava.conversion` builds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..base.arrays import ArrayRecord, FloatArray, IntArray, Record, freeze_arrays, record_digest
from ..base.checks import as_member, check_range, check_shape, check_whole, raise_violations
from ..base.errors import FixedPointError, SpecError, Violation
from .integers import LEAK_BITS, MAX_EXACT, IntFormat, dequantize_array
from .phi_table import PhiTable
from .spec import NetworkSpec, Polarity, Readout

EXPONENT_RANGE = (-64, 64)
"""Range of exponents: scales outside 2**±64 are mistakes."""

MAX_SHIFT = 62
"""Largest shift of a product in bits, to the left or right: int64 has 63."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedAffine(ArrayRecord):
    """z = saturate(shift(W a_in, left) + bias) in integers, with the scales that give them meaning."""

    weight: IntArray
    """Weights W, shape (n_out, n_in), within the weight word."""
    weight_bits: int
    """Word length of a weight, 2 to 16 bits."""
    weight_exponent: IntArray
    """Exponents of the weights, shape (n_out,): W[j] stands for W[j] * 2**weight_exponent[j]."""
    bias: IntArray
    """Biases b at scale 2**state_exponent, shape (n_out,), within the state word."""
    input_exponent: int
    """Exponent of the inputs: a_in stands for a_in * 2**input_exponent."""
    input_bits: int
    """Word length of a_in, 2 to 24 bits."""
    state_exponent: int
    """Exponent of the state: z, m, bias and theta stand for themselves times 2**state_exponent."""
    state_bits: int
    """Word length of z, m, bias and theta, 4 to 32 bits."""

    def __post_init__(self) -> None:
        freeze_arrays(self, weight=np.int64, weight_exponent=np.int64, bias=np.int64)
        raise_violations(self._shape_violations())
        for name in ("weight_bits", "input_exponent", "input_bits", "state_exponent", "state_bits"):
            raise_violations(check_whole(f"QuantizedAffine.{name}", getattr(self, name)))
        raise_violations(self._violations(), FixedPointError)

    def _shape_violations(self) -> Iterator[Violation]:
        yield from check_shape("QuantizedAffine.weight", self.weight, (None, None), "(n_out, n_in)")
        for name in ("weight_exponent", "bias"):
            yield from check_shape(f"QuantizedAffine.{name}", getattr(self, name), self.weight.shape[:1], "(n_out,)")

    def _violations(self) -> Iterator[Violation]:
        found = [*check_range("QuantizedAffine.weight_bits", self.weight_bits, 2, 16)]
        found += check_range("QuantizedAffine.input_bits", self.input_bits, 2, 24)
        found += check_range("QuantizedAffine.state_bits", self.state_bits, 4, 32)
        for name in ("weight_exponent", "input_exponent", "state_exponent"):
            found += check_range(f"QuantizedAffine.{name}", getattr(self, name), *EXPONENT_RANGE)
        yield from found
        if found:
            return
        weight_word, state_word = IntFormat(bits=self.weight_bits), IntFormat(bits=self.state_bits)
        yield from check_range("QuantizedAffine.weight", self.weight, -weight_word.highest, weight_word.highest)
        yield from check_range("QuantizedAffine.bias", self.bias, -state_word.highest, state_word.highest)
        yield from check_range("QuantizedAffine.left", self.left, -MAX_SHIFT, MAX_SHIFT)
        highest_shifted = np.ldexp(self.product_bound().astype(np.float64), np.maximum(self.left, 0))
        if (highest_shifted >= MAX_EXACT).any():
            mend = "Use a coarser state scale or shorter words."
            yield Violation("QuantizedAffine.left", "keep shifted products below 2**62", highest_shifted.max(), mend)

    @property
    def n_in(self) -> int:
        """Number of inputs of every neuron."""
        return int(self.weight.shape[1])

    @property
    def n_out(self) -> int:
        """Number of neurons."""
        return int(self.weight.shape[0])

    @property
    def left(self) -> IntArray:
        """Shift to the left that aligns each neuron's product with the state, shape (n_out,); negative is to the right."""
        return self.weight_exponent + (self.input_exponent - self.state_exponent)

    @property
    def real_weight(self) -> FloatArray:
        """Weights as floats, exact, shape (n_out, n_in)."""
        return dequantize_array(self.weight, self.weight_exponent[:, None])

    @property
    def real_bias(self) -> FloatArray:
        """Biases as floats, exact, shape (n_out,)."""
        return dequantize_array(self.bias, self.state_exponent)

    def product_bound(self) -> IntArray:
        """Compute the largest possible |W a_in| of each neuron, shape (n_out,)."""
        bound: IntArray = np.abs(self.weight).sum(axis=1) * IntFormat(bits=self.input_bits).highest
        return bound


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedLayer(ArrayRecord):
    """A layer of Variable Spiking Neurons in integers."""

    name: str
    """Name of the layer in the source network."""
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
        where = f"QuantizedLayer {self.name!r}.polarity"
        object.__setattr__(self, "polarity", as_member(Polarity, self.polarity, where))
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        where = f"QuantizedLayer {self.name!r}"
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
    def n_in(self) -> int:
        """Number of inputs of every neuron."""
        return self.affine.n_in

    @property
    def n_out(self) -> int:
        """Number of neurons."""
        return self.affine.n_out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedOutput(Record):
    """The linear read-out in integers: the chip emits z of every step."""

    affine: QuantizedAffine
    """Weights, biases and scales that produce z."""
    name: str = "output"
    """Name of the layer in the source network."""

    @property
    def n_in(self) -> int:
        """Number of neurons of the layer before it."""
        return self.affine.n_in

    @property
    def n_out(self) -> int:
        """Number of outputs of the network."""
        return self.affine.n_out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuantizedNetwork(Record):
    """A whole network in integers, with the float network that it came from."""

    source: NetworkSpec
    """Float network, whose transforms, steps and read-out hold for this one, too."""
    input_exponent: int
    """Exponent of the normalised input: x stands for x * 2**input_exponent."""
    input_bits: int
    """Word length of the input, 2 to 24 bits."""
    layers: tuple[QuantizedLayer, ...]
    """Spiking layers in their order."""
    output: QuantizedOutput
    """The linear read-out layer."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        raise_violations(self._violations())

    def _violations(self) -> Iterator[Violation]:
        where = f"QuantizedNetwork {self.name!r}"
        if not self.layers:
            raise SpecError(f"{where}.layers", "hold at least one spiking layer", 0, "Quantize a network that has one.")
        chain: tuple[QuantizedLayer | QuantizedOutput, ...] = (*self.layers, self.output)
        words = [(self.input_exponent, self.input_bits)]
        words += [(layer.table.payload_exponent, layer.table.payload_bits) for layer in self.layers]
        for (exponent, bits), layer in zip(words, chain, strict=True):
            got = (layer.affine.input_exponent, layer.affine.input_bits)
            if got != (exponent, bits):
                mend = "Give each layer the word that the one before it sends."
                yield Violation(
                    f"{where}: {layer.name!r}", f"have input (exponent, bits) = {(exponent, bits)}", got, mend
                )
        widths = (self.layers[0].n_in, *(layer.n_out for layer in chain))
        if widths != self.source.widths:
            mend = "Quantize the whole network, layer by layer."
            yield Violation(f"{where}.layers", f"have widths as in the source, {self.source.widths}", widths, mend)
        names = tuple(layer.name for layer in chain)
        wanted = (*(layer.name for layer in self.source.layers), self.source.output.name)
        if names != wanted:
            yield Violation(
                f"{where}.layers", f"have names as in the source, {wanted}", names, "Keep the source's names."
            )
        for before, after in pairwise(chain):
            if before.n_out != after.n_in:
                yield Violation(
                    f"{where}: {after.name!r}", f"have n_in = {before.n_out}", after.n_in, "Make the widths agree."
                )

    @property
    def name(self) -> str:
        """Name of the source."""
        return self.source.name

    @property
    def n_in(self) -> int:
        """Number of coordinates of a point."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """Number of outputs of the network."""
        return self.output.n_out

    @property
    def n_steps(self) -> int:
        """Number T of steps of the source."""
        return self.source.n_steps

    @property
    def readout(self) -> Readout:
        """Reduction of the outputs of the steps to one, as in the source."""
        return self.source.readout

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of inputs, neurons and outputs: (n_in, n_1, …, n_out)."""
        return self.source.widths

    @property
    def affines(self) -> tuple[QuantizedAffine, ...]:
        """The integer matrices in order, the read-out's last."""
        return (*(layer.affine for layer in self.layers), self.output.affine)

    @property
    def weights(self) -> tuple[IntArray, ...]:
        """The weights (n_out, n_in) of every matrix in order, the read-out's last."""
        return tuple(affine.weight for affine in self.affines)

    def digest(self) -> str:
        """Return the SHA-256 of the integers and the source, as 64 hex digits."""
        return record_digest(self)


Network = NetworkSpec | QuantizedNetwork
"""A network of either kind, float or quantized."""
