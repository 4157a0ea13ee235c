"""A torch network whose forward pass is the integer engine's arithmetic, for quantization-aware tuning.

    W_q = clip(rounded(W / 2**weight_exponent))        b_q = clip(rounded(b / 2**state_exponent))
    z   = clip(half_up(W_q a * 2**left) + b_q)         theta_q = raised(theta / 2**state_exponent)
    then the layer's equations (`integer_neuron.py`)       beta_q = rounded(beta * 2**12)

The masters W, b, theta and beta are physical and trainable; scales and words are those of the quantized network that it was
made from, and never change. In float64 the forward pass equals `reference.run_integer` to the last bit; in float32 sums
beyond 2**24 round, which is enough to train with. `quantized` gives the integers back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from ...base.arrays import IntArray
from ...base.checks import raise_violations
from ...base.errors import FixedPointError, Violation
from ...engine.host import divisor
from ...network.integers import LEAK_BITS, IntFormat, dequantize_array
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import QuantizedAffine, QuantizedPopulation
from ...network.spec import Readout
from .integer_neuron import IntegerNeuronRule, integer_vsn
from .straight_through import held, raised, rounded
from .table_gradient import TableWithGradient

EXACT = 1 << 52
"""Sums below this, and their halves, are exact in float64."""


def power(exponent: int | IntArray, dtype: torch.dtype) -> Tensor:
    """Return 2**exponent as a tensor, exactly."""
    return torch.tensor(np.ldexp(1.0, exponent).tolist(), dtype=dtype)


class QuantizationAwareAffine(nn.Module):
    """z = clip(half_up(W_q a * 2**left) + b_q), with masters W and b."""

    def __init__(self, affine: QuantizedAffine, dtype: torch.dtype) -> None:
        super().__init__()
        self.affine = affine
        self.weight = nn.Parameter(torch.tensor(affine.real_weight, dtype=dtype))
        self.bias = nn.Parameter(torch.tensor(affine.real_bias, dtype=dtype))
        self.per_weight = power(-affine.weight_exponent, dtype)[:, None]
        self.per_state = power(-affine.state_exponent, dtype)
        self.aligned = power(affine.left, dtype)

    def integer_weight(self) -> Tensor:
        """Compute W_q, shape (n_out, n_in)."""
        return held(rounded(self.weight * self.per_weight), self.affine.weight_bits)

    def integer_bias(self) -> Tensor:
        """Compute b_q, shape (n_out,)."""
        return held(rounded(self.bias * self.per_state), self.affine.state_bits)

    def forward(self, a_in: Tensor) -> Tensor:
        """Compute z in state units, shape (..., n_out), for integers a_in of shape (..., n_in)."""
        product = nn.functional.linear(a_in, self.integer_weight()) * self.aligned
        return held(rounded(product) + self.integer_bias(), self.affine.state_bits)

    def quantized(self) -> QuantizedAffine:
        """Return the quantized record of the current parameters."""
        return replace(self.affine, weight=integers(self.integer_weight()), bias=integers(self.integer_bias()))


class QuantizationAwareLayer(nn.Module):
    """A layer of Variable Spiking Neurons over all steps, with masters W, b, theta and beta."""

    def __init__(self, layer: QuantizedPopulation, dtype: torch.dtype) -> None:
        super().__init__()
        self.layer = layer
        self.affine = QuantizationAwareAffine(layer.affine, dtype)
        self.theta = nn.Parameter(torch.tensor(dequantize_array(layer.theta, layer.affine.state_exponent), dtype=dtype))
        self.beta = nn.Parameter(torch.tensor(dequantize_array(layer.beta, -LEAK_BITS), dtype=dtype))
        self.rule = IntegerNeuronRule(table=TableWithGradient(layer.table, dtype), polarity=layer.polarity)

    def integer_theta(self) -> Tensor:
        """Compute theta_q, shape (n_out,)."""
        highest = IntFormat(bits=self.layer.affine.state_bits).highest
        return torch.clamp(raised(self.theta * self.affine.per_state), 0, highest)

    def integer_beta(self) -> Tensor:
        """Compute beta_q, shape (n_out,)."""
        return torch.clamp(rounded(self.beta * (1 << LEAK_BITS)), 0, 1 << LEAK_BITS)

    def forward(self, a_in: Tensor, n_steps: int) -> Tensor:
        """Compute payloads, shape (n_steps, n_samples, n_out), for integers (n_samples, n_in) or one such array per step."""
        return integer_vsn(self.affine(a_in), self.integer_beta(), self.integer_theta(), self.rule, n_steps)

    def quantized(self) -> QuantizedPopulation:
        """Return the quantized record of the current parameters."""
        theta, beta = integers(self.integer_theta()), integers(self.integer_beta())
        return replace(self.layer, affine=self.affine.quantized(), theta=theta, beta=beta)


class QuantizationAwareNetwork(nn.Module):
    """A whole quantized network with trainable masters; see the module's docstring."""

    def __init__(self, network: QuantizedNetwork, dtype: torch.dtype = torch.float32) -> None:
        """Start from the integers of a quantized network.

        Args:
            network: Gives words, scales, tables, and the masters' first values.
            dtype: float32 to train; float64 to equal the integer engine to the last bit.

        Raises:
            FixedPointError: If dtype is float64 and sums of the network could leave what it holds exactly.
        """
        super().__init__()
        if dtype is torch.float64:
            raise_violations(_inexact_sums(network), FixedPointError)
        self.network = network
        self.dtype = dtype
        self.layers = nn.ModuleList(QuantizationAwareLayer(layer, dtype) for layer in network.populations)
        self.output = QuantizationAwareAffine(network.output.affine, dtype)
        self.output_unit = float(np.ldexp(1.0, network.output.affine.state_exponent)) / divisor(network.source)

    def words(self, x: IntArray) -> Tensor:
        """Return input words (n_samples, n_in) as a tensor."""
        return torch.tensor(x, dtype=self.dtype)

    def payloads(self, x: Tensor) -> Iterator[Tensor]:
        """Yield what each spiking layer sends, shape (n_steps, n_samples, n_neurons), for input words (n_samples, n_in)."""
        signal = x
        for layer in self.layers:
            signal = layer(signal, self.network.n_steps)
            yield signal

    def total(self, x: Tensor) -> Tensor:
        """Compute the integer read-out (n_samples, n_out), as `RunTrace.readout`, for input words (n_samples, n_in)."""
        *_, last = self.payloads(x)
        emitted = self.output(last)
        return emitted[-1] if self.network.readout is Readout.LAST else emitted.sum(0)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the network's output y before the host's transforms, shape (n_samples, n_out), for input words."""
        return self.total(x) * self.output_unit

    def quantized(self) -> QuantizedNetwork:
        """Return the quantized network of the current parameters."""
        layers = tuple(cast(QuantizationAwareLayer, layer).quantized() for layer in self.layers)
        output = replace(self.network.output, affine=self.output.quantized())
        return replace(self.network, layers=layers, output=output)


def integers(values: Tensor) -> IntArray:
    """Convert integers stored as floating point to int64."""
    found: IntArray = values.detach().to(torch.float64).numpy().astype(np.int64)
    return found


def _inexact_sums(network: QuantizedNetwork) -> Iterator[Violation]:
    """Find what float64 could not hold exactly: products, aligned products, and interpolated payloads within their word."""
    mend = "Use shorter words or a coarser state; the integer engine itself is not bound by this."
    for affine in network.affines:
        highest = float((np.ldexp(affine.product_bound().astype(np.float64), np.maximum(affine.left, 0))).max())
        if highest >= EXACT:
            yield Violation(f"quantization-aware network {network.name!r}", "have products below 2**52", highest, mend)
    for layer in network.populations:
        table = layer.table
        bits = table.payload_bits + table.fraction_bits + table.index_bits
        if table.rule.needs_table and bits > 52:
            where = f"quantization-aware network {network.name!r}: {layer.name!r}.table"
            yield Violation(where, "have at most 52 payload, fraction and index bits together", bits, mend)
