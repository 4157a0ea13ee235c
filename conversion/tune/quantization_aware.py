"""A torch network whose forward pass is the integer engine's arithmetic, for quantization-aware tuning.

    W_q = clip(rounded(W / 2**weight_exponent))        b_q = clip(rounded(b / 2**state_exponent))
    z   = clip(sum of half_up(W_q a * 2**left) + b_q)  theta_q = raised(theta / 2**state_exponent)
    a   = clip(half_up(a_left a_right * 2**shift))     beta_q = rounded(beta * 2**12)
    then the neuron's equations (`integer_neuron.py`)

The network is walked by the one walk of `engine/walk.py`, in tensors. The masters W, b, theta and beta are physical and
trainable, but for a relay's, which are exact; scales and words are those of the quantized network that it was made from, and
never change. In float64 the forward pass equals `reference.run_integer` to the last bit; in float32 sums beyond 2**24 round,
which is enough to train with. `quantized` gives the integers back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from ...base.arrays import IntArray
from ...base.checks import raise_violations
from ...base.errors import FixedPointError, Violation
from ...engine.host import divisor
from ...engine.reference import constant_inputs
from ...engine.walk import NodeStep, walk
from ...network.integers import LEAK_BITS, IntFormat, dequantize_array
from ...network.nodes import PopulationSpec
from ...network.quantized import QuantizedNetwork
from ...network.quantized_nodes import (
    QuantizedAffine,
    QuantizedNode,
    QuantizedOutput,
    QuantizedPopulation,
    QuantizedProduct,
)
from ...network.spec import Readout
from .integer_neuron import IntegerNeuronRule, step_vsn
from .straight_through import held, raised, rounded
from .table_gradient import TableWithGradient

EXACT = 1 << 52
"""Sums below this, and their halves, are exact in float64."""


def power(exponent: int | IntArray, dtype: torch.dtype) -> Tensor:
    """Return 2**exponent as a tensor, exactly."""
    return torch.tensor(np.ldexp(1.0, exponent).tolist(), dtype=dtype)


class QuantizationAwareAffine(nn.Module):
    """z = clip(sum over connections of half_up(W_q a * 2**left) + b_q), with masters W, side by side, and b."""

    def __init__(self, affine: QuantizedAffine, dtype: torch.dtype) -> None:
        super().__init__()
        self.affine = affine
        self.weight = nn.Parameter(torch.tensor(affine.real_weight, dtype=dtype))
        self.bias = nn.Parameter(torch.tensor(affine.real_bias, dtype=dtype))
        self.widths = [each.n_source for each in affine.connections]
        per_weight = [
            power(-each.weight_exponent, dtype)[:, None].expand(-1, each.n_source) for each in affine.connections
        ]
        self.per_weight = torch.cat(per_weight, dim=1)
        self.per_state = power(-affine.state_exponent, dtype)
        self.aligned = [power(left, dtype) for left in affine.lefts]

    def integer_weight(self) -> Tensor:
        """Compute W_q of all connections side by side, shape (n_out, n_in)."""
        return held(rounded(self.weight * self.per_weight), self.affine.weight_bits)

    def integer_bias(self) -> Tensor:
        """Compute b_q, shape (n_out,)."""
        return held(rounded(self.bias * self.per_state), self.affine.state_bits)

    def forward(self, received: Sequence[Tensor], weight: Tensor, bias: Tensor) -> Tensor:
        """Compute z in state units, shape (n_samples, n_out).

        Args:
            received: Integers of each connection, shape (n_samples, n_source) each.
            weight: W_q.
            bias: b_q.
        """
        total = bias
        for a, part, aligned in zip(received, weight.split(self.widths, dim=1), self.aligned, strict=True):
            total = rounded(nn.functional.linear(a, part) * aligned) + total
        return held(total, self.affine.state_bits)

    def quantized(self) -> QuantizedAffine:
        """Return the quantized record of the current parameters."""
        return self.affine.with_weight(integers(self.integer_weight()), bias=integers(self.integer_bias()))


class QuantizationAwarePopulation(nn.Module):
    """A population of Variable Spiking Neurons, with masters W, b, theta and beta."""

    def __init__(self, node: QuantizedPopulation, dtype: torch.dtype) -> None:
        super().__init__()
        self.node = node
        self.affine = QuantizationAwareAffine(node.affine, dtype)
        self.theta = nn.Parameter(torch.tensor(dequantize_array(node.theta, node.affine.state_exponent), dtype=dtype))
        self.beta = nn.Parameter(torch.tensor(dequantize_array(node.beta, -LEAK_BITS), dtype=dtype))
        self.rule = IntegerNeuronRule(table=TableWithGradient(node.table, dtype), polarity=node.polarity)

    def integer_theta(self) -> Tensor:
        """Compute theta_q, shape (n_out,)."""
        highest = IntFormat(bits=self.node.affine.state_bits).highest
        return torch.clamp(raised(self.theta * self.affine.per_state), 0, highest)

    def integer_beta(self) -> Tensor:
        """Compute beta_q, shape (n_out,)."""
        return torch.clamp(rounded(self.beta * (1 << LEAK_BITS)), 0, 1 << LEAK_BITS)

    def quantized(self) -> QuantizedPopulation:
        """Return the quantized record of the current parameters."""
        theta, beta = integers(self.integer_theta()), integers(self.integer_beta())
        return replace(self.node, affine=self.affine.quantized(), theta=theta, beta=beta)


class _Driven(NamedTuple):
    """The drive of a population and what its table makes of it, for what it received."""

    received: Sequence[Tensor]
    drive: Tensor
    looked_up: Tensor


class _TensorArithmetic:
    """Integers in tensors; parameters are rounded once a walk, and what a node receives unchanged is computed once."""

    def __init__(self, network: QuantizationAwareNetwork, n_samples: int) -> None:
        self.dtype, self.n_samples = network.dtype, n_samples
        self.populations = {node.name: part for node, part in network.pairs()}
        self.parameters = {
            name: (part.affine.integer_weight(), part.affine.integer_bias(), part.integer_beta(), part.integer_theta())
            for name, part in self.populations.items()
        }
        self.output = network.output
        self.output_parameters = (network.output.integer_weight(), network.output.integer_bias())
        self.driven: dict[str, _Driven] = {}

    def silence(self, width: int) -> Tensor:
        """Return zeros of shape (n_samples, width)."""
        return torch.zeros((self.n_samples, width), dtype=self.dtype)

    def step(self, node: QuantizedNode | QuantizedOutput, membrane: Tensor, received: Sequence[Tensor]) -> NodeStep:
        """Compute one step of a node by the equations of the module's docstring."""
        if isinstance(node, QuantizedProduct):
            scaled = received[0] * received[1] * float(np.ldexp(1.0, node.shift))
            return NodeStep(received, scaled, held(rounded(scaled), node.sends.bits))
        if isinstance(node, QuantizedOutput):
            z = self.output(received, *self.output_parameters)
            return NodeStep(received, z, z)
        weight, bias, beta, theta = self.parameters[node.name]
        part, known = self.populations[node.name], self.driven.get(node.name)
        if known is None or any(a is not b for a, b in zip(known.received, received, strict=True)):
            z = part.affine(received, weight, bias)
            with torch.no_grad():
                known = _Driven(received, z, part.rule.table.look_up(z))
            self.driven[node.name] = known
        payload, carried = step_vsn(known.drive, known.looked_up, membrane, beta, theta, part.rule)
        return NodeStep(received, known.drive, payload, carried=carried)


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
        self.populations = nn.ModuleList(QuantizationAwarePopulation(node, dtype) for node in network.populations)
        self.output = QuantizationAwareAffine(network.output.affine, dtype)
        self.output_unit = float(np.ldexp(1.0, network.output.affine.state_exponent))
        for spec, (_, part) in zip(network.source.populations, self.pairs(), strict=True):
            part.affine.weight.requires_grad_(not spec.is_relay)

    def pairs(self) -> Iterator[tuple[PopulationSpec, QuantizationAwarePopulation]]:
        """Yield every population of the source with its trainable counterpart."""
        parts = (cast(QuantizationAwarePopulation, part) for part in self.populations)
        return zip(self.network.source.populations, parts, strict=True)

    def words(self, x: IntArray) -> Tensor:
        """Return input words, (n_samples, n_in) or (n_samples, n_steps, n_in), as a tensor."""
        return torch.tensor(x, dtype=self.dtype)

    def walked(self, x: Tensor) -> dict[str, list[Tensor]]:
        """Walk the network; return what every node sends, and the read-out emits, one (n_samples, n_out) for each step.

        Args:
            x: Input words, shape (n_samples, n_in), or (n_samples, n_steps, n_in) of sequences.
        """
        sent: dict[str, list[Tensor]] = {node.name: [] for node in (*self.network.nodes, self.network.output)}

        def see(t: int, node: Any, step: NodeStep) -> None:
            sent[node.name].append(step.payload)

        values = constant_inputs(self.network, cast(Any, x))
        constant = values(0)
        n_steps = self.network.n_steps or x.shape[1]
        arithmetic = _TensorArithmetic(self, len(x))
        walk(self.network, lambda t: values(t) if x.ndim == 3 else constant, n_steps, arithmetic, see)
        return sent

    def total(self, x: Tensor) -> Tensor:
        """Compute the integer read-out, as `RunTrace.readout`, for input words."""
        emitted = self.walked(x)[self.network.output.name]
        if self.network.readout is Readout.EVERY:
            return torch.stack(emitted, dim=1)
        return emitted[-1] if self.network.readout is Readout.LAST else torch.stack(emitted).sum(0)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the network's output y before the host's transforms, as `total`, for input words."""
        return self.total(x) * (self.output_unit / divisor(self.network.source, x.shape[1]))

    def quantized(self) -> QuantizedNetwork:
        """Return the quantized network of the current parameters."""
        made = {spec.name: part.quantized() for spec, part in self.pairs()}
        nodes = tuple(made.get(node.name, node) for node in self.network.nodes)
        output = replace(self.network.output, affine=self.output.quantized())
        return replace(self.network, nodes=nodes, output=output)


def integers(values: Tensor) -> IntArray:
    """Convert integers stored as floating point to int64."""
    found: IntArray = values.detach().to(torch.float64).numpy().astype(np.int64)
    return found


def _inexact_sums(network: QuantizedNetwork) -> Iterator[Violation]:
    """Find what float64 could not hold exactly: sums, products, and interpolated payloads within their word."""
    repair = "Use shorter words or a coarser state; the integer engine itself is not bound by this."
    where = f"quantization-aware network {network.name!r}"
    for affine in network.affines:
        highest = float(affine.sum_bound().max())
        highest = max(highest, *(float(each.product_bound().max()) for each in affine.connections))
        if highest >= EXACT:
            yield Violation(where, "have sums of products below 2**52", highest, repair)
    for node in network.nodes:
        if isinstance(node, QuantizedProduct):
            bits = node.left_word.bits + node.right_word.bits - 2 + max(node.shift, 0)
            if bits > 52:
                yield Violation(f"{where}: product {node.name!r}", "need at most 52 bits", bits, repair)
            continue
        table = node.table
        bits = table.payload_bits + table.fraction_bits + table.index_bits
        if table.rule.needs_table and bits > 52:
            rule = "have at most 52 payload, fraction and index bits together"
            yield Violation(f"{where}: {node.name!r}.table", rule, bits, repair)
